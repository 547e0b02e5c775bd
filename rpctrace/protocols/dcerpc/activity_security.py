"""How an activity is authenticated: [MS-RPCE] 2.2.3.5.

A request names the auth protocol and the security context (key_vers_num) it runs in; the tokens travel in the answers
of the conversation manager, which name the activity alone. So what they say holds for the context that the activity
last used.
"""

from __future__ import annotations

from dataclasses import replace

from rpctrace.protocols.dcerpc.call import CallAuthentication, CallKind
from rpctrace.protocols.dcerpc.datagram import Verifier
from rpctrace.protocols.dcerpc.pdu import SecTrailer
from rpctrace.protocols.dcerpc.security import SecurityContext, SecurityContexts
from rpctrace.protocols.gssapi.exchange import NtlmNames, PresentedTicket

PRESENTED_IN = "conv_who_are_you_auth"
MAXIMUM_TOKEN_OCTETS = 65_536
MAXIMUM_TOKEN_PARTS = 64  # each part is reason to read the token from its begin
_CONTEXT_OCTETS = 1_024  # about what one costs
_NO_TOKEN = memoryview(b"")


class ActivitySecurity:
    """The security contexts of one activity, and the token that the client is being asked for."""

    __slots__ = ("_contexts", "_latest", "_parts", "_token")

    def __init__(self) -> None:
        self._contexts: SecurityContexts | None = None
        self._latest = SecTrailer(0, 0, 0, 0, _NO_TOKEN, 0)
        self._token = b""
        self._parts = 0

    @property
    def _context(self) -> SecurityContext | None:
        return None if self._contexts is None else self._contexts.get(self._latest.context_id)

    @property
    def ticket(self) -> PresentedTicket | None:
        return None if self._context is None else self._context.ticket

    @property
    def ntlm(self) -> NtlmNames | None:
        return None if self._context is None else self._context.ntlm

    @property
    def mechanism(self) -> str:
        return "unknown" if self._context is None else self._context.mechanism

    @property
    def held_octets(self) -> int:
        """About what is held in memory: the token, twice for the names read from it, and the contexts."""
        return 2 * len(self._token) + _CONTEXT_OCTETS * (0 if self._contexts is None else len(self._contexts))

    def of_request(self, auth_protocol: int, verifier: Verifier) -> CallAuthentication:
        """What a request with this verifier runs in."""
        self._latest = SecTrailer(auth_protocol, verifier.auth_level, 0, verifier.key_vers_num, _NO_TOKEN, 0)
        return self._known().for_trailer(self._latest).authentication(self._latest)

    def authentication(self) -> CallAuthentication | None:
        return None if self._context is None else self._context.authentication(None)

    def completed(self, asked: CallAuthentication) -> CallAuthentication:
        """`asked` with what the tokens have told since."""
        context = None if self._contexts is None or asked.context_id is None else self._contexts.get(asked.context_id)
        return asked if context is None else asked._replace(mechanism=context.mechanism, ntlm=context.ntlm)

    def server_token(self, octets: bytes) -> CallAuthentication:
        """in_data of conv_who_are_you_auth, which the server's question brings (the challenge of NTLM)."""
        answered, _refused = self._known().server_leg(self._with(octets), None)
        return answered._replace(token=answered.reply_token, reply_token=None)

    def client_token(self, octets: bytes, index: int, frame: int) -> str | None:
        """out_data, or at `index` a further part of it -> the kind of the token; None for a part that does not fit."""
        if index not in (0, len(self._token)) or len(octets) + index > MAXIMUM_TOKEN_OCTETS:
            return None
        self._parts = self._parts + 1 if index else 1
        if self._parts > MAXIMUM_TOKEN_PARTS:
            return None
        self._token = self._token[:index] + octets
        contexts = self._known()
        context, token = contexts.client_leg(self._with(self._token), CallKind.REQUEST, frame)
        if context.ticket is not None and context.ticket.presented_in != PRESENTED_IN:
            context.ticket = replace(context.ticket, presented_in=PRESENTED_IN)
        return token.kind.value

    def _with(self, octets: bytes) -> SecTrailer:
        return self._latest._replace(token=memoryview(octets), token_length_octets=len(octets))

    def _known(self) -> SecurityContexts:
        if self._contexts is None:
            self._contexts = SecurityContexts()
        return self._contexts
