"""What clients got from servers, by what it was good for: whether a failure was made good, and who is logged on.

`Places` says what is one host and one line of time; `Evidence` is one.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterator

from rpctrace.diagnosis.failures import is_failed_result
from rpctrace.diagnosis.ticket_uses import Places
from rpctrace.report import Authentication, Call, Report


class Successes:
    """Calls that were answered or accepted, and the authentications outside RPC, by their two hosts."""

    def __init__(self, report: Report, places: Places) -> None:
        self._places = places
        self._worked: dict[Hashable, list[Call]] = defaultdict(list)
        for call in report.calls:
            if call.outcome in ("answered", "accepted") and call.kind != "auth3" and not is_failed_result(call):
                for key in self._purposes(call):
                    self._worked[key].append(call)
        for calls in self._worked.values():
            calls.sort(key=places.asked_at)
        self._sessions: dict[Hashable, list[Authentication]] = defaultdict(list)
        for said in report.authentications:
            self._sessions[self._hosts(said), said.carried_in].append(said)
        for authentications in self._sessions.values():
            authentications.sort(key=places.asked_at)

    def worked_later(self, call: Call) -> Call | None:
        """What the same client later got from the same server: the operation that had failed, or, of a bind or
        alter_context, the interface."""
        opnum = call.opnum if call.kind == "request" else None
        at = self._places.asked_at(call)
        for each in call.interfaces[:1]:
            calls = self._worked.get((self._hosts(call), each.uuid, opnum), ())
            after = bisect_right(calls, at, key=self._places.asked_at)
            if after < len(calls):
                return calls[after]
        return None

    def sessions(self, record: Call | Authentication, carried_in: str = "smb") -> tuple[Authentication, ...]:
        """The authentications of the same client to the same server outside RPC, in order."""
        return tuple(self._sessions.get((self._hosts(record), carried_in), ()))

    def _purposes(self, call: Call) -> Iterator[Hashable]:
        """What a call is good for: its interface on that server, and as a request its operation."""
        hosts = self._hosts(call)
        for each in call.interfaces:
            if each.result in (None, 0):
                yield hosts, each.uuid, None
                if call.kind == "request":
                    yield hosts, each.uuid, call.opnum

    def _hosts(self, record: Call | Authentication) -> Hashable:
        places = self._places
        return places.line(record.capture), places.host(record.client.address), places.host(record.server.address)
