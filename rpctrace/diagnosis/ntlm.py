"""What the whole report says of users of NTLM: who got in where, and which operations are denied to everybody.

It tells a failed logon from a missing permission, which look the same on the first request after an auth3.
"""

from __future__ import annotations

from rpctrace.diagnosis import contexts
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.diagnosis.tokens import REFUSALS
from rpctrace.report import Call

_Operation = tuple[Place, str | None, int | None]  # server, interface, opnum


class NtlmRecord:
    """Users whom NTLM let in, and operations that were denied although the security context was accepted."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._users = {
            (evidence.place_of(call, call.server), call.auth.ntlm.domain, call.auth.ntlm.user)
            for call in evidence.report.calls
            if call.kind == "request" and call.outcome == "answered" and call.auth is not None and call.auth.ntlm
        }
        self._denied: dict[_Operation, Call] = {}
        for failure in evidence.of(FailureKind.CALL):
            call = failure.call
            judged = call.kind == "request" and call.status in REFUSALS and not contexts.is_ntlm(call)
            if judged and contexts.acceptance(evidence, call) is not None:
                self._denied.setdefault(self._operation(call), call)

    def let_in(self, call: Call) -> bool:
        """Whether the server answered a request of the same user."""
        said = call.auth.ntlm if call.auth else None
        server = self._evidence.place_of(call, call.server)
        return said is not None and bool(said.user) and (server, said.domain, said.user) in self._users

    def denied_to_others(self, call: Call) -> Call | None:
        """The same operation, denied on a security context that was certainly accepted."""
        return self._denied.get(self._operation(call))

    def _operation(self, call: Call) -> _Operation:
        server = self._evidence.place_of(call, call.server)
        return server, call.interfaces[0].uuid if call.interfaces else None, call.opnum
