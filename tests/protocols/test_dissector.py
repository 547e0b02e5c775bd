"""Where a PDU was seen."""

from __future__ import annotations

from rpctrace.errors import Malformed
from rpctrace.protocols.dissector import Problems, Provenance


def test_the_last_frame_completed_it() -> None:
    """Frames ascend; the PDU is attributed to the last, as Wireshark does."""
    assert Provenance((3, 4, 9), 1, 0).frame == 9


def test_problems_are_bounded_and_hold_no_octets() -> None:
    """The first thousand are kept without their tracebacks, the others are counted."""
    problems = Problems()
    for frame in range(Problems.MAXIMUM + 7):
        try:
            raise Malformed("t", 0)
        except Malformed as error:
            problems.add(error, frame)
    assert (len(problems), problems.left_out) == (Problems.MAXIMUM, 7)
    assert all(problem.error.__traceback__ is None for problem in problems)
