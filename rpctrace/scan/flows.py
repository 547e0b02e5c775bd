"""Which connections may matter: told from their first octets, or by search where the start was not captured.

A flow is known by a key, the addresses and ports as they stand in the frame; both directions lead to one `Flow`.

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
from rpctrace.scan.candidates import Recogniser
from rpctrace.scan.flow import (
    ACK,
    ENDS,
    LIVE,
    OTHER,
    RST,
    SEARCHED,
    STARTING,
    SYN,
    Flow,
    Key,
    UndecidedDirection,
    has_octets,
    is_attempt,
    is_idle,
    is_in_doubt,
    turned,
)  # fmt: skip
from rpctrace.scan.headers import lies_in

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


class FlowTable:
    """Takes segments in capture order, gives those of flows that may matter; `limits` counts what was cut short."""

    def __init__(self, recognisers: Sequence[Recogniser], *, maximum_keys: int = MAXIMUM_KEYS) -> None:
        self._recognisers = tuple(recognisers)
        self._head_octets = max((each.head_octets for each in recognisers), default=0)
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

    def hear(self, addresses: Iterable[str]) -> None:
        """Somebody else saw that these were answered."""
        for address in islice(addresses, max(0, MAXIMUM_HEARD - len(self.heard))):
            self.heard.add(address)

    def take(self, key: Key, segment: Segment) -> Sequence[Segment]:
        """The segments that are to be read now: this one, held ones before it, or none."""
        flow = self._flows.get(key)
        flags = int(segment.flags)
        if flow is OTHER and not flags & SYN:
            return _NOTHING
        if flags & SYN and flags & ACK and len(self.heard) < MAXIMUM_HEARD:
            self.heard.add(segment.destination.address)
        if flow is None or flow is OTHER:
            flow = self._begin(key, segment, flags)
            if flow is OTHER:
                return _NOTHING
        if flow.skips is not None and lies_in(flow.skips[key], segment, flags):
            flow.touched = True
            return _NOTHING
        if segment.timestamp_ns is not None:
            flow.now_ns = segment.timestamp_ns
        flow.touched = True
        if flags & ENDS:
            flow.ended += 2 if flags & RST else 1
        if flow.stage is LIVE:
            if flags & SYN or (flags & ENDS and flow.ended >= 2):  # another connection may follow, with other numbers
                flow.skips, flow.skips_since = None, segment.frame_number
            return (segment,)
        return self._undecided(flow, key, segment, flags)

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
            due += flow.held if has_octets(flow) else self._attempt(flow)
        return due

    # A flow begins

    def _begin(self, key: Key, segment: Segment, flags: int) -> Flow:
        if len(self._flows) >= self._maximum_keys:
            self._make_room(segment.timestamp_ns)
        keys = (key, turned(key))
        source, destination = segment.source, segment.destination
        ends = ((source, destination), (destination, source))
        if flags & SYN:
            flow = Flow(STARTING, keys, ends)
        elif flags & RST:  # of something that the capture does not hold
            return OTHER
        else:
            ports = (source.port, destination.port)
            wanted = tuple([each for each in self._recognisers if each.ports_not_searched.isdisjoint(ports)])
            flow = Flow(SEARCHED, keys, ends, wanted) if wanted else OTHER
        self._flows[keys[0]] = self._flows[keys[1]] = flow
        return flow

    # Until it is decided

    def _undecided(self, flow: Flow, key: Key, segment: Segment, flags: int) -> Sequence[Segment]:
        index = 0 if key == flow.keys[0] else 1
        direction, other = flow.directions[index], flow.directions[1 - index]
        failed = _NOTHING
        if flags & SYN:
            first = (segment.sequence + 1) & 0xFFFF_FFFF
            if is_in_doubt(flow, direction, segment, first):
                self._hold(flow, segment)
                return self._follow(flow, segment)
            if direction.next not in (None, first):
                flow.given = is_attempt(flow)
                failed = self._attempt(flow)
                self._restart(flow)
                direction, other = flow.directions[index], flow.directions[1 - index]
            direction.next = first
            if flags & ACK:
                other.next = segment.acknowledgement
        is_refusal = flags & RST and flags & ACK and segment.acknowledgement == other.next and is_attempt(flow)
        self._hold(flow, segment)
        if is_refusal:
            refused = flow.held
            self._forget(flow)
            return self._counted(refused)
        if not segment.length_octets:
            return failed
        if flow.stage is STARTING:
            is_ours = self._starts_as_ours(direction, segment, flags, flow)
        else:
            is_ours = self._holds_a_header(flow, direction, segment)
        if is_ours:
            return self._follow(flow, segment)
        if direction.is_other and other.is_other:
            self._pass_over(flow)
        elif (
            direction.is_other
            and (flow.stage is SEARCHED or len(flow.held) == MAXIMUM_HELD_SEGMENTS)
            and not has_octets(flow)
        ):
            # Only the other direction can still show something, and then the handshake is what it needs.
            self._flows[key] = OTHER
            handshake = [held for held in flow.held if int(held.flags) & SYN]
            self._release(flow)
            for held in handshake:
                self._hold(flow, held)
        return _NOTHING

    def _attempt(self, flow: Flow) -> tuple[Segment, ...]:
        """What is held of a flow that never came about; it is held no longer."""
        if not is_attempt(flow):
            return _NOTHING
        held = flow.held
        self._release(flow)
        return self._counted(held)

    def _counted(self, attempt: list[Segment]) -> tuple[Segment, ...]:
        self._attempts += 1
        if self._attempts <= MAXIMUM_ATTEMPTS:
            return tuple(attempt)
        self._count("attempts_given")
        return _NOTHING

    def _restart(self, flow: Flow) -> None:
        """Another connection between the same ends."""
        self._release(flow)
        flow.stage = STARTING
        flow.directions = (UndecidedDirection(), UndecidedDirection())
        flow.ended = 0

    def _starts_as_ours(self, direction: UndecidedDirection, segment: Segment, flags: int, flow: Flow) -> bool:
        """Whether a direction begins, or may have begun, with a header."""
        if direction.is_other:
            return False
        if direction.next is None or flags & SYN:
            return True  # where it begins is not known: the reassembly finds out
        if segment.sequence != direction.next:
            # not the first octets: they may still come, or the capture lost them
            return len(flow.held) >= MAXIMUM_HELD_SEGMENTS
        head = bytes(segment.payload[: self._head_octets])
        direction.is_other = not any(each.begins(head) for each in self._recognisers)
        return not direction.is_other

    def _holds_a_header(self, flow: Flow, direction: UndecidedDirection, segment: Segment) -> bool:
        if direction.is_other:
            return False
        octets = bytes(segment.payload)
        if segment.sequence == direction.next:
            octets = direction.tail + octets
        direction.next = (segment.sequence + segment.length_octets) & 0xFFFF_FFFF
        direction.searched += len(segment.payload)
        if any(each.occurs(octets) for each in flow.searched_for):
            return True
        direction.is_other = all(
            each.is_other(octets) or direction.searched > each.search_octets for each in flow.searched_for
        )
        direction.tail = octets[-TAIL_OCTETS:]
        return False

    def _follow(self, flow: Flow, segment: Segment) -> Sequence[Segment]:
        held = tuple(flow.held)
        self._release(flow)
        flow.decide()
        for key in flow.keys:
            self._flows[key] = flow
        self._live[segment.source, segment.destination, segment.tunnel] = flow
        return held

    def _pass_over(self, flow: Flow) -> None:
        self._drop(flow)
        self._flows[flow.keys[0]] = self._flows[flow.keys[1]] = OTHER

    # What is held

    def _hold(self, flow: Flow, segment: Segment) -> None:
        cost = len(segment.payload) + SEGMENT_OVERHEAD_OCTETS
        flow.held.append(segment)
        flow.held_octets += cost
        self._held_octets += cost
        most = MAXIMUM_HELD_SEGMENTS if flow.stage is STARTING else SEARCHED_SEGMENTS_HELD
        while len(flow.held) > most or flow.held_octets > MAXIMUM_HELD_OCTETS_OF_A_FLOW:
            # the handshake is kept: it tells who is the client and where the directions start
            place = 0
            while place < len(flow.held) - 1 and int(flow.held[place].flags) & SYN:
                place += 1
            gone = flow.held.pop(place)
            cost = len(gone.payload) + SEGMENT_OVERHEAD_OCTETS
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
                if flow.ended >= 2 or is_idle(flow, now_ns):
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
            source, destination = flow.ends[0]
            tunnel = () if isinstance(flow.keys[0], bytes) else flow.keys[0][1]
            for ends in ((source, destination, tunnel), (destination, source, tunnel)):
                if self._live.get(ends) is flow:
                    del self._live[ends]

    def _count(self, limit: str) -> None:
        self.limits[limit] = self.limits.get(limit, 0) + 1
