"""Proves: year and zone of a log are found wherever they can be, and not claimed where they cannot."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import pytest
from builders.work import function_calls
from log_records import START_S, incident, logon, refused

from rpctrace.correlation.log_fit import Fit, Fitter, Stamp, local_seconds, year_of
from rpctrace.correlation.log_lines import join
from rpctrace.correlation.log_subjects import About, Subject
from rpctrace.report import Report

NS = 10**9
ABOUT = About(frozenset(("s",)), True, "kerberos", "r", None, "10.9.9.9")
SECONDS = (11.2, 302.7, 1007.1, 2411.9)


def subject(second: float, base: int = START_S, failed: bool = True) -> Subject:
    at = base * NS + round(second * NS)
    return Subject(ABOUT, "call-1", at, at + 10_000_000, failed)


def stamp(second: float, turns: int = 0) -> Stamp:
    """A local moment, seconds after 1970."""
    moment = datetime.fromtimestamp(int(second), UTC)
    return Stamp(turns, moment.strftime("%m-%dT%H:%M:%S"))


def fitted(
    subjects: list[Subject], stamps: list[Stamp], year: int | None = None, offset_minutes: int | None = None
) -> Fit:
    turns = {each.year_turns for each in stamps}
    return Fitter(subjects, {(ABOUT, True): stamps}, turns).fit(year, offset_minutes)


@pytest.mark.parametrize("offset", [0, 60, -60, 120, 330, 345, 525, -210, -570, 765, 840, -840])
def test_every_zone(offset: int) -> None:
    """With hours, halves and quarters."""
    fit = fitted([subject(at) for at in SECONDS], [stamp(START_S + at + offset * 60) for at in SECONDS])
    assert (fit.year, fit.offset_minutes, fit.shift_s, fit.matched, fit.anchors) == (2012, offset, 0, 4, 4)
    assert fit.residual_s is not None
    assert fit.residual_s <= 1.5


def test_a_year_that_turns_between_the_two_clocks() -> None:
    """It is 2012 in the log and 2011 in the capture, or the other way round."""
    new_year = int(datetime(2012, 1, 1, tzinfo=UTC).timestamp())
    for base, offset, year in ((new_year - 3600, 120, 2012), (new_year + 600, -300, 2011)):
        fit = fitted([subject(at, base) for at in SECONDS], [stamp(base + at + offset * 60) for at in SECONDS])
        assert (fit.year, fit.offset_minutes, fit.matched) == (year, offset, 4)


def test_a_year_that_turned_in_the_log() -> None:
    """The year is that of the log's first line."""
    base = int(datetime(2012, 1, 1, 12, tzinfo=UTC).timestamp())
    fit = fitted([subject(at, base) for at in SECONDS], [stamp(base + at, turns=1) for at in SECONDS])
    assert (fit.year, fit.offset_minutes, fit.matched) == (2011, 0, 4)


def test_the_29th_of_february_is_only_in_leap_years() -> None:
    base = int(datetime(2012, 2, 29, 23, 30, tzinfo=UTC).timestamp())
    fit = fitted([subject(at, base) for at in SECONDS], [stamp(base + at) for at in SECONDS])
    assert (fit.year, fit.offset_minutes) == (2012, 0)
    assert local_seconds(2011, "02-29T00:00:00") is None


def test_two_offsets_that_fit_equally_well() -> None:
    """A client that tries again every quarter of an hour."""
    stamps = [stamp(START_S + 11 + 900 * number) for number in range(4)]
    fit = fitted([subject(11.2)], stamps)
    assert (fit.year, fit.offset_minutes, fit.matched, fit.rivals) == (None, None, 1, 4)


def test_one_that_fits_clearly_better_than_the_others() -> None:
    stamps = [stamp(START_S + at + 3600) for at in SECONDS] + [stamp(START_S + SECONDS[0] + 900)]
    fit = fitted([subject(at) for at in SECONDS], stamps)
    assert (fit.offset_minutes, fit.matched) == (60, 4)


def test_one_match_among_many_lines_may_be_chance() -> None:
    rng = random.Random(3)
    stamps = [stamp(START_S + rng.randrange(-50_000, 50_000) // 900 * 900 + 450) for _ in range(300)]
    fit = fitted([subject(11.2)], [*stamps, stamp(START_S + 11)])
    assert (fit.offset_minutes, fit.rivals, fit.by_chance) == (None, 1, True)


def test_a_single_line_that_fits_is_enough() -> None:
    assert fitted([subject(11.2)], [stamp(START_S + 11 + 3600)]).offset_minutes == 60


def test_nothing_that_fits() -> None:
    assert fitted([subject(11.2)], [stamp(START_S + 11 + 450)]) == Fit(None, None, 0, 0, 1, 0, ())
    assert fitted([], [stamp(START_S)]).anchors == 0
    assert fitted([subject(1)], []).anchors == 0


@pytest.mark.parametrize("shift", [-271, -40, 37, 299])
def test_a_clock_that_is_off(shift: int) -> None:
    """By up to the five minutes that Kerberos allows; three that agree are needed."""
    stamps = [stamp(START_S + at + 3600 + shift) for at in SECONDS]
    fit = fitted([subject(at) for at in SECONDS], stamps)
    assert (fit.year, fit.offset_minutes, fit.matched) == (2012, 60, 4)
    assert abs(fit.shift_s - shift) <= 1
    assert all(abs(residual - shift * NS) <= 2 * NS for residual in fit.residuals_ns)
    assert fitted([subject(at) for at in SECONDS[:2]], stamps[:2]).offset_minutes is None


def test_what_is_given_is_kept() -> None:
    anchors, stamps = [subject(at) for at in SECONDS], [stamp(START_S + at + 3600) for at in SECONDS]
    whole = fitted(anchors, stamps, 2012, 60)
    assert (whole.year, whole.offset_minutes, whole.matched) == (2012, 60, 4)
    assert fitted(anchors, stamps, None, 60).year == 2012
    assert fitted(anchors, stamps, 2012, None).offset_minutes == 60
    wrong = fitted(anchors, stamps, 2012, 120)
    assert (wrong.offset_minutes, wrong.matched, wrong.other_season) == (120, 0, 4)
    assert fitted(anchors, stamps, 2011, None).year is None


def test_another_season_is_noticed() -> None:
    anchors = [subject(at) for at in (*SECONDS, 5000.3)]
    fit = fitted(anchors, [*(stamp(START_S + at) for at in SECONDS), stamp(START_S + 5000 + 3600)])
    assert (fit.offset_minutes, fit.matched, fit.other_season) == (0, 4, 1)


def test_far_years() -> None:
    assert year_of(10**30) is None
    assert year_of(0) == 1970
    assert local_seconds(10_000, "01-01T00:00:00") is None
    assert fitted([subject(1, base=10**12)], [stamp(START_S)]).year is None


def joined(lines: list[str], **facts: Any) -> Report:
    return join(incident([refused(number, at) for number, at in enumerate(SECONDS)], lines, **facts))


def test_the_end_of_summer_time_in_a_log() -> None:
    """Lines before it are of an offset greater by an hour; both sides are joined."""
    lines = [
        *logon(SECONDS[0], offset_minutes=120), *logon(SECONDS[1], offset_minutes=120),
        *logon(SECONDS[2], offset_minutes=60), *logon(SECONDS[3], offset_minutes=60),
    ]  # fmt: skip
    lines.insert(4, "03/14 11:16:00 [MISC] last of summer")
    lines.insert(5, "03/14 10:16:01 [MISC] first of winter")
    report = joined(lines)
    (log,) = report.logs
    assert (log.utc_offset_minutes, log.matched, log.back_line) == (60, 4, 6)
    assert "lines before it are read as UTC+02:00" in log.text
    assert [entry.calls for entry in report.log_entries if entry.phase == "Returns"] == [
        ("call-0",), ("call-1",), ("call-2",), ("call-3",)
    ]  # fmt: skip


def test_a_log_of_another_day_gives_nothing() -> None:
    report = joined([line for at in SECONDS for line in logon(at - 3 * 86_400)])
    assert (report.logs[0].found, report.logs[0].year, report.logs[0].matched) == ("unknown", None, 0)
    assert not any(entry.calls for entry in report.log_entries)


def test_given_is_said_to_be() -> None:
    lines = [line for at in SECONDS for line in logon(at)]
    given = joined(lines, year=2012, utc_offset_minutes=60, found="given").logs[0]
    assert (given.found, given.matched, given.year) == ("given", 4, 2012)
    half = joined(lines, utc_offset_minutes=60).logs[0]
    assert (half.found, half.year, half.utc_offset_minutes) == ("fitted", 2012, 60)
    wrong = joined(lines, utc_offset_minutes=-300).logs[0]
    assert (wrong.found, wrong.utc_offset_minutes) == ("unknown", -300)


def test_work_grows_with_the_lines() -> None:
    """Twice as many lines and calls, all of which could be each other's, are at most 2.3 times the work."""

    def work(count: int) -> int:
        subjects = [subject(number * 3.7) for number in range(count // 100)]
        stamps = [stamp(START_S + 3600 + number * 0.04) for number in range(count)]
        return function_calls(lambda: fitted(subjects, stamps))

    assert work(32_000) <= 2.3 * work(16_000)
