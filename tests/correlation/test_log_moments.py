"""Proves: a call finds the logons that lie near it or that may, as comparing all of them would, and compares few."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from builders.work import function_calls
from hypothesis import given
from hypothesis import strategies as st
from log_records import SECOND, entries_of

from rpctrace.correlation.log_fit import local_seconds
from rpctrace.correlation.log_moments import MAXIMUM_LINES_OF_A_CALL, TOLERANCE_NS, Agreeing, LoggedLogon, apart_ns
from rpctrace.correlation.log_subjects import About, Subject

ABOUT = About(frozenset(("s",)), True, "kerberos", "r", None, "10.1.1.1")
ENOUGH = ("package", "realm", "server")
PLAIN = entries_of(["[LOGON] SamLogon: Generic logon of R\\(null) from (null) Package:Kerberos Returns 0x1"])[1][0]
FOURTEEN_HOURS_NS = 14 * 3600 * SECOND


def subject(start_ns: int, end_ns: int) -> Subject:
    return Subject(ABOUT, "call-1", start_ns, end_ns, True)


def logged(line: int, time: str | None = None, duration_s: int | None = None) -> LoggedLogon:
    return LoggedLogon(replace(PLAIN, line=line, time=time, duration_s=duration_s), None)


def timed(*logons: tuple[int, int]) -> Agreeing:
    """Logons of (second, duration), in this order."""
    all_of_them = [logged(place, None, duration_s) for place, (_, duration_s) in enumerate(logons)]
    moments = {place: second * SECOND for place, (second, _) in enumerate(logons)}
    return Agreeing(ABOUT, [(ENOUGH, range(len(logons)))], all_of_them, moments)


def written(times: list[str | None], by: tuple[str, ...] = ENOUGH) -> Agreeing:
    """Logons at these times of a log whose year and zone are unknown."""
    return Agreeing(ABOUT, [(by, range(len(times)))], [logged(at, time) for at, time in enumerate(times)], {})


def places(agreeing: Agreeing, asked: Subject) -> list[int]:
    return [place for place, _ in agreeing.of(asked)]


_LOGONS = st.lists(st.tuples(st.integers(0, 120), st.sampled_from((0, 0, 0, 1, 7, 45, 100))), max_size=60).map(sorted)


@given(_LOGONS, st.integers(0, 120 * SECOND), st.integers(0, 40 * SECOND))
def test_near_ones_as_comparing_all_finds_them(logons: list[tuple[int, int]], start_ns: int, length_ns: int) -> None:
    """In a log in order of time: what is nearest, and of equals what comes first."""
    asked = subject(start_ns, start_ns + length_ns)
    apart = [apart_ns(asked, second * SECOND, duration_s * SECOND) for second, duration_s in logons]
    near = sorted((each, place) for place, each in enumerate(apart) if each <= TOLERANCE_NS)
    nearest, agreeing = near[:MAXIMUM_LINES_OF_A_CALL], timed(*logons)
    assert [by for _, by in agreeing.of(asked)] == [(*ENOUGH, "time")] * len(nearest)
    assert [apart[place] for place in places(agreeing, asked)] == [each for each, _ in nearest]
    if len({duration_s for _, duration_s in logons}) == 1:
        assert places(agreeing, asked) == [place for _, place in nearest]


_DAYS = st.sampled_from((datetime(2012, 2, 28, tzinfo=UTC), datetime(2011, 2, 28, tzinfo=UTC),
                         datetime(2011, 12, 31, tzinfo=UTC), datetime(2012, 6, 1, tzinfo=UTC)))  # fmt: skip
_TIMES = st.builds("{}T{:02d}:{:02d}:{:02d}".format, st.sampled_from(
    ("02-27", "02-28", "02-29", "03-01", "12-31", "01-01", "05-31", "06-02")
), st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))  # fmt: skip


@given(_DAYS, st.integers(0, 3 * 86_400 * SECOND), st.lists(st.none() | _TIMES, max_size=12))
def test_possible_ones_as_trying_each_year_finds_them(day: datetime, later_ns: int, times: list[str | None]) -> None:
    """Some year and some zone bring them to the call; a line without time may always be."""
    start_ns = int(day.timestamp()) * SECOND + later_ns
    asked = subject(start_ns, start_ns + SECOND // 3)
    locals_ns = [[(local_seconds(year, time) or 0) * SECOND for year in range(2010, 2014)] for time in times]
    possible = [
        place for place, each in enumerate(locals_ns)
        if times[place] is None
        or any(asked.start_ns - FOURTEEN_HOURS_NS <= ns <= asked.end_ns + FOURTEEN_HOURS_NS for ns in each)
    ]  # fmt: skip
    assert places(written(times), asked) == possible


def test_without_time_only_what_failed_and_agrees_in_enough() -> None:
    asked = subject(0, 0)
    assert places(written([None, None]), asked) == [0, 1]
    assert places(written([None, None]), asked._replace(failed=False)) == []
    assert places(written([None, None], ("package", "realm")), asked) == []
    assert len(places(written([None] * 99), asked)) == MAXIMUM_LINES_OF_A_CALL


@pytest.mark.parametrize("year", [1, 9999])
def test_at_the_ends_of_the_calendar(year: int) -> None:
    moment = datetime(year, 1, 1, tzinfo=UTC) if year == 1 else datetime(year, 12, 31, 23, tzinfo=UTC)
    asked = subject(int(moment.timestamp()) * SECOND, int(moment.timestamp()) * SECOND)
    assert places(written([None, f"{moment:%m-%d}T23:00:00"]), asked) == [0]


def work(agreeing: Agreeing, seconds: range) -> int:
    return function_calls(lambda: [list(agreeing.of(subject(at * SECOND, at * SECOND))) for at in seconds])


def test_lines_without_time_are_not_compared_with_each_call() -> None:
    """Ten times as many are at most a tenth more work; of none of the days, of all, without a time."""
    for time in (None, "01-01T12:00:00", "07-01T12:00:00"):
        few, many = (work(written([time] * count), range(100)) for count in (1000, 10_000))
        assert many <= 1.1 * few


def test_a_slow_logon_makes_no_others_slow() -> None:
    """One that lasted ten minutes among those of an hour; and a thousand calls and lines in one second."""
    plain = [(second, 0) for second in range(3600)]
    without, with_one = (work(timed(*logons), range(1000, 2000)) for logons in (plain, [*plain, (1500, 600)]))
    assert with_one <= 2 * without
    few, many = (work(timed(*[(500, 0)] * count), range(400, 600)) for count in (100, 1000))
    assert many <= 1.1 * few
