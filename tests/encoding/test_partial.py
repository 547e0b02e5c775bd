"""The first error of a lenient reading is kept, without a way back to the octets that were read."""

from __future__ import annotations

import gc
import pickle
import weakref

from rpctrace.encoding.partial import FirstProblem, Partial, detached
from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.record import record


@record
class Value(Partial):
    number: int


def failing(error: ParseError) -> int:
    raise error


def test_the_first_problem_counts() -> None:
    """Values pass through, errors give None, and the first of them stays."""
    problems = FirstProblem()
    assert problems.attempt(int, "7") == 7
    assert problems.error is None
    first, second = Truncated("a", 1, 2, 0), Malformed("b", 3, "later")
    assert problems.attempt(failing, first) is None
    assert problems.attempt(failing, second) is None
    assert problems.error is first


def test_completeness() -> None:
    """A value with a problem is not complete, equals the same value without one, and can be pickled."""
    whole, cut = Value(1), Value(1, problem=Truncated("a", 1, 2, 0))
    assert (whole.complete, cut.complete) == (True, False)
    assert whole == cut
    assert str(pickle.loads(pickle.dumps(cut)).problem) == str(cut.problem)


def test_a_kept_error_holds_nothing_alive() -> None:
    """Neither its traceback nor the error before it: both would keep the octets in the frames of the stack."""

    class Octets(bytearray):
        pass

    def read(octets: Octets) -> ParseError:
        try:
            try:
                raise Truncated("inner", 0, len(octets), 0)
            except Truncated as error:
                raise Malformed("outer", 0) from error
        except Malformed as error:
            return detached(error)

    octets = Octets(b"secret")
    kept = read(octets)
    assert (kept.__traceback__, kept.__cause__, kept.__context__) == (None, None, None)
    gone = weakref.ref(octets)
    del octets
    gc.collect()
    assert gone() is None
