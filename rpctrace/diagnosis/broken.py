"""What the rules about connections that broke share: the call that was waiting, and what the client did next."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable

from rpctrace.correlation.timeline import Position
from rpctrace.diagnosis import network
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.observed import call_items, call_text
from rpctrace.report import Call, Event, EvidenceItem, Stream

TOKEN_KINDS = frozenset(("bind", "alter_context", "auth3"))


class Connections:
    """Calls without an answer by their connection, and what each client of an event opened or failed to open, in order.
    """

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._waiting: dict[Hashable, Failure] = {}
        self._told: set[int] = set()
        for failure in evidence.of(FailureKind.CALL):
            for call in failure.calls:
                if call.outcome == "unanswered":
                    self._waiting.setdefault(network.ends_key(call), failure)
        self._open = {network.ends_key(call): call for call in evidence.report.calls if call.reply is None}
        self._opened: dict[Hashable, list[Stream]] = defaultdict(list)
        for stream in evidence.report.streams:
            hosts = evidence.hosts_of(stream)
            if hosts in evidence.in_trouble:
                self._opened[*hosts, stream.server.port].append(stream)
        self._failed: dict[Hashable, list[tuple[Position, Event]]] = defaultdict(list)
        for failure in network.attempts(evidence, network.REFUSED, network.NO_ANSWER):
            for event in failure.events:
                self._failed[evidence.hosts_of(event)].append((evidence.seen_at(event), event))
        for opened in self._opened.values():
            opened.sort(key=evidence.began_at)
        for failed in self._failed.values():
            failed.sort(key=lambda each: each[0])

    def waiting(self, failure: Failure) -> Failure | None:
        """The failure of the first call that waited on one of the connections that broke alike."""
        found = (self._waiting.get(network.ends_key(event)) for event in failure.events)
        return next((each for each in found if each is not None), None)

    def open_call(self, event: Event) -> Call | None:
        """The last call of the event's connection whose answer is not there, whether it failed or cannot be told."""
        return self._open.get(network.ends_key(event))

    def about(self, failure: Failure) -> tuple[Failure, bool]:
        """What a finding is about: the call that waited, else the connection; and whether it is the first about it."""
        subject = self.waiting(failure) or failure
        first = subject.number not in self._told
        self._told.add(subject.number)
        return subject, first

    def opened_after(self, event: Event) -> Stream | None:
        """The connection that the client opened to the same port next."""
        opened = self._opened.get((*self._evidence.hosts_of(event), event.server.port), [])
        after = bisect_right(opened, self._evidence.seen_at(event), key=self._evidence.began_at)
        return opened[after] if after < len(opened) else None

    def failed_after(self, event: Event) -> Event | None:
        """The next attempt of the client to reach the same host that failed."""
        failed = self._failed.get(self._evidence.hosts_of(event), [])
        after = bisect_right(failed, self._evidence.seen_at(event), key=lambda each: each[0])
        return failed[after][1] if after < len(failed) else None


def call_required(waiting: Failure | None) -> tuple[EvidenceItem, ...]:
    return call_items(waiting) if waiting is not None else ()


def waiting_text(waiting: Failure | None) -> str:
    return f"{call_text(waiting.call)} got no answer" if waiting is not None else ""


def carries_token(call: Call | None) -> bool:
    """Whether what was lost with the connection carried a token of an authentication."""
    return call is not None and call.kind in TOKEN_KINDS and call.auth is not None


def is_by_client(event: Event) -> bool:
    """Whether the client reset the connection, or sent in vain; events say so in their text."""
    return event.text.endswith("by the client")


def sender_text(event: Event) -> str:
    return event.client.address if is_by_client(event) else event.server.address
