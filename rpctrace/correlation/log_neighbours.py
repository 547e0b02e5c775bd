"""A log that meets no capture, beside one of the same name that does -> the year and offset of both.

netlogon.bak is what netlogon.log was before: one host's, written by one clock, with hardly a gap. What failed in
it still has its time in UTC then, although no line of it was fitted.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace

from rpctrace.correlation.log_fit import local_seconds
from rpctrace.correlation.log_words import zone_words
from rpctrace.report import LogFacts

_SLACK_S = 86_400  # lines at the end of one and the start of the other may overlap


def neighbour(logs: Sequence[LogFacts], place: int, last_turns: Mapping[str, int]) -> LogFacts | None:
    """The log at `place`, whose year and offset are unknown, as the fitted one beside it has them; `logs` are in order
    of time, `last_turns` says of each path how often the year had turned at its last line."""
    log = logs[place]
    if log.first_time is None or log.last_time is None or log.year is not None or log.utc_offset_minutes is not None:
        return None
    for at, other in enumerate(logs):
        if other.year is None or other.utc_offset_minutes is None or other.found == "unknown":
            continue
        if at == place or _name(other.path) != _name(log.path):
            continue
        year = _year_before(log, other, last_turns) if at > place else _year_after(log, other, last_turns)
        if year is not None:
            way = "before" if at > place else "behind"
            text = f"{year}, {zone_words(other.utc_offset_minutes)}, as the log {way} which it comes: {other.path}"
            return replace(
                log, year=year, utc_offset_minutes=other.utc_offset_minutes, found="fitted", text=text
            )
    return None


def _name(path: str) -> str:
    """Folder and name, up to the first dot: of netlogon.log, netlogon.bak and netlogon.log.gz the same."""
    folder, name = os.path.split(path)
    return os.path.join(folder, name.split(".")[0].casefold())


def _year_before(log: LogFacts, other: LogFacts, last_turns: Mapping[str, int]) -> int | None:
    """The latest year in which `log` ends before `other` begins."""
    assert other.year is not None
    turns = last_turns.get(log.path, 0)
    begins = local_seconds(other.year, other.first_time or "")
    for year in (other.year - turns, other.year - turns - 1):
        ends = local_seconds(year + turns, log.last_time or "")
        if begins is not None and ends is not None and ends <= begins + _SLACK_S:
            return year
    return None


def _year_after(log: LogFacts, other: LogFacts, last_turns: Mapping[str, int]) -> int | None:
    """The earliest year in which `log` begins after `other` ends."""
    assert other.year is not None
    end_year = other.year + last_turns.get(other.path, 0)
    ends = local_seconds(end_year, other.last_time or "")
    for year in (end_year, end_year + 1):
        begins = local_seconds(year, log.first_time or "")
        if begins is not None and ends is not None and begins >= ends - _SLACK_S:
            return year
    return None
