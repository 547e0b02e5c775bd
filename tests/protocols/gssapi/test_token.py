"""Every kind of token of the lab is told, in every wrapping and under every auth type; nothing makes the door raise."""

from __future__ import annotations

import gc
import pickle
import random
import weakref

import pytest
from authentication_tokens import TOKENS, auth_type, mutants, octets, truncations
from builders import der as write
from builders import kerberos as write_kerberos
from builders import spnego as write_spnego

from rpctrace.errors import Malformed, Truncated
from rpctrace.protocols.gssapi.framing import Mechanism
from rpctrace.protocols.gssapi.netlogon import NlAuthMessage
from rpctrace.protocols.gssapi.spnego import NegState, NegTokenInit, NegTokenResp
from rpctrace.protocols.gssapi.token import AuthType, TokenKind, read_token
from rpctrace.protocols.kerberos.messages import ApReq, KrbError, NameType, TgtReq
from rpctrace.protocols.ntlm.messages import Authenticate

NO, INIT, RESP = type(None), NegTokenInit, NegTokenResp

# name: kind, mechanism, SPNEGO around it, in a GSS-API frame of its own, complete
EXPECTED: dict[str, tuple[str, str, type, bool, bool]] = {
    "ap_req": ("AP-REQ", "kerberos", NO, False, True),
    "ap_req_in_spnego": ("AP-REQ", "kerberos", INIT, False, True),
    "ap_req_user_to_user": ("AP-REQ", "kerberos", RESP, False, True),
    "ap_req_user_to_user_plain": ("AP-REQ", "kerberos", NO, False, True),
    "ap_req_user_to_user_framed": ("AP-REQ", "kerberos", RESP, True, True),
    "ap_req_enterprise_name": ("AP-REQ", "kerberos", RESP, False, True),
    "tgt_req": ("TGT-REQ", "kerberos", INIT, True, True),
    "tgt_req_framed": ("TGT-REQ", "kerberos", NO, True, True),
    "tgt_req_nameless": ("TGT-REQ", "kerberos", INIT, True, True),
    "tgt_rep": ("TGT-REP", "kerberos", RESP, True, True),
    "tgt_rep_framed": ("TGT-REP", "kerberos", NO, True, True),
    "krb_error_skew": ("KRB-ERROR", "kerberos", NO, True, True),
    "krb_error_skew_in_spnego": ("KRB-ERROR", "kerberos", RESP, True, True),
    "krb_error_no_tgt": ("KRB-ERROR", "kerberos", RESP, True, True),
    "ap_rep": ("AP-REP", "kerberos", RESP, False, True),
    "ap_rep_plain": ("AP-REP", "kerberos", NO, False, True),
    "ap_rep_third_leg_with_mic": ("AP-REP", "kerberos", RESP, False, True),
    "completed_with_mic": ("NegTokenResp", "spnego", RESP, False, True),
    "completed": ("NegTokenResp", "spnego", RESP, False, True),
    "mechanism_chosen": ("NegTokenResp", "kerberos", RESP, False, True),
    "mechanisms_offered": ("NegTokenInit", "spnego", INIT, False, True),
    "server_speaks_first": ("NegTokenInit", "spnego", INIT, False, True),
    "third_leg_damaged": ("unknown", "kerberos", NO, False, False),
    "ntlm_negotiate": ("NEGOTIATE", "ntlm", NO, False, True),
    "ntlm_challenge": ("CHALLENGE", "ntlm", NO, False, True),
    "ntlm_authenticate": ("AUTHENTICATE", "ntlm", NO, False, True),
    "ntlm_negotiate_short": ("NEGOTIATE", "ntlm", NO, False, True),
    "ntlm_anonymous": ("AUTHENTICATE", "ntlm", NO, False, True),
    "ntlm_negotiate_in_spnego": ("NEGOTIATE", "ntlm", INIT, False, True),
    "ntlm_challenge_in_spnego": ("CHALLENGE", "ntlm", RESP, False, True),
    "ntlm_anonymous_in_spnego": ("AUTHENTICATE", "ntlm", RESP, False, True),
    "netlogon_request": ("NL_AUTH_MESSAGE", "netlogon", NO, False, True),
    "netlogon_response": ("NL_AUTH_MESSAGE", "netlogon", NO, False, True),
    "no_token": ("unknown", "unknown", NO, False, False),
}
NAMES = sorted(TOKENS)
# No length in them says that something is missing.
SHORTER_FORMS = {"netlogon_response": range(8, 12), "ntlm_negotiate_short": (16,)}
OF_NETLOGON = {"netlogon_request", "netlogon_response"}
AUTH_TYPES = (*(int(member) for member in AuthType), 1, 153)


def test_every_token_has_its_line() -> None:
    """The table above and the tokens go together."""
    assert sorted(EXPECTED) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_whole_tokens(name: str) -> None:
    """Kind, mechanism, wrapping; surplus octets change nothing; complete tokens have no problem."""
    for surplus in (b"", b"\0\0\0"):
        token = read_token(auth_type(name), octets(name) + surplus)
        found = (token.kind.value, token.mechanism.value, type(token.spnego), token.gss_wrapped, token.complete)
        assert found == EXPECTED[name]
        assert (token.problem is None) is token.complete


@pytest.mark.parametrize("name", sorted(set(NAMES) - OF_NETLOGON))
def test_octets_decide_over_auth_types(name: str) -> None:
    """Raw NTLM and Kerberos under auth type 9 and the like: whatever the trailer says, a known token is told."""
    own = read_token(auth_type(name), octets(name))
    for other in AUTH_TYPES:
        token = read_token(other, octets(name))
        assert (token.kind, token.message, token.spnego) == (own.kind, own.message, own.spnego)


@pytest.mark.parametrize("name", NAMES)
def test_every_truncation(name: str) -> None:
    """Never raises, is never complete, and the kind is the whole's or a vaguer one: SPNEGO alone, or unknown."""
    whole = read_token(auth_type(name), octets(name))
    vaguer = {TokenKind.UNKNOWN, TokenKind.NEG_TOKEN_INIT, TokenKind.NEG_TOKEN_RESP}
    for cut in truncations(octets(name)):
        token = read_token(auth_type(name), cut)
        assert token.kind is whole.kind or token.kind in vaguer
        assert not token.complete or len(cut) in SHORTER_FORMS.get(name, ())
        assert token.mechanism in (whole.mechanism, Mechanism.SPNEGO, read_token(auth_type(name), b"").mechanism)


@pytest.mark.parametrize("name", NAMES)
def test_mutants_never_raise(name: str) -> None:
    """2000 damaged copies of each token, under its own auth type and others: a value, whole or with its problem."""
    for number, mutant in enumerate(mutants(octets(name), seed=len(name), count=2000)):
        token = read_token(AUTH_TYPES[number % len(AUTH_TYPES)] if number % 4 == 0 else auth_type(name), mutant)
        assert token.complete or token.problem is not None
        if token.kind is TokenKind.UNKNOWN:
            assert (token.complete, token.message) == (False, None)


def test_noise_is_no_token() -> None:
    """5000 runs of random octets: none is taken for a whole token."""
    chance = random.Random(7)
    for _ in range(5000):
        noise = chance.randbytes(chance.randrange(64))
        token = read_token(chance.choice((9, 10, 16, 255)), noise)
        assert not token.complete


def test_the_article_is_told() -> None:
    """User-to-user as in the support article: realm, one-part name, USE-SESSION-KEY, in an alter_context's token."""
    token = read_token(9, octets("ap_req_user_to_user"))
    assert isinstance(token.message, ApReq)
    assert token.message.user_to_user
    assert token.message.ticket is not None
    assert token.message.ticket.sname is not None
    assert (token.message.ticket.realm, token.message.ticket.sname.components) == ("CHILD.DOMAINA.COM", ("bob-a",))
    enterprise = read_token(9, octets("ap_req_enterprise_name")).message
    assert isinstance(enterprise, ApReq)
    assert enterprise.ticket is not None
    assert enterprise.ticket.sname is not None
    assert enterprise.ticket.sname.name_type is NameType.ENTERPRISE
    asked = read_token(9, octets("tgt_req")).message
    assert isinstance(asked, TgtReq)
    assert str(asked.server_name) == "bob-a"


@pytest.mark.parametrize(("name", "code"), [("krb_error_skew", 37), ("krb_error_skew_in_spnego", 37),
                                            ("krb_error_no_tgt", 67)])  # fmt: skip
def test_a_refusal_names_its_code(name: str, code: int) -> None:
    """KRB-ERROR in an ack, also in the frame that tshark does not look into under auth type 16."""
    message = read_token(auth_type(name), octets(name)).message
    assert isinstance(message, KrbError)
    assert message.error_code == code


def test_mechanism_of_spnego() -> None:
    """Chosen by supportedMech; undecided while only offered; NegoEx by its signature; a refusal keeps its state."""
    refusal = read_token(9, write_spnego.neg_token_resp(state=2))
    assert isinstance(refusal.spnego, NegTokenResp)
    assert (refusal.spnego.state, refusal.mechanism) == (NegState.REJECT, Mechanism.SPNEGO)
    negoex = read_token(9, write_spnego.neg_token_resp(state=1, response_token=b"NEGOEXTS" + bytes(32)))
    assert (negoex.kind, negoex.mechanism, negoex.complete) == (TokenKind.NEG_TOKEN_RESP, Mechanism.NEGOEX, True)
    odd = read_token(9, write_spnego.neg_token_resp(state=1, mechanism="1.2.3.4"))
    assert odd.mechanism is Mechanism.UNKNOWN
    framed = read_token(9, write.tagged(0x60, write.object_identifier("1.3.6.1.5.2.5") + b"\x05\x01"))
    assert (framed.kind, framed.mechanism, framed.gss_wrapped) == (TokenKind.UNKNOWN, Mechanism.IAKERB, True)
    ntlm = read_token(9, write.tagged(0x60, write.object_identifier("1.3.6.1.4.1.311.2.2.10")
                                      + octets("ntlm_negotiate")))  # fmt: skip
    assert (ntlm.kind, ntlm.gss_wrapped, ntlm.complete) == (TokenKind.NEGOTIATE, True, True)


def test_unreadable_inside_spnego() -> None:
    """The SPNEGO part stays, with the reason why what it carries is not read; SPNEGO in SPNEGO is not entered."""
    chosen = write_spnego.neg_token_resp(state=1, mechanism="1.2.840.113554.1.2.2", response_token=b"garbage")
    token = read_token(9, chosen)
    assert (token.kind, token.mechanism, token.message) == (TokenKind.NEG_TOKEN_RESP, Mechanism.KERBEROS, None)
    assert isinstance(token.problem, Malformed)
    bomb = octets("ap_rep")
    for _ in range(500):
        bomb = write_spnego.neg_token_resp(state=1, response_token=bomb)
    nested = read_token(9, bomb)
    assert (nested.kind, nested.message) == (TokenKind.NEG_TOKEN_RESP, None)
    assert not nested.complete


def test_token_id_and_message_disagree() -> None:
    """The message decides, the contradiction is noted; an unknown id is no Kerberos token that is read."""
    token = read_token(16, octets("krb_error_skew").replace(b"\x03\x00\x7e", b"\x01\x00\x7e"))
    assert (token.kind, token.complete) == (TokenKind.KRB_ERROR, False)
    unknown = read_token(16, octets("krb_error_skew").replace(b"\x03\x00\x7e", b"\x04\x04\x7e"))
    assert (unknown.kind, unknown.mechanism) == (TokenKind.UNKNOWN, Mechanism.KERBEROS)


def test_tls_and_netlogon_by_auth_type() -> None:
    """They have no signature, so only their auth types name them; under others the same octets are nothing."""
    hello = bytes.fromhex("1603010005 0100000100")
    assert read_token(AuthType.TLS, hello).kind is TokenKind.TLS
    assert read_token(AuthType.SPNEGO, hello).kind is TokenKind.UNKNOWN
    request = octets("netlogon_request")
    message = read_token(AuthType.NETLOGON, request).message
    assert isinstance(message, NlAuthMessage)
    assert message.netbios_domain == "DOMAINB"
    assert read_token(AuthType.KERBEROS, request).kind is TokenKind.UNKNOWN


@pytest.mark.parametrize("kind", AUTH_TYPES)
def test_an_empty_token(kind: int) -> None:
    """Zero octets: unknown, `Truncated`, ascribed to the auth type."""
    token = read_token(kind, b"")
    assert token.kind is TokenKind.UNKNOWN
    assert isinstance(token.problem, Truncated)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_secret_and_no_octets_are_kept(name: str) -> None:
    """A token can travel to another process, holds no ciphertext or response, and does not keep what was read alive."""

    class Buffer(bytearray):
        pass

    buffer = Buffer(octets(name)[:-1])  # cut, so that an error is kept too
    token = read_token(auth_type(name), memoryview(buffer))
    again = pickle.loads(pickle.dumps(token))
    assert (again.kind, again.message, again.spnego) == (token.kind, token.message, token.spnego)
    if "mic" not in name:
        assert b"\xee" * 8 not in pickle.dumps(token)
        assert "eeee" not in repr(token)
    kept = weakref.ref(buffer)
    del buffer
    gc.collect()
    assert kept() is None


def test_anonymous_ntlm() -> None:
    """No name, no response: said so."""
    message = read_token(9, octets("ntlm_anonymous_in_spnego")).message
    assert isinstance(message, Authenticate)
    assert message.anonymous


@pytest.mark.parametrize(
    "wrapped",
    [bytes.fromhex("050404ff000c000c0000000000000001"), write_kerberos.gss_frame(b"\x02\x01", bytes(40))],
    ids=["RFC 4121", "RFC 1964"],
)
def test_wrapped_tokens_of_kerberos(wrapped: bytes) -> None:
    """What follows AP-REQ and AP-REP in a bind of LDAP by GSSAPI."""
    token = read_token(AuthType.SPNEGO, wrapped)
    assert (token.kind, token.mechanism, token.complete) == (TokenKind.WRAP, Mechanism.KERBEROS, True)
