"""Proves: bars stand at their times, all stretches have one scale, long pauses are cut out and named."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from report_values import START_NS
from story_values import incident, logged_incident, logged_report, step, story

from rpctrace.render.story import StoryBook, story_of
from rpctrace.render.timeline import NARROW, WIDE, Timeline, nice_step, stretches, timeline
from rpctrace.report import Report

MS = 1_000_000


def drawn(report: Report, width: int = WIDE) -> Timeline:
    told = story_of(report.findings[0], StoryBook(report))
    assert told is not None
    picture = timeline(told, width)
    assert picture is not None
    return picture


def test_the_article_s_timeline() -> None:
    picture = drawn(incident())
    assert [row.text for row in picture.rows] == ["Kerberos", "RPC", "Secure channel"]
    assert [cut.span for cut in picture.cuts] == ["79.6 ms"]
    assert [tick.text for tick in picture.segments[-1].ticks][-2:] == ["\u221210 ms", "0"]
    assert picture.bars[-2].text.startswith("0: alter_context IClassFactory AP-REQ")
    assert picture.bars[-2].text.endswith(", 6.8 ms")


def test_the_logon_lies_within_the_call_that_it_judges() -> None:
    *_, call, logon = drawn(incident()).bars
    assert call.x < logon.x < logon.x + logon.width < call.x + call.width
    assert (call.tone, logon.tone) == ("failure", "channel")


def test_of_several_users_each_bar_says_whose_it_is() -> None:
    picture = timeline(story(step("a", 0, MS, user="alice"), step("b", 2 * MS, 3 * MS, user="bob")))
    assert picture is not None
    assert [bar.text.partition(": ")[2] for bar in picture.bars] == [
        "bind alice: epmapper, 1 ms", "bind bob: epmapper, 1 ms",
    ]  # fmt: skip


def test_a_log_has_its_row() -> None:
    picture = drawn(logged_report())
    assert picture.rows[-1].text == "netlogon.log"
    assert [bar.dashed for bar in picture.bars].count(True) == 2


def test_a_line_of_a_log_stands_in_the_call_and_has_the_seconds_of_its_clock() -> None:
    picture = drawn(logged_incident())
    lines = [bar for bar in picture.bars if bar.dashed]
    assert [bar.text[:34] for bar in lines] == ["10:26:50 by its clock: Generic log"] * 2
    assert picture.band is not None
    for bar in lines:
        assert picture.band.x < bar.x < bar.x + bar.width < picture.band.x + picture.band.width


def test_stretches_have_one_scale() -> None:
    picture = drawn(incident())
    assert len({segment.scale for segment in picture.segments}) == 1
    assert len(picture.segments) == 2


@pytest.mark.parametrize(("width", "segments"), [(WIDE, 4), (NARROW, 2)])
def test_a_narrow_picture_has_fewer_stretches(width: int, segments: int) -> None:
    picture = timeline(story(*(step(str(n), 10**n * MS, 10**n * MS + MS) for n in range(1, 7))), width)
    assert picture is not None
    assert len(picture.segments) == segments


def test_nanoseconds_since_1970_keep_their_place() -> None:
    """A float has not enough digits for them."""
    told = story(step("a", START_NS, START_NS + 400), step("b", START_NS + 700, START_NS + 1_000))
    picture = timeline(told)
    assert picture is not None
    first, second = picture.bars
    assert second.x - first.x == pytest.approx(second.width * 7 / 3)
    assert first.width == pytest.approx(second.width * 4 / 3)
    assert second.x + second.width <= WIDE


def test_bars_at_the_same_time_do_not_hide_each_other() -> None:
    picture = timeline(story(step("a", 0, 100), step("b", 0, 100), step("c", 100, 200)))
    assert picture is not None
    first, second, third = picture.bars
    assert first.y < second.y
    assert (third.y, len(picture.rows)) == (first.y, 1)


@pytest.mark.parametrize("steps", [(step("a", None, None),), (step("a", 5, 5),)])
def test_without_two_moments_there_is_no_time_to_show(steps: tuple[object, ...]) -> None:
    assert timeline(story(*steps)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spans", "parts"),
    [
        ([(0, 10), (12, 20)], [(0, 20)]),
        ([(0, 10), (1000, 1010)], [(0, 10), (1000, 1010)]),
        ([(0, 10), (5, 30), (29, 40)], [(0, 40)]),
        ([(0, 0), (100, 100), (200, 200)], [(0, 0), (100, 100), (200, 200)]),
    ],
)
def test_what_is_cut_out(spans: list[tuple[int, int]], parts: list[tuple[int, int]]) -> None:
    assert stretches(spans) == parts


@pytest.mark.parametrize(
    ("span", "most", "expected"), [(10, 5, 2), (0, 3, 1), (140, 7, 20), (6_800_000, 10, 1_000_000)]
)
def test_steps_of_the_axis_are_round(span: int, most: int, expected: int) -> None:
    assert nice_step(span, most) == expected


SPANS = st.tuples(st.integers(-(10**18), 10**18), st.integers(0, 10**12))


@given(st.lists(SPANS, min_size=2, max_size=20), st.sampled_from((WIDE, NARROW)))
def test_everything_is_inside_the_drawing(spans: list[tuple[int, int]], width: int) -> None:
    steps = [step(str(n), start, start + long) for n, (start, long) in enumerate(spans)]
    picture = timeline(story(*steps), width)
    if picture is None:
        return
    assert len(picture.bars) == len(steps)
    for bar in picture.bars:
        assert -3 <= bar.x <= bar.x + bar.width <= width + 3.5
        assert 0 < bar.y < picture.axis_y
    for before, after in pairwise(picture.segments):
        assert before.x + before.width < after.x
    assert sum(len(segment.ticks) for segment in picture.segments) <= 60
