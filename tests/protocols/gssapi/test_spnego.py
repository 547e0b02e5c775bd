"""RFC 4178 and [MS-SPNG] tokens give their fields."""

from __future__ import annotations

from builders import spnego as write

from rpctrace.encoding.partial import FirstProblem
from rpctrace.protocols.gssapi.spnego import NegState, NegTokenInit, NegTokenResp, parse_negotiation_token, parse_spnego


def test_neg_token_init() -> None:
    """Mechanisms in order, the first one's token, the MIC; framed and bare are the same."""
    token = parse_spnego(write.neg_token_init(mech_token=b"\x01\x02", mech_list_mic=b"mic"))
    assert isinstance(token, NegTokenInit)
    assert token.mech_types == write.WINDOWS_MECHANISMS
    assert (bytes(token.mech_token or b""), token.mech_list_mic, token.neg_hints) == (b"\x01\x02", b"mic", None)


def test_neg_token_init_2() -> None:
    """[MS-SPNG] 2.2.1: a server that speaks first names a hint."""
    token = parse_spnego(write.neg_token_init(hint="not_defined_in_RFC4178@please_ignore"))
    assert isinstance(token, NegTokenInit)
    assert token.neg_hints is not None
    assert token.neg_hints.hint_name == "not_defined_in_RFC4178@please_ignore"


def test_neg_token_resp() -> None:
    """State, chosen mechanism, token and MIC."""
    octets = write.neg_token_resp(1, write.NTLMSSP, b"tok", mech_list_mic=b"mic")
    token = parse_negotiation_token(octets, FirstProblem())
    assert isinstance(token, NegTokenResp)
    assert (token.state, token.supported_mech) == (NegState.ACCEPT_INCOMPLETE, write.NTLMSSP)
    assert (bytes(token.response_token or b""), token.mech_list_mic) == (b"tok", b"mic")
