"""Who talks to whom: endpoints, flows, directions, and one segment of a flow."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum, IntFlag

from rpctrace.named_tuple import NamedTuple


class Transport(IntEnum):
    """IANA protocol numbers of the transports that are followed."""

    TCP = 6
    UDP = 17


class TcpFlags(IntFlag):
    """RFC 9293 3.1 control bits."""

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10
    URG = 0x20


class Endpoint(NamedTuple):
    """An address (canonical text: dotted IPv4, RFC 5952 IPv6) and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Flow(NamedTuple):
    """Both ends of a conversation, in the order that sorts lower first, so that both directions share one key.

    `tunnel` holds what keeps equal inner addresses apart (VXLAN network identifier and the like), () without a tunnel.
    """

    transport: Transport
    low: Endpoint
    high: Endpoint
    tunnel: tuple[int, ...] = ()


class CompletingFrame(int):
    """The number of the frame that completed a datagram whose octets came in several; `frames` are all of them,
    ascending, the completing one last.

    Streams, framers and dissectors pass numbers of frames on and compare them, millions of times, and hardly ever one
    of these: as a number it goes wherever theirs go, and where a frame is all they cost nothing. Who tells of frames
    asks `all_frames`, or makes it a plain number.
    """

    frames: tuple[int, ...]

    def __new__(cls, frames: tuple[int, ...]) -> CompletingFrame:
        made = super().__new__(cls, frames[-1])
        made.frames = frames
        return made

    def __reduce__(self) -> tuple[type[CompletingFrame], tuple[tuple[int, ...]]]:
        return CompletingFrame, (self.frames,)


def all_frames(numbers: Sequence[int]) -> tuple[int, ...]:
    """Every frame that `numbers`, ascending, stand for: each once, ascending, plain numbers."""
    for number in numbers:
        if isinstance(number, CompletingFrame):
            return tuple(sorted({frame for each in numbers for frame in getattr(each, "frames", (each,))}))
    return tuple(numbers)


class Segment(NamedTuple):
    """One TCP segment or UDP datagram.

    `source`/`destination` tell the direction. `sequence` and `acknowledgement` are the raw 32-bit TCP numbers (0 for
    UDP; `acknowledgement` counts only with ACK set). `payload` is what was captured; `length_octets` is the payload's
    length on the wire, larger when the snapshot length cut the frame. `flags` are the bits of `TcpFlags`. Put together
    from fragments, its `frame_number` is a `CompletingFrame`.
    """

    frame_number: int
    timestamp_ns: int | None
    transport: Transport
    source: Endpoint
    destination: Endpoint
    sequence: int
    acknowledgement: int
    flags: int
    payload: memoryview
    length_octets: int
    tunnel: tuple[int, ...] = ()

    @property
    def flow(self) -> Flow:
        low, high = sorted((self.source, self.destination))
        return Flow(self.transport, low, high, self.tunnel)

    @property
    def frames(self) -> tuple[int, ...]:
        """All that it came in."""
        return all_frames((self.frame_number,))


class Stretch(NamedTuple):
    """Octets of one direction of a TCP connection that nobody will look at: `length_octets` from the raw 32-bit number
    `sequence` on. `frame_number`: the connection's last frame when that was decided."""

    source: Endpoint
    destination: Endpoint
    tunnel: tuple[int, ...]
    sequence: int
    length_octets: int
    frame_number: int
