"""RPC over HTTP ([MS-RPCH]): bodies of HTTP, on two TCP connections, -> the events of one channel.

A virtual connection is named by a cookie, which the first RTS PDU of each of its channels tells: CONN/A1 and CONN/B1 at
the proxy, CONN/A2 and CONN/B2 between proxy and server, others where a channel is recycled. Direction 0 of an RPC
channel is what clients send (the body of RPC_IN_DATA), direction 1 what servers send (the answer to RPC_OUT_DATA). RTS
PDUs stay here, all others go on as they come, with offsets that count through however many TCP connections.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto

from rpctrace.errors import ParseError
from rpctrace.protocols.dissector import Channel, ChannelEvent, Problems
from rpctrace.protocols.http.rts import HEADER_LENGTH_OCTETS, RTS, RtsFlag, RtsPdu, parse_rts
from rpctrace.stream.stream import Chunk, Close, Direction, Gap

MAXIMUM_VIRTUAL_CONNECTIONS = 4_096
TRANSPORT = "ncacn_http"
_CHANNELS = RtsFlag.IN_CHANNEL | RtsFlag.OUT_CHANNEL
_NOTHING: Sequence[ChannelEvent] = ()


class Hop(Enum):
    """Between which two: the same cookie names two channels where a capture has both hops of a proxy."""

    PROXY = auto()
    SERVER = auto()


class _Virtual:
    """One virtual connection: its channel, and per direction how far it came and which tunnel carries it now."""

    __slots__ = ("carriers", "channel", "offsets", "open")

    def __init__(self, name: str | None, joined_late: bool) -> None:
        self.channel = Channel(TRANSPORT, name, joined_late)
        self.offsets = [0, 0]
        self.carriers: list[Tunnel | None] = [None, None]
        self.open: set[Direction] = {0, 1}


class VirtualConnections:
    """All of a capture. `limits` counts `virtual_connections` forgotten while they lasted."""

    def __init__(self, problems: Problems, *, maximum: int = MAXIMUM_VIRTUAL_CONNECTIONS) -> None:
        self.limits: dict[str, int] = {}
        self.problems = problems
        self._maximum = maximum
        self._known: dict[tuple[Hop, str], _Virtual] = {}
        self._servers: dict[Channel, str] = {}

    def server_of(self, channel: Channel) -> str | None:
        """The RPC server and port that the client named to the proxy, as `server:port`."""
        return self._servers.get(channel)

    def half(self, hop: Hop, server: str | None, *, joined_late: bool) -> Tunnel:
        """What may become a channel of a virtual connection, or on the inner hop a connection of its own."""
        return Tunnel(self, hop, server, joined_late)

    def named(self, tunnel: Tunnel, cookie: str) -> _Virtual:
        key = (tunnel.hop, cookie)
        known = self._known.get(key)
        if known is None:
            if len(self._known) >= self._maximum:
                self.limits["virtual_connections"] = self.limits.get("virtual_connections", 0) + 1
                del self._known[next(iter(self._known))]
            known = self._known[key] = _Virtual(cookie, tunnel.joined_late)
        self._serve(known, tunnel)
        return known

    def nameless(self, tunnel: Tunnel) -> _Virtual:
        virtual = _Virtual(None, tunnel.joined_late)
        self._serve(virtual, tunnel)
        return virtual

    def forget(self, hop: Hop, virtual: _Virtual) -> None:
        """Neither direction goes on."""
        name = virtual.channel.name
        if name is not None and self._known.get((hop, name)) is virtual:
            del self._known[hop, name]

    def _serve(self, virtual: _Virtual, tunnel: Tunnel) -> None:
        if tunnel.server is None or virtual.channel in self._servers:
            return
        if len(self._servers) >= self._maximum:
            del self._servers[next(iter(self._servers))]
        self._servers[virtual.channel] = tunnel.server


class Tunnel:
    """One request and its answer, or one connection of the inner hop, as part of a virtual connection."""

    __slots__ = ("_table", "_virtual", "hop", "joined_late", "server")

    def __init__(self, table: VirtualConnections, hop: Hop, server: str | None, joined_late: bool) -> None:
        self._table = table
        self._virtual: _Virtual | None = None
        self.hop = hop
        self.server = server
        self.joined_late = joined_late

    def sink(self, direction: Direction, *, carries: bool) -> PduSink:
        """Who reads one of its two ways: 0 for what clients send. `carries`: PDUs of calls go this way."""
        return PduSink(self, direction, carries)

    def rts(self, octets: bytes, frame_number: int, carried: Direction) -> None:
        """An RTS PDU came along; unless its flags tell, the way of calls in this tunnel is `carried`."""
        try:
            pdu: RtsPdu = parse_rts(octets)
        except ParseError as error:
            self._table.problems.add(error, frame_number)
            return
        if pdu.problem is not None:
            self._table.problems.add(pdu.problem, frame_number)
        cookie = pdu.virtual_connection
        if cookie is not None and self._virtual is None:
            self._virtual = self._table.named(self, cookie)
            flags = pdu.flags or 0
            if flags & _CHANNELS:
                carried = 0 if flags & RtsFlag.IN_CHANNEL else 1
            self._virtual.carriers[carried] = self

    def chunk(self, direction: Direction, chunk: Chunk) -> ChannelEvent:
        virtual = self._carried(direction)
        offset = virtual.offsets[direction]
        virtual.offsets[direction] += len(chunk.octets)
        return ChannelEvent(virtual.channel, chunk._replace(direction=direction, offset=offset))

    def gap(self, direction: Direction, gap: Gap) -> ChannelEvent:
        virtual = self._carried(direction)
        offset = virtual.offsets[direction]
        virtual.offsets[direction] += gap.length_octets
        return ChannelEvent(virtual.channel, gap._replace(direction=direction, offset=offset))

    def end(self, direction: Direction, last: Chunk | None) -> Sequence[ChannelEvent]:
        """Nothing more comes this way: the direction's end, unless another tunnel carries it by now."""
        virtual = self._virtual
        if virtual is None or virtual.carriers[direction] is not self or direction not in virtual.open:
            return _NOTHING
        virtual.open.discard(direction)
        if not virtual.open:
            self._table.forget(self.hop, virtual)
        frame, time = (None, None) if last is None else (last.frame_number, last.timestamp_ns)
        return (ChannelEvent(virtual.channel, Close(direction, False, frame, time)),)

    def _carried(self, direction: Direction) -> _Virtual:
        virtual = self._virtual
        if virtual is None:
            virtual = self._virtual = self._table.nameless(self)
        virtual.carriers[direction] = self
        return virtual


class PduSink:
    """One way of a tunnel: PDUs by their fragment length, RTS ones kept here.

    Where a header cannot be one, and behind a gap that hides where the next one stands, octets go on as they are: who
    reads the channel searches for the next header, and here one is looked for where a segment begins.
    """

    __slots__ = (
        "_carries", "_direction", "_framed", "_held", "_last", "_left", "_needed", "_octets", "_skip", "_tunnel",
    )  # fmt: skip

    def __init__(self, tunnel: Tunnel, direction: Direction, carries: bool) -> None:
        self._tunnel = tunnel
        self._direction = direction
        self._carries = carries
        self._framed = True
        self._left = 0  # octets of a PDU that go on
        self._skip = 0  # octets of an RTS PDU of which the front is missing
        self._octets = bytearray()  # of a header, or of an RTS PDU
        self._needed = HEADER_LENGTH_OCTETS
        self._held: list[Chunk] = []  # what a header that is not whole is made of
        self._last: Chunk | None = None

    def feed(self, chunk: Chunk) -> Sequence[ChannelEvent]:
        self._last = chunk._replace(octets=memoryview(b""))
        if not self._framed:
            if not _is_header(bytes(chunk.octets[:HEADER_LENGTH_OCTETS])):
                return (self._tunnel.chunk(self._direction, chunk),)
            self._framed, self._left = True, 0
        said: list[ChannelEvent] = []
        while chunk.octets:
            taken = self._step(chunk, said)
            chunk = chunk._replace(offset=chunk.offset + taken, octets=chunk.octets[taken:])
        return said

    def gap(self, gap: Gap) -> Sequence[ChannelEvent]:
        length = gap.length_octets
        if self._framed:
            if length <= self._left:
                self._left -= length
                return (self._tunnel.gap(self._direction, gap),)
            missing = self._skip or (self._needed - len(self._octets) if self._in_rts else 0)
            if length <= missing:
                self._skip = missing - length
                self._begin()
                return ()
        said = self._pass_held()
        self._framed, self._left, self._skip = False, 0, 0
        if self._carries:
            said.append(self._tunnel.gap(self._direction, gap))
        return said

    def end(self) -> Sequence[ChannelEvent]:
        said = self._pass_held()
        said += self._tunnel.end(self._direction, self._last)
        return said

    @property
    def _in_rts(self) -> bool:
        return len(self._octets) >= HEADER_LENGTH_OCTETS

    def _step(self, chunk: Chunk, said: list[ChannelEvent]) -> int:
        available = len(chunk.octets)
        if self._left:
            taken = min(self._left, available)
            self._left -= taken
            said.append(self._tunnel.chunk(self._direction, chunk._replace(octets=chunk.octets[:taken])))
            return taken
        if self._skip:
            taken = min(self._skip, available)
            self._skip -= taken
            return taken
        taken = min(self._needed - len(self._octets), available)
        part = chunk._replace(octets=memoryview(bytes(chunk.octets[:taken])))
        if not self._in_rts:
            self._held.append(part)
        self._octets += part.octets
        if len(self._octets) == self._needed:
            self._whole(chunk.frame_number, said)
        return taken

    def _whole(self, frame_number: int, said: list[ChannelEvent]) -> None:
        """A header, or the RTS PDU of which it is the beginning, is there."""
        octets = bytes(self._octets)
        length = int.from_bytes(octets[8:10], "little" if octets[4] & 0x10 else "big")
        if len(octets) == HEADER_LENGTH_OCTETS:
            if not _is_header(octets):
                said += self._pass_held()
                self._framed, self._left = False, 1 << 62
                return
            if octets[2] != RTS:
                said += self._pass_held()
                self._left = length - HEADER_LENGTH_OCTETS
                return
            if length > HEADER_LENGTH_OCTETS:
                self._needed = length
                self._held = []
                return
        self._begin()
        other: Direction = 0 if self._direction else 1
        self._tunnel.rts(octets, frame_number, self._direction if self._carries else other)

    def _pass_held(self) -> list[ChannelEvent]:
        """What of a header came goes on; an RTS PDU that is not whole does not."""
        passed = [self._tunnel.chunk(self._direction, each) for each in self._held]
        self._begin()
        return passed

    def _begin(self) -> None:
        self._octets, self._needed, self._held = bytearray(), HEADER_LENGTH_OCTETS, []


# C706 12.6.3.1: version, type, and a fragment length that holds the header
def _is_header(octets: bytes) -> bool:
    if len(octets) < HEADER_LENGTH_OCTETS or octets[0] != 5 or octets[1] > 1 or octets[2] > RTS:
        return False
    length = int.from_bytes(octets[8:10], "little" if octets[4] & 0x10 else "big")
    return length >= HEADER_LENGTH_OCTETS and octets[4] in (0x00, 0x01, 0x10, 0x11) and octets[5] < 4
