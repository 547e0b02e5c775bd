"""The logons that agree with a kind of subject -> those that one subject of the kind is, by their time.

A report may have thousands of calls and a log thousands of logons, all alike: what is too far away is not looked at,
and of what cannot be told apart so many are taken as may be named.
"""

from __future__ import annotations

from bisect import bisect_left
from calendar import isleap
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from rpctrace.correlation.log_fit import FARTHEST_STEPS, STEP_S
from rpctrace.correlation.log_subjects import TOLERANCE_S, About, Subject, is_enough_without_time
from rpctrace.encoding.times import NS_PER_SECOND as NS
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import LogEntry

# A burst of calls in one second has lines that cannot be told apart: so many are named, the nearest.
MAXIMUM_LINES_OF_A_CALL = 16
TOLERANCE_NS = TOLERANCE_S * NS
_REACH_S = FARTHEST_STEPS * STEP_S
_BEHIND_ALL = "~"

By = tuple[str, ...]


class LoggedLogon(NamedTuple):
    """Where the lines of one logon are in the report: what answered it, or the Entered line that nothing answered."""

    entry: LogEntry
    partner: LogEntry | None


class Agreeing:
    """`same`: in what logons agree with the kind of subject, and their places among `logons`; `moments`: of lines."""

    def __init__(
        self,
        about: About,
        same: Iterable[tuple[By, Sequence[int]]],
        logons: Sequence[LoggedLogon],
        moments: Mapping[int, int],
    ) -> None:
        timed: dict[int, dict[int, list[tuple[int, By]]]] = defaultdict(lambda: defaultdict(list))
        dated: list[tuple[str, int, By]] = []
        self._timeless: list[tuple[int, By]] = []
        for by, places in same:
            enough = is_enough_without_time(about, by)
            for place in places:
                entry = logons[place].entry
                moment = moments.get(entry.line)
                if moment is not None:
                    timed[entry.duration_s or 0][moment].append((place, by))
                elif enough and entry.time is None:
                    self._timeless.append((place, by))
                elif enough and entry.time is not None:
                    dated.append((entry.time, place, by))
        self._timeless.sort()
        self._dated = sorted(dated)
        # a moment that all share is met once; how long a logon lasted says how far back it reaches
        self._timed = [
            (duration_s * NS, sorted((moment, sorted(each)) for moment, each in at.items()))
            for duration_s, at in sorted(timed.items())
        ]

    def of(self, subject: Subject) -> Iterator[tuple[int, By]]:
        """(place, in what they agree) of the logons that this subject is; the nearest where there are many."""
        near = list(self._near(subject))
        if subject.failed and not near:
            near = [(0, place, by) for place, by in self._without_time(subject)]
        for _, place, by in sorted(near)[:MAXIMUM_LINES_OF_A_CALL]:
            yield place, by

    def _near(self, subject: Subject) -> Iterator[tuple[int, int, By]]:
        for duration_ns, moments in self._timed:
            at = bisect_left(moments, (subject.start_ns - TOLERANCE_NS - NS,))
            until, overlapping = subject.end_ns + TOLERANCE_NS + duration_ns, 0
            while at < len(moments) and moments[at][0] <= until and overlapping < MAXIMUM_LINES_OF_A_CALL:
                moment, places = moments[at]
                apart = apart_ns(subject, moment, duration_ns)
                if apart <= TOLERANCE_NS:
                    some = places[:MAXIMUM_LINES_OF_A_CALL]
                    yield from ((apart, place, (*by, "time")) for place, by in some)
                    overlapping += 0 if apart else len(some)
                at += 1

    def _without_time(self, subject: Subject) -> list[tuple[int, By]]:
        """Those without a time, and those whose day may be the subject's; as they come in the log."""
        found = set(self._timeless[:MAXIMUM_LINES_OF_A_CALL])
        # some zone brings these to the subject
        for first, last in _written_between(-(-subject.start_ns // NS) - _REACH_S, subject.end_ns // NS + _REACH_S):
            start = bisect_left(self._dated, (first,))
            end = bisect_left(self._dated, (last + _BEHIND_ALL,), start, len(self._dated))
            found.update((place, by) for _, place, by in self._dated[start : min(end, start + MAXIMUM_LINES_OF_A_CALL)])
        return sorted(found)[:MAXIMUM_LINES_OF_A_CALL]


def apart_ns(subject: Subject, moment_ns: int, duration_ns: int) -> int:
    """Between subject and logon, which is from its Entered to the end of the second of its last line; 0 where they
    overlap."""
    first, last = moment_ns - duration_ns, moment_ns + NS - 1
    return max(0, first - subject.end_ns, subject.start_ns - last)


def _written_between(first_s: int, last_s: int) -> Iterator[tuple[str, str]]:
    """From and to, as logs write times: without the year, of which every one that has a part is told by itself."""
    try:
        first, last = datetime.fromtimestamp(first_s, UTC), datetime.fromtimestamp(last_s, UTC)
    except (ValueError, OverflowError, OSError):
        return
    for year in range(first.year, min(last.year, first.year + 2) + 1):
        start = f"{first:%m-%dT%H:%M:%S}" if year == first.year else ""
        end = f"{last:%m-%dT%H:%M:%S}" if year == last.year else _BEHIND_ALL
        if isleap(year):
            yield start, end
        else:
            yield start, min(end, "02-28" + _BEHIND_ALL)
            yield max(start, "03-01"), end
