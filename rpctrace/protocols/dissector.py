"""The contract of a dissector, and what each says besides its own values: where something was seen, and what could
not be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

from rpctrace.encoding.partial import detached
from rpctrace.errors import ParseError
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.flow import all_frames
from rpctrace.record import record, state
from rpctrace.stream.stream import Chunk, Direction, Gap, StreamEvent

Said = TypeVar("Said", covariant=True)


class Dissector(Protocol[Said]):
    """One TCP connection of a protocol: octets of both directions in, what they say out.

    It is told of every gap, opens no file and reads no clock. A connection joined in the middle is a state, not an
    error. `is_other`: nothing that it reads can come any more. `skippable(direction)`: how many of the octets that
    come next in `direction` it will step over without a look (the data of a file), 0 for none. Where it has
    `seen(direction)`, it is told of segments without octets, which show that `direction` is being captured.
    """

    @property
    def is_other(self) -> bool: ...

    def feed(self, chunk: Chunk) -> Sequence[Said]: ...

    def gap(self, gap: Gap) -> Sequence[Said]: ...

    def end(self, direction: Direction) -> Sequence[Said]:
        """Nothing more comes in `direction` (FIN, RST, or the capture's end)."""
        ...

    def skippable(self, direction: Direction) -> int: ...


@state
class Channel:
    """An RPC association inside another protocol: an open pipe of SMB, a virtual connection of RPC over HTTP.

    Known by identity. `transport`: ncacn_np or ncacn_http. `name`: the pipe as `\\pipe\\samr`, or the cookie of the
    virtual connection; None where the capture does not tell (it may be learned later). `joined_late`: its opening is
    not in the capture.
    """

    transport: str
    name: str | None
    joined_late: bool


class ChannelEvent(NamedTuple):
    """What happened on a channel, as on a connection of its own: chunks with offsets of the channel, gaps, its end."""

    channel: Channel
    event: StreamEvent


class Provenance(NamedTuple):
    """Where a PDU was seen: the frames that brought octets of it, ascending, and the time of the last of them.

    One of `frames` may be the last of several that brought a datagram; `all_frames` names the others too.
    """

    frames: tuple[int, ...]
    timestamp_ns: int | None
    stream_offset: int

    @property
    def frame(self) -> int:
        """The frame that completed it."""
        return self.frames[-1]

    @property
    def all_frames(self) -> tuple[int, ...]:
        return all_frames(self.frames)


@record
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
