"""What two TCP stations say -> the segments on the wire between them, and what a capture may do to their order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rpctrace.network.flow import Endpoint, Segment, TcpFlags, Transport
from rpctrace.stream.reassembly import Reassembler
from rpctrace.stream.stream import Chunk, Close, Conflict, Connection, Gap, StreamEvent

CLIENT, SERVER = Endpoint("10.0.0.1", 49_700), Endpoint("10.0.0.2", 135)
ENDS = (CLIENT, SERVER)
STEP_NS = 1_000_000
SYN, ACK, FIN, RST, PSH = TcpFlags.SYN, TcpFlags.ACK, TcpFlags.FIN, TcpFlags.RST, TcpFlags.PSH


class Wire:
    """Writes segments down as they pass; a segment acknowledges all that the other side sent before."""

    def __init__(self, initial: tuple[int, int] = (1000, 5000), ends: tuple[Endpoint, Endpoint] = ENDS) -> None:
        self.ends = ends
        self.following = list(initial)
        self.segments: list[Segment] = []

    def segment(self, direction: int, octets: bytes = b"", flags: TcpFlags = ACK, **changes: object) -> Segment:
        other = 1 - direction
        acknowledgement = self.following[other] if flags & ACK else 0
        number = len(self.segments) + 1
        made = Segment(
            number, number * STEP_NS, Transport.TCP, self.ends[direction], self.ends[other],
            self.following[direction] & 0xFFFF_FFFF, acknowledgement & 0xFFFF_FFFF, flags, memoryview(octets),
            len(octets),
        )  # fmt: skip
        self.following[direction] += len(octets) + bool(flags & SYN) + bool(flags & FIN)
        self.segments.append(made._replace(**changes))
        return self.segments[-1]

    def connect(self) -> None:
        self.segment(0, flags=SYN)
        self.segment(1, flags=SYN | ACK)
        self.segment(0)

    def send(self, direction: int, octets: bytes, sizes: Sequence[int] = (1460,)) -> None:
        at, turn = 0, 0
        while at < len(octets):
            size = max(1, sizes[turn % len(sizes)])
            self.segment(direction, octets[at : at + size])
            at += size
            turn += 1

    def close(self) -> None:
        self.segment(0, flags=FIN | ACK)
        self.segment(1, flags=FIN | ACK)
        self.segment(0)


class Told(NamedTuple):
    """What came out of a reassembly; the methods are for one connection."""

    connections: list[Connection]
    events: list[StreamEvent]
    limits: dict[str, int]
    pairs: list[tuple[Connection, StreamEvent]]

    def octets(self, direction: int) -> bytes:
        return b"".join(bytes(e.octets) for e in self.events if isinstance(e, Chunk) and e.direction == direction)

    def turns(self) -> list[tuple[int, bytes]]:
        """Chunks, those of one direction that follow each other joined: the order that a dissector sees."""
        turns: list[tuple[int, bytes]] = []
        for event in self.events:
            if isinstance(event, Chunk):
                if turns and turns[-1][0] == event.direction:
                    turns[-1] = (event.direction, turns[-1][1] + bytes(event.octets))
                else:
                    turns.append((event.direction, bytes(event.octets)))
        return turns

    def gaps(self) -> list[Gap]:
        return [event for event in self.events if isinstance(event, Gap)]

    def conflicts(self) -> list[Conflict]:
        return [event for event in self.events if isinstance(event, Conflict)]

    def closes(self) -> list[tuple[int | None, bool]]:
        return [(event.direction, event.reset) for event in self.events if isinstance(event, Close)]


def captured(segments: Iterable[Segment]) -> list[Segment]:
    """The segments as a capture numbers and times them, in the order given."""
    return [
        one._replace(frame_number=number, timestamp_ns=number * STEP_NS) for number, one in enumerate(segments, start=1)
    ]


def reassemble(segments: Iterable[Segment], reassembler: Reassembler | None = None) -> Told:
    reassembler = reassembler or Reassembler()
    said = [pair for segment in segments for pair in reassembler.feed(segment)]
    said += reassembler.close()
    connections = list({connection.number: connection for connection, _event in said}.values())
    return Told(connections, [event for _connection, event in said], dict(reassembler.limits), said)


def shuffled(segments: Sequence[Segment], delays: Sequence[int]) -> list[Segment]:
    """Each segment captured up to `delay` places late."""
    order = sorted(range(len(segments)), key=lambda at: (at + delays[at % len(delays)] if delays else at, at))
    return [segments[at] for at in order]
