"""Moments without a year, in the order of a log's lines -> how often the year turned, and where the clock went back.

Threads write in any order, so a moment may lie a little before the last one; months back is the next year (a log may be
quiet for long), an hour back the end of summer time or somebody who set the clock.
"""

from __future__ import annotations

from collections.abc import Mapping

from rpctrace.logs.line import Moment

# In which a log begins: one year of all logs, or of each path its own; that of "" is of those that have none.
Years = int | Mapping[str, int] | None

_NEXT_YEAR_MONTHS = 2  # so far back
_AN_HOUR_S = range(50 * 60, 61 * 60)  # the lines around it are not written at its very seconds
_DAY_S = 86_400


def year_of_log(years: Years, path: str) -> int | None:
    return years.get(path, years.get("")) if isinstance(years, Mapping) else years


class Calendar:
    """`turns`: how often the year had turned since the first moment; `first`, `last`: as written; `back_at`: number of
    the line at which the clock went back by an hour (the latest such)."""

    def __init__(self) -> None:
        self.turns = 0
        self.first: Moment | None = None
        self.last: Moment | None = None
        self.back_at: int | None = None

    def feed(self, moment: Moment, line: int) -> int:
        """The turns of this moment."""
        last = self.last
        if moment == last:
            return self.turns
        if last is None:
            self.first = moment
        elif last.month - moment.month >= _NEXT_YEAR_MONTHS:
            self.turns += 1
        elif (last.month, last.day, moment.month, moment.day) == (1, 1, 12, 31):
            self.turns -= 1  # a thread that was late at New Year
        elif moment < last and self._seconds_back(last, moment) in _AN_HOUR_S:
            self.back_at = line
        self.last = moment
        return self.turns

    @staticmethod
    def _seconds_back(last: Moment, moment: Moment) -> int:
        days = last.day - moment.day if last.month == moment.month else 1
        return days * _DAY_S + last.second_of_day - moment.second_of_day
