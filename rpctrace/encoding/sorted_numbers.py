"""A set of numbers that takes little memory: thousands are kept until the end of a capture of any length."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator


class SortedNumbers:
    """A set of integers from 0 to 2**64 - 1, of eight octets each, where a `set` takes sixty with its places. To add
    one moves those behind it: numbers that come in their order cost nothing, 65 536 in any order some 3 µs each."""

    __slots__ = ("_numbers",)

    def __init__(self) -> None:
        self._numbers = array("Q")

    def add(self, number: int) -> None:
        numbers = self._numbers
        at = bisect_left(numbers, number)
        if at == len(numbers) or numbers[at] != number:
            numbers.insert(at, number)

    def __contains__(self, number: int) -> bool:
        numbers = self._numbers
        at = bisect_left(numbers, number)
        return at < len(numbers) and numbers[at] == number

    def __len__(self) -> int:
        return len(self._numbers)

    def __iter__(self) -> Iterator[int]:
        return iter(self._numbers)
