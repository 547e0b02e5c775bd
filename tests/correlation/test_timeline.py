"""What can be ordered: captures of one line, by time; the rest not at all."""

from __future__ import annotations

from rpctrace.correlation.timeline import Timeline
from rpctrace.report import Clock

TIMELINE = Timeline([Clock(1, 0, -500, 10, 4), Clock(3, 2, 70, 10, 4)])


def test_captures_that_share_frames_are_of_one_line() -> None:
    assert [TIMELINE.line(capture) for capture in range(5)] == [0, 0, 2, 2, 4]


def test_times_are_compared_within_a_line() -> None:
    """A line of a log stands in no capture; whoever places it has asked."""
    assert [TIMELINE.shared(0, other) for other in (None, 0, 1, 2, 3)] == [True, True, True, False, False]
    assert TIMELINE.shared(2, 3)
    assert (TIMELINE.common_ns(1, 1400), TIMELINE.common_ns(4, 1400), TIMELINE.common_ns(1, None)) == (900, 1400, None)


def test_positions_are_by_the_clock_of_the_line() -> None:
    """The second capture's clock is 500 ns ahead: its 1400 is the first one's 900."""
    assert TIMELINE.position(1, 1400, 3) < TIMELINE.position(0, 1000, 1)
    assert TIMELINE.position(3, 100, 1)[0] == 170


def test_equal_times_are_ordered_by_frame_and_captures_without_times_too() -> None:
    assert TIMELINE.position(0, 1000, 4) < TIMELINE.position(0, 1000, 5)
    assert TIMELINE.position(4, None, 4) < TIMELINE.position(4, None, 5)
