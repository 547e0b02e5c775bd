"""One LDAP connection: its binds by SASL and Sicily as legs of authentications (RFC 4511 4.2, [MS-ADTS] 5.1.1.1).

Answers belong to requests by message id. Behind a bind that set up a security layer (RFC 4513 5.2.1.6), and behind
StartTLS, no LDAP message can be seen any more.
"""

from __future__ import annotations

from collections.abc import Sequence

from rpctrace.errors import Malformed, ParseError
from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.gssapi.exchange import Leg
from rpctrace.protocols.ldap.framing import FramedBind, LdapFramer
from rpctrace.protocols.ldap.messages import (
    AuthenticationChoice,
    BindRequest,
    BindResponse,
    ResultCode,
    parse_bind,
)
from rpctrace.protocols.ldap.recognition import MAXIMUM_SEARCH_OCTETS
from rpctrace.stream.stream import Chunk, Direction, Gap

MAXIMUM_PENDING_BINDS = 64  # a client waits for each (RFC 4511 4.2.1)
_GSS_MECHANISMS = frozenset(("GSS-SPNEGO", "GSSAPI", "GSS-KRB5", "NTLM"))
_TLS_HANDSHAKE = 0x16  # RFC 8446 5.1
_NOTHING: Sequence[Leg] = ()


class LdapConnection:
    """A dissector of one connection. `limits` counts `ldap_bind_octets` and `ldap_pending_binds` reached."""

    def __init__(self, problems: Problems, *, joined_late: bool) -> None:
        self.limits: dict[str, int] = {}
        self._problems = problems
        self._framers = (
            LdapFramer(problems, self.limits, from_start=not joined_late),
            LdapFramer(problems, self.limits, from_start=not joined_late),
        )
        self._pending: dict[int, AuthenticationChoice] = {}
        self._session = 1
        self._bound = False
        self._opaque = False

    @property
    def is_other(self) -> bool:
        first, second = self._framers
        if self._opaque:
            return True
        if first.recognised or second.recognised:
            return False
        return all(each.foreign is not None or each.searched > MAXIMUM_SEARCH_OCTETS for each in self._framers)

    def skippable(self, direction: Direction) -> int:
        return self._framers[direction].skippable

    def feed(self, chunk: Chunk) -> Sequence[Leg]:
        if self._opaque:
            return _NOTHING
        framer = self._framers[chunk.direction]
        binds = framer.feed(chunk)
        told = self._read(chunk.direction, binds) if binds else _NOTHING
        if framer.foreign is not None and framer.recognised:
            self._opaque = self._bound or framer.foreign == _TLS_HANDSHAKE
            framer.foreign = None
            self._lost()
        return told

    def gap(self, gap: Gap) -> Sequence[Leg]:
        if self._opaque:
            return _NOTHING
        framer = self._framers[gap.direction]
        told = self._read(gap.direction, framer.gap(gap))
        if framer.lost:
            self._lost()
        return told

    def end(self, direction: Direction) -> Sequence[Leg]:
        return _NOTHING if self._opaque else self._read(direction, self._framers[direction].close())

    def _lost(self) -> None:
        """A bind may be missing: what comes is no leg of the exchange that is open."""
        self._session += 1

    def _read(self, direction: Direction, binds: Sequence[FramedBind]) -> Sequence[Leg]:
        told: list[Leg] = []
        for octets, provenance in binds:
            try:
                bind = parse_bind(octets)
            except Malformed as error:
                self._problems.add(error, provenance.frame)
                continue
            except ParseError:
                continue
            if isinstance(bind.problem, Malformed):  # what the capture cut is told by its gaps
                self._problems.add(bind.problem, provenance.frame)
            leg = (
                self._request(direction, bind, provenance)
                if isinstance(bind, BindRequest)
                else self._response(direction, bind, provenance)
            )
            if leg is not None:
                told.append(leg)
        return told

    def _request(self, direction: Direction, bind: BindRequest, provenance: Provenance) -> Leg | None:
        choice = bind.choice
        if choice is None or choice is AuthenticationChoice.SIMPLE or not choice.is_known:
            return None
        if choice is AuthenticationChoice.SASL and (bind.mechanism or "").upper() not in _GSS_MECHANISMS:
            return None
        if len(self._pending) >= MAXIMUM_PENDING_BINDS:
            self.limits["ldap_pending_binds"] = self.limits.get("ldap_pending_binds", 0) + 1
            del self._pending[next(iter(self._pending))]
        self._pending[bind.message_id] = choice
        if choice is AuthenticationChoice.SICILY_PACKAGE_DISCOVERY:
            return None
        token = bind.credentials if bind.credentials is not None else memoryview(b"")
        return Leg("ldap", self._session, direction, token, None, None, None, provenance)

    def _response(self, direction: Direction, bind: BindResponse, provenance: Provenance) -> Leg | None:
        choice = self._pending.pop(bind.message_id, None)
        token = bind.credentials
        code = bind.result_code
        if choice is AuthenticationChoice.SICILY_PACKAGE_DISCOVERY:
            return None
        if choice is AuthenticationChoice.SICILY_NEGOTIATE and code is ResultCode.SUCCESS:
            return self._answer(direction, bind.matched_dn, code, None, None, provenance)
        if code is None or (choice is None and not token):
            return None
        outcome = None if code is ResultCode.SASL_BIND_IN_PROGRESS else code is ResultCode.SUCCESS
        self._bound = self._bound or outcome is True
        return self._answer(direction, token, code, outcome, bind.diagnostic_message, provenance)

    def _answer(
        self, direction: Direction, token: memoryview | None, code: ResultCode, outcome: bool | None,
        message: str | None, provenance: Provenance,
    ) -> Leg:  # fmt: skip
        octets = token if token is not None else memoryview(b"")
        note = (message or "").rstrip("\0") or None  # Active Directory ends it with a zero
        return Leg("ldap", self._session, direction, octets, int(code), outcome, None, provenance, note)
