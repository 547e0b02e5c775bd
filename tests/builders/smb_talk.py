"""A capture, or octets of both directions -> what `SmbConnection` says of them, and the PDUs in its channels.

A small stand-in for what reads whole captures: every TCP connection is fed to a reader of SMB, whatever its port.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from builders.smb import packet
from rpctrace.capture.frame import Frame
from rpctrace.capture.storage import open_capture
from rpctrace.network.decode import Decoder
from rpctrace.protocols.dcerpc.framing import FramedPdu, PduFramer
from rpctrace.protocols.dissector import Channel, ChannelEvent, Problems
from rpctrace.protocols.gssapi.exchange import Leg
from rpctrace.protocols.smb.notice import SessionFacts, SmbNotice
from rpctrace.protocols.smb.server import Servers
from rpctrace.protocols.smb.session import SmbConnection
from rpctrace.stream.reassembly import Reassembler
from rpctrace.stream.stream import Chunk, Close, Connection, Direction, Gap, StreamEvent


class PipePdu(NamedTuple):
    """A PDU of a pipe: the frame that completed it, which type and call, which way."""

    frame: int
    pdu_type: int
    call_id: int
    direction: Direction
    channel: Channel
    framed: FramedPdu


@dataclass
class Heard:
    """All that was said, in order."""

    said: list[object] = field(default_factory=list)
    pdus: list[PipePdu] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    limits: dict[str, int] = field(default_factory=dict)
    framers: dict[int, tuple[PduFramer, PduFramer]] = field(default_factory=dict)

    def take(self, said: Iterable[object]) -> None:
        for each in said:
            self.said.append(each)
            if isinstance(each, ChannelEvent):
                self._channel(each.channel, each.event)

    def _channel(self, channel: Channel, event: StreamEvent) -> None:
        late = channel.joined_late
        framers = self.framers.setdefault(
            id(channel), (PduFramer(from_start=not late), PduFramer(from_start=not late))
        )
        found: Iterable[FramedPdu] = ()
        if isinstance(event, Chunk):
            found = framers[event.direction].feed(event)
        elif isinstance(event, Gap):
            found = framers[event.direction].gap(event)
        elif isinstance(event, Close):
            found = [*framers[0].close(), *framers[1].close()]
        for pdu in found:
            direction: Direction = 0 if pdu.header.pdu_type in (0, 11, 14, 16, 18, 19) else 1
            self.pdus.append(
                PipePdu(pdu.provenance.frame, pdu.header.pdu_type, pdu.header.call_id, direction, channel, pdu)
            )

    def of(self, kind: type) -> list:
        return [each for each in self.said if isinstance(each, kind)]

    @property
    def legs(self) -> list[Leg]:
        return self.of(Leg)

    @property
    def notices(self) -> list[SmbNotice]:
        return self.of(SmbNotice)

    @property
    def facts(self) -> list[SessionFacts]:
        return self.of(SessionFacts)

    @property
    def events(self) -> list[ChannelEvent]:
        return self.of(ChannelEvent)

    @property
    def channels(self) -> list[Channel]:
        found = {id(event.channel): event.channel for event in self.events}
        return list(found.values())

    def octets(self, channel: Channel, direction: Direction) -> bytes:
        return b"".join(
            bytes(event.octets)
            for of, event in self.events
            if of is channel and isinstance(event, Chunk) and event.direction == direction
        )


Damage = Callable[[Frame], Frame | None]


def events_of(capture: Path, damage: Damage) -> Iterator[tuple[Connection, StreamEvent]]:
    decoder, reassembler = Decoder(), Reassembler()
    with open_capture(capture) as frames:
        for frame in frames:
            left = damage(frame)
            segment = None if left is None else decoder.decode(left)
            if segment is not None:
                yield from reassembler.feed(segment)
    yield from reassembler.close()


def hear(capture: Path, damage: Damage = lambda frame: frame) -> Heard:
    """Everything of one capture, of which `damage` leaves frames as they are, changed, or not at all."""
    heard = Heard()
    servers = Servers()
    connections: dict[int, tuple[SmbConnection, set[int]]] = {}
    for connection, event in events_of(capture, damage):
        if connection.number not in connections:
            reader = SmbConnection(heard.problems, joined_late=connection.guessed, servers=servers)
            connections[connection.number] = reader, {0, 1}
        reader, ends = connections[connection.number]
        if isinstance(event, Chunk):
            heard.take(reader.feed(event))
        elif isinstance(event, Gap):
            heard.take(reader.gap(event))
        elif isinstance(event, Close):
            closed = ends if event.direction is None or event.reset else {event.direction}
            for direction in sorted(closed & ends):
                heard.take(reader.end(direction))
            ends -= closed
        for name, count in reader.limits.items():
            heard.limits[name] = max(count, heard.limits.get(name, 0))
    heard.limits.update(servers.limits)
    return heard


class Talk:
    """One connection under test: each piece of octets is a frame of its own."""

    def __init__(
        self, *, joined_late: bool = False, servers: Servers | None = None, heard: Heard | None = None
    ) -> None:
        self.heard = Heard() if heard is None else heard
        self.reader = SmbConnection(self.heard.problems, joined_late=joined_late, servers=servers)
        self.frame = 0
        self.offsets = [0, 0]

    def say(self, direction: Direction, octets: bytes, size: int | None = None) -> int:
        """Says `octets`, in pieces of `size`; the number of the last frame."""
        step = size or max(1, len(octets))
        for at in range(0, len(octets), step):
            piece = octets[at : at + step]
            self.frame += 1
            chunk = Chunk(direction, self.offsets[direction], memoryview(piece), self.frame, self.frame * 1_000)
            self.offsets[direction] += len(piece)
            self.heard.take(self.reader.feed(chunk))
        return self.frame

    def client(self, octets: bytes, size: int | None = None) -> int:
        return self.say(0, octets, size)

    def server(self, octets: bytes, size: int | None = None) -> int:
        return self.say(1, octets, size)

    def turns(self, turns: Iterable[tuple[int, bytes]], size: int | None = None) -> None:
        """Messages, each in a packet of its own."""
        for direction, message in turns:
            self.say(1 if direction else 0, packet(message), size)

    def lose(self, direction: Direction, length: int) -> None:
        self.frame += 1
        self.heard.take(self.reader.gap(Gap(direction, self.offsets[direction], length, self.frame)))
        self.offsets[direction] += length

    def end(self) -> Heard:
        self.heard.take(self.reader.end(0))
        self.heard.take(self.reader.end(1))
        self.heard.limits = self.reader.limits
        return self.heard
