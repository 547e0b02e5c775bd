"""Year and UTC offset of a netlogon.log, which its lines do not say: those at which most of them meet the captures.

Zones differ from UTC by multiples of 15 minutes. For each such offset and each year that the captures allow it is
counted how many anchors (subjects of the captures) have a line that agrees with them within two seconds; a controller
whose clock is off by more is looked for where most anchors find no line. What fits only as well as another offset, or
no better than chance would, is no fit.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from functools import lru_cache
from math import exp, inf, lgamma, log

from rpctrace.correlation.log_subjects import TOLERANCE_S, About, Subject
from rpctrace.encoding.times import NS_PER_SECOND as NS
from rpctrace.named_tuple import NamedTuple

STEP_S = 900
FARTHEST_STEPS = 56  # 14 hours: Kiribati
LARGEST_SHIFT_S = 300  # a controller whose clock is further off issues no ticket that anybody takes (RFC 4120 1.3)
MAXIMUM_ANCHORS = 1000  # spread over all of them
MAXIMUM_YEARS = 6
_MAXIMUM_DIFFERENCES = 300_000
_SHIFTED_ANCHORS = 3  # fewer that agree in a shift of the clock prove none
_CLEARLY = 2  # times as many as the next best
_BY_CHANCE = 0.25  # offsets that may be expected to fit as well by chance alone


class Stamp(NamedTuple):
    """A Returns line's local time, MM-DDThh:mm:ss; `back_s`: by how much the log's clock went back after it."""

    year_turns: int
    time: str
    back_s: int = 0


class Fit(NamedTuple):
    """`year` of the log's first line, `offset_minutes` of its zone, `shift_s` by which its clock is ahead. None: not
    known; then `rivals` counts the offsets that fit equally well (0: no offset fits at all). `residuals_ns`: of
    every matched anchor, the log's time less the capture's."""

    year: int | None
    offset_minutes: int | None
    shift_s: int
    matched: int
    anchors: int
    rivals: int
    residuals_ns: tuple[int, ...]
    other_season: int = 0  # anchors that fit an hour away only
    by_chance: bool = False

    @property
    def residual_s(self) -> float | None:
        """How far matched lines and anchors are apart, in the middle, the shift of the clock left out."""
        apart = sorted(abs(residual - self.shift_s * NS) for residual in self.residuals_ns)
        return round(apart[len(apart) // 2] / NS, 1) if apart else None


def local_seconds(year: int, time: str | None) -> int | None:
    """Of MM-DDThh:mm:ss in that year, since 1970 as if it were UTC; None where the year has no such day."""
    midnight = None if time is None else _midnight(year, int(time[:2]), int(time[3:5]))
    if time is None or midnight is None:
        return None
    return midnight + int(time[6:8]) * 3600 + int(time[9:11]) * 60 + int(time[12:14])


@lru_cache(4096)
def _midnight(year: int, month: int, day: int) -> int | None:
    try:
        return int(datetime(year, month, day, tzinfo=UTC).timestamp())
    except (ValueError, OverflowError):
        return None


_Kind = tuple[About, bool | None]  # what a subject is about, and how it ended


class _Lines:
    """Returns lines that one kind of subject agrees with: local seconds in one year, sorted."""

    def __init__(self, stamps: Iterable[Stamp], year: int) -> None:
        seconds = ((local_seconds(year + stamp.year_turns, stamp.time), stamp.back_s) for stamp in stamps)
        self.seconds = sorted(second - back_s for second, back_s in seconds if second is not None)

    def between(self, first: float, last: float) -> Sequence[int]:
        start = bisect_left(self.seconds, first)
        return self.seconds[start : bisect_left(self.seconds, last, start)]

    def count_between(self, first: float, last: float) -> int:
        return bisect_left(self.seconds, last) - bisect_left(self.seconds, first)

    def any_between(self, first: float, last: float) -> bool:
        start = bisect_left(self.seconds, first)
        return start < len(self.seconds) and self.seconds[start] < last


class Fitter:
    """`stamps` gives, for what a subject is about and how it ended, the Returns lines that agree with it."""

    def __init__(
        self,
        subjects: Sequence[Subject],
        stamps: Mapping[_Kind, Sequence[Stamp]],
        turns: Iterable[int],
    ) -> None:
        anchors = [subject for subject in subjects if stamps.get((subject.about, subject.failed))]
        self.anchors = _spread(anchors, MAXIMUM_ANCHORS)
        self._stamps = stamps
        self._turns = sorted(set(turns))

    def fit(self, year: int | None, offset_minutes: int | None) -> Fit:
        """What is given is kept, the rest is found."""
        years = [year] if year is not None else self._years()
        lines = {each: self._lines(each) for each in years}
        if year is not None and offset_minutes is not None:
            return self._measured(year, offset_minutes, 0, lines[year])
        steps: Sequence[float] = range(-FARTHEST_STEPS, FARTHEST_STEPS + 1)
        if offset_minutes is not None:
            steps = (offset_minutes * 60 / STEP_S,)
        scores = {
            (each, step): count
            for each in years
            for step in steps
            if (count := self._matched(step * STEP_S, lines[each]))
        }
        best = self._best(scores, lines)
        matched = best.matched if best is not None else 0
        if offset_minutes is None and 2 * matched < len(self.anchors):
            shifted = self._shifted(lines)
            if shifted is not None and shifted.matched >= _CLEARLY * matched:
                return shifted
        return best if best is not None else self._unknown(scores)

    def _years(self) -> list[int]:
        """In which the log may begin, so that some line of it lies near some anchor."""
        reach = (FARTHEST_STEPS * STEP_S + LARGEST_SHIFT_S) * NS
        moments = [moment for anchor in self.anchors for moment in (anchor.start_ns - reach, anchor.end_ns + reach)]
        years = {year_of(moment) for moment in moments}
        found = {year - turn for year in years if year is not None for turn in self._turns}
        return sorted(found, reverse=True)[:MAXIMUM_YEARS]

    def _lines(self, year: int) -> dict[_Kind, _Lines]:
        kinds = dict.fromkeys((anchor.about, anchor.failed) for anchor in self.anchors)
        return {kind: _Lines(self._stamps[kind], year) for kind in kinds}

    def _matched(self, offset_s: float, lines: Mapping[_Kind, _Lines]) -> int:
        count = 0
        for about, _, start_ns, end_ns, failed in self.anchors:
            first, last = start_ns / NS + offset_s, end_ns / NS + offset_s
            if lines[about, failed].any_between(first - TOLERANCE_S - 1, last + TOLERANCE_S):
                count += 1
        return count

    def _best(
        self,
        scores: Mapping[tuple[int, float], int],
        lines: Mapping[int, Mapping[_Kind, _Lines]],
    ) -> Fit | None:
        """The one that fits clearly better than every other, and better than chance."""
        if not scores:
            return None
        (year, step), most = max(scores.items(), key=lambda item: (item[1], -abs(item[0][1]), -item[0][0]))
        second = max((count for place, count in scores.items() if place != (year, step)), default=0)
        if most < _CLEARLY * second or self._expected_by_chance(lines[year], most) > _BY_CHANCE:
            return None
        return self._measured(year, round(step * STEP_S / 60), 0, lines[year])

    def _expected_by_chance(self, lines: Mapping[_Kind, _Lines], matched: int) -> float:
        """At how many offsets as many anchors would match if the lines stood at random in these hours."""
        reach = FARTHEST_STEPS * STEP_S
        expected = 0.0
        for about, _, start_ns, end_ns, failed in self.anchors:
            near = lines[about, failed].count_between(start_ns / NS - reach, end_ns / NS + reach)
            width = (end_ns - start_ns) / NS + 2 * TOLERANCE_S + 1
            expected += min(1.0, max(0, near - 1) * width / (2 * reach))
        if expected >= matched:
            return inf
        # the head of Poisson's distribution of so many matches, in logarithms: its powers leave the range of floats
        one = matched * log(expected) - lgamma(matched + 1) if expected else -inf
        return exp(log(2 * FARTHEST_STEPS + 1) + one)

    def _measured(
        self, year: int, offset_minutes: int, shift_s: int, lines: Mapping[_Kind, _Lines]
    ) -> Fit:
        """How well this year and offset fit."""
        residuals: list[int] = []
        other_season = 0
        for about, _, start_ns, end_ns, failed in self.anchors:
            offset_s = offset_minutes * 60 + shift_s
            first, last = start_ns / NS + offset_s, end_ns / NS + offset_s
            of_kind = lines[about, failed]
            near = of_kind.between(first - TOLERANCE_S - 1, last + TOLERANCE_S)
            if near:
                # the line was written somewhere in its second
                apart = (second * NS + NS // 2 - offset_minutes * 60 * NS - end_ns for second in near)
                residuals.append(min(apart, key=lambda residual: abs(residual - shift_s * NS)))
            elif any(
                of_kind.any_between(first + hour - TOLERANCE_S - 1, last + hour + TOLERANCE_S) for hour in (-3600, 3600)
            ):
                other_season += 1
        matched = len(residuals)
        return Fit(year, offset_minutes, shift_s, matched, len(self.anchors), 0, tuple(residuals), other_season)

    def _shifted(self, lines: Mapping[int, Mapping[_Kind, _Lines]]) -> Fit | None:
        """A clock that is seconds to minutes off: the difference between line and anchor that most of them share."""
        reach = FARTHEST_STEPS * STEP_S + LARGEST_SHIFT_S
        found: list[tuple[int, int, int]] = []  # anchors, year, difference
        for year, of_year in lines.items():
            differences: Counter[int] = Counter()
            left = _MAXIMUM_DIFFERENCES
            for about, _, _, end_ns, failed in self.anchors:
                end = end_ns // NS
                near = of_year[about, failed].between(end - reach, end + reach)[:left]
                left -= len(near)
                differences.update({second - end for second in near})
            for difference in differences:
                if abs(difference - STEP_S * round(difference / STEP_S)) <= LARGEST_SHIFT_S:
                    around = sum(differences[difference + way] for way in (-1, 0, 1))
                    found.append((around, year, difference))
        if not found:
            return None
        most, year, difference = max(found, key=lambda each: (each[0], _order(each)))
        second = max((each[0] for each in found if each[1] != year or abs(each[2] - difference) > 3), default=0)
        if most < _SHIFTED_ANCHORS or most < _CLEARLY * second:
            return None
        steps = round(difference / STEP_S)
        fit = self._measured(year, steps * STEP_S // 60, difference - steps * STEP_S, lines[year])
        return fit if fit.matched >= _SHIFTED_ANCHORS else None

    def _unknown(self, scores: Mapping[tuple[int, float], int]) -> Fit:
        most = max(scores.values(), default=0)
        rivals = sum(count * _CLEARLY > most for count in scores.values())
        return Fit(None, None, 0, most, len(self.anchors), rivals, (), 0, rivals == 1)


def _order(found: tuple[int, int, int]) -> tuple[int, int]:
    """Among equals the least difference, the latest year: any order, but always the same."""
    return -abs(found[2]), found[1]


def year_of(moment_ns: int) -> int | None:
    day = day_of(moment_ns // NS)
    return None if day is None else day.year


def day_of(second: int) -> date | None:
    """In UTC; None outside the years that a date may have."""
    try:
        return datetime.fromtimestamp(second, UTC).date()
    except (ValueError, OverflowError, OSError):
        return None


def _spread(anchors: Sequence[Subject], most: int) -> list[Subject]:
    if len(anchors) <= most:
        return list(anchors)
    return [anchors[place * len(anchors) // most] for place in range(most)]
