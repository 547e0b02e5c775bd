"""The security contexts of one association: legs in, what a call runs in and which ticket it presented out.

[MS-RPCE] 3.3.1.5.2 and 2.2.2.11: a context is named by auth_context_id; its legs travel in bind, alter_context, auth3
and their answers. Several may live on one connection. Only an AP-REQ carries a ticket's clear text; later legs and
signatures belong to the ticket that their context presented last.
"""

from __future__ import annotations

from rpctrace.protocols.dcerpc.call import CallAuthentication, CallKind
from rpctrace.protocols.dcerpc.pdu import SecTrailer
from rpctrace.protocols.gssapi.exchange import NtlmNames, PresentedTicket, learned_names, presented_ticket
from rpctrace.protocols.gssapi.framing import Mechanism
from rpctrace.protocols.gssapi.spnego import NegState, NegTokenResp
from rpctrace.protocols.gssapi.token import AuthType, Token, TokenKind, read_token
from rpctrace.protocols.kerberos.messages import ApReq, KrbError
from rpctrace.protocols.ntlm.messages import Authenticate, Challenge, Negotiate
from rpctrace.record import state

MAXIMUM_CONTEXTS = 2048  # [MS-RPCE] 3.3.1.5.4 lets a connection have 2000

# Before a token has told the mechanism, the auth type does.
_MECHANISMS = {
    AuthType.SPNEGO: "spnego",
    AuthType.NTLM: "ntlm",
    AuthType.TLS: "schannel",
    AuthType.KERBEROS: "kerberos",
    AuthType.NETLOGON: "netlogon",
    AuthType.DEFAULT: "ntlm",
}
_UNDECIDED = frozenset((Mechanism.SPNEGO, Mechanism.UNKNOWN))


@state
class SecurityContext:
    """What is known of one auth_context_id so far. Mutable: it grows with each leg."""

    context_id: int
    auth_type: int
    auth_level: int
    mechanism: str
    ticket: PresentedTicket | None = None
    ntlm: NtlmNames | None = None
    _latest: CallAuthentication | None = None  # of the latest request: the next one mostly runs in the same way

    def authentication(self, trailer: SecTrailer | None, token: Token | None = None) -> CallAuthentication:
        """The context as a PDU with this trailer and token runs in it."""
        auth_type, auth_level = self.auth_type, self.auth_level
        if trailer is not None:
            auth_type, auth_level = trailer.auth_type, trailer.auth_level
        if token is not None:
            return self._running(auth_type, auth_level, token.kind.value)
        known = self._latest
        if (
            known is None
            or known.auth_level != auth_level
            or known.auth_type != auth_type
            or known.mechanism is not self.mechanism
            or known.ntlm is not self.ntlm
        ):
            known = self._latest = self._running(auth_type, auth_level, None)
        return known

    def _running(self, auth_type: int, auth_level: int, token: str | None) -> CallAuthentication:
        return CallAuthentication(
            self.context_id, auth_type, auth_level, self.mechanism, token, None, None, self.ntlm
        )


class SecurityContexts:
    """All contexts of one association."""

    __slots__ = ("_contexts", "dropped")

    def __init__(self) -> None:
        self._contexts: dict[int, SecurityContext] = {}
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._contexts)

    def get(self, context_id: int) -> SecurityContext | None:
        return self._contexts.get(context_id)

    @property
    def only(self) -> SecurityContext | None:
        """The connection's one context; None when there is none or several."""
        return next(iter(self._contexts.values())) if len(self._contexts) == 1 else None

    def for_trailer(self, trailer: SecTrailer) -> SecurityContext:
        """The context a trailer names, made when it was not seen before."""
        context = self._contexts.get(trailer.context_id)
        if context is None:
            mechanism = _MECHANISMS.get(AuthType(trailer.auth_type), "unknown")
            context = SecurityContext(trailer.context_id, trailer.auth_type, trailer.auth_level, mechanism)
            if len(self._contexts) < MAXIMUM_CONTEXTS:
                self._contexts[trailer.context_id] = context
            else:
                self.dropped += 1
        return context

    def client_leg(self, trailer: SecTrailer, kind: CallKind, frame: int) -> tuple[SecurityContext, Token]:
        """A token of the client in a bind, alter_context or auth3."""
        context = self.for_trailer(trailer)
        token = read_token(trailer.auth_type, trailer.token)
        _learn_mechanism(context, token)
        if isinstance(token.message, ApReq):
            context.ticket = presented_ticket(token.message, kind.value, frame)
        elif isinstance(token.message, Negotiate | Authenticate):
            context.ntlm = learned_names(context.ntlm, token.message)
        return context, token

    def server_leg(
        self, trailer: SecTrailer, authentication: CallAuthentication | None
    ) -> tuple[CallAuthentication, bool]:
        """A token of the server in an ack -> the call's authentication with it, and whether the token refuses."""
        context = self.for_trailer(trailer)
        token = read_token(trailer.auth_type, trailer.token)
        _learn_mechanism(context, token)
        if isinstance(token.message, Challenge):
            context.ntlm = learned_names(context.ntlm, token.message)
        error = token.message if isinstance(token.message, KrbError) else None
        answered = (authentication or context.authentication(trailer))._replace(
            mechanism=context.mechanism,
            reply_token=token.kind.value,
            kerberos_error=error,
            ntlm=context.ntlm,
        )
        refused = isinstance(token.spnego, NegTokenResp) and token.spnego.state is NegState.REJECT
        return answered, refused or token.kind is TokenKind.KRB_ERROR


def _learn_mechanism(context: SecurityContext, token: Token) -> None:
    if token.mechanism not in _UNDECIDED or context.mechanism == "unknown":
        context.mechanism = token.mechanism.value
