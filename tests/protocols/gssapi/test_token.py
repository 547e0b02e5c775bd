"""Every kind of token is told from its octets, whole, cut and damaged; secrets are not in what is read."""

from __future__ import annotations

import random

import pytest
from builders import kerberos, ntlm, spnego
from tokens import TIME_NS, TOKENS

from rpctrace.protocols.gssapi.spnego import NegState, NegTokenResp
from rpctrace.protocols.gssapi.token import TokenKind, read_token
from rpctrace.protocols.kerberos.messages import ApOptions, ApReq, KrbError, TgtRep, TgtReq
from rpctrace.protocols.ntlm.messages import Authenticate, Challenge


def message(name: str) -> object:
    auth_type, octets, _kind, _mechanism = TOKENS[name]
    return read_token(auth_type, octets).message


@pytest.mark.parametrize("name", TOKENS)
def test_kind_and_mechanism(name: str) -> None:
    """The innermost token that can be told, and who speaks in it."""
    auth_type, octets, kind, mechanism = TOKENS[name]
    token = read_token(auth_type, octets)
    assert (token.kind.value, token.mechanism.value, token.problem) == (kind, mechanism, None)


def test_a_ticket_in_clear() -> None:
    """Realm, sname and type, etypes, kvno, options; user-to-user by its flag, not by the mechanism list."""
    ordinary, novice = message("SPNEGO AP-REQ"), message("user-to-user AP-REQ in a later leg")
    assert isinstance(ordinary, ApReq)
    assert isinstance(novice, ApReq)
    assert ordinary.ticket is not None
    assert ordinary.ticket.sname is not None
    assert (ordinary.ticket.realm, ordinary.ticket.sname.components) == ("DOMAINB.COM", ("host", "dc1.domainb.com"))
    assert (ordinary.ticket.sname.name_type, ordinary.ticket.etype, ordinary.ticket.kvno) == (2, 18, 3)
    assert (ordinary.authenticator_etype, ordinary.user_to_user) == (18, False)
    assert novice.ticket is not None
    assert novice.ticket.sname is not None
    assert (novice.ticket.realm, novice.ticket.sname.components) == ("child.domainA.COM", ("novice",))
    assert novice.options == ApOptions.USE_SESSION_KEY | ApOptions.MUTUAL_REQUIRED
    assert novice.ticket.kvno is None


def test_user_to_user_legs() -> None:
    """04 00 asks for the novice's TGT, 04 01 carries it."""
    ask, give = message("TGT-REQ"), message("TGT-REP")
    assert isinstance(ask, TgtReq)
    assert ask.server_name is not None
    assert ask.server_name.components == ("novice",)
    assert isinstance(give, TgtRep)
    assert give.ticket is not None
    assert give.ticket.sname is not None
    assert give.ticket.sname.components == ("krbtgt", "CHILD.DOMAINA.COM")


def test_a_krb_error() -> None:
    """Code, server time with microseconds, text, and the NTSTATUS of KERB-EXT-ERROR."""
    error = message("GSS KRB-ERROR")
    assert isinstance(error, KrbError)
    assert (error.error_code, error.e_text, error.ntstatus) == (37, "clock skew", 0xC0000133)
    assert error.stime_ns == TIME_NS + 250_000_000


def test_ntlm_names_and_no_proofs() -> None:
    """Domain, user, workstation, target; neither challenge nor response is anywhere in the value."""
    said = message("NTLM authenticate")
    assert isinstance(said, Authenticate)
    assert (said.domain, said.user, said.workstation) == ("DOMAINB", "alice", "WS1")
    target = message("NTLM challenge")
    assert isinstance(target, Challenge)
    assert target.target_name == "DOMAINB"
    planted = b"\xa5PLANTED-PROOF\x5a" + bytes(8)
    token = read_token(10, ntlm.authenticate("D", "u", "w", nt_response=planted, session_key=planted[:16]))
    assert "PLANTED" not in repr(token)
    secret = kerberos.ticket("R", kerberos.principal("s"), cipher=b"PLANTED-CIPHER" * 4)
    assert "PLANTED" not in repr(read_token(16, kerberos.ap_req(secret, authenticator_cipher=b"PLANTED-AUTH")))


def test_a_reject_keeps_its_state() -> None:
    """SPNEGO reject is what makes an ack a refusal."""
    token = read_token(9, spnego.neg_token_resp(2))
    assert isinstance(token.spnego, NegTokenResp)
    assert token.spnego.state is NegState.REJECT


@pytest.mark.parametrize("name", TOKENS)
def test_every_truncation_gives_what_was_readable(name: str) -> None:
    """Never an exception; once the kind can be told it stays, and a cut ticket shows what came before the cut."""
    auth_type, octets, kind, _mechanism = TOKENS[name]
    whole = read_token(auth_type, octets)
    realms = set()
    for length in range(len(octets)):
        token = read_token(auth_type, octets[:length])
        assert token.kind.value in {kind, "unknown", "NegTokenInit", "NegTokenResp"}
        if isinstance(token.message, ApReq) and token.message.ticket is not None:
            realms.add(token.message.ticket.realm)
    if isinstance(whole.message, ApReq):
        assert whole.message.ticket is not None
        assert realms == {None, whole.message.ticket.realm}


def test_damage_gives_no_exception() -> None:
    """20 000 mutated tokens under right and wrong auth types."""
    rng = random.Random(4120)
    samples = [(auth_type, octets) for auth_type, octets, _, _ in TOKENS.values()]
    kinds = set()
    for _ in range(20_000):
        auth_type, whole = rng.choice(samples)
        octets = bytearray(whole)
        for _ in range(rng.randint(1, 5)):
            octets[rng.randrange(len(octets))] = rng.randrange(256)
        kinds.add(read_token(rng.choice((auth_type, 9, 16, 10, 68, 14, 7)), bytes(octets[: rng.randint(1, 999)])).kind)
    assert TokenKind.UNKNOWN in kinds


def test_nesting_and_garbage() -> None:
    """SPNEGO in SPNEGO in SPNEGO, frames of a huge length, and octets that are nothing."""
    nested = kerberos.gss_frame(kerberos.TOKEN_AP_REQ, b"")
    for _ in range(300):
        nested = spnego.neg_token_init(mech_token=nested)
    for octets in (nested, b"\x60\x84\xff\xff\xff\xff", b"\x6e\x80", b"", b"\0" * 70_000, b"NTLMSSP\0\x09\0\0\0"):
        read_token(9, octets)
