"""Both directions of one TCP connection -> its events, a reply never before the request that it answers.

The order of a capture file is not the order of the wire: two mirror ports, two queues of a network card, a
retransmission. But TCP says itself what came first. A segment of B that acknowledges position a was sent when B's
station had everything of A before a; so it is delivered after those octets, wherever the capture holds them. With it
every order that matters upstairs (bind before its ack, request before its fault) follows from the segments alone:

- Each direction parks its segments (`direction`). The head is the first that has no hole before it.
- A head goes when the other direction has been delivered up to what the head acknowledges. If both heads can go, the
  first captured one does.
- What is not there is waited for, with patience: an octet may be captured up to `SEGMENTS` segments of its connection,
  or `TIME_NS`, after the first segment that proves that it was sent and received. Then it becomes a `Gap`, and what
  waited follows. A hole that nobody acknowledged is left open longer: a true loss is filled by a retransmission.
- If both heads wait for each other, one of them is a retransmission that acknowledges more than its first copy did. If
  that copy does not come, the head captured later goes: it is the repetition, and its octets are the older ones.
- An acknowledgement proves nothing when its direction is not in the capture at all, or when it runs more than a window
  ahead of everything seen; it then holds nothing up and makes no gap.
- Until a SYN, or the first few segments, tell where a direction starts, the direction is held.

Nearly every segment of a capture is the next one of an established connection that holds nothing. `next_in_order` knows
it by a few comparisons, because all of the above would cost many times more; `accept` would tell the same of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from operator import itemgetter

from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.network.flow import Segment, TcpFlags
from rpctrace.stream.direction import WINDOW_OCTETS, Account, DirectionState, Piece, distance
from rpctrace.stream.incidents import Repetition, repeated
from rpctrace.stream.stream import Chunk, Close, Connection, Direction, Incident, Seen, StreamEvent

# How long a direction may be held until it is clear where it starts, and whether the other one is captured.
START_SEGMENTS, START_NS = 16, 200_000_000
# How long octets are waited for that their receiver has acknowledged: only the capture's order can have them later.
SEGMENTS, TIME_NS = 64, 2 * NS_PER_SECOND
# How long for those that nobody acknowledged: the sender may still repeat them.
UNACKNOWLEDGED_SEGMENTS, UNACKNOWLEDGED_TIME_NS = 1024, 10 * NS_PER_SECOND

FIN, SYN, RST, ACK = int(TcpFlags.FIN), int(TcpFlags.SYN), int(TcpFlags.RST), int(TcpFlags.ACK)
_CONTROL = FIN | SYN | RST
_NUMBERS, _HALF = 0xFFFF_FFFF, 0x8000_0000  # sequence numbers have 32 bits; up to half of them are before a given one
_new_tuple = tuple.__new__  # as in `direction`
_NO_REPETITIONS: Mapping[Direction, Repetition] = {}


class OrderedConnection:
    """The state of one connection. `accept` takes its segments, `finish` says that there are no more."""

    __slots__ = (
        "account", "carried", "closed", "directions", "established", "held", "identity", "last_frame", "now_ns",
        "odd_ns", "one_sided", "repetitions", "reset_while", "segments", "spoken", "started_ns", "syn_frames", "syns",
    )  # fmt: skip

    def __init__(self, identity: Connection, account: Account) -> None:
        self.identity = identity
        self.account = account
        self.directions = DirectionState(0, account), DirectionState(1, account)
        self.segments = 0  # accepted so far
        self.last_frame = 0  # when it was touched last
        self.started_ns: int | None = None
        self.now_ns: int | None = None
        self.odd_ns: int | None = None  # when `accept` took one last
        self.syns = 0  # of the client, alone
        self.syn_frames: tuple[int, ...] = ()
        self.repetitions: Mapping[Direction, Repetition] = _NO_REPETITIONS
        self.reset_while: Incident | None = None  # octets were outstanding
        self.held = False  # something waits
        self.one_sided = False  # a direction that was not seen so far is not waited for any more
        self.carried = False  # there were octets
        self.spoken = False  # there were events
        self.closed = False  # reset, or both FINs delivered
        self.established = False  # both directions are known and open, octets were carried, nothing is held

    # Segments in

    def next_in_order(self, sender: DirectionState, receiver: DirectionState, segment: Segment) -> Chunk | Seen | None:
        """What an `established` connection tells of an ordinary segment; None if it is another, which `accept` takes.

        Ordinary is a segment whose octets are whole and come next, that acknowledges nothing still to come, and that
        begins and ends nothing. What it acknowledges need not be noted: that counts only ahead of what was delivered.
        """
        number, timestamp_ns, _, _, _, sequence, acknowledgement, flags, octets, length, _ = segment
        if (
            (sequence - sender.next) & _NUMBERS
            or +flags & _CONTROL  # + makes a plain int of TcpFlags, whose own & is slow
            or (receiver.next - acknowledgement) & _NUMBERS > _HALF
            or len(octets) != length
            or (not length and receiver.skipped_octets and self.is_skipped(sender, receiver, segment, +flags))
        ):
            return None
        self.segments += 1
        self.last_frame = number
        if timestamp_ns is not None:
            self.now_ns = timestamp_ns
        if not length:
            sender.told = acknowledgement
            return _new_tuple(Seen, (sender.index, number, timestamp_ns))
        sender.progress_arrival, sender.progress_ns = self.segments, self.now_ns
        return sender.chunk(octets, number, timestamp_ns)

    def accept(
        self, sender: DirectionState, receiver: DirectionState, segment: Segment, flags: int, events: list[StreamEvent]
    ) -> None:
        """One segment that `sender` sent; the events that it sets free go to `events`, in order."""
        number, timestamp_ns, _, _, _, sequence, acknowledged, _, octets, length, _ = segment
        self.segments += 1
        self.last_frame = number
        if timestamp_ns is not None:
            self.now_ns = timestamp_ns
            if self.started_ns is None:
                self.started_ns = timestamp_ns
        acknowledgement = acknowledged if flags & ACK else None
        if flags & SYN:
            sequence += 1
        if not sender.seen:
            self.held |= sender.origin is None
            sender.meet(sequence & _NUMBERS, self.segments, timestamp_ns)
        if acknowledgement is not None and (receiver.seen or receiver.origin is not None):
            receiver.acknowledge(acknowledgement, number, self.segments, timestamp_ns)
        position = sender.unwrap(sequence)
        if length:
            self.carried = True
        if (
            not self.held
            and position == sender.next
            and length == len(octets)
            and not flags & RST
            and not self._waits(receiver, acknowledgement)
        ):
            self._deliver_at_once(sender, segment, flags, events)
        else:
            wire_length = max(length, len(octets))
            piece = Piece(position, octets, wire_length, acknowledgement, number, timestamp_ns, self.segments)
            self._hold(sender, receiver, piece, flags)
            self._run(events)
        self.odd_ns = self.now_ns
        self._note_established()

    def _note_established(self) -> None:
        first, second = self.directions
        self.established = self.carried and not self.held and not self.closed and first.is_open and second.is_open

    def _deliver_at_once(
        self, sender: DirectionState, segment: Segment, flags: int, events: list[StreamEvent]
    ) -> None:
        brings = segment.length_octets or flags & FIN
        if sender.finished or not brings:
            events.append(Seen(sender.index, segment.frame_number, segment.timestamp_ns))
            return
        self._progress(sender)
        if segment.length_octets:
            events.append(sender.chunk(segment.payload, segment.frame_number, segment.timestamp_ns))
        if flags & FIN:
            self._end(sender, segment.frame_number, segment.timestamp_ns, events)
            self.closed = self.directions[0].finished and self.directions[1].finished

    def _hold(self, sender: DirectionState, receiver: DirectionState, piece: Piece, flags: int) -> None:
        """Keeps what a segment brings: octets, an end, or only the proof that it went by."""
        new = False
        settled = sender.origin is not None
        is_probe = settled and piece.length_octets == 1 and piece.position == sender.next - 1  # RFC 9293 3.8.4
        if piece.length_octets and not sender.finished and not is_probe and not flags & RST:
            new = sender.park(piece)
            if not new and settled and piece.end <= sender.next:
                known = repeated(self.repetitions.get(sender.index), sender, receiver, piece, self.odd_ns)
                self.repetitions = {**self.repetitions, sender.index: known}
        elif not settled and not sender.parked:
            sender.next = max(sender.next, piece.position)  # the highest that was sent before the capture
        end = piece.end
        if flags & FIN and sender.fin is None and not sender.finished and (not settled or end >= sender.earliest_end):
            sender.fin = piece.mark(end)
            new = True
        if flags & RST and sender.reset is None:
            if not settled or sender.is_near(end):
                sender.reset = piece.mark(end)
                new = True
            else:
                self.account.count("resets_beyond_window")
        if not new:
            sender.waiting = piece.mark(piece.position)

    # Octets that nobody looks at

    def skip(self, direction: DirectionState, length_octets: int) -> int:
        """Steps over the octets that come next in `direction`; gives how many. What this sets free goes with the next
        segment."""
        skipped = 0 if direction.origin is None or direction.finished else direction.skip(length_octets)
        if skipped:
            self._progress(direction)
            self.repetitions = _NO_REPETITIONS  # what is stepped over may acknowledge them
            self.held = self.directions[0].holds or self.directions[1].holds
            self._note_established()
        return skipped

    def is_skipped(self, sender: DirectionState, receiver: DirectionState, segment: Segment, flags: int) -> bool:
        """A segment of octets stepped over alone, or without octets and with nothing but such acknowledged. It is as if
        the capture did not have it: so whoever knows the stretch need not even make a segment of it."""
        if flags & _CONTROL or self.closed:
            return False
        length = max(segment.length_octets, len(segment.payload))
        if sender.has_skipped(segment.sequence, length):
            return True
        return not length and bool(flags & ACK) and receiver.has_skipped(segment.acknowledgement - 1, 1)

    # Events out

    def _run(self, events: list[StreamEvent]) -> None:
        self._pump(events)
        while not self.closed:
            tired = [direction for direction in self.directions if self._is_tired(direction)]
            if not tired:
                break
            self._release(self._first_to_release(tired), events)
            self._pump(events)
        self.held = self.directions[0].holds or self.directions[1].holds

    def _pump(self, events: list[StreamEvent]) -> None:
        """Delivers all that can go."""
        for direction in self.directions:
            if direction.conflicts:
                events += direction.take_conflicts()
        while (ready := self._next_direction()) is not None:
            self._deliver_head(ready, events)
        for direction in self.directions:
            mark = direction.waiting
            if mark is None or direction.origin is None or mark.position > direction.next:
                continue
            if not self._waits(self.directions[1 - direction.index], mark.acknowledgement):
                direction.waiting = None
                events.append(Seen(direction.index, mark.frame_number, mark.timestamp_ns))
        for direction in self.directions:
            if direction.reset is not None and self._may_reset(direction, direction.reset):
                self._abort(direction, direction.reset, events)
        self.closed = self.closed or (self.directions[0].finished and self.directions[1].finished)

    def _next_direction(self) -> DirectionState | None:
        """The direction whose head goes next."""
        first, second = self.directions
        one, other = first.head(), second.head()
        if one is None or other is None:
            if one is not None and not self._waits(second, one.acknowledgement):
                return first
            if other is not None and not self._waits(first, other.acknowledgement):
                return second
            return None
        one_waits, other_waits = self._waits(second, one.acknowledgement), self._waits(first, other.acknowledgement)
        if one_waits and other_waits:
            return None
        return first if other_waits or (not one_waits and one.arrival < other.arrival) else second

    def _waits(self, receiver: DirectionState, acknowledgement: int | None) -> bool:
        """Does a segment with this acknowledgement have to wait for octets of `receiver`?"""
        if acknowledgement is None or receiver.finished:
            return False
        if not receiver.seen:
            return not self.one_sided and self._is_young()
        if receiver.origin is None:
            return True
        ahead = distance(acknowledgement, receiver.next)
        if ahead <= 0:
            return False
        position = receiver.next + ahead
        return receiver.forgiven < position <= receiver.highest + WINDOW_OCTETS

    def _is_young(self) -> bool:
        return self.segments < START_SEGMENTS and self._elapsed(self.started_ns) < START_NS

    def _elapsed(self, since_ns: int | None) -> int:
        return 0 if since_ns is None or self.now_ns is None else self.now_ns - since_ns

    def _progress(self, direction: DirectionState) -> None:
        direction.progress_arrival, direction.progress_ns = self.segments, self.now_ns

    def _deliver_head(self, direction: DirectionState, events: list[StreamEvent]) -> None:
        self._progress(direction)
        if not direction.parked or direction.parked[0].position > direction.next:
            if direction.fin is not None:
                direction.next = direction.fin.position
                self._end(direction, direction.fin.frame_number, direction.fin.timestamp_ns, events)
            return
        piece = direction.pop()
        if piece.octets:
            events.append(direction.chunk(piece.octets, piece.frame_number, piece.timestamp_ns))
        else:
            direction.missing_until = max(direction.missing_until, piece.end)
        if direction.missing_until > direction.next:
            obstacle = direction.obstacle()
            cut_until = direction.missing_until if obstacle is None else min(direction.missing_until, obstacle.position)
            if cut_until > direction.next:
                events.append(direction.gap(cut_until, piece.frame_number))

    def _end(
        self, direction: DirectionState, frame_number: int, timestamp_ns: int | None, events: list[StreamEvent]
    ) -> None:
        """Delivers the FIN that comes next; it takes one sequence number (RFC 9293 3.4)."""
        events.append(Close(direction.index, False, frame_number, timestamp_ns))
        if direction.parked or direction.far:
            self.account.count("segments_behind_fin", len(direction.parked) + len(direction.far))
        waiting, reset = direction.waiting, direction.reset
        direction.release()
        direction.waiting, direction.reset = waiting, reset
        direction.next += 1
        direction.highest = direction.next
        direction.finished = True

    # Patience

    def _is_tired(self, direction: DirectionState) -> bool:
        """Is what `direction` waits for overdue?"""
        if direction.origin is None:
            age = self.segments - direction.progress_arrival
            return direction.seen and (age >= START_SEGMENTS or self._elapsed(direction.progress_ns) >= START_NS)
        piece = direction.obstacle() or direction.reset
        if piece is None:
            return False
        if direction.is_full:
            self.account.count("parked_octets_of_a_direction")
            return True
        if direction.next < direction.overdue:
            return True
        if piece.position <= direction.next:
            return self._is_old(piece.arrival, piece.timestamp_ns, SEGMENTS, TIME_NS)
        if direction.acknowledged > direction.next:
            told = direction.acknowledged_arrival, direction.acknowledged_ns
            since = max((piece.arrival, piece.timestamp_ns), told, key=itemgetter(0))
            return self._is_old(*since, SEGMENTS, TIME_NS)
        since = piece.arrival, piece.timestamp_ns
        if self.directions[1 - direction.index].seen and direction.progress_arrival > piece.arrival:
            since = direction.progress_arrival, direction.progress_ns
        return self._is_old(*since, UNACKNOWLEDGED_SEGMENTS, UNACKNOWLEDGED_TIME_NS)

    def _is_old(self, arrival: int, since_ns: int | None, segments: int, time_ns: int) -> bool:
        return self.segments - arrival >= segments or self._elapsed(since_ns) >= time_ns

    def _first_to_release(self, tired: Sequence[DirectionState]) -> DirectionState:
        """Of two, the one whose first octets do not wait for the other's."""
        for direction in tired:
            piece, other = direction.obstacle(), self.directions[1 - direction.index]
            if direction.origin is None or piece is None or not self._waits(other, piece.acknowledgement):
                return direction
        return tired[0]

    def _release(self, direction: DirectionState, events: list[StreamEvent]) -> None:
        """Waits no longer: opens the way for what `direction` holds first."""
        other = self.directions[1 - direction.index]
        head, other_head, obstacle = direction.head(), other.head(), direction.obstacle()
        if direction.origin is None:
            direction.settle()
        elif head is not None and other_head is not None:  # each waits for the other
            self._deliver_head(direction if head.arrival > other_head.arrival else other, events)
        elif head is not None:
            self._release_other(other, head, events)
        elif obstacle is not None:
            events.append(direction.gap(obstacle.position, obstacle.frame_number))
        elif direction.reset is not None:
            self._abort(direction, direction.reset, events)

    def _release_other(self, other: DirectionState, head: Piece, events: list[StreamEvent]) -> None:
        """`head` acknowledges octets of `other` that did not come: the capture missed them."""
        if not other.seen or head.acknowledgement is None:
            self.one_sided = True
            return
        if other.origin is None:
            other.settle()
            return
        acknowledged, obstacle = other.unwrap(head.acknowledgement), other.obstacle()
        if obstacle is None and acknowledged - other.next == 1:
            other.forgiven = acknowledged  # one number and nothing behind it: more likely a FIN than an octet
            return
        until = acknowledged if obstacle is None else min(acknowledged, obstacle.position)
        events.append(other.gap(until, head.frame_number))

    # The end

    def _may_reset(self, direction: DirectionState, reset: Piece) -> bool:
        """A reset ends the connection once nothing is waited for."""
        if any(one.obstacle() is not None for one in self.directions):
            return False
        in_order = direction.origin is None or reset.position <= direction.next
        return in_order and not self._waits(self.directions[1 - direction.index], reset.acknowledgement)

    def _abort(self, direction: DirectionState, reset: Piece, events: list[StreamEvent]) -> None:
        for each in self.directions:
            each.reset = None
        self.finish(events)
        if not self.closed:
            events.append(Close(direction.index, True, reset.frame_number, reset.timestamp_ns))
            self.closed = True

    def flush(self, events: list[StreamEvent]) -> None:
        """Delivers everything held, with gaps where it has holes."""
        self._pump(events)
        while not self.closed:
            holding = [
                direction
                for direction in self.directions
                if direction.obstacle() or direction.reset or (direction.seen and direction.origin is None)
            ]
            if not holding:
                break
            self._release(self._first_to_release(holding), events)
            self._pump(events)

    def finish(self, events: list[StreamEvent]) -> None:
        """No more segments will come: everything held, then the octets that were acknowledged and never captured."""
        self.one_sided = True
        self.flush(events)
        for direction in self.directions:
            if self.closed or direction.finished or direction.origin is None or not direction.seen:
                continue
            if direction.acknowledged - direction.next > 1:  # one is more likely a FIN
                events.append(direction.gap(direction.acknowledged, direction.acknowledged_frame))
        for direction in self.directions:
            mark, direction.waiting = direction.waiting, None
            if mark is not None:
                events.append(Seen(direction.index, mark.frame_number, mark.timestamp_ns))

    def turn(self) -> None:
        """The client was guessed wrong; possible only before the first event."""
        server, client = self.directions
        self.directions = client, server
        client.index, server.index = 0, 1
        for direction in self.directions:
            direction.conflicts = tuple(
                [conflict._replace(direction=direction.index) for conflict in direction.conflicts]
            )

    def release(self) -> None:
        """Drops everything held."""
        for direction in self.directions:
            direction.release()
