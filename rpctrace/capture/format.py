"""What a capture format is to the rest of capture/: the contract, and the two views of a file that it may ask for.

A format never sees a file. It gets a `Source` (octets in order, through a window) or asks it for `RandomAccess` (a
frame table jumps about), and `Notes`, where it counts frames and writes down what it could not read. So it can be
driven by octets in a test, by a file, by a pipe or by what comes out of gzip, with the same result.

The promise that a fast path builds on (scan/): between two frames that a walk yields, the source's cursor stands on a
record boundary and `Notes.frame_count` is the number of the last frame. Whoever has the walk's header may therefore
take `Source.peek()`, walk as many records of that window as look ordinary, `advance()` behind them, count them in
`Notes`, and ask the walk for its next frame when something extraordinary comes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from rpctrace.capture.frame import Frame, LinkType

MAXIMUM_FRAME_OCTETS = 262_144  # the largest frame that libpcap and Wireshark write
MAXIMUM_RECORD_OCTETS = 64 << 20  # no record or block is held that claims more
RESYNC_OCTETS = 1 << 20  # how far a damaged stretch is searched for the next record: larger than the largest frame
MAXIMUM_PROBLEMS_OF_A_KIND = 5
MAXIMUM_HOST_NAMES = 65_536
MAXIMUM_COMMENTS = 1_000
# What datetime can say: years 1 to 9999. A time outside is no time.
EARLIEST_NS, LATEST_NS = -62_135_596_800_000_000_000, 253_402_300_800_000_000_000


class Source(Protocol):
    """Octets in order. Offsets are octets from the start of the unpacked file."""

    @property
    def position(self) -> int:
        """Offset of the cursor."""

    def peek(self, minimum: int) -> memoryview:
        """Everything at hand from the cursor on; fewer than `minimum` octets only where the file ends.

        Valid until the next call of any method: the memory is used again. Allocates no more than octets present.
        """

    def advance(self, count: int) -> None:
        """Move the cursor over `count` octets that `peek` showed."""

    def skip(self, count: int) -> int:
        """Move the cursor over up to `count` octets, seen or not; how many there were."""

    def random_access(self) -> RandomAccess:
        """The file from the cursor on, to be read in any order; the source itself then stands at its end."""


class RandomAccess(Protocol):
    """A file of known size, read by offset; offset 0 is where the cursor stood."""

    size: int
    base: int  # offset of its first octet in the unpacked file

    def read_at(self, offset: int, count: int) -> bytes:
        """`count` octets from `offset`, fewer where the file ends; the memory is the caller's."""


class Walk(Protocol):
    """One section of a file being read. Iterated once; ends at the file's end or before another file's magic."""

    def __iter__(self) -> Iterator[Frame]: ...


class Format(NamedTuple):
    """One row of registry.FORMATS. `open` reads the file header and raises ParseError when it is no such file."""

    name: str
    recognises: Callable[[memoryview], bool]
    open: Callable[[Source, Notes], Walk]


@dataclass(frozen=True, slots=True)
class CaptureProblem:
    """Something about the file that a reader of the report should know.

    `offset` is octets from the start of the unpacked file. `loses_octets`: octets that belong to a frame, or to
    nobody knows what, were not readable, so the file was read only in part.
    """

    text: str
    offset: int
    frame_number: int | None = None
    loses_octets: bool = False


@dataclass(slots=True)
class Notes:
    """What one reading of one file has found out so far, besides its frames; and the options that formats know."""

    starts_another: Callable[[memoryview], bool] = lambda head: False
    netmon_utc_offset_minutes: int | None = None
    frame_count: int = 0
    first_ns: int | None = None
    last_ns: int | None = None
    stopped_at: int | None = None
    problems: list[CaptureProblem] = field(default_factory=list)
    host_names: dict[str, str] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    drops: Counter[int] = field(default_factory=Counter)  # interface, counted over all sections -> packets
    _kinds: Counter[str] = field(default_factory=Counter)
    _last_of_kind: dict[str, CaptureProblem] = field(default_factory=dict)
    _closed: bool = False

    @property
    def complete(self) -> bool:
        return self.stopped_at is None

    @property
    def dropped(self) -> int:
        """Packets that the capturing side says it could not keep."""
        return self.drops.total()

    def problem(
        self, kind: str, text: str, offset: int, *, loses_octets: bool = False, frame_number: int | None = None
    ) -> None:
        """Write one down; of one kind only the first few are listed, `close` says how many more there were."""
        if loses_octets and (self.stopped_at is None or offset < self.stopped_at):
            self.stopped_at = offset
        self._kinds[kind] += 1
        found = CaptureProblem(text, offset, frame_number, loses_octets)
        if self._kinds[kind] <= MAXIMUM_PROBLEMS_OF_A_KIND:
            self.problems.append(found)
        else:
            self._last_of_kind[kind] = found

    def link_type(self, link_type: LinkType, offset: int) -> None:
        """Say once that frames of a link type are counted and not read."""
        if not link_type.is_known and not self._kinds[f"link type {link_type.value}"]:
            text = f"link type {link_type.value} is not known: its frames are counted and not read"
            self.problem(f"link type {link_type.value}", text, offset)

    def time(self, timestamp_ns: int, offset: int) -> int | None:
        """The time, or None (and a problem) when no calendar has it."""
        if EARLIEST_NS <= timestamp_ns < LATEST_NS:
            return timestamp_ns
        self.problem("time", "time out of range", offset, frame_number=self.frame_count + 1)
        return None

    def host_name(self, address: str, name: str) -> None:
        if len(self.host_names) < MAXIMUM_HOST_NAMES:
            self.host_names.setdefault(address, name)

    def comment(self, text: str) -> None:
        """A comment on the file, not on a frame."""
        if len(self.comments) < MAXIMUM_COMMENTS:
            self.comments.append(text)

    def saw(self, timestamp_ns: int | None) -> None:
        """Widen the span of times."""
        if timestamp_ns is None:
            return
        if self.first_ns is None or self.last_ns is None:
            self.first_ns = self.last_ns = timestamp_ns
        elif timestamp_ns < self.first_ns:
            self.first_ns = timestamp_ns
        elif timestamp_ns > self.last_ns:
            self.last_ns = timestamp_ns

    def close(self, offset: int) -> None:
        """Sum up: what was too much to list, and packets that the capture itself says are missing. Once."""
        if self._closed:
            return
        self._closed = True
        for kind, last in self._last_of_kind.items():
            more = self._kinds[kind] - MAXIMUM_PROBLEMS_OF_A_KIND
            text = f"{more} more of this kind; the last: {last.text}"
            self.problems.append(CaptureProblem(text, last.offset, last.frame_number, last.loses_octets))
        if self.dropped:
            self.problems.append(CaptureProblem(f"the capturing side dropped {self.dropped} packets", offset))


def octets_of(window: memoryview, start: int, end: int) -> memoryview:
    """A copy of part of a window, which stays valid when the window is filled anew."""
    return memoryview(window[start:end].tobytes())
