"""Security contexts: legs, mechanisms, the ticket last presented, bounds."""

from __future__ import annotations

from builders import kerberos, spnego
from tokens import TOKENS

from rpctrace.protocols.dcerpc.call import CallKind
from rpctrace.protocols.dcerpc.pdu import SecTrailer
from rpctrace.protocols.dcerpc.security import MAXIMUM_CONTEXTS, SecurityContexts


def trailer(octets: bytes, *, auth_type: int = 9, context_id: int = 1) -> SecTrailer:
    return SecTrailer(auth_type, 6, 0, context_id, memoryview(octets), len(octets))


def test_the_mechanism_is_what_the_tokens_say() -> None:
    """SPNEGO until something is chosen; NTLM when the client falls back."""
    contexts = SecurityContexts()
    context, _ = contexts.client_leg(trailer(spnego.neg_token_init()), CallKind.BIND, 1)
    assert context.mechanism == "spnego"
    contexts.server_leg(trailer(TOKENS["accept-completed"]), None)
    assert context.mechanism == "kerberos"
    contexts.client_leg(trailer(TOKENS["NTLM in SPNEGO"]), CallKind.ALTER_CONTEXT, 2)
    assert context.mechanism == "ntlm"


def test_the_ticket_is_the_latest_of_its_context() -> None:
    """A second AP-REQ replaces the first; another context has its own; a TGT-REP presents none."""
    contexts = SecurityContexts()
    first, _ = contexts.client_leg(trailer(TOKENS["SPNEGO AP-REQ"]), CallKind.BIND, 1)
    other, _ = contexts.client_leg(trailer(TOKENS["TGT-REQ"], context_id=2), CallKind.BIND, 2)
    contexts.server_leg(trailer(TOKENS["TGT-REP"], context_id=2), None)
    assert other.ticket is None
    contexts.client_leg(trailer(TOKENS["user-to-user AP-REQ in a later leg"]), CallKind.ALTER_CONTEXT, 3)
    assert first.ticket is not None
    assert (first.ticket.sname, first.ticket.frame) == (("novice",), 3)
    assert contexts.only is None


def test_what_refuses_in_an_ack() -> None:
    """KRB-ERROR and SPNEGO reject do, AP-REP does not; the error goes into the call."""
    contexts = SecurityContexts()
    assert contexts.server_leg(trailer(TOKENS["reject"]), None)[1]
    said, refused = contexts.server_leg(trailer(TOKENS["GSS KRB-ERROR"], auth_type=16), None)
    assert refused
    assert said.kerberos_error is not None
    assert said.kerberos_error.error_code == 37
    assert not contexts.server_leg(trailer(kerberos.ap_rep(), auth_type=16), None)[1]


def test_calls_of_a_context_share_what_is_known_until_more_is() -> None:
    """The next leg, another level or another type make another value."""
    contexts = SecurityContexts()
    context, _ = contexts.client_leg(trailer(spnego.neg_token_init()), CallKind.BIND, 1)
    signed = trailer(b"signature")
    before = context.authentication(signed)
    assert context.authentication(signed) is before
    assert context.authentication(signed._replace(auth_level=2)).auth_level == 2
    assert context.authentication(signed._replace(auth_type=10)).auth_type == 10
    contexts.client_leg(trailer(TOKENS["NTLM in SPNEGO"]), CallKind.ALTER_CONTEXT, 2)
    after = context.authentication(signed)
    assert (before.mechanism, after.mechanism, before.token, after.token) == ("spnego", "ntlm", None, None)
    assert after.ntlm is context.ntlm


def test_contexts_are_bounded() -> None:
    """[MS-RPCE] allows 2000; more are read and not kept, and counted."""
    contexts = SecurityContexts()
    for context_id in range(MAXIMUM_CONTEXTS + 5):
        contexts.client_leg(trailer(b"\0", context_id=context_id), CallKind.BIND, 1)
    assert (len(contexts), contexts.dropped) == (MAXIMUM_CONTEXTS, 5)
