"""The display filter of a finding."""

from __future__ import annotations

import pytest

from rpctrace.report import display_filter


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ((), ""),
        ((22,), "frame.number in {22}"),
        ((22, 23), "frame.number in {22, 23}"),
        ((9, 3, 4, 5, 9, 11), "frame.number in {3..5, 9, 11}"),
    ],
)
def test_display_filter(frames: tuple[int, ...], expected: str) -> None:
    """Each frame once, runs of three and more as a range."""
    assert display_filter(frames) == expected
