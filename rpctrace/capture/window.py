"""Pieces of a file in order -> a window that moves forward over it (`format.Source`).

Memory is what is peeked at plus one piece, whatever the file's size. Octets given out are never overwritten: each
window is a value of its own, so a view of it stays true as long as somebody holds it.
"""

from __future__ import annotations

from collections.abc import Callable

WINDOW_OCTETS = 1 << 20


class Window:
    """`read(count)` gives up to `count` next octets of the file, b"" at its end."""

    __slots__ = ("_at", "_base", "_ended", "_read", "_view", "_window_octets")

    def __init__(self, read: Callable[[int], bytes], window_octets: int = WINDOW_OCTETS) -> None:
        self._read = read
        self._window_octets = window_octets
        self._view = memoryview(b"")
        self._at = 0  # of the cursor in the view
        self._base = 0  # of the view in the file
        self._ended = False

    @property
    def position(self) -> int:
        return self._base + self._at

    def peek(self, count: int) -> memoryview:
        end = self._at + count
        if end > len(self._view) and not self._ended:
            self._fill(count)
            end = self._at + count
        return self._view[self._at : end]

    def take(self, count: int) -> memoryview:
        view = self.peek(count)
        self._at += len(view)
        return view

    def skip(self, count: int) -> int:
        left = count
        while left > 0:
            step = len(self.take(min(left, self._window_octets)))
            if not step:
                break
            left -= step
        return count - left

    def _fill(self, count: int) -> None:
        # a whole window at least, however little one read gives: so what is carried over is copied once a window
        pieces: list[memoryview | bytes] = [self._view[self._at :]]
        carried = have = len(pieces[0])
        while have < max(count, carried + self._window_octets):
            piece = self._read(self._window_octets)
            if not piece:
                self._ended = True
                break
            pieces.append(piece)
            have += len(piece)
        self._base += self._at
        self._at = 0
        self._view = memoryview(pieces[1] if len(pieces) == 2 and not carried else b"".join(pieces))
