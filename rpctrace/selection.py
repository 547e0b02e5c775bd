"""A Report and what somebody wants to see of it -> the Report with only that.

What is filtered are calls; findings, exchanges, connections and PDU lines follow the calls that stay, and what
happened beside calls is judged by its own hosts, times and end. Captures, logs, clocks, problems and limits stay whole,
because they say how far the report can be trusted; `unfiltered` says how much there was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.knowledge import tables
from rpctrace.record import record
from rpctrace.recounting import recounted
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
    Summary,
    Unfiltered,
)
from rpctrace.spellings import NO_CODES, Codes, codes_spelled, host_spelled, interfaces_spelled

_REFUSED_CONTEXT = frozenset((1, 2))  # by the user, by the provider (C706 12.6.3.1); other results have no reason


@record
class Selection:
    """Every part that is not empty must agree; within a part one agreement is enough. Times are UTC, both inclusive.
    From `statuses` to `contexts` is one part: how something ended, whoever said so and in which words (as
    `spellings.Codes`)."""

    hosts: tuple[str, ...] = ()
    interfaces: frozenset[str] = frozenset()
    statuses: frozenset[int] = frozenset()
    kerberos_errors: frozenset[int] = frozenset()
    refusals: frozenset[int] = frozenset()
    contexts: frozenset[int] = frozenset()
    since_ns: int | None = None
    until_ns: int | None = None

    @property
    def selects_everything(self) -> bool:
        return self == Selection()

    @property
    def asks_for_an_end(self) -> bool:
        return bool(self.statuses or self.kerberos_errors or self.refusals or self.contexts)


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
    kinds = zip(NO_CODES, *map(codes_spelled, statuses), strict=True)
    codes = Codes(*(frozenset[int]().union(*kind) for kind in kinds))
    return Selection(
        hosts=tuple(hosts),
        interfaces=frozenset(uuid for text in interfaces for uuid in interfaces_spelled(text)),
        statuses=codes.statuses,
        kerberos_errors=codes.kerberos_errors,
        refusals=codes.refusals,
        contexts=codes.contexts,
        since_ns=None if since is None else _moment_ns(since),
        until_ns=None if until is None else _moment_ns(until),
    )


def select(report: Report, selection: Selection) -> Report:
    if selection.selects_everything:
        return report
    told = _calls_told_of(report, selection)
    calls = tuple(call for call in report.calls if _wanted(call, told, selection))
    kept = {call.id for call in calls}
    whole = _connections_that_stay_whole(report, selection)
    connections = {call.connection for call in calls} | whole
    before = _exchanges_before(report, calls)
    kerberos = tuple(e for e in report.kerberos if e.id in before or _exchange_wanted(e, kept, selection))
    exchanges = {each.id for each in kerberos}
    paths = tuple(path for path in report.referral_paths if not exchanges.isdisjoint(path.exchanges))
    authentications = tuple(each for each in report.authentications if _beside_wanted(each, selection))
    endpoints = tuple(each for each in report.endpoints if _endpoint_wanted(each, kept, selection))
    events = tuple(each for each in report.events if _event_wanted(each, selection))
    entries = tuple(_entries_wanted(report.log_entries, kept, selection))
    beside = {each.id for each in authentications} | {each.id for each in endpoints} | {path.id for path in paths}
    named = kept | exchanges | beside
    seen = {(event.capture, frame) for event in events for frame in event.frames}
    logged = {(entry.file, entry.line) for entry in entries}
    frames = {(call.capture, frame) for call in calls for frame in (*call.request_frames, *call.reply_frames)}
    return replace(
        report,
        calls=calls,
        kerberos=kerberos,
        referral_paths=paths,
        authentications=authentications,
        endpoints=endpoints,
        events=events,
        log_entries=entries,
        summary=recounted(report, calls, _rows_that_stay_whole(report, selection)),
        streams=tuple(stream for stream in report.streams if stream.id in connections),
        findings=tuple(finding for finding in report.findings if _finding_wanted(finding, named, seen, logged)),
        pdus=tuple(
            line
            for line in report.pdus
            if line.connection in whole or (line.capture, line.frame) in frames
        ),
        unfiltered=_counts(report),
    )


def _counts(report: Report) -> Unfiltered:
    return Unfiltered(
        calls=len(report.calls),
        failed=sum(call.failed for call in report.calls),
        kerberos=len(report.kerberos),
        authentications=len(report.authentications),
        endpoints=len(report.endpoints),
        events=len(report.events),
        log_entries=len(report.log_entries),
        findings=len(report.findings),
    )


def _calls_told_of(report: Report, selection: Selection) -> set[str]:
    """Calls that ended as it is asked for by what a log says of them, or a message of Kerberos that they carried."""
    told = {id_ for entry in report.log_entries if entry.status in selection.statuses for id_ in entry.calls}
    carried = (each for each in report.kerberos if each.call is not None)
    return told | {str(each.call) for each in carried if _ended(each.ntstatus, each.error, selection)}


def _rows_that_stay_whole(report: Report, selection: Selection) -> Callable[[Summary], bool]:
    """Those of requests that were only counted: they have hosts and an interface, but neither time nor end."""
    if selection.asks_for_an_end or selection.since_ns is not None or selection.until_ns is not None:
        return lambda _row: False
    names = {end.address: end.name for call in report.calls for end in (call.client, call.server)}
    facts = map(tables.interface, selection.interfaces)
    interfaces = {*selection.interfaces, *(fact.name for fact in facts if fact is not None)}

    def stays_whole(row: Summary) -> bool:
        ends = [Host(address, 0, names.get(address)) for address in (row.client, row.server)]
        return _hosts_wanted(ends, selection) and (not interfaces or row.interface in interfaces)

    return stays_whole


def _connections_that_stay_whole(report: Report, selection: Selection) -> set[str]:
    """Where hosts alone are asked for: all of one is as wanted as the next, also calls that were only counted."""
    if selection != Selection(hosts=selection.hosts):
        return set()
    return {each.id for each in report.streams if _hosts_wanted((each.client, each.server), selection)}


def _wanted(call: Call, told: set[str], selection: Selection) -> bool:
    return (
        _hosts_wanted((call.client, call.server), selection)
        and (not selection.interfaces or any(each.uuid in selection.interfaces for each in call.interfaces))
        and (not selection.asks_for_an_end or call.id in told or _call_ended(call, selection))
        and _time_wanted(call.request_ns, call.reply_ns, selection)
    )


def _call_ended(call: Call, selection: Selection) -> bool:
    """By its fault or refusal, by what its answer says (of DCOM, of the secure channel), or by an error record that
    says why."""
    if call.reject_reason in selection.refusals or any(
        each.result in _REFUSED_CONTEXT and each.reason in selection.contexts for each in call.interfaces
    ):
        return True
    if call.auth is not None and call.auth.kerberos_error in selection.kerberos_errors:
        return True
    return any(status is not None and tables.unsigned(status) in selection.statuses for status in _statuses(call))


def _statuses(call: Call) -> Iterator[int | None]:
    yield call.status
    for each in call.extended_error or ():
        yield each.status
    if call.dcom is not None:
        yield call.dcom.hresult
        for pointer in call.dcom.pointers:
            yield pointer.hresult
    if call.secure_channel is not None:
        yield call.secure_channel.status


def _ended(status: int | None, kerberos_error: int | None, selection: Selection) -> bool:
    """Whether something beside calls ended as it is asked for."""
    if not selection.asks_for_an_end:
        return True
    return status in selection.statuses or kerberos_error in selection.kerberos_errors


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


def _exchanges_before(report: Report, calls: Iterable[Call]) -> set[str]:
    """Exchanges that issued what these calls presented, with the way there, and those whose error they came after."""
    before = {call.ticket.exchange for call in calls if call.ticket is not None}
    before |= {call.auth.after_error for call in calls if call.auth is not None}
    ways = (path.exchanges for path in report.referral_paths if not before.isdisjoint(path.exchanges))
    return {each for each in before if each is not None}.union(*ways)


def _exchange_wanted(exchange: KerberosExchange, kept: set[str], selection: Selection) -> bool:
    return exchange.call in kept if exchange.call is not None else _beside_wanted(exchange, selection)


def _beside_wanted(record: KerberosExchange | Authentication, selection: Selection) -> bool:
    """What is no RPC has no interface."""
    if isinstance(record, KerberosExchange):
        ended = _ended(record.ntstatus, record.error, selection)
    else:
        ended = _ended(record.status, record.kerberos_error, selection)
    hosts = _hosts_wanted((record.client, record.server), selection)
    return ended and hosts and not selection.interfaces and _time_wanted(record.request_ns, record.reply_ns, selection)


def _endpoint_wanted(endpoint: Endpoint, kept: set[str], selection: Selection) -> bool:
    """What a call that stays told, or any about an interface that is asked for."""
    if endpoint.call in kept:
        return True
    about = not selection.interfaces or endpoint.interface_uuid in selection.interfaces
    there = Host(endpoint.server or endpoint.teller, endpoint.port or 0, None)
    hosts = _hosts_wanted((Host(endpoint.teller, 0, None), there), selection)
    times = _time_wanted(endpoint.time_ns, endpoint.time_ns, selection)
    return about and hosts and times and _ended(endpoint.status, None, selection)


def _event_wanted(event: Event, selection: Selection) -> bool:
    hosts = _hosts_wanted((event.client, event.server), selection)
    times = _time_wanted(event.first_ns, event.last_ns, selection)
    return hosts and times and not selection.interfaces and _ended(event.status, None, selection)


def _entries_wanted(entries: Iterable[LogEntry], kept: set[str], selection: Selection) -> Iterator[LogEntry]:
    """Lines about a call that stays; those about no call by time and status alone: a log knows no addresses."""
    beside_calls = not (selection.hosts or selection.interfaces)
    for entry in entries:
        calls = tuple(call for call in entry.calls if call in kept)
        if calls:
            yield entry if calls == entry.calls else replace(entry, calls=calls)
            continue
        times = _time_wanted(entry.time_ns, entry.time_ns, selection)
        if not entry.calls and beside_calls and times and _ended(entry.status, None, selection):
            yield entry


def _finding_wanted(
    finding: Finding, named: set[str], seen: set[tuple[int, int]], logged: set[tuple[str, int]]
) -> bool:
    """By what it is about. Incidents of connections have no ids: they are known by their frames; lines by their place.
    """
    about = (*finding.calls, *finding.concerns)
    if about:
        return not named.isdisjoint(about)
    lines = (item.log_line for item in finding.evidence)
    return any((finding.capture, frame) in seen for frame in finding.frames) or any(
        line is not None and (line.file, line.line) in logged for line in lines
    )


def _moment_ns(text: str) -> int:
    """An ISO 8601 time as nanoseconds since 1970; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{safe_text(text)!r} is no time such as 2021-03-04T10:15:00Z") from None
    moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    since_epoch = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (since_epoch.days * 86_400 + since_epoch.seconds) * 1_000_000_000 + since_epoch.microseconds * 1_000
