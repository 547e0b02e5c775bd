"""Which connections may matter: told from their first octets, or by search where the start was not captured.

A flow is known by a key, the addresses and ports as they stand in the frame; both directions lead to one `Flow`. Only
of one that is followed they are read: to do so takes as long as all else that is done about one that is none of ours.

- starting: its SYN was captured. The first octets of each direction decide, when they come; until then its segments
  are held. A direction that begins as none of ours does not decide alone: the other one may.
  A connection that never came about is given too: a SYN answered by a reset at once, a SYN that nothing answered when
  another one follows or the capture ends. Where only the reassembly can tell which SYN begins another connection, the
  flow is followed, so that attempts are counted from the same segments as without this table.
- searched: joined in the middle. Every payload is searched for a header, with the end of the one before it; the last
  segments are held, since the capture may have the one with the header later than its successors.
- live: all its segments are given out, those held before first.
- other: none of ours. Its frames are passed over by key alone, until a SYN starts a new connection.

Of a live flow, what lies in a stretch of octets that nobody will look at (`skip`) need not become a segment. The table
may forget that at any time: the reassembly steps over such segments too.

The table is bounded: flows that ended go first, then those idle or not touched for longest (a second chance each, which
comes near to least recently used). A flow that is forgotten while it lasts is searched like one joined in the middle.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice

from rpctrace.network.addresses import Addresses
from rpctrace.network.flow import Endpoint, Segment, Stretch
from rpctrace.scan.candidates import Recogniser, Shortlist
from rpctrace.scan.flow import (
    ACK,
    ENDS,
    LIVE,
    OTHER,
    RST,
    SEARCHED,
    STARTING,
    SYN,
    Direction,
    Flow,
    Held,
    Raw,
)
from rpctrace.scan.headers import Key, Told, addresses_of, ports_of, turned

MAXIMUM_KEYS = 2 * 32_768
MAXIMUM_HELD_SEGMENTS = 32  # of one flow that is starting
MAXIMUM_HELD_OCTETS_OF_A_FLOW = 64 * 1024
# As long as the reassembly waits until it is clear where a direction joined in the middle starts.
SEARCHED_SEGMENTS_HELD = 16
MAXIMUM_HELD_OCTETS = 16 * 1024 * 1024  # of all flows
MAXIMUM_ATTEMPTS = 1_000  # to connect that failed: the segments of so many are given
MAXIMUM_HEARD = 65_536  # addresses
SEGMENT_OVERHEAD_OCTETS = 512
TAIL_OCTETS = 63  # what of a header may stand at the end of a segment and be known with the next one

_NOTHING: tuple[Segment, ...] = ()
_new = tuple.__new__  # of a named tuple: half the cost of its own constructor


class FlowTable:
    """Takes segments in capture order, gives those of flows that may matter; `limits` counts what was cut short."""

    def __init__(self, recognisers: Sequence[Recogniser], *, maximum_keys: int = MAXIMUM_KEYS) -> None:
        self._recognisers = tuple(recognisers)
        self._shortlist = Shortlist(recognisers)
        self._maximum_keys = maximum_keys
        self._flows: dict[Key, Flow] = {}
        self._live: dict[tuple[Endpoint, Endpoint, tuple[int, ...]], Flow] = {}
        self._held_octets = 0
        self._attempts = 0
        self._due: list[Segment] = []  # of attempts that left the table
        self.heard = Addresses()  # that something answered, also on flows that are passed over
        self.limits: dict[str, int] = {}

    @property
    def flows(self) -> Mapping[Key, Flow]:
        """By key; `OTHER` for what is passed over. For those who read records, to look up and not to change."""
        return self._flows

    @property
    def held_octets(self) -> int:
        return self._held_octets

    @property
    def maximum_keys(self) -> int:
        return self._maximum_keys

    def pass_over(self, key: Key) -> None:
        """A flow began with this key, and somebody else saw that it is none of ours."""
        self._flows[key] = self._flows[turned(key)] = OTHER

    def hear(self, addresses: Iterable[bytes]) -> None:
        """Somebody else saw that these were answered."""
        for address in islice(addresses, max(0, MAXIMUM_HEARD - len(self.heard))):
            self.heard.add_octets(address)

    def take(self, key: Key, segment: Segment) -> Sequence[Segment]:
        """The segments that are to be read now: this one, held ones before it, or none."""
        flow = self._flows.get(key)
        number, timestamp_ns, _, _, _, sequence, acknowledgement, flags, octets, length, _ = segment
        flags = +flags  # a plain int of TcpFlags, whose own & is slow
        if flow is None or flow.stage is not LIVE:
            return self.meet(flow, key, (flags, sequence, acknowledgement, length, octets), timestamp_ns, segment)
        if flags & SYN and flags & ACK:
            self._hear(key)
        flow.touched = True
        if flow.has_skipped(key, segment, flags):
            return _NOTHING
        if timestamp_ns is not None:
            flow.now_ns = timestamp_ns
        if flags & ENDS:
            flow.ended += 2 if flags & RST else 1
        if flags & SYN or (flags & ENDS and flow.ended >= 2):  # another connection may follow, with other numbers
            flow.skips, flow.skips_since = None, number
        return (segment,)

    def meet(
        self, flow: Flow | None, key: Key, told: Told, timestamp_ns: int | None, made_of: Segment | Raw
    ) -> Sequence[Segment]:
        """As `take`, of a flow that the table has not or that is not live: what its segment tells, and what it can be
        made of if it is to be."""
        flags = told[0]
        if flags & SYN:
            if flags & ACK:
                self._hear(key)
        elif flow is OTHER:
            return _NOTHING
        if flow is None or flow is OTHER:
            flow = self._begin(key, timestamp_ns, flags)
            if flow is OTHER:
                return _NOTHING
        flow.touched = True
        if timestamp_ns is not None:
            flow.now_ns = timestamp_ns
        if flags & ENDS:
            flow.ended += 2 if flags & RST else 1
        return self._undecided(flow, key, told, made_of)

    def _hear(self, key: Key) -> None:
        if len(self.heard) < MAXIMUM_HEARD:
            self.heard.add_octets(addresses_of(key)[1])

    def ignore(self, client: Endpoint, server: Endpoint, tunnel: tuple[int, ...]) -> None:
        """A live flow turned out to be none of ours."""
        flow = self._live.get((client, server, tunnel)) or self._live.get((server, client, tunnel))
        if flow is not None:
            self._pass_over(flow)

    def skip(self, stretch: Stretch) -> None:
        """Nobody will look at these octets of a live flow."""
        source, destination, tunnel, sequence, length_octets, frame_number = stretch
        flow = self._live.get((source, destination, tunnel)) or self._live.get((destination, source, tunnel))
        if flow is None or frame_number < flow.skips_since:
            return
        one, two = flow.keys if source == flow.ends[0][0] else flow.keys[::-1]
        others = (0, 0) if flow.skips is None else flow.skips[one][2:]
        flow.skips = {one: (sequence, length_octets, *others), two: (*others, sequence, length_octets)}

    def close(self) -> Sequence[Segment]:
        """The capture is at its end: what is held of flows whose first octets it does not have."""
        due, self._due = self._due, []
        for flow in dict.fromkeys(self._flows.values()):
            due += flow.told() if flow.has_octets() else self._attempt(flow)
        return due

    # A flow begins

    def _begin(self, key: Key, now_ns: int | None, flags: int) -> Flow:
        if len(self._flows) >= self._maximum_keys:
            self._make_room(now_ns)
        keys = (key, turned(key))
        if flags & SYN:
            flow = Flow(STARTING, keys)
        elif flags & RST:  # of something that the capture does not hold
            return OTHER
        else:
            ports = ports_of(key)
            wanted = tuple([each for each in self._recognisers if each.ports_not_searched.isdisjoint(ports)])
            flow = Flow(SEARCHED, keys, wanted) if wanted else OTHER
        self._flows[keys[0]] = self._flows[keys[1]] = flow
        return flow

    # Until it is decided

    def _undecided(self, flow: Flow, key: Key, told: Told, made_of: Segment | Raw) -> Sequence[Segment]:
        flags, sequence, acknowledgement, length, octets = told
        index = 0 if key == flow.keys[0] else 1
        direction, other = flow.directions[index], flow.directions[1 - index]
        held = _new(Held, (index, flags, length, len(octets), made_of))
        failed = _NOTHING
        if flags & SYN:
            first = (sequence + 1) & 0xFFFF_FFFF
            if flow.is_in_doubt(direction, held, first):
                self._hold(flow, held)
                return self._follow(flow)
            if direction.next not in (None, first):
                flow.given = flow.is_attempt()
                failed = self._attempt(flow)
                self._restart(flow)
                direction, other = flow.directions[index], flow.directions[1 - index]
            direction.next = first
            if flags & ACK:
                other.next = acknowledgement
        is_refusal = flags & RST and flags & ACK and acknowledgement == other.next and flow.is_attempt()
        self._hold(flow, held)
        if is_refusal:
            refused = self._counted(flow)
            self._forget(flow)
            return refused
        if not length:
            return failed
        if direction.is_other:
            is_ours = False
        elif flow.stage is STARTING:
            is_ours = self._starts_as_ours(direction, told, len(flow.held))
        else:
            is_ours = self._holds_a_header(flow, direction, told)
        if is_ours:
            return self._follow(flow)
        if direction.is_other:
            if other.is_other:
                self._pass_over(flow)
            elif (flow.stage is SEARCHED or len(flow.held) == MAXIMUM_HELD_SEGMENTS) and not flow.has_octets():
                # Only the other direction can still show something, and then the handshake is what it needs.
                self._flows[key] = OTHER
                handshake = [each for each in flow.held if each.flags & SYN]
                self._release(flow)
                for each in handshake:
                    self._hold(flow, each)
        return _NOTHING

    def _attempt(self, flow: Flow) -> tuple[Segment, ...]:
        """What is held of a flow that never came about; it is held no longer."""
        if not flow.is_attempt():
            return _NOTHING
        given = self._counted(flow)
        self._release(flow)
        return given

    def _counted(self, attempt: Flow) -> tuple[Segment, ...]:
        self._attempts += 1
        if self._attempts <= MAXIMUM_ATTEMPTS:
            return attempt.told()
        self._count("attempts_given")
        return _NOTHING

    def _restart(self, flow: Flow) -> None:
        """Another connection between the same ends."""
        self._release(flow)
        flow.stage = STARTING
        flow.directions = (Direction(), Direction())
        flow.ended = 0

    def _starts_as_ours(self, direction: Direction, told: Told, held: int) -> bool:
        """Whether a direction begins, or may have begun, with a header."""
        flags, sequence, _, _, octets = told
        if direction.next is None or flags & SYN:
            return True  # where it begins is not known: the reassembly finds out
        if sequence != direction.next:
            # not the first octets: they may still come, or the capture lost them
            return held >= MAXIMUM_HELD_SEGMENTS
        direction.is_other = not self._shortlist.may_begin(octets)
        return not direction.is_other

    def _holds_a_header(self, flow: Flow, direction: Direction, told: Told) -> bool:
        _, sequence, _, length, payload = told
        octets = bytes(payload)
        if sequence == direction.next:
            octets = direction.tail + octets
        direction.next = (sequence + length) & 0xFFFF_FFFF
        direction.searched += len(payload)
        if any(each.occurs(octets) for each in flow.searched_for):
            return True
        direction.is_other = all(
            each.is_other(octets) or direction.searched > each.search_octets for each in flow.searched_for
        )
        direction.tail = octets[-TAIL_OCTETS:]
        return False

    def _follow(self, flow: Flow) -> Sequence[Segment]:
        held = flow.told()
        self._release(flow)
        flow.decide()
        for key in flow.keys:
            self._flows[key] = flow
        self._live[*flow.ends[0], flow.tunnel] = flow
        return held

    def _pass_over(self, flow: Flow) -> None:
        self._drop(flow)
        self._flows[flow.keys[0]] = self._flows[flow.keys[1]] = OTHER

    # What is held

    def _hold(self, flow: Flow, held: Held) -> None:
        cost = held.captured_octets + SEGMENT_OVERHEAD_OCTETS
        flow.held.append(held)
        flow.held_octets += cost
        self._held_octets += cost
        most = MAXIMUM_HELD_SEGMENTS if flow.stage is STARTING else SEARCHED_SEGMENTS_HELD
        while len(flow.held) > most or flow.held_octets > MAXIMUM_HELD_OCTETS_OF_A_FLOW:
            # the handshake is kept: it tells who is the client and where the directions start
            place = 0
            while place < len(flow.held) - 1 and flow.held[place].flags & SYN:
                place += 1
            cost = flow.held.pop(place).captured_octets + SEGMENT_OVERHEAD_OCTETS
            flow.held_octets -= cost
            self._held_octets -= cost
            if len(flow.held) <= 1:
                break
        if self._held_octets > MAXIMUM_HELD_OCTETS:
            self._let_go(flow)

    def _let_go(self, keep: Flow) -> None:
        """Too much is held by all flows together: the older half of them gives it up."""
        self._count("held_octets")
        for flow in list(self._flows.values()):
            if flow is not keep and flow.held:
                self._release(flow)
            if self._held_octets <= MAXIMUM_HELD_OCTETS // 2:
                return

    def _release(self, flow: Flow) -> None:
        self._held_octets -= flow.held_octets
        flow.held_octets = 0
        flow.held = []

    # The bound of the table

    def _make_room(self, now_ns: int | None) -> None:
        """Forgets a quarter of the flows: those passed over, ended or idle first, of the others the untouched."""
        wanted = self._maximum_keys - max(2, self._maximum_keys // 4)
        met: set[Flow] = set()  # each flow is in the table by two keys
        for key in list(self._flows):
            if len(self._flows) <= wanted:
                return
            flow = self._flows.get(key)
            if flow is OTHER:
                del self._flows[key]
            elif flow is not None and flow not in met:  # else it went with its other key
                met.add(flow)
                if flow.ended >= 2 or flow.is_idle(now_ns):
                    self._forget(flow)
                elif flow.touched:  # a second chance: to the end of the table
                    flow.touched = False
                    for each in flow.keys:
                        self._flows[each] = self._flows.pop(each, flow)
                else:
                    self._count("flows")
                    self._forget(flow)
        for flow in dict.fromkeys(self._flows.values()):
            if len(self._flows) <= wanted:
                return
            self._count("flows")
            self._forget(flow)

    def _forget(self, flow: Flow) -> None:
        self._due += self._attempt(flow)
        self._drop(flow)
        for key in flow.keys:
            self._flows.pop(key, None)

    def _drop(self, flow: Flow) -> None:
        """Nothing of a flow is needed any more but its keys."""
        self._release(flow)
        if flow.stage is LIVE:
            for ends in flow.ends:
                if self._live.get((*ends, flow.tunnel)) is flow:
                    del self._live[*ends, flow.tunnel]

    def _count(self, limit: str) -> None:
        self.limits[limit] = self.limits.get(limit, 0) + 1
