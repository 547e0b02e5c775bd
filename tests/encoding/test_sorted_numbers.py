"""A set of numbers is one, in whatever order they come."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rpctrace.encoding.sorted_numbers import SortedNumbers

NUMBERS = st.integers(0, 2**64 - 1) | st.integers(0, 9)


@given(st.lists(NUMBERS), st.lists(NUMBERS))
def test_as_a_set(added: list[int], asked: list[int]) -> None:
    numbers = SortedNumbers()
    for number in added:
        numbers.add(number)
    assert list(numbers) == sorted(set(added))
    assert len(numbers) == len(set(added))
    assert all((number in numbers) == (number in added) for number in [*asked, *added])
