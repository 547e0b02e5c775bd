"""Octets of a file in order -> a window that moves forward over it (`format.Source`).

The window is one buffer, used again and again: memory is what is peeked at plus one piece, whatever the file's size,
and the octets stay in the processor's cache. What is peeked is therefore true until the next call; what is taken is a
copy. Loops that walk many records look into `buffer` from `at` to `end` themselves, and `advance`.
"""

from __future__ import annotations

from collections.abc import Callable

WINDOW_OCTETS = 1 << 20  # a smaller one is begun more often, a larger one leaves the cache
SLACK_OCTETS = 256  # of buffer behind `end`, so that a record's first octets can be unpacked before its length is known


class Window:
    """`readinto(view)` fills the view with next octets of the file and says how many they are, 0 at its end."""

    __slots__ = ("_base", "_ended", "_readinto", "_window_octets", "at", "buffer", "end")

    def __init__(self, readinto: Callable[[memoryview], int], window_octets: int = WINDOW_OCTETS) -> None:
        self._readinto = readinto
        self._window_octets = window_octets
        self._base = 0  # of the buffer in the file
        self._ended = False
        self.buffer = bytearray(SLACK_OCTETS)
        self.at = 0  # of the cursor in the buffer
        self.end = 0  # of what is read

    @property
    def position(self) -> int:
        return self._base + self.at

    def peek(self, count: int) -> memoryview:
        if self.end - self.at < count:
            self.fill(count)
        return memoryview(self.buffer)[self.at : min(self.end, self.at + count)]

    def take(self, count: int) -> memoryview:
        octets = bytes(self.peek(count))
        self.at += len(octets)
        return memoryview(octets)

    def skip(self, count: int) -> int:
        left = count
        while left > 0:
            step = len(self.peek(min(left, self._window_octets)))
            if not step:
                break
            self.at += step
            left -= step
        return count - left

    def advance(self, at: int) -> None:
        """Moves the cursor on to place `at` of the buffer."""
        self.at = at

    def fill(self, count: int = 1) -> bool:
        """Moves what is left to the front and reads a window more, or `count` octets in all if that is more; False at
        the end of the file."""
        if self._ended:
            return False
        carried = self.end - self.at
        self._read_up_to(max(count, carried + self._window_octets))
        return self.end > carried

    def restart(self, position: int, end: int) -> None:
        """Goes on at `position` of the file, which is where `readinto` reads now, and holds what it has up to `end`."""
        self._base, self.at, self.end, self._ended = position, 0, 0, False
        self._read_up_to(end - position)

    @property
    def window_octets(self) -> int:
        return self._window_octets

    def _read_up_to(self, wanted: int) -> None:
        """Moves what is left to the front and reads until it is so many octets."""
        carried = self.end - self.at
        if wanted + SLACK_OCTETS > len(self.buffer):
            grown = bytearray(wanted + SLACK_OCTETS)
            grown[:carried] = memoryview(self.buffer)[self.at : self.end]
            self.buffer = grown
        else:
            self.buffer[:carried] = self.buffer[self.at : self.end]
        self._base += self.at
        self.at, self.end = 0, carried
        view = memoryview(self.buffer)
        while self.end < wanted:
            got = self._readinto(view[self.end : wanted])
            if not got:
                self._ended = True
                break
            self.end += got
