"""Legs in, authentications out: what one connection outside DCE/RPC (SMB, LDAP, HTTP) authenticated, and how it ended.

An exchange begins with a token that opens a negotiation (NegTokenInit, NEGOTIATE, AP-REQ, KERB-TGT-REQUEST) or, joined
late, with whatever comes first. It is told once an answer decides it, or without an outcome: when the next one begins
in its session, when too many are open, and at the end. An answer belongs to the oldest exchange of its session that
waits for one. A server names the session of SMB in its first answer only, so an answer of a session that no exchange
has belongs to the oldest that waits with session 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from rpctrace.errors import Malformed
from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.gssapi.exchange import (
    AuthenticationExchange,
    Leg,
    NtlmNames,
    PresentedTicket,
    learned_names,
    presented_ticket,
)
from rpctrace.protocols.gssapi.framing import Mechanism
from rpctrace.protocols.gssapi.spnego import NegTokenInit
from rpctrace.protocols.gssapi.token import AuthType, Token, TokenKind, read_token
from rpctrace.protocols.kerberos.messages import ApReq, KrbError
from rpctrace.protocols.ntlm.messages import Authenticate, Challenge, Negotiate
from rpctrace.record import state

MAXIMUM_OPEN_EXCHANGES = 64  # of one connection; an exchange lasts a few round trips
MAXIMUM_TOKENS = 32  # of one exchange; user-to-user under SPNEGO takes six

_PRESENTED_IN = {"smb": "session_setup", "ldap": "ldap_bind", "http": "http"}
_OPENING = frozenset((TokenKind.NEGOTIATE, TokenKind.AP_REQ, TokenKind.TGT_REQ))
_UNDECIDED = frozenset((Mechanism.SPNEGO, Mechanism.UNKNOWN))
_NOTHING: Sequence[AuthenticationExchange] = ()


@state
class _Open:
    """An exchange while it lasts."""

    carried_in: str
    session: int
    target: str | None
    mechanism: str = Mechanism.UNKNOWN.value
    tokens: list[str] = field(default_factory=list)
    latest: TokenKind | None = None
    ticket: PresentedTicket | None = None
    ntlm: NtlmNames | None = None
    kerberos_error: KrbError | None = None
    reply_token: str | None = None
    status: int | None = None
    request: Provenance | None = None
    reply: Provenance | None = None
    notes: tuple[str, ...] = ()
    waits: bool = False

    def told(self, outcome: bool | None) -> AuthenticationExchange:
        return AuthenticationExchange(
            self.carried_in, self.mechanism, tuple(self.tokens), self.ticket, self.ntlm, self.kerberos_error,
            self.reply_token, self.status, outcome, self.target, self.request, self.reply, self.notes,
            self.session,
        )  # fmt: skip


class Authentications:
    """The authentications of one connection. `limits` counts `open_exchanges` and `exchange_tokens` reached; `problems`
    gets the tokens that are damaged (those that the capture cut are no news: its gaps are told)."""

    def __init__(self, problems: Problems) -> None:
        self.limits: dict[str, int] = {}
        self._problems = problems
        self._open: list[_Open] = []  # in the order in which they began

    def feed(self, leg: Leg) -> Sequence[AuthenticationExchange]:
        """One message -> the exchanges that it ended."""
        token = read_token(AuthType.SPNEGO, leg.octets) if leg.octets else None
        if token is not None and isinstance(token.problem, Malformed) and token.kind is not TokenKind.UNKNOWN:
            self._problems.add(token.problem, leg.provenance.frame)
        if leg.status is None and leg.outcome is None:
            return self._request(leg, token)
        return self._answer(leg, token)

    def close(self) -> Sequence[AuthenticationExchange]:
        """Nothing more comes: what is open has no outcome in this capture."""
        ended, self._open = self._open, []
        return [each.told(None) for each in ended]

    def _request(self, leg: Leg, token: Token | None) -> Sequence[AuthenticationExchange]:
        current = next((each for each in reversed(self._open) if each.session == leg.session), None)
        if token is None and current is None:
            return _NOTHING
        told: list[AuthenticationExchange] = []
        if current is None or (token is not None and _opens(token, current)):
            if current is not None and not current.waits:
                told.append(self._end(current, None if current.kerberos_error is None else False))
            current = self._begin(leg, told)
        self._learn(current, token)
        current.waits = True
        current.target = leg.target or current.target
        if current.request is None:
            current.request = leg.provenance
        message = None if token is None else token.message
        if isinstance(message, ApReq):
            current.ticket = presented_ticket(
                message, _PRESENTED_IN.get(leg.carried_in, leg.carried_in), leg.provenance.frame
            )
            current.request = leg.provenance
        elif isinstance(message, Negotiate | Authenticate):
            current.ntlm = learned_names(current.ntlm, message)
        return told

    def _answer(self, leg: Leg, token: Token | None) -> Sequence[AuthenticationExchange]:
        current = self._answered(leg)
        told: list[AuthenticationExchange] = []
        if current is None:
            # a NegTokenInit of a server only offers (NEGOTIATE of SMB): nobody has begun to authenticate
            if token is None or isinstance(token.spnego, NegTokenInit):
                return _NOTHING
            current = self._begin(leg, told)
        self._learn(current, token)
        current.session = leg.session
        current.waits = False
        current.status = leg.status
        current.reply = leg.provenance
        current.reply_token = None if token is None else token.kind.value
        message = None if token is None else token.message
        if isinstance(message, Challenge):
            current.ntlm = learned_names(current.ntlm, message)
        elif isinstance(message, KrbError):
            current.kerberos_error = message
        if leg.note and leg.outcome is False:
            current.notes = (leg.note,)
        if leg.outcome is not None:
            told.append(self._end(current, leg.outcome))
        return told

    def _answered(self, leg: Leg) -> _Open | None:
        of_session = [each for each in self._open if each.session == leg.session]
        if not of_session and leg.session:
            of_session = [each for each in self._open if not each.session and each.waits]
        return next((each for each in of_session if each.waits), of_session[-1] if of_session else None)

    def _begin(self, leg: Leg, told: list[AuthenticationExchange]) -> _Open:
        if len(self._open) >= MAXIMUM_OPEN_EXCHANGES:
            self._count("open_exchanges")
            told.append(self._end(self._open[0], None))
        begun = _Open(leg.carried_in, leg.session, leg.target)
        self._open.append(begun)
        return begun

    def _end(self, exchange: _Open, outcome: bool | None) -> AuthenticationExchange:
        self._open.remove(exchange)
        return exchange.told(outcome)

    def _learn(self, exchange: _Open, token: Token | None) -> None:
        if token is None:
            return
        exchange.latest = token.kind
        if token.mechanism not in _UNDECIDED or exchange.mechanism == Mechanism.UNKNOWN:
            exchange.mechanism = token.mechanism.value
        if len(exchange.tokens) < MAXIMUM_TOKENS:
            exchange.tokens.append(token.kind.value)
        else:
            self._count("exchange_tokens")

    def _count(self, limit: str) -> None:
        self.limits[limit] = self.limits.get(limit, 0) + 1


def _opens(token: Token, current: _Open) -> bool:
    """Whether a token of the client begins an exchange of its own. Without SPNEGO around it the AP-REQ of user-to-user
    looks like one that does; the KERB-TGT-REPLY before it tells. After a KRB-ERROR the client presents another ticket,
    or the same one by the server's clock, inside the same negotiation."""
    if current.kerberos_error is not None and token.kind in _OPENING:
        return True
    if token.spnego is not None:
        return isinstance(token.spnego, NegTokenInit)
    return token.kind in _OPENING and current.latest is not TokenKind.TGT_REP
