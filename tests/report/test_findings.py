"""The display filter of a finding, and on which side its evidence stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rpctrace.report import EvidenceItem, display_filter


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


def test_on_which_side_evidence_stands() -> None:
    """What a rule requires has the whole weight; against it weight does not matter."""
    item = EvidenceItem(True, "", 0, 1, None, 1.0)
    items = (item, replace(item, weight=0.3), replace(item, supports=False))
    assert [each.side for each in items] == ["seen", "fits", "against"]
