"""Proves: the year turns once at New Year whatever the threads do around it, and an hour back is noticed."""

from __future__ import annotations

import pytest

from rpctrace.logs.calendar import Calendar, Years, year_of_log
from rpctrace.logs.line import Moment, parse_line


def moments(*texts: str) -> list[Moment]:
    found = [parse_line(f"{text} [MISC] x", 1).moment for text in texts]
    assert None not in found
    return [moment for moment in found if moment is not None]


@pytest.mark.parametrize(
    ("texts", "turns"),
    [
        (["03/14 09:00:00", "03/14 08:59:59", "11/30 00:00:00"], [0, 0, 0]),
        (["12/31 23:59:59", "01/01 00:00:00", "12/31 23:59:59", "01/01 00:00:01"], [0, 1, 0, 1]),
        (["07/01 00:00:00", "12/01 00:00:00", "05/01 00:00:00", "12/01 00:00:00", "01/01 00:00:00"], [0, 0, 1, 1, 2]),
    ],
)
def test_turns_of_the_year(texts: list[str], turns: list[int]) -> None:
    calendar = Calendar()
    assert [calendar.feed(moment, 1) for moment in moments(*texts)] == turns
    assert calendar.first == moments(texts[0])[0]
    assert calendar.last == moments(texts[-1])[0]


@pytest.mark.parametrize(
    ("texts", "back_at"),
    [
        (["10/28 02:59:58", "10/28 02:00:01", "10/28 02:01:00"], 2),
        (["10/28 00:30:00", "10/27 23:30:02"], 2),
        (["10/28 02:59:58", "10/28 02:59:50", "10/28 03:00:00"], None),
        (["10/28 02:59:58", "10/28 00:59:50"], None),
    ],
)
def test_an_hour_back(texts: list[str], back_at: int | None) -> None:
    calendar = Calendar()
    for number, moment in enumerate(moments(*texts), 1):
        calendar.feed(moment, number)
    assert calendar.back_at == back_at


@pytest.mark.parametrize(
    ("years", "year"),
    [(None, None), (2012, 2012), ({}, None), ({"a": 2011}, 2011), ({"": 2013}, 2013), ({"a": 2011, "": 2013}, 2011)],
)
def test_the_year_of_a_log(years: Years, year: int | None) -> None:
    """Its own, or that of all."""
    assert year_of_log(years, "a") == year
