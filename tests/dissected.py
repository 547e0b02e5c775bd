"""A capture, or octets that two stations send -> what a dissector outside DCE/RPC says of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from scan_talk import listed

from rpctrace.capture.storage import open_capture
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Transport
from rpctrace.protocols.dissector import ChannelEvent, Problems
from rpctrace.protocols.gssapi.authentications import Authentications
from rpctrace.protocols.gssapi.exchange import AuthenticationExchange, Leg
from rpctrace.scan.candidates import Recogniser
from rpctrace.scan.flows import FlowTable
from rpctrace.stream.reassembly import Reassembler
from rpctrace.stream.stream import Chunk, Close, Connection, Direction, Gap, StreamEvent

Make = Callable[[Connection], Any]


def stream_events(path: Path) -> Iterator[tuple[Connection, StreamEvent]]:
    """The events of every TCP connection of a capture file."""
    decoder, reassembler = Decoder(), Reassembler()
    with open_capture(path) as capture:
        for frame in capture:
            segment = decoder.decode(frame)
            if segment is not None and segment.transport is Transport.TCP:
                yield from reassembler.feed(segment)
    yield from reassembler.close()


def scanned_events(path: Path, *recognisers: Recogniser) -> Iterator[tuple[Connection, StreamEvent]]:
    """The events of the connections that these recognisers let through."""
    reassembler = Reassembler()
    with open_capture(path) as capture:
        for segment in listed(capture, Decoder(), FlowTable(recognisers)):
            yield from reassembler.feed(segment)
    yield from reassembler.close()


def said_by(dissector: Any, event: StreamEvent) -> Sequence[Any]:
    """What a dissector says to an event, as whoever opens it asks."""
    if dissector.is_other:
        return ()
    if isinstance(event, Chunk):
        return dissector.feed(event)
    if isinstance(event, Gap):
        return dissector.gap(event)
    if isinstance(event, Close):
        directions: tuple[Direction, ...] = (0, 1) if event.direction is None or event.reset else (event.direction,)
        return [said for direction in directions for said in dissector.end(direction)]
    return ()


def dissect(path: Path, make: Make, ports: Iterable[int] = ()) -> Iterator[tuple[Connection, Any]]:
    """What dissectors say of the connections of a capture that have one of the ports."""
    wanted = set(ports)
    for connection, said in dissected(stream_events(path), make):
        if not wanted or not wanted.isdisjoint((connection.client.port, connection.server.port)):
            yield connection, said


def dissected(
    events: Iterable[tuple[Connection, StreamEvent]], make: Make
) -> Iterator[tuple[Connection, Any]]:
    """What dissectors say, a new one for each connection."""
    live: dict[int, Any] = {}
    for connection, event in events:
        if connection.number not in live:
            live[connection.number] = make(connection)
        for said in said_by(live[connection.number], event):
            yield connection, said


def exchanges(said: Iterable[tuple[Connection, Any]]) -> list[AuthenticationExchange]:
    """The authentications that legs make, by connection."""
    states: dict[int, Authentications] = {}
    told: list[AuthenticationExchange] = []
    for connection, each in said:
        if isinstance(each, Leg):
            state = states.setdefault(connection.number, Authentications(Problems()))
            told += state.feed(each)
    for state in states.values():
        told += state.close()
    return told


class Talk:
    """Two stations talk over one connection: every call is one frame, or as many as there are `cuts`."""

    def __init__(self, dissector: Any, first_frame: int = 1) -> None:
        self.dissector = dissector
        self.frame = first_frame
        self.offsets = [0, 0]
        self.said: list[Any] = []

    def send(self, direction: Direction, octets: bytes, piece: int | None = None) -> list[Any]:
        before = len(self.said)
        for at in range(0, len(octets), piece or len(octets) or 1):
            part = octets[at : at + (piece or len(octets))]
            chunk = Chunk(direction, self.offsets[direction], memoryview(part), self.frame, self.frame * 1000)
            self.said += said_by(self.dissector, chunk)
            self.offsets[direction] += len(part)
            self.frame += 1
        return self.said[before:]

    def lose(self, direction: Direction, length: int) -> list[Any]:
        told = list(said_by(self.dissector, Gap(direction, self.offsets[direction], length, self.frame)))
        self.offsets[direction] += length
        self.frame += 1
        self.said += told
        return told

    def close(self) -> list[Any]:
        told = list(said_by(self.dissector, Close(None, False, None, None)))
        self.said += told
        return told

    def legs(self) -> list[Leg]:
        return [each for each in self.said if isinstance(each, Leg)]

    def exchanges(self) -> list[AuthenticationExchange]:
        state = Authentications(Problems())
        told = [each for leg in self.legs() for each in state.feed(leg)]
        return told + list(state.close())


def channel_octets(said: Iterable[Any]) -> dict[tuple[int, int], bytes]:
    """What each channel carried, by its identity and direction; offsets must follow each other."""
    found: dict[tuple[int, int], bytes] = {}
    for each in said:
        if isinstance(each, ChannelEvent) and isinstance(each.event, Chunk | Gap):
            key = (id(each.channel), each.event.direction)
            assert each.event.offset == len(found.get(key, b""))
            octets = bytes(each.event.octets) if isinstance(each.event, Chunk) else bytes(each.event.length_octets)
            found[key] = found.get(key, b"") + octets
    return found
