"""A capture file -> what the Kerberos of its KDC ports says: a small stand-in for the conversations of the product."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from rpctrace.capture.storage import open_capture
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Endpoint, Segment, Transport
from rpctrace.protocols.dissector import Problems
from rpctrace.protocols.kerberos.connection import KdcConnection
from rpctrace.protocols.kerberos.datagrams import KdcDatagrams
from rpctrace.protocols.kerberos.exchange import KdcExchange
from rpctrace.stream.reassembly import Reassembler
from rpctrace.stream.stream import Chunk, Close, Connection, Gap, Seen, StreamEvent


@dataclass
class Reading:
    """Exchanges with client and server."""

    told: list[tuple[Endpoint, Endpoint, KdcExchange]] = field(default_factory=list)
    problems: Problems = field(default_factory=Problems)
    recognised: list[Connection] = field(default_factory=list)
    first_octets: list[bytes] = field(default_factory=list)  # of each direction on a port of a KDC
    datagrams: KdcDatagrams | None = None

    @property
    def exchanges(self) -> list[KdcExchange]:
        return [exchange for _client, _server, exchange in self.told]


class _Connections:
    """Every TCP connection of a capture through a dissector of its own."""

    def __init__(self, reading: Reading, joined_late: bool) -> None:
        self.reading = reading
        self.joined_late = joined_late
        self.live: dict[int, tuple[Connection, KdcConnection]] = {}

    def feed(self, connection: Connection, event: StreamEvent) -> None:
        number = connection.number
        if number not in self.live:
            late = self.joined_late or connection.guessed
            self.live[number] = (connection, KdcConnection(self.reading.problems, joined_late=late))
        dissector = self.live[number][1]
        if isinstance(event, Chunk):
            if event.offset == 0 and {connection.client.port, connection.server.port} & {88, 464}:
                self.reading.first_octets.append(bytes(event.octets[:16]))
            self._take(connection, dissector.feed(event))
        elif isinstance(event, Gap):
            self._take(connection, dissector.gap(event))
        elif isinstance(event, Seen):
            dissector.seen(event.direction)
        elif isinstance(event, Close):
            directions = (0, 1) if event.direction is None or event.reset else (event.direction,)
            for direction in directions:
                self._take(connection, dissector.end(direction))

    def close(self) -> None:
        for connection, dissector in self.live.values():
            for direction in (0, 1):
                self._take(connection, dissector.end(direction))
            if dissector.recognised:
                self.reading.recognised.append(connection)

    def _take(self, connection: Connection, exchanges: object) -> None:
        for exchange in exchanges:  # type: ignore[attr-defined]
            ends = (connection.client, connection.server)
            client = exchange.client_direction
            self.reading.told.append((ends[client], ends[1 - client], exchange))


def segments_of(path: Path | str) -> list[Segment]:
    """Every segment and datagram of a capture."""
    decoder = Decoder()
    with open_capture(path) as capture:
        return [segment for frame in capture if (segment := decoder.decode(frame)) is not None]


def read_segments(segments: Iterable[Segment], *, joined_late: bool = False) -> Reading:
    """All exchanges, in the order in which they were told. `joined_late`: every connection is searched."""
    reading = Reading()
    reassembler, connections = Reassembler(), _Connections(reading, joined_late)
    datagrams = reading.datagrams = KdcDatagrams(reading.problems)
    for segment in segments:
        if segment.transport is Transport.UDP:
            reading.told += [(each.client, each.server, each.exchange) for each in datagrams.feed(segment)]
        for connection, event in reassembler.feed(segment):
            connections.feed(connection, event)
    for connection, event in reassembler.close():
        connections.feed(connection, event)
    connections.close()
    reading.told += [(each.client, each.server, each.exchange) for each in datagrams.close()]
    return reading


def read_capture(path: Path | str, *, joined_late: bool = False) -> Reading:
    return read_segments(segments_of(path), joined_late=joined_late)
