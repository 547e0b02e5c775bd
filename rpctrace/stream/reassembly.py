"""TCP segments of all connections, in any order -> the events of each connection, in the order of the wire.

`Reassembler` is the table of connections: it decides which connection a segment belongs to and who is its client, and
keeps the table within its bounds. What a connection does with its segments is in `ordering`, one direction's buffer in
`direction`.

- A SYN with another initial sequence number than the connection's is the next connection of that flow; a repeated SYN
  is not. The sender of the SYN is the client; without one (the capture begins later) the end with the higher port is.
- A connection ends with a RST, or when both FINs were delivered. It is remembered for a while, so that late
  retransmissions are not mistaken for a new one.
- Connections that have not carried an octet yet are kept apart from the others: a flood of SYNs drives out SYNs.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import replace

from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.network.flow import Endpoint, Segment, Transport
from rpctrace.stream.direction import WINDOW_OCTETS, Account, distance
from rpctrace.stream.ordering import ACK, RST, SYN, OrderedConnection
from rpctrace.stream.stream import Close, Connection, Direction, StreamEvent

MAXIMUM_CONNECTIONS = 65_536
MAXIMUM_PARKED_OCTETS = 256 * 1024 * 1024  # of all connections
MAXIMUM_REMEMBERED_OCTETS = 64 * 1024 * 1024  # of all connections
MAXIMUM_IDLE_NS = 2 * 3600 * NS_PER_SECOND  # RFC 1122 4.2.3.6: the shortest default of a keep-alive timer
LATE_SEGMENT_NS = 120 * NS_PER_SECOND  # RFC 9293 3.4.2 maximum segment lifetime: later it is not a late copy

Key = tuple[Endpoint, Endpoint, tuple[int, ...]]
Way = tuple[OrderedConnection, Direction]
Events = list[tuple[Connection, StreamEvent]]
Shelf = OrderedDict[int, OrderedConnection]  # by connection number, the longest untouched first


class Reassembler:
    """Feed it segments in capture order; it gives (connection, event) pairs. `limits` counts the bounds reached."""

    def __init__(
        self,
        *,
        maximum_connections: int = MAXIMUM_CONNECTIONS,
        maximum_parked_octets: int = MAXIMUM_PARKED_OCTETS,
        maximum_idle_ns: int = MAXIMUM_IDLE_NS,
    ) -> None:
        self._maximum_connections = maximum_connections
        self._maximum_parked_octets = maximum_parked_octets
        self._maximum_idle_ns = maximum_idle_ns
        self._account = Account()
        self._ways: dict[Key, Way] = {}
        self._numbers = 0
        self._silent: Shelf = OrderedDict()  # no octets so far
        self._busy: Shelf = OrderedDict()
        self._closed: Shelf = OrderedDict()

    @property
    def limits(self) -> dict[str, int]:
        """How often each bound was reached."""
        return self._account.limits

    def feed(self, segment: Segment) -> Iterator[tuple[Connection, StreamEvent]]:
        """What this segment sets free: its own octets, others that waited for it, or nothing yet."""
        events: Events = []
        if segment.transport is Transport.TCP:
            self._feed(segment, events)
        return iter(events)

    def close(self) -> Iterator[tuple[Connection, StreamEvent]]:
        """The end of the capture: everything that is still held, connection by connection."""
        events: Events = []
        for state in sorted((*self._silent.values(), *self._busy.values()), key=_number):
            self._end(state, events)
        for state in list(self._closed.values()):
            self._remove(state)
        return iter(events)

    def _feed(self, segment: Segment, events: Events) -> None:
        flags = int(segment.flags)
        way = self._ways.get((segment.source, segment.destination, segment.tunnel))
        if way is None or flags & SYN or way[0].closed:
            way = self._way(way, segment, flags, events)
            if way is None:
                return
        state, direction = way
        said: list[StreamEvent] = []
        state.accept(direction, segment, flags, said)
        self._tell(state, said, events)
        self._touch(state)
        account = self._account
        if account.parked_octets > self._maximum_parked_octets:
            account.count("parked_octets")
            said = []
            state.flush(said)
            self._tell(state, said, events)
        if account.remembered_octets > MAXIMUM_REMEMBERED_OCTETS:
            self._forget()

    def _tell(self, state: OrderedConnection, said: list[StreamEvent], events: Events) -> None:
        if said:
            state.spoken = True
            identity = state.identity
            events.extend([(identity, event) for event in said])

    # Which connection a segment belongs to

    def _way(self, way: Way | None, segment: Segment, flags: int, events: Events) -> Way | None:
        """The connection of a segment whose addresses alone do not tell; None for a stray one."""
        if way is None:  # a reset of something that the capture does not hold tells nothing
            return None if flags & RST else self._open(segment, flags, events)
        state, direction = way
        if state.closed:
            if not _begins_anew(state, direction, segment, flags):
                return None
            self._remove(state)
            return self._open(segment, flags, events)
        if _is_another(state, direction, segment):
            self._end(state, events)
            return self._open(segment, flags, events)
        return self._greet(state, direction, segment, flags)

    def _open(self, segment: Segment, flags: int, events: Events) -> Way:
        self._make_room(segment.timestamp_ns, events)
        source, destination = segment.source, segment.destination
        from_client = not flags & ACK if flags & SYN else source.port >= destination.port
        client, server = (source, destination) if from_client else (destination, source)
        identity = Connection(self._numbers, client, server, not flags & SYN, segment.tunnel)
        self._numbers += 1
        state = OrderedConnection(identity, self._account)
        self._silent[identity.number] = state
        self._point(state)
        return self._greet(state, 0 if from_client else 1, segment, flags)

    def _point(self, state: OrderedConnection) -> None:
        """The addresses of both directions lead to the connection."""
        client, server, tunnel = state.identity.client, state.identity.server, state.identity.tunnel
        self._ways[client, server, tunnel] = state, 0
        self._ways[server, client, tunnel] = state, 1

    def _greet(self, state: OrderedConnection, direction: Direction, segment: Segment, flags: int) -> Way:
        """A SYN tells where its direction starts, with ACK also where the other one does; and who is the client."""
        if not flags & SYN:
            return state, direction
        if state.identity.guessed and not state.spoken:
            if (direction == 0) == bool(flags & ACK):
                state.turn()
                direction = 1 if direction == 0 else 0
                client, server = state.identity.server, state.identity.client
                state.identity = replace(state.identity, client=client, server=server)
            state.identity = replace(state.identity, guessed=False)
            self._point(state)
        state.directions[direction].begin((segment.sequence + 1) & 0xFFFF_FFFF)
        if flags & ACK:
            state.directions[1 - direction].begin(segment.acknowledgement)
        return state, direction

    # The bounds of the table

    def _touch(self, state: OrderedConnection) -> None:
        """Puts a connection last on the shelf where it belongs now."""
        number = state.identity.number
        if number in self._busy:
            if not state.closed:
                self._busy.move_to_end(number)
                return
            del self._busy[number]
        elif number in self._silent:
            if not state.closed and not state.carried:
                self._silent.move_to_end(number)
                return
            del self._silent[number]
        if not state.closed:
            self._busy[number] = state
            return
        state.release()
        self._closed[number] = state
        if len(self._closed) > self._maximum_connections // 4:
            self._remove(next(iter(self._closed.values())))

    def _make_room(self, now_ns: int | None, events: Events) -> None:
        """Ends the longest untouched connections: idle ones from half the bound on, any at the bound."""
        half = self._maximum_connections // 2
        if len(self._silent) + len(self._busy) < half:
            return
        for shelf in (self._silent, self._busy):
            while shelf and now_ns is not None:
                state = next(iter(shelf.values()))
                if state.now_ns is None or now_ns - state.now_ns < self._maximum_idle_ns:
                    break
                self._account.count("connections_idle")
                self._end(state, events)
        if len(self._silent) + len(self._busy) >= self._maximum_connections:
            shelf = self._silent if len(self._silent) > half or not self._busy else self._busy
            self._account.count("connections")
            self._end(next(iter(shelf.values())), events)

    def _forget(self) -> None:
        """Drops every delivered octet that is kept for comparison: rare, so it may look at all connections."""
        self._account.count("remembered_octets")
        for shelf in (self._silent, self._busy):
            for state in shelf.values():
                for direction in state.directions:
                    direction.forget()

    def _end(self, state: OrderedConnection, events: Events) -> None:
        said: list[StreamEvent] = []
        state.finish(said)
        if not state.closed:
            said.append(Close(None, False, None, None))
        self._tell(state, said, events)
        self._remove(state)

    def _remove(self, state: OrderedConnection) -> None:
        state.release()
        number, identity = state.identity.number, state.identity
        for shelf in (self._silent, self._busy, self._closed):
            shelf.pop(number, None)
        for key in (
            (identity.client, identity.server, identity.tunnel),
            (identity.server, identity.client, identity.tunnel),
        ):
            if self._ways.get(key, (None,))[0] is state:
                del self._ways[key]


def _number(state: OrderedConnection) -> int:
    return state.identity.number


def _is_another(state: OrderedConnection, direction: Direction, segment: Segment) -> bool:
    """Does this SYN begin another connection than the one that the table has for its addresses?"""
    sender, start = state.directions[direction], (segment.sequence + 1) & 0xFFFF_FFFF
    if sender.origin is not None:
        return distance(start, sender.origin) != 0
    return sender.seen and abs(distance(start, sender.next)) > WINDOW_OCTETS


def _begins_anew(state: OrderedConnection, direction: Direction, segment: Segment, flags: int) -> bool:
    """Does this segment follow the end of a connection, as something new, or is it a late copy?"""
    sender = state.directions[direction]
    if flags & SYN:
        is_copy = sender.origin is not None and distance(segment.sequence + 1, sender.origin) == 0
        return not (is_copy and state.carried)
    if not segment.length_octets or flags & RST:
        return False
    is_far = sender.seen and abs(distance(segment.sequence, sender.next)) > WINDOW_OCTETS
    if segment.timestamp_ns is None or state.now_ns is None:
        return is_far
    return is_far or segment.timestamp_ns - state.now_ns > LATE_SEGMENT_NS
