"""A Report and what somebody wants to see of it -> the Report with only that.

What is filtered are calls; findings, exchanges, connections and PDU lines follow the calls that stay, and what
happened beside calls is judged by its own hosts and times. Captures, logs, clocks, problems and limits stay whole,
because they say how far the report can be trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.record import record
from rpctrace.report import (
    Authentication,
    Call,
    Endpoint,
    Event,
    Finding,
    Host,
    KerberosExchange,
    LogEntry,
    Report,
    Stream,
    Summary,
)
from rpctrace.spellings import host_spelled, interfaces_spelled, statuses_spelled


@record
class Selection:
    """Every part that is not empty must agree; within a part one agreement is enough. Times are UTC, both inclusive."""

    hosts: tuple[str, ...] = ()
    interfaces: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    since_ns: int | None = None
    until_ns: int | None = None

    @property
    def selects_everything(self) -> bool:
        return self == Selection()


def selection_of(
    hosts: Sequence[str] = (),
    interfaces: Sequence[str] = (),
    statuses: Sequence[str] = (),
    since: str | None = None,
    until: str | None = None,
) -> Selection:
    """The words of a command line as a selection. Raises `UsageError` for a word that cannot be meant."""
    for host in hosts:
        host_spelled(host)
    return Selection(
        hosts=tuple(hosts),
        interfaces=frozenset(uuid for text in interfaces for uuid in interfaces_spelled(text)),
        statuses=frozenset(status for text in statuses for status in statuses_spelled(text)),
        since_ns=None if since is None else _moment_ns(since),
        until_ns=None if until is None else _moment_ns(until),
    )


def select(report: Report, selection: Selection) -> Report:
    if selection.selects_everything:
        return report
    calls = tuple(call for call in report.calls if _wanted(call, selection))
    kept = {call.id for call in calls}
    connections = {call.connection for call in calls}
    kerberos = tuple(each for each in report.kerberos if _exchange_wanted(each, kept, selection))
    exchanges = {each.id for each in kerberos}
    authentications = tuple(each for each in report.authentications if _beside_wanted(each, selection))
    endpoints = tuple(each for each in report.endpoints if _endpoint_wanted(each, kept, selection))
    events = tuple(each for each in report.events if _event_wanted(each, selection))
    named = kept | exchanges | {each.id for each in authentications} | {each.id for each in endpoints}
    frames = {(call.capture, frame) for call in calls for frame in (*call.request_frames, *call.reply_frames)}
    beside = {(event.capture, frame) for event in events for frame in event.frames}
    return replace(
        report,
        calls=calls,
        kerberos=kerberos,
        referral_paths=tuple(path for path in report.referral_paths if not exchanges.isdisjoint(path.exchanges)),
        authentications=authentications,
        endpoints=endpoints,
        events=events,
        log_entries=tuple(_entries_wanted(report.log_entries, kept, selection)),
        summary=tuple(row for row in report.summary if _row_wanted(row, calls, selection)),
        streams=tuple(stream for stream in report.streams if _stream_wanted(stream, connections)),
        findings=tuple(finding for finding in report.findings if _finding_wanted(finding, named, beside)),
        pdus=tuple(line for line in report.pdus if (line.capture, line.frame) in frames),
    )


def _wanted(call: Call, selection: Selection) -> bool:
    return (
        _hosts_wanted((call.client, call.server), selection)
        and (not selection.interfaces or any(each.uuid in selection.interfaces for each in call.interfaces))
        and (not selection.statuses or call.status in selection.statuses)
        and _time_wanted(call.request_ns, call.reply_ns, selection)
    )


def _time_wanted(request_ns: int | None, reply_ns: int | None, selection: Selection) -> bool:
    """Whether some part of the call lies between; a call without any time is between nothing."""
    if selection.since_ns is None and selection.until_ns is None:
        return True
    times = [moment for moment in (request_ns, reply_ns) if moment is not None]
    if not times:
        return False
    after = selection.since_ns is None or max(times) >= selection.since_ns
    return after and (selection.until_ns is None or min(times) <= selection.until_ns)


def _hosts_wanted(ends: Sequence[Host], selection: Selection) -> bool:
    return not selection.hosts or any(host_spelled(wanted)(end) for wanted in selection.hosts for end in ends)


def _exchange_wanted(exchange: KerberosExchange, kept: set[str], selection: Selection) -> bool:
    return exchange.call in kept if exchange.call is not None else _beside_wanted(exchange, selection)


def _beside_wanted(record: KerberosExchange | Authentication, selection: Selection) -> bool:
    """What is no RPC has neither interface nor status of RPC."""
    if selection.interfaces or selection.statuses:
        return False
    hosts = _hosts_wanted((record.client, record.server), selection)
    return hosts and _time_wanted(record.request_ns, record.reply_ns, selection)


def _endpoint_wanted(endpoint: Endpoint, kept: set[str], selection: Selection) -> bool:
    """What a call that stays told, or any about an interface that is asked for."""
    if endpoint.call in kept:
        return True
    about = bool(selection.interfaces) and endpoint.interface_uuid in selection.interfaces
    hosts = _hosts_wanted((Host(endpoint.teller, 0, None), Host(endpoint.server or "", 0, None)), selection)
    times = _time_wanted(endpoint.time_ns, endpoint.time_ns, selection)
    return hosts and times and not selection.statuses and (about or not selection.interfaces)


def _event_wanted(event: Event, selection: Selection) -> bool:
    if selection.interfaces or (selection.statuses and event.status not in selection.statuses):
        return False
    hosts = _hosts_wanted((event.client, event.server), selection)
    return hosts and _time_wanted(event.first_ns, event.last_ns, selection)


def _entries_wanted(entries: Iterable[LogEntry], kept: set[str], selection: Selection) -> Iterator[LogEntry]:
    """Lines about a call that stays, and by time alone those that are about no call: a log knows no addresses."""
    by_time_alone = not (selection.hosts or selection.interfaces or selection.statuses)
    for entry in entries:
        calls = tuple(call for call in entry.calls if call in kept)
        if calls:
            yield entry if calls == entry.calls else replace(entry, calls=calls)
        elif not entry.calls and by_time_alone and _time_wanted(entry.time_ns, entry.time_ns, selection):
            yield entry


def _row_wanted(row: Summary, calls: Sequence[Call], selection: Selection) -> bool:
    """A row counts a whole capture: it stays where one of the calls that stay may be in it."""
    if selection.statuses or selection.since_ns is not None or selection.until_ns is not None:
        return False
    ends = (Host(row.client, 0, None), Host(row.server, 0, None))
    named = {each.name for call in calls for each in call.interfaces} | {
        each.uuid for call in calls for each in call.interfaces
    }
    return _hosts_wanted(ends, selection) and (not selection.interfaces or row.interface in named)


def _stream_wanted(stream: Stream, connections: set[str]) -> bool:
    return stream.id in connections


def _finding_wanted(finding: Finding, named: set[str], beside: set[tuple[int, int]]) -> bool:
    """By what it is about; incidents of connections have no ids, and are known by their frames."""
    about = (*finding.calls, *finding.concerns)
    if about:
        return not named.isdisjoint(about)
    return any((finding.capture, frame) in beside for frame in finding.frames)


def _moment_ns(text: str) -> int:
    """An ISO 8601 time as nanoseconds since 1970; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{safe_text(text)!r} is no time such as 2021-03-04T10:15:00Z") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    since_epoch = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since_epoch.days * 86_400 + since_epoch.seconds) * 1_000_000_000 + since_epoch.microseconds * 1_000
