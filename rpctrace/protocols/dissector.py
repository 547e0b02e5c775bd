"""What every dissector says besides its own values: where something was seen, and what could not be read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from rpctrace.encoding.partial import detached
from rpctrace.errors import ParseError


class Provenance(NamedTuple):
    """Where a PDU was seen: the frames that brought octets of it, ascending, and the time of the last of them."""

    frames: tuple[int, ...]
    timestamp_ns: int | None
    stream_offset: int

    @property
    def frame(self) -> int:
        """The frame that completed it."""
        return self.frames[-1]


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that did not read: the error's numbers and the frame in which it stands."""

    error: ParseError
    frame_number: int


class Problems:
    """The first `MAXIMUM` problems; the others are counted in `left_out`."""

    MAXIMUM = 1_000
    __slots__ = ("_kept", "left_out")

    def __init__(self) -> None:
        self._kept: list[Problem] = []
        self.left_out = 0

    def add(self, error: ParseError, frame_number: int) -> None:
        if len(self._kept) < self.MAXIMUM:
            self._kept.append(Problem(detached(error), frame_number))
        else:
            self.left_out += 1

    def __iter__(self) -> Iterator[Problem]:
        return iter(self._kept)

    def __len__(self) -> int:
        return len(self._kept)
