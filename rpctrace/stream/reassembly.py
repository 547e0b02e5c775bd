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
from collections.abc import Collection, Sequence
from dataclasses import replace

from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.network.flow import Endpoint, Segment, Stretch, Transport
from rpctrace.stream.direction import WINDOW_OCTETS, Account, DirectionState, distance
from rpctrace.stream.incidents import FRAMES_TOLD, MAXIMUM_INCIDENTS, Attempt, Attempts, in_vain, reset
from rpctrace.stream.ordering import ACK, FIN, RST, SYN, OrderedConnection
from rpctrace.stream.stream import Close, Connection, Direction, Incident, StreamEvent

MAXIMUM_CONNECTIONS = 65_536
MAXIMUM_PARKED_OCTETS = 256 * 1024 * 1024  # of all connections
MAXIMUM_REMEMBERED_OCTETS = 64 * 1024 * 1024  # of all connections
MAXIMUM_IDLE_NS = 2 * 3600 * NS_PER_SECOND  # RFC 1122 4.2.3.6: the shortest default of a keep-alive timer
LATE_SEGMENT_NS = 120 * NS_PER_SECOND  # RFC 9293 3.4.2 maximum segment lifetime: later it is not a late copy

Key = tuple[Endpoint, Endpoint, tuple[int, ...]]
Way = tuple[OrderedConnection, DirectionState, DirectionState]  # the sender's, the receiver's
Told = tuple[Connection, StreamEvent]
Events = list[Told]
Shelf = OrderedDict[int, OrderedConnection]  # by connection number; in a crowded table the longest untouched first

_TCP = Transport.TCP


class Reassembler:
    """Feed it segments in capture order; it gives (connection, event) pairs. `limits` counts the bounds reached.

    `incidents` lists what connections show of a failure below their octets; who feeds may empty it at any time.
    """

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
        self._attempts = Attempts(self._account)
        self.incidents: list[tuple[Connection, Incident]] = []
        self._crowded = False  # only then the order of the shelves counts, and is kept with every segment

    @property
    def limits(self) -> dict[str, int]:
        """How often each bound was reached."""
        return self._account.limits

    def feed(self, segment: Segment) -> Sequence[Told]:
        """What this segment sets free: its own octets, others that waited for it, or nothing yet."""
        if segment.transport is not _TCP:
            return ()
        way = self._ways.get((segment.source, segment.destination, segment.tunnel))
        if way is not None and way[0].established:
            state, sender, receiver = way
            event = state.next_in_order(sender, receiver, segment)
            if event is not None:
                if self._crowded:
                    self._busy.move_to_end(state.identity.number)
                if self._account.remembered_octets > MAXIMUM_REMEMBERED_OCTETS:
                    self._forget()
                return ((state.identity, event),)
        events: Events = []
        self._feed(way, segment, events)
        return events

    def skip(self, connection: Connection, direction: Direction, length_octets: int) -> Stretch | None:
        """Nobody will look at the octets that come next in `direction`: these, up to `MAXIMUM_SKIPPED_OCTETS`, give
        neither chunk nor gap nor conflict, and the next chunk begins behind them. To be called between two segments,
        when all events of the first are taken. What was stepped over, None if nothing can be; a segment that lies
        wholly in it, or acknowledges nothing else and is without octets, leaves no trace from now on, unless it has
        one of the flags SYN, FIN and RST.
        """
        client, server, tunnel = connection.client, connection.server, connection.tunnel
        way = self._ways.get((client, server, tunnel))
        if way is None or way[0].identity.number != connection.number or way[0].closed:
            return None
        state = way[0]
        skipping = state.directions[direction]
        start = skipping.next & 0xFFFF_FFFF
        skipped = state.skip(skipping, length_octets)
        if not skipped:
            return None
        identity = state.identity
        ends = (identity.server, identity.client) if direction else (identity.client, identity.server)
        return Stretch(*ends, tunnel, start, skipped, state.last_frame)

    def close(self, *, heard: Collection[str] = (), end_ns: int | None = None) -> Sequence[Told]:
        """The end of the capture: everything that is still held, connection by connection. For the incidents: addresses
        that were answered on connections not fed, and the time of the capture's last frame."""
        events: Events = []
        for state in sorted((*self._silent.values(), *self._busy.values()), key=_number):
            self._end(state, events)
        for state in list(self._closed.values()):
            self._remove(state)
        for connection, incident in self._attempts.told(heard, end_ns):
            self._note(connection, incident)
        return events

    def _feed(self, way: Way | None, segment: Segment, events: Events) -> None:
        flags = +segment.flags
        if way is None or flags & SYN or way[0].closed:
            way = self._way(way, segment, flags, events)
            if way is None:
                return
        state, sender, receiver = way
        if (sender.skipped_octets or receiver.skipped_octets) and state.is_skipped(sender, receiver, segment, flags):
            return
        if flags & RST:
            self._note_reset(way, segment, flags)
        said: list[StreamEvent] = []
        state.accept(sender, receiver, segment, flags, said)
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
        state, sender, _receiver = way
        if state.closed:
            if not _begins_anew(state, sender, segment, flags):
                return None
            self._remove(state)
            return self._open(segment, flags, events)
        if _is_another(sender, segment):
            self._end(state, events, segment.timestamp_ns)
            return self._open(segment, flags, events)
        return self._greet(way, segment, flags)

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
        first, second = state.directions
        way = (state, first, second) if from_client else (state, second, first)
        return self._greet(way, segment, flags)

    def _point(self, state: OrderedConnection) -> None:
        """The addresses of both directions lead to the connection."""
        client, server, tunnel = state.identity.client, state.identity.server, state.identity.tunnel
        first, second = state.directions
        self._ways[client, server, tunnel] = state, first, second
        self._ways[server, client, tunnel] = state, second, first

    def _greet(self, way: Way, segment: Segment, flags: int) -> Way:
        """A SYN tells where its direction starts, with ACK also where the other one does; and who is the client."""
        if not flags & SYN:
            return way
        state, sender, receiver = way
        if state.identity.guessed and not state.spoken:
            if (sender.index == 0) == bool(flags & ACK):
                state.turn()
                client, server = state.identity.server, state.identity.client
                state.identity = replace(state.identity, client=client, server=server)
            state.identity = replace(state.identity, guessed=False)
            self._point(state)
        sender.begin((segment.sequence + 1) & 0xFFFF_FFFF)
        if not flags & (ACK | RST | FIN) and sender.index == 0:
            state.syns += not segment.length_octets
            if len(state.syn_frames) < FRAMES_TOLD - 1:
                state.syn_frames += (segment.frame_number,)
        elif flags & ACK and len(self._attempts.heard) < MAXIMUM_CONNECTIONS:
            self._attempts.heard.add(segment.destination.address)
        if flags & ACK:
            receiver.begin(segment.acknowledgement)
        return way

    # What connections show below their octets

    def _note_reset(self, way: Way, segment: Segment, flags: int) -> None:
        state, sender, receiver = way
        if state.carried:
            if state.reset_while is None and sender.is_near(sender.unwrap(segment.sequence)):
                if flags & ACK:
                    sender.told = segment.acknowledgement
                told = reset(sender, receiver, segment.frame_number, segment.timestamp_ns, state.odd_ns)
                state.reset_while = told
        elif (
            flags & ACK
            and 0 < state.syns == state.segments
            and sender.index == 1
            and not distance(segment.acknowledgement, receiver.origin or 0)
        ):
            frames = (*state.syn_frames, segment.frame_number)
            self._attempts.refused(Attempt(state.identity, frames, state.syns, state.started_ns, segment.timestamp_ns))

    def _note_end(self, state: OrderedConnection) -> None:
        """The connection is over."""
        identity = state.identity
        if state.reset_while is not None:
            self._note(identity, state.reset_while)
            state.reset_while = None
        for index, known in sorted(state.repetitions.items()):
            incident = in_vain(known, state.directions[index], state.directions[1 - index])
            if incident is not None:
                self._note(identity, incident)
        state.repetitions = {}
        if state.syns and state.segments == state.syns and not state.closed:
            self._attempts.unanswered(
                Attempt(identity, state.syn_frames, state.syns, state.started_ns, state.now_ns)
            )

    def _note(self, connection: Connection, incident: Incident) -> None:
        if len(self.incidents) < MAXIMUM_INCIDENTS:
            self.incidents.append((connection, incident))
        else:
            self._account.count("incidents")

    # The bounds of the table

    def _touch(self, state: OrderedConnection) -> None:
        """Puts a connection on the shelf where it belongs now, last where the order counts."""
        number = state.identity.number
        if state.closed:
            self._note_end(state)
            self._silent.pop(number, None)
            self._busy.pop(number, None)
            state.release()
            self._closed[number] = state
            if len(self._closed) > self._maximum_connections // 16:
                self._remove(next(iter(self._closed.values())))
        elif state.carried and self._silent.pop(number, None) is not None:
            self._busy[number] = state
        elif self._crowded:
            (self._busy if state.carried else self._silent).move_to_end(number)

    def _make_room(self, now_ns: int | None, events: Events) -> None:
        """Ends the longest untouched connections: idle ones from half the bound on, any at the bound."""
        half = self._maximum_connections // 2
        if len(self._silent) + len(self._busy) < half:
            return
        if not self._crowded:
            self._sort_shelves()
        for shelf in (self._silent, self._busy):
            while shelf and now_ns is not None:
                state = next(iter(shelf.values()))
                if state.now_ns is None or now_ns - state.now_ns < self._maximum_idle_ns:
                    break
                self._account.count("connections_idle")
                self._end(state, events, now_ns)
        if len(self._silent) + len(self._busy) >= self._maximum_connections:
            shelf = self._silent if len(self._silent) > half or not self._busy else self._busy
            self._account.count("connections")
            self._end(next(iter(shelf.values())), events, now_ns)

    def _sort_shelves(self) -> None:
        """The table is getting full: puts the longest untouched first; from now on `_crowded` keeps that order."""
        self._crowded = True
        for shelf in (self._silent, self._busy):
            for state in sorted(shelf.values(), key=_last_frame):
                shelf.move_to_end(state.identity.number)

    def _forget(self) -> None:
        """Drops every delivered octet that is kept for comparison: rare, so it may look at all connections."""
        self._account.count("remembered_octets")
        for shelf in (self._silent, self._busy):
            for state in shelf.values():
                for direction in state.directions:
                    direction.forget()

    def _end(self, state: OrderedConnection, events: Events, now_ns: int | None = None) -> None:
        said: list[StreamEvent] = []
        state.finish(said)
        if not state.closed:
            self._note_end(state)
            said.append(Close(None, False, None, now_ns))
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


def _last_frame(state: OrderedConnection) -> int:
    return state.last_frame


def _is_another(sender: DirectionState, segment: Segment) -> bool:
    """Does this SYN begin another connection than the one that the table has for its addresses?"""
    start = (segment.sequence + 1) & 0xFFFF_FFFF
    if sender.origin is not None:
        return distance(start, sender.origin) != 0
    return sender.seen and abs(distance(start, sender.next)) > WINDOW_OCTETS


def _begins_anew(state: OrderedConnection, sender: DirectionState, segment: Segment, flags: int) -> bool:
    """Does this segment follow the end of a connection, as something new, or is it a late copy?"""
    if flags & SYN:
        is_copy = sender.origin is not None and distance(segment.sequence + 1, sender.origin) == 0
        return not (is_copy and state.carried)
    if not segment.length_octets or flags & RST:
        return False
    is_far = sender.seen and not sender.is_near(sender.unwrap(segment.sequence))
    if segment.timestamp_ns is None or state.now_ns is None:
        return is_far
    return is_far or segment.timestamp_ns - state.now_ns > LATE_SEGMENT_NS
