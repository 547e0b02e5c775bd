"""Logs -> what they add to a report: the lines that could be about its captures, within bounds.

A log holds days, a capture minutes; which of its lines lie near is known only when its year and offset are. Until then
those are held whose time could be near in some year and zone, the ones that name something of the captures first, and
what failed at any time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from rpctrace.assembly.log_entries import log_entry, log_facts
from rpctrace.correlation.log_fit import FARTHEST_STEPS, LARGEST_SHIFT_S, STEP_S, day_of, year_of
from rpctrace.correlation.log_subjects import TOLERANCE_S, Interest, Subject, subjects_of
from rpctrace.encoding.times import NS_PER_SECOND as NS
from rpctrace.errors import CaptureError
from rpctrace.limits import LOG_ENTRIES_HELD, limits_reached
from rpctrace.logs.calendar import Years, year_of_log
from rpctrace.logs.line import Logon, Moment, Placed
from rpctrace.logs.opening import Log, in_order_of_time
from rpctrace.logs.pairs import duration_s, ends
from rpctrace.report import LogEntry, LogFacts, Report

_REACH_S = FARTHEST_STEPS * STEP_S + LARGEST_SHIFT_S + 3660  # and a clock that goes back by an hour
_DAY_S = 86_400
# Flags whose lines tell why a logon failed.
_NOTABLE_FLAGS = frozenset(("CRITICAL", "SESSION"))


class _Window:
    """The days of a year on which something of the captures may have happened, in any zone."""

    def __init__(self, report: Report) -> None:
        firsts = [each.first_ns for each in report.captures if each.first_ns is not None]
        lasts = [each.last_ns for each in report.captures if each.last_ns is not None]
        self._days: set[tuple[int, int]] | None = None
        if firsts and year_of(min(firsts)) is not None and year_of(max(lasts)) is not None:
            self._days = set(_days(min(firsts) // NS - _REACH_S, max(lasts) // NS + _REACH_S))

    def has(self, moment: Moment | None) -> bool:
        """A line without time may be of any."""
        return moment is None or self._days is None or (moment.month, moment.day) in self._days


def _days(first_s: int, last_s: int) -> Iterator[tuple[int, int]]:
    for second in range(first_s, min(last_s, first_s + 366 * _DAY_S) + _DAY_S, _DAY_S):
        day = day_of(second) if second - last_s < _DAY_S else None
        if day is not None:
            yield day.month, day.day


# What is held before the log's clock is known, each with its own room: logons that name something of the captures, at
# a minute and second at which some zone brings them together; others that name something; what failed; all else.
MEETING, NAMED, FAILED, OTHER = range(4)


class _Held:
    """`left_out` counts what had no room."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._ranks: tuple[list[LogEntry], ...] = ([], [], [], [])
        self.left_out = 0

    def take(self, rank: int, placed: Placed, partner: int | None = None, took_s: int | None = None) -> None:
        held = self._ranks[rank]
        if len(held) < LOG_ENTRIES_HELD:
            held.append(log_entry(self._file, placed.line, placed.turns, partner, took_s))
        else:
            self.left_out += 1

    def in_order(self) -> list[LogEntry]:
        return sorted((entry for held in self._ranks for entry in held), key=lambda entry: entry.line)


class _Ranks:
    """How likely a line is wanted; None: not at all."""

    def __init__(self, report: Report) -> None:
        subjects = subjects_of(report)
        self._interest = Interest(subject.about for subject in subjects)
        self._window = _Window(report)
        self._meeting = _meeting_seconds(subjects)

    def of_logon(self, logon: Logon, moment: Moment | None) -> int | None:
        near = self._window.has(moment)
        if near and self._interest.wants(logon.domain, logon.user, logon.via, logon.package):
            meets = moment is None or moment.second_of_day % STEP_S in self._meeting
            return MEETING if meets else NAMED
        if logon.status:
            return FAILED
        return OTHER if near else None

    def of_text(self, flag: str | None, moment: Moment | None) -> int | None:
        if not self._window.has(moment):
            return None
        return FAILED if flag in _NOTABLE_FLAGS else OTHER


def _meeting_seconds(subjects: Sequence[Subject]) -> frozenset[int]:
    """Seconds of the quarter of an hour at which subjects end, in every zone the same."""
    slack = range(-TOLERANCE_S - 1, TOLERANCE_S + 2)
    return frozenset((subject.end_ns // NS + more) % STEP_S for subject in subjects for more in slack)


def read_logs(
    paths: Sequence[str],
    report: Report,
    *,
    year: Years = None,
    utc_offset_minutes: int | None = None,
    max_unpacked_octets: int | None = None,
    unreadable: Callable[[CaptureError], None] | None = None,
) -> Report:
    """The report with its logs, older ones first. `year`: in which they begin. Raises `CaptureError` for a log
    that cannot be opened, or calls `unreadable` with it and goes on."""
    ranks = _Ranks(report)
    logs: list[LogFacts] = []
    entries: list[LogEntry] = []
    left_out = 0
    for path in in_order_of_time(paths, unreadable, max_unpacked_octets):
        try:
            log = Log(path, max_unpacked_octets)
        except CaptureError as error:
            if unreadable is None:
                raise
            unreadable(error)
            continue
        with log:
            held = _held(log, ranks)
            entries += held.in_order()
            left_out += held.left_out
            logs.append(log_facts(log, year_of_log(year, path), utc_offset_minutes))
    limits = (*report.limits, *limits_reached({"log_entries_held": left_out}))
    return replace(report, logs=tuple(logs), log_entries=tuple(entries), limits=limits)


def _held(log: Log, ranks: _Ranks) -> _Held:
    held = _Held(log.path)
    for placed, entered in ends(log):
        line, logon = placed.line, placed.line.logon
        rank = ranks.of_text(line.flag, line.moment) if logon is None else ranks.of_logon(logon, line.moment)
        if rank is None:
            continue
        if entered is None:
            held.take(rank, placed)
            continue
        took_s = duration_s(entered.line.moment, line.moment)
        held.take(rank, entered, line.number, took_s)
        held.take(rank, placed, entered.line.number, took_s)
    return held
