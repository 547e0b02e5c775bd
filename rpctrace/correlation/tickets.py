"""A ticket that was presented -> the exchange that issued it.

Equal digests of the cipher are proof, in whichever capture, and need no clock. Where a cut left one side without: the
last ticket of the same realm, service, etype and kvno that was issued to the same host before, which is likely and no
proof; `exchange_by` and `presented_by` say which of the two it is.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable
from dataclasses import replace
from typing import TypeVar

from rpctrace.correlation.hosts import same_hosts
from rpctrace.correlation.timeline import Position, Timeline
from rpctrace.report import Authentication, Call, KerberosExchange, Report, Ticket, TicketName

BY_FINGERPRINT, BY_NAMES = "fingerprint", "names"
# RFC 4120 2.6: a ticket asked for with this option goes to a server inside an authenticator; its client keeps its own.
FORWARDED = "forwarded"
# Tickets of one name for one client that are looked through backwards for one of the right etype and kvno.
LOOKED_THROUGH = 64

_Issue = tuple[str | None, str | None]  # id of the exchange, how it is known
_NOWHERE: _Issue = (None, None)
_Holder = TypeVar("_Holder", Call, Authentication)


def join(report: Report) -> Report:
    issues = _Issues(report)
    shared: dict[Hashable, Ticket] = {}

    def of(holder: _Holder) -> _Holder:
        ticket = holder.ticket
        if ticket is None:
            return holder
        key = (holder.capture, holder.client.address, id(ticket))
        known = shared.get(key)
        if known is None:
            exchange, by = issues.of(holder, ticket, ticket.frame, holder.request_ns)
            same = (exchange, by) == (ticket.exchange, ticket.exchange_by)
            known = shared[key] = ticket if same else replace(ticket, exchange=exchange, exchange_by=by)
        return holder if known is ticket else replace(holder, ticket=known)

    return replace(
        report,
        calls=tuple([of(call) if call.ticket is not None else call for call in report.calls]),
        authentications=tuple(map(of, report.authentications)),
        kerberos=tuple(_presented(each, issues) for each in report.kerberos),
    )


def _presented(exchange: KerberosExchange, issues: _Issues) -> KerberosExchange:
    issue = _NOWHERE
    if exchange.presented is not None:
        issue = issues.of(exchange, exchange.presented, exchange.request_frame, exchange.request_ns)
    if issue == (exchange.presented_from, exchange.presented_by):
        return exchange
    return replace(exchange, presented_from=issue[0], presented_by=issue[1])


class _Issues:
    """Every ticket that an exchange of the report issued."""

    def __init__(self, report: Report) -> None:
        self._timeline = Timeline(report.clocks)
        self._hosts = same_hosts(report.kerberos)
        self._by_fingerprint: dict[str, dict[int, str]] = defaultdict(dict)
        self._by_names: dict[Hashable, list[tuple[Position, KerberosExchange]]] = defaultdict(list)
        for exchange in report.kerberos:
            ticket = exchange.ticket
            if ticket is None:
                continue
            if ticket.fingerprint is not None:
                self._by_fingerprint[ticket.fingerprint].setdefault(exchange.capture, exchange.id)
            names = self._names(exchange, ticket)
            if names is not None and FORWARDED not in exchange.options:
                position = self._position(exchange, exchange.reply_frame, exchange.reply_ns)
                self._by_names[names].append((position, exchange))
        for issued in self._by_names.values():
            issued.sort(key=lambda each: each[0])

    def of(
        self,
        presenter: Call | Authentication | KerberosExchange,
        ticket: Ticket | TicketName,
        frame: int | None,
        time_ns: int | None,
    ) -> _Issue:
        """Who issued `ticket`, which `presenter` showed in `frame`."""
        known = self._by_fingerprint.get(ticket.fingerprint) if ticket.fingerprint is not None else None
        if known is not None:
            # captures that could not be merged (NAT between them) hold an exchange twice: each its own
            return known.get(presenter.capture, next(iter(known.values()))), BY_FINGERPRINT
        names = self._names(presenter, ticket)
        issued = self._by_names.get(names, ()) if names is not None else ()
        end = bisect_left(issued, self._position(presenter, frame, time_ns), key=lambda each: each[0])
        for _, exchange in reversed(issued[max(0, end - LOOKED_THROUGH) : end]):
            if exchange.ticket is not None and _may_be(exchange.ticket, ticket):
                return exchange.id, BY_NAMES
        return _NOWHERE

    def _position(self, record: _Record, frame: int | None, time_ns: int | None) -> Position:
        return self._timeline.position(record.capture, time_ns, frame)

    def _names(self, record: _Record, ticket: Ticket | TicketName) -> Hashable:
        """What the two sides of a ticket without a digest must have in common; None where nothing names it."""
        if ticket.realm is None or not ticket.sname:
            return None
        address = record.client.address
        client = self._timeline.line(record.capture), self._hosts.get(address, address)
        return *client, ticket.realm.casefold(), tuple(each.casefold() for each in ticket.sname)


_Record = Call | Authentication | KerberosExchange


def _may_be(issued: TicketName, presented: Ticket | TicketName) -> bool:
    """Two whole ciphers with different digests are two tickets."""
    return (
        (issued.fingerprint is None or presented.fingerprint is None)
        and _agree(issued.etype, presented.etype)
        and _agree(issued.kvno, presented.kvno)
    )


def _agree(one: int | None, other: int | None) -> bool:
    return one is None or other is None or one == other
