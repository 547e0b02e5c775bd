"""The contract of a capture format: octets in, frames out, and notes of what was wrong.

A format sees octets, never a file. Sequential formats read a `Source`, a window that moves forward over the unpacked
file; formats with a table of contents read through `RandomAccess`. What a format cannot read it writes in `Notes` with
the offset, and goes on wherever the format allows it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import field
from typing import Protocol

from rpctrace.capture.frame import Frame
from rpctrace.record import record, state

MAXIMUM_RECORD_OCTETS = 64 * 1024 * 1024
MAXIMUM_HOST_NAMES = 65_536


@record
class CaptureProblem:
    """One thing that was wrong with a file. `loses_octets`: something of the file could not be read (exit status 3)."""

    text: str
    offset: int
    frame_number: int | None
    loses_octets: bool


class Damaged(Exception):
    """Inside capture/ only: what is wrong with a compressed stream, and what came out before it."""

    def __init__(self, reason: str, octets: bytes = b"") -> None:
        super().__init__(reason)
        self.reason = reason
        self.octets = octets


@state
class Notes:
    """What a format has to say besides frames. `problems` keeps the first 1000; `stopped_at` the first lost offset."""

    problems: list[CaptureProblem] = field(default_factory=list)
    stopped_at: int | None = None
    host_names: dict[str, str] = field(default_factory=dict)
    dropped_problems: int = 0

    def problem(self, text: str, offset: int, frame_number: int | None = None, *, loses_octets: bool) -> None:
        if loses_octets and self.stopped_at is None:
            self.stopped_at = offset
        if len(self.problems) < 1000:
            self.problems.append(CaptureProblem(text, offset, frame_number, loses_octets))
        else:
            self.dropped_problems += 1


@record
class ReadOptions:
    """`netmon_utc_offset_minutes`: the zone of Network Monitor files before 2.3, which do not store it."""

    netmon_utc_offset_minutes: int | None = None


class Source(Protocol):
    """Octets of the unpacked file from the cursor on; windows are read as needed, nothing before the cursor is kept."""

    @property
    def position(self) -> int:
        """Offset of the cursor in the unpacked file."""

    def peek(self, count: int) -> memoryview:
        """The next octets, `count` or all that are left if fewer; the view is valid until the next call."""

    def take(self, count: int) -> memoryview:
        """As `peek`, and steps over them; a copy, which stays valid for good."""

    def skip(self, count: int) -> int:
        """Steps over up to `count` octets; how many there were."""


class RandomAccess(Protocol):
    """The whole unpacked file, by offset."""

    @property
    def size(self) -> int: ...

    def read_at(self, offset: int, count: int) -> bytes:
        """`count` octets from `offset`, fewer only where the file ends."""


class Walk(Protocol):
    """One walk over one file, from behind its header."""

    number: int  # of the next frame; once `frames` is used up, one more than the last one's

    def frames(self) -> Iterator[Frame]:
        """All frames from the cursor to the end of what can be read."""


class SequentialFormat(Protocol):
    name: str

    def recognises(self, head: bytes) -> bool:
        """Whether a file that starts so is of this format (never by its name)."""

    def walk(self, source: Source, notes: Notes, options: ReadOptions, first_number: int) -> Walk:
        """A walk from the cursor, which stands at the start of a file of this format; numbers from `first_number`.
        Raises CaptureError (path "") when the header shows that nothing can be read."""


class RandomAccessFormat(Protocol):
    name: str

    def recognises(self, head: bytes) -> bool: ...

    def walk_file(self, data: RandomAccess, notes: Notes, options: ReadOptions) -> Iterator[Frame]:
        """All frames of the file. Raises CaptureError (path "") when nothing can be read."""
