"""What every dissector says besides its own values: where something was seen, and what could not be read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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
