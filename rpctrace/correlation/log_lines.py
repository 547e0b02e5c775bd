"""Lines of netlogon.log -> the calls that they are about, once the log's year and offset are fitted to the captures.

A line about another server, another realm or user, another package or another moment is joined to nothing. Where nobody
knows when it was, because the log has no times or its offset stays unknown, server, realm or user, and package must
all agree, and the call must have failed.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from rpctrace.correlation.host_clocks import NETLOGON
from rpctrace.correlation.log_fit import Fit, Fitter, Stamp, local_seconds
from rpctrace.correlation.log_moments import Agreeing, LoggedLogon
from rpctrace.correlation.log_neighbours import with_neighbours
from rpctrace.correlation.log_subjects import About, Index, Subject, said_of, subjects_of
from rpctrace.correlation.log_words import fit_words
from rpctrace.correlation.matching import median
from rpctrace.encoding.times import NS_PER_SECOND as NS
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import CaptureFacts, HostClock, Limit, LogEntry, LogFacts, Report

LOG_ENTRIES_KEPT = 10_000
# A burst of calls in one second has lines that cannot be told apart: so many are named, the nearest.
MAXIMUM_CALLS_OF_A_LINE = 16
NEAR_NS = 60 * NS  # before the first and after the last frame of the captures
LIMIT = "log_entries_kept"
_BACK_S = 3600


def join(report: Report) -> Report:
    if not report.logs or any(log.text for log in report.logs):
        return report
    subjects = subjects_of(report)
    by_file: dict[str, list[LogEntry]] = defaultdict(list)
    for entry in report.log_entries:
        by_file[entry.file].append(entry)
    results = [_joined(log, by_file.get(log.path, []), subjects) for log in report.logs]
    for place, log in enumerate(with_neighbours([result.facts for result in results])):
        if log is not results[place].facts:
            again = _joined(log, by_file.get(log.path, []), subjects)
            results[place] = again._replace(facts=replace(again.facts, text=log.text))
    entries = [entry for result in results for entry in result.entries]
    controllers = {call.id: call.server.address for call in report.calls if call.secure_channel is not None}
    clocks = [clock for result in results for clock in _clock(result, controllers)]
    kept, left_out = _kept(entries, report.captures)
    limits = (*report.limits, Limit(LIMIT, LOG_ENTRIES_KEPT, left_out)) if left_out > 0 else report.limits
    found = (*report.host_clocks, *clocks)
    logs = tuple(result.facts for result in results)
    return replace(report, logs=logs, log_entries=tuple(kept), limits=limits, host_clocks=found)


class _Result(NamedTuple):
    """One log, joined."""

    facts: LogFacts
    entries: list[LogEntry]
    fit: Fit


def _clock(result: _Result, controllers: Mapping[str, str]) -> Iterator[HostClock]:
    """The clock of the host that wrote the log: the controller to which SamLogon calls went that have a line in it;
    where there is none, the log's path stands for it."""
    if not result.fit.residuals_ns:
        return
    asked = Counter(controllers[call] for entry in result.entries for call in entry.calls if call in controllers)
    address = max(asked, key=lambda each: (asked[each], each), default=None)
    offsets = sorted(result.fit.residuals_ns)
    spread = offsets[-1] - offsets[0]
    name = result.facts.path if address is None else None
    yield HostClock(address, name, NETLOGON, None, median(offsets), len(offsets), spread)


def _joined(log: LogFacts, entries: Sequence[LogEntry], subjects: Sequence[Subject]) -> _Result:
    by_line = {entry.line: entry for entry in entries}
    logons = [
        LoggedLogon(entry, by_line.get(entry.partner or 0))
        for entry in entries
        if entry.phase == "Returns" or (entry.phase == "Entered" and entry.partner is None)
    ]
    index = Index((said_of(logon.entry, logon.partner), place) for place, logon in enumerate(logons))
    same = {about: list(index.agreeing(about)) for about in dict.fromkeys(each.about for each in subjects)}
    fit = _fit(log, logons, same, subjects)
    timed = [_timed(entry, log, fit) for entry in entries]
    moments = {entry.line: entry.time_ns for entry in timed if entry.time_ns is not None}
    agreeing = {about: Agreeing(about, places, logons, moments) for about, places in same.items()}
    found: dict[int, _Found] = defaultdict(_Found)
    for subject in subjects:
        if subject.call is not None:
            for place, by in agreeing[subject.about].of(subject):
                logon = logons[place]
                found[logon.entry.line].take(subject.call, by)
                if logon.partner is not None:
                    found[logon.partner.line].take(subject.call, by)
    facts = replace(
        log,
        year=log.year if fit.year is None else fit.year,
        utc_offset_minutes=log.utc_offset_minutes if fit.offset_minutes is None else fit.offset_minutes,
        found="unknown" if fit.year is None else log.found if log.found == "given" else "fitted",
        matched=fit.matched,
        anchors=fit.anchors,
        residual_s=fit.residual_s,
        text=fit_words(log, fit),
    )
    return _Result(facts, [found[entry.line].into(entry) if entry.line in found else entry for entry in timed], fit)


class _Found:
    """The calls of one line."""

    def __init__(self) -> None:
        self.calls: dict[str, None] = {}
        self.by: set[str] = set()

    def take(self, call: str, by: Iterable[str]) -> None:
        if len(self.calls) < MAXIMUM_CALLS_OF_A_LINE:
            self.calls[call] = None
            self.by.update(by)

    def into(self, entry: LogEntry) -> LogEntry:
        return replace(entry, calls=tuple(self.calls), joined_by=tuple(sorted(self.by)))


_Same = Mapping[About, Sequence[tuple[tuple[str, ...], list[int]]]]


def _fit(log: LogFacts, logons: Sequence[LoggedLogon], same: _Same, subjects: Sequence[Subject]) -> Fit:
    """Lines that ended as the call did are better witnesses; without any such, all lines that agree are asked."""
    agreeing = {about: [logons[place].entry for _, places in each for place in places] for about, each in same.items()}
    turns = {entry.year_turns for entry, _ in logons}
    kinds = dict.fromkeys((each.about, each.failed) for each in subjects)
    for asked in (lambda failed: failed, lambda _: None):
        stamps = {(about, failed): list(_stamps(agreeing[about], log, asked(failed))) for about, failed in kinds}
        fit = Fitter(subjects, stamps, turns).fit(log.year, log.utc_offset_minutes)
        if fit.matched:
            break
    return fit


def _stamps(entries: Iterable[LogEntry], log: LogFacts, failed: bool | None) -> Iterator[Stamp]:
    for entry in entries:
        if entry.time is None or entry.phase != "Returns":
            continue
        if failed is None or entry.status is None or failed == (entry.status != 0):
            yield Stamp(entry.year_turns, entry.time, _BACK_S if _is_before_back(entry, log) else 0)


def _is_before_back(entry: LogEntry, log: LogFacts) -> bool:
    """The offset is that of the lines behind the hour that the log's clock went back."""
    return log.back_line is not None and entry.line < log.back_line


def _timed(entry: LogEntry, log: LogFacts, fit: Fit) -> LogEntry:
    if fit.year is None or fit.offset_minutes is None or entry.time is None:
        return entry
    local = local_seconds(fit.year + entry.year_turns, entry.time)
    if local is None:
        return entry
    if _is_before_back(entry, log):
        local -= _BACK_S
    return replace(entry, time_ns=(local - fit.offset_minutes * 60 - fit.shift_s) * NS)


def _kept(entries: Sequence[LogEntry], captures: Sequence[CaptureFacts]) -> tuple[list[LogEntry], int]:
    """(entries in their order, how many there was no room for): those that are joined first, then those near the
    captures, then what failed at another time. Others say nothing of these captures."""
    firsts = [each.first_ns for each in captures if each.first_ns is not None]
    lasts = [each.last_ns for each in captures if each.last_ns is not None]
    ranks: tuple[list[int], ...] = ([], [], [])
    for place, entry in enumerate(entries):
        moment = entry.time_ns
        if entry.calls:
            ranks[0].append(place)
        elif moment is None or (firsts and min(firsts) - NEAR_NS <= moment <= max(lasts) + NEAR_NS):
            ranks[1].append(place)
        elif entry.status:
            ranks[2].append(place)
    wanted = [place for rank in ranks for place in rank]
    kept = sorted(wanted[:LOG_ENTRIES_KEPT])
    return [entries[place] for place in kept], len(wanted) - len(kept)
