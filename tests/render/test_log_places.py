"""Proves: a line of a log is placed where its second and its calls overlap, its beginning before its end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.render.log_places import SECOND, Span, overlap, placed


@pytest.mark.parametrize(
    ("second", "call", "logons", "expected"),
    [
        (0, (100, 200), [], (100, 200)),
        (0, (100, 200), [(120, 150)], (120, 150)),
        (0, (100, 200), [(120, 150), (160, 250)], (120, 200)),  # of several nobody knows which
        (0, (100, 200), [(300, 400)], (100, 200)),  # a logon of another call
        (0, (SECOND - 5, SECOND + 5), [], (SECOND - 5, SECOND - 1)),
        (SECOND, (SECOND - 5, SECOND + 5), [], (SECOND, SECOND + 5)),
        (0, (SECOND, SECOND + 5), [], None),
        (0, None, [], None),
        (0, None, [(100, 200)], (100, 200)),
        (None, (100, 200), [], (100, 200)),
        (None, None, [], None),
    ],
)
def test_where_second_and_calls_overlap(
    second: int | None, call: Span | None, logons: list[Span], expected: Span | None
) -> None:
    assert overlap(second, call, logons) == expected


@given(st.integers(-(10**19), 10**19), st.integers(0, 5))
def test_a_line_is_inside_and_the_end_is_not_before_the_beginning(start: int, length: int) -> None:
    entered, returns = placed((start, start + length), False), placed((start, start + length), True)
    assert start <= entered <= returns <= start + length
    if length > 1:
        assert start < entered <= returns < start + length
