"""Which server accepted which ticket, and when: what is compared with a refusal.

`Places` says what is one host and one line of time; `Evidence` is one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import Protocol

from rpctrace.correlation.timeline import Position
from rpctrace.diagnosis.identity import accepted
from rpctrace.report import Authentication, Call, KerberosExchange, Report, Ticket

Place = tuple[int, str]  # line of time, address
Presentation = Call | Authentication


class Places(Protocol):
    """What orders records and tells hosts apart."""

    def line(self, capture: int) -> int: ...

    def host(self, address: str) -> str: ...

    def asked_at(self, record: Call | KerberosExchange | Authentication) -> Position: ...


class TicketUses:
    """The tickets of a report as they were presented to servers; a table of those that were accepted."""

    def __init__(self, report: Report, places: Places) -> None:
        self._places = places
        accepted_here: dict[Place, list[tuple[Position, Presentation, Ticket]]] = defaultdict(list)
        records: list[Presentation] = [*report.calls, *report.authentications]
        for record in records:
            if record.ticket is not None and accepted(record):
                accepted_here[self._server(record)].append((places.asked_at(record), record, record.ticket))
        self._last: dict[Hashable, tuple[Position, Presentation]] = {}
        self._services: dict[Hashable, Presentation] = {}
        self._tickets: dict[Hashable, Presentation] = {}
        for place, uses in accepted_here.items():
            for asked, record, ticket in sorted(uses, key=lambda each: each[0]):
                self._last[self._use(record, ticket)] = asked, record
                self._services.setdefault((place, _service(ticket)), record)
                if ticket.fingerprint is not None:
                    self._tickets.setdefault((place, ticket.fingerprint), record)
                    self._tickets.setdefault((place, ticket.fingerprint, record.server.port), record)
        self._answers = _answers(report)

    def accepted_later(self, record: Presentation) -> Presentation | None:
        """The last use of a ticket of the same client for the same service that the same server accepted after this."""
        last = self._last.get(self._use(record, record.ticket)) if record.ticket is not None else None
        return last[1] if last is not None and last[0] > self._places.asked_at(record) else None

    def accepted_same_service(self, record: Presentation) -> Presentation | None:
        """A use of another ticket for the same service of the same realm that the same server accepted."""
        if record.ticket is None:
            return None
        return self._services.get((self._server(record), _service(record.ticket)))

    def accepted_same_ticket(self, record: Presentation, *, same_port: bool = False) -> Presentation | None:
        """A use of this very ticket that the same server accepted, at any port, or at the same one: another port may be
        another process, which runs as another account."""
        fingerprint = record.ticket.fingerprint if record.ticket is not None else None
        if fingerprint is None:
            return None
        key = self._server(record), fingerprint
        return self._tickets.get((*key, record.server.port) if same_port else key)

    def exchange_in(self, record: Presentation) -> KerberosExchange | None:
        """The Kerberos exchange that travelled in a call or an authentication."""
        if isinstance(record, Call):
            return self._answers.get(record.id)
        return self._answers.get((record.capture, record.carried_in, record.request_frame))

    def _server(self, record: Presentation) -> Place:
        return self._places.line(record.capture), self._places.host(record.server.address)

    def _use(self, record: Presentation, ticket: Ticket) -> Hashable:
        return self._server(record), self._places.host(record.client.address), folded_names(ticket.sname)


def folded_names(names: Iterable[str]) -> tuple[str, ...]:
    """By what names of principals are compared: Windows does not mind their case."""
    return tuple(name.casefold() for name in names)


def _service(ticket: Ticket) -> Hashable:
    return (ticket.realm or "").casefold(), folded_names(ticket.sname)


def _answers(report: Report) -> Mapping[Hashable, KerberosExchange]:
    table: dict[Hashable, KerberosExchange] = {}
    for each in report.kerberos:
        if each.call is not None:
            table.setdefault(each.call, each)
        elif each.request_frame is not None and not each.with_kdc:
            table.setdefault((each.capture, each.carried_in, each.request_frame), each)
    return table
