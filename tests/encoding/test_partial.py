"""The first problem of a half-readable structure is kept, as numbers only."""

from __future__ import annotations

from rpctrace.encoding.partial import FirstProblem, Partial, detached
from rpctrace.encoding.reader import Reader
from rpctrace.errors import Malformed, Truncated


def test_the_first_problem_stays() -> None:
    """`attempt` gives None for what raised, and later problems do not replace the first."""
    problems = FirstProblem()
    reader = Reader(b"\x01", "t")
    assert problems.attempt(reader.u8) == 1
    assert problems.attempt(reader.u32) is None
    problems.note(Malformed("t", 9))
    assert isinstance(problems.error, Truncated)


def test_a_kept_error_holds_no_frames_and_values_compare_without_it() -> None:
    """No traceback (and with it no octets) stays behind."""
    try:
        Reader(b"secret", "t").take(99)
    except Truncated as error:
        kept = detached(error)
    assert kept.__traceback__ is None
    assert Partial(problem=kept) == Partial()
    assert not Partial(problem=kept).complete
