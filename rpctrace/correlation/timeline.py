"""One order of time for captures whose clocks are known to each other.

Captures that share no frame, directly or through others, have no common time: what happened in them is not ordered.
"""

from __future__ import annotations

from collections.abc import Iterable

from rpctrace.report import Clock

Position = tuple[int, int]


class Timeline:
    """`line` tells which captures can be ordered, `position` orders what happened in them."""

    def __init__(self, clocks: Iterable[Clock]) -> None:
        self._placed = {clock.capture: (clock.reference, clock.offset_ns) for clock in clocks}

    def line(self, capture: int) -> int:
        """Captures of the same line have a common time: that of the capture with this index."""
        return self._placed.get(capture, (capture, 0))[0]

    def shared(self, one: int | None, other: int | None) -> bool:
        """Whether the times of two captures can be compared; None is what stands in no capture, as lines of logs do."""
        return one is None or other is None or self.line(one) == self.line(other)

    def common_ns(self, capture: int, time_ns: int | None) -> int | None:
        """By the line's clock."""
        placed = self._placed.get(capture)
        return time_ns if time_ns is None or placed is None else time_ns + placed[1]

    def position(self, capture: int, time_ns: int | None, frame: int | None) -> Position:
        """Nanoseconds since 1970 by the line's clock, then the frame; of a capture without times the frame alone."""
        common = self.common_ns(capture, time_ns)
        return (frame or 0, 0) if common is None else (common, frame or 0)
