"""A log that meets no capture, beside one of the same name that does -> the year and offset of both.

netlogon.bak is what netlogon.log was before: one host's, written by one clock, with hardly a gap. What failed in
it still has its time in UTC then, although no line of it was fitted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from rpctrace.correlation.log_fit import local_seconds
from rpctrace.correlation.log_words import zone_words
from rpctrace.report import LogFacts

_SLACK_S = 86_400  # lines at the end of one and the start of the other may overlap
_YEARS = 9  # that are tried: the next one or two, or the one that has a 29 February


def with_neighbours(logs: Sequence[LogFacts]) -> list[LogFacts]:
    """The logs, given in order of time; those whose year and offset are unknown have them of the nearest of their name
    behind them that knows its own, or else before them."""
    known = list(logs)
    for place in reversed(range(len(known))):
        known[place] = _beside(known[place], known[place + 1 :], _year_before, "before")
    for place in range(len(known)):
        known[place] = _beside(known[place], reversed(known[:place]), _year_after, "behind")
    return known


def _beside(
    log: LogFacts, others: Iterable[LogFacts], year_beside: Callable[[LogFacts, LogFacts, int], int | None], way: str
) -> LogFacts:
    given = log.year is not None or log.utc_offset_minutes is not None
    if log.found != "unknown" or given or log.first_time is None:
        return log
    for other in others:
        other_year, offset = other.year, other.utc_offset_minutes
        if other.found == "unknown" or other_year is None or offset is None or _name(other.path) != _name(log.path):
            continue
        year = year_beside(log, other, other_year)
        if year is not None:
            text = f"{year}, {zone_words(offset)}, as the log {way} which it comes: {other.path}"
            return replace(log, year=year, utc_offset_minutes=offset, found="fitted", text=text)
    return log


def _name(path: str) -> str:
    """Folder and name, up to the first dot: of netlogon.log, netlogon.bak and netlogon.log.gz the same."""
    folder, name = os.path.split(path)
    return os.path.join(folder, name.split(".")[0].casefold())


def _year_before(log: LogFacts, other: LogFacts, other_year: int) -> int | None:
    """The latest year in which `log` ends before `other` begins."""
    begins = local_seconds(other_year, other.first_time)
    latest = other_year - log.year_turns
    for year in range(latest, latest - _YEARS, -1):
        ends = local_seconds(year + log.year_turns, log.last_time)
        if begins is not None and ends is not None and ends <= begins + _SLACK_S:
            return year
    return None


def _year_after(log: LogFacts, other: LogFacts, other_year: int) -> int | None:
    """The earliest year in which `log` begins after `other` ends."""
    earliest = other_year + other.year_turns
    ends = local_seconds(earliest, other.last_time)
    for year in range(earliest, earliest + _YEARS):
        begins = local_seconds(year, log.first_time)
        if begins is not None and ends is not None and begins >= ends - _SLACK_S:
            return year
    return None
