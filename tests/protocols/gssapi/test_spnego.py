"""SPNEGO tokens of the lab read as tshark reads them; cut and damaged ones give what is left."""

from __future__ import annotations

import pytest
from authentication_tokens import FILLER, mutants, octets, truncations
from builders import der as write
from builders import spnego as write_spnego

from rpctrace.encoding.der import MAXIMUM_ITEMS
from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.gssapi.spnego import NegHints, NegState, NegTokenInit, NegTokenResp, parse_spnego

MS_KRB5, KRB5, U2U = "1.2.840.48018.1.2.2", "1.2.840.113554.1.2.2", "1.2.840.113554.1.2.2.3"
NTLMSSP = "1.3.6.1.4.1.311.2.2.10"
WINDOWS = (MS_KRB5, KRB5, U2U, NTLMSSP)


def tail(name: str, start: str) -> memoryview:
    whole = octets(name)
    return memoryview(whole[whole.index(bytes.fromhex(start)) :])


INIT = [
    ("ap_req_in_spnego", NegTokenInit((MS_KRB5, KRB5), None, tail("ap_req_in_spnego", "6e8205be"), None, None)),
    ("tgt_req", NegTokenInit(WINDOWS, None, tail("tgt_req", "6043060a"), None, None)),
    ("tgt_req_nameless", NegTokenInit((U2U,), None, tail("tgt_req_nameless", "601a060a"), None, None)),
    ("mechanisms_offered", NegTokenInit(WINDOWS, None, None, None, None)),
    ("server_speaks_first", NegTokenInit((MS_KRB5, KRB5, NTLMSSP), None, None,
                                         NegHints("not_defined_in_RFC4178@please_ignore", None), None)),
]  # fmt: skip
RESP = [
    ("ap_req_user_to_user", NegState.ACCEPT_INCOMPLETE, None, "6e8206073082", None),
    ("ap_req_user_to_user_framed", NegState.ACCEPT_INCOMPLETE, None, "60820619060a", None),
    ("krb_error_no_tgt", NegState.ACCEPT_INCOMPLETE, MS_KRB5, "6066060a", None),
    ("ap_rep", NegState.ACCEPT_INCOMPLETE, None, "6f7e307c", None),
    ("completed", NegState.ACCEPT_COMPLETED, None, None, None),
    ("completed_with_mic", NegState.ACCEPT_COMPLETED, None, None, FILLER * 28),
    ("mechanism_chosen", NegState.ACCEPT_INCOMPLETE, MS_KRB5, None, None),
    ("ntlm_challenge_in_spnego", NegState.ACCEPT_INCOMPLETE, NTLMSSP, "4e544c4d535350000200", None),
]
ALL = [name for name, *_ in (*INIT, *RESP)] + ["ap_rep_third_leg_with_mic"]


@pytest.mark.parametrize(("name", "expected"), INIT)
def test_neg_token_init(name: str, expected: NegTokenInit) -> None:
    """Framed offers; hints make one a NegTokenInit2."""
    value = parse_spnego(octets(name))
    assert value == expected
    assert value.complete


@pytest.mark.parametrize(("name", "state", "mech", "token", "mic"), RESP)
def test_neg_token_resp(name: str, state: NegState, mech: str | None, token: str | None, mic: bytes | None) -> None:
    """Bare answers: state, mechanism chosen, token, mechListMIC."""
    value = parse_spnego(octets(name))
    assert value == NegTokenResp(state, mech, tail(name, token) if token else None, mic)
    assert value.complete


def test_the_third_leg_of_dce_style() -> None:
    """A client's AP-REP with mechListMIC and without a state; octets behind the token do no harm."""
    value = parse_spnego(octets("ap_rep_third_leg_with_mic") + b"surplus")
    assert isinstance(value, NegTokenResp)
    assert (value.state, value.supported_mech, value.mech_list_mic) == (None, None, FILLER * 28)
    assert value.response_token is not None
    assert (len(value.response_token), bytes(value.response_token[:2])) == (93, b"\x6f\x5b")
    assert value.complete


@pytest.mark.parametrize("name", ALL)
def test_every_truncation(name: str) -> None:
    """A value of the same kind that is not complete, with the start of the whole's token; else `ParseError`."""
    whole = parse_spnego(octets(name))
    for cut in truncations(octets(name)):
        try:
            value = parse_spnego(cut)
        except ParseError:
            assert len(cut) < 18
            continue
        assert type(value) is type(whole)
        assert isinstance(value.problem, Truncated)
        if isinstance(value, NegTokenInit) and isinstance(whole, NegTokenInit):
            assert value.mech_types in ((), whole.mech_types)
            assert bytes(whole.mech_token or b"").startswith(bytes(value.mech_token or b""))
        elif isinstance(value, NegTokenResp) and isinstance(whole, NegTokenResp):
            assert value.state in (None, whole.state)
            assert bytes(whole.response_token or b"").startswith(bytes(value.response_token or b""))


@pytest.mark.parametrize("name", ALL)
def test_mutants_raise_nothing_but_parse_errors(name: str) -> None:
    """2000 damaged copies of each token."""
    read = 0
    for mutant in mutants(octets(name), seed=len(name), count=2000):
        try:
            read += bool(parse_spnego(mutant))
        except ParseError:
            continue
    assert read


def test_state_and_flags() -> None:
    """A refusal, a state that is none, and reqFlags."""
    for state, name in ((2, "REJECT"), (3, "REQUEST_MIC"), (9, "UNKNOWN_9")):
        value = parse_spnego(write_spnego.neg_token_resp(state=state))
        assert isinstance(value, NegTokenResp)
        assert value.state is not None
        assert value.state.name == name
    flags = write.context(0, write.sequence(write.context(1, bytes.fromhex("03020640"))))
    value = parse_spnego(flags)
    assert isinstance(value, NegTokenInit)
    assert value.req_flags == 0x40000000


def test_where_the_mic_lies_in_an_offer() -> None:
    """RFC 4178 has mechListMIC in [3]; with [MS-SPNG]'s hints there it moves to [4]."""
    mic = write.octet_string(b"checksum")
    plain = parse_spnego(write.context(0, write.sequence(write.context(3, mic))))
    hints = write.sequence(write.context(0, write.general_string("dc$@R")), write.context(1, write.octet_string(b"a")))
    hinted = parse_spnego(write.context(0, write.sequence(write.context(3, hints), write.context(4, mic))))
    assert plain == NegTokenInit((), None, None, None, b"checksum")
    assert hinted == NegTokenInit((), None, None, NegHints("dc$@R", b"a"), b"checksum")


def test_lengths_that_are_not_the_shortest() -> None:
    """BER with a length of four octets, as some Windows encoders write it."""
    value = parse_spnego(bytes.fromhex("a1840000000b308400000005a0030a0101"))
    assert value == NegTokenResp(NegState.ACCEPT_INCOMPLETE, None, None, None)
    assert value.complete


@pytest.mark.parametrize("damaged", [
    b"",
    b"\xa1",
    b"\xa1\x07\x02",
    b"\xa2\x00",
    octets("krb_error_skew"),  # a frame of Kerberos
    octets("ntlm_negotiate"),
])  # fmt: skip
def test_what_is_no_negotiation_token(damaged: bytes) -> None:
    """Kind not told: `ParseError`."""
    with pytest.raises(ParseError):
        parse_spnego(damaged)


def test_bounds() -> None:
    """More mechanisms than anybody has, an identifier with an absurd arc, a bomb of nested tags: noted, not obeyed."""
    one = write.object_identifier(KRB5)
    for count, read in ((MAXIMUM_ITEMS, MAXIMUM_ITEMS), (MAXIMUM_ITEMS + 1, 0)):
        value = parse_spnego(write.context(0, write.sequence(write.context(0, write.sequence(*[one] * count)))))
        assert isinstance(value, NegTokenInit)
        assert len(value.mech_types) == read
        assert value.complete is bool(read)
    absurd = write.tagged(0x06, b"\x2a" + b"\xff" * 20 + b"\x7f")
    answer = parse_spnego(write.context(1, write.sequence(write.context(1, absurd))))
    assert isinstance(answer, NegTokenResp)
    assert answer.supported_mech is None
    assert isinstance(answer.problem, Malformed)
    bomb = b""
    for _ in range(3000):
        bomb = write.context(2, bomb)
    assert not parse_spnego(write.context(1, write.sequence(bomb))).complete
