"""One range of a file, read without knowing what came before it -> which of its records matter to whom does know.

Who reads a range (`Indexer`) groups its records by connection. It decides by itself only what does not depend on the
octets before the range: that a connection which begins in it, with a SYN, is none of ours. Of all others it says where
their records are, and nothing about them. `merging` goes through that in the order of the file.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence

from rpctrace.capture.frame import Frame
from rpctrace.capture.pcapng import Interface
from rpctrace.errors import ParseError
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment, Transport
from rpctrace.network.fragments import Whole
from rpctrace.network.ip import Fragment, Packet
from rpctrace.scan.candidates import Recogniser, Shortlist
from rpctrace.scan.collector import PASSED_OVER, Collector, key_of
from rpctrace.scan.datagrams import NO_DATAGRAMS, Datagrams
from rpctrace.scan.flow import ACK, ENDS, RST, SYN, Stage
from rpctrace.scan.flows import (
    MAXIMUM_HEARD,
    MAXIMUM_HELD_OCTETS_OF_A_FLOW,
    MAXIMUM_HELD_SEGMENTS,
    SEGMENT_OVERHEAD_OCTETS,
    FlowTable,
)
from rpctrace.scan.headers import Key, Told, addresses_of, told, turned

NUMBERS = "I"  # the typecode of arrays of record numbers, and of places in a range
MOST_RECORD_OCTETS = 0x1_0200  # the longest IP packet with all headers; longer ones are left to the one reading
Numbers = bytes  # the octets of such an array
Time = tuple[int, int]


class Range(NamedTuple):
    """Records that start in [start, end) of the file. `interfaces` (pcapng): those described before it, as known."""

    number: int
    start: int
    end: int
    interfaces: tuple[Interface, ...] = ()


class Pair(NamedTuple):
    """The records of one connection, both directions.

    `birth`: the number of the SYN with which it begins in this range, None where it shows none; `key` is then that of
    the SYN. `began`: that is its first record here. `is_other`: since then it was seen to be none of ours.
    `is_counted`: it was followed, and `Index.held_octets` counts what is held of it from the SYN on.
    """

    key: Key
    numbers: Numbers
    birth: int | None
    began: bool
    is_other: bool
    is_counted: bool


class Index(NamedTuple):
    """What a range holds. Records have numbers from 0, and places from `first`, the offset of the first one."""

    first: int
    stop: int  # the offset behind the last one
    records: int
    places: Numbers
    earliest: Time
    latest: Time
    last: Time
    interface: int  # of the first one
    pairs: Sequence[Pair]
    syns: Numbers
    odd: Numbers  # records of no connection that the one decoder has to read: fragments, damage
    datagrams: Numbers  # that matter
    has_fragments: bool
    last_decoded: int | None  # the last record that the plain reading was asked about, in vain
    held_octets: int  # the most that was held at a time
    heard: frozenset[bytes]  # addresses that something answered


class _Pair:
    """A connection in this range; `stage` is that of one that begins in it, as far as it goes the common way.

    What `flows.FlowTable` holds of it until it is decided is counted here, not kept.
    """

    __slots__ = (
        "began", "birth", "expected", "first_key", "gave_up", "has_octets", "held", "held_octets", "keys", "numbers",
        "others", "stage",
    )  # fmt: skip

    def __init__(self, keys: tuple[Key, Key]) -> None:
        self.keys = keys
        self.numbers: list[int] = []
        self.birth: tuple[int, Key] | None = None
        self.began = False
        self.gave_up = False
        self.stage: Stage | None = None
        self.begin(keys[0])

    def begin(self, key: Key) -> None:
        self.first_key = key
        self.expected: list[int | None] = [None, None]  # the next sequence number of each direction
        self.others = [False, False]
        self.has_octets = False
        self.held = self.held_octets = 0


class _NeedsTheRest(Exception):
    """A fragment: what it completes may stand in another range."""


class _Glance(Decoder):
    """Reads frames that need no other frame, and says of the others that they do."""

    def __init__(self) -> None:
        super().__init__()
        self.noted = False

    def _whole(
        self, packet: Packet, fragment: Fragment, tunnel: tuple[int, ...], timestamp_ns: int | None, frame_number: int  # noqa: ARG002 - the base's
    ) -> Whole | None:
        raise _NeedsTheRest

    def _note(self, error: ParseError, frame_number: int) -> None:  # noqa: ARG002 - the base's
        self.noted = True


def _give_nothing(_segment: Segment) -> None:
    """An index tells which records there are, not what is in them."""


class Indexer(Collector):
    """Takes the records of one range in order; hot loops look into `passing` first, by key, and give the number of a
    record without SYN to what stands there.

    Of a connection that begins here it follows the common way alone: handshake, then the first octets of each direction
    in their order. Whatever goes another way is left to `flows.FlowTable`.
    """

    def __init__(self, recognisers: Sequence[Recogniser], datagrams: Datagrams = NO_DATAGRAMS) -> None:
        self._glance = _Glance()
        super().__init__(self._glance, FlowTable(()), _give_nothing, datagrams)
        self.passing: dict[Key, Callable[[int], None]] = {}
        self._shortlist = Shortlist(recognisers)
        self._pairs: dict[Key, _Pair] = {}
        self._syns: list[int] = []
        self._odd: list[int] = []
        self._datagrams: list[int] = []
        self._has_fragments = False
        self._last_decoded: int | None = None
        self._held_octets = self._most_held_octets = 0
        self._heard: set[bytes] = set()

    def record(
        self, number: int, at: int, key: bytes | None, flags: int, high: int, low: int, captured: int, original: int
    ) -> None:
        start, shape = at + self._layout.header_octets, self._shape
        if key is None:
            key, flags, shape = self._look_closer(start, captured)
            if key == PASSED_OVER:
                return
        pair = None
        if key is not None:
            pair = self._listed(key, number, flags)
            if pair.birth is None and not flags & SYN:
                return
            said = told(shape, self._octets, start, captured)
            if said is not None:
                self._hear(key, said[0])
                self._follow(pair, key, number, said)
                return
        frame_octets = memoryview(self._octets[start : start + captured].tobytes())
        length = original if original > captured else captured
        time_ns = self._layout.timestamp_ns(high, low)
        self._frame_of(pair, Frame(number, time_ns, self._layout.link_type, frame_octets, length, self._offset + at))

    def frame(self, frame: Frame) -> None:
        self._frame_of(None, frame)

    def _frame_of(self, pair: _Pair | None, frame: Frame) -> None:
        """A frame for the plain reading; of a connection already listed, or of none yet."""
        if pair is not None:
            self._give_up(pair)
            return
        self._glance.noted = False
        try:
            read = self._decoder.decode(frame)
        except _NeedsTheRest:
            self._has_fragments = True
            self._odd.append(frame.number)
            return
        if self._glance.noted:
            self._odd.append(frame.number)
        else:
            self._last_decoded = frame.number
        if read is None:
            return
        if read.transport is not Transport.TCP:
            if self.datagrams.matters(read):
                self._datagrams.append(frame.number)
            return
        key, flags = key_of(read), int(read.flags)
        pair = self._listed(key, frame.number, flags)
        self._hear(key, flags)
        if pair.birth is not None or flags & SYN:
            said = flags, read.sequence, read.acknowledgement, read.length_octets, read.payload
            self._follow(pair, key, frame.number, said)

    def _listed(self, key: Key, number: int, flags: int) -> _Pair:
        pair = self._pairs.get(key)
        if pair is None:
            other = turned(key)
            pair = self._pairs[key] = self._pairs[other] = _Pair((key, other))
            if not flags & SYN:
                self.passing[key] = self.passing[other] = pair.numbers.append
        pair.numbers.append(number)
        if flags & SYN:
            self._syns.append(number)
        return pair

    def _hear(self, key: Key, flags: int) -> None:
        """Of a segment alone: where a frame was cut, what stands in the place of its flags says nothing."""
        if flags & SYN and flags & ACK and len(self._heard) < MAXIMUM_HEARD:
            self._heard.add(addresses_of(key)[1])

    def _follow(self, pair: _Pair, key: Key, number: int, said: Told) -> None:
        """A segment of a connection that began here, or begins now."""
        if pair.gave_up or pair.stage is Stage.LIVE:
            return
        flags, sequence, acknowledgement, length, payload = said
        if flags & RST and not pair.has_octets:  # refused, and told of
            self._give_up(pair)
            return
        pair.has_octets |= length > 0
        if flags & SYN:
            self._begin(pair, key, number)
        elif pair.stage is not Stage.STARTING:
            return
        index = 0 if key == pair.first_key else 1
        if flags & SYN:
            first = (sequence + 1) & 0xFFFF_FFFF
            if length or flags & ENDS or pair.expected[index] not in (None, first):
                self._give_up(pair)
                return
            pair.expected[index] = first
            if flags & ACK:
                pair.expected[1 - index] = acknowledgement
        cost = len(payload) + SEGMENT_OVERHEAD_OCTETS
        pair.held += 1
        pair.held_octets += cost
        self._held_octets += cost
        self._most_held_octets = max(self._most_held_octets, self._held_octets)
        if pair.held >= MAXIMUM_HELD_SEGMENTS or pair.held_octets > MAXIMUM_HELD_OCTETS_OF_A_FLOW:
            self._give_up(pair)
        elif length and not pair.others[index]:
            if pair.expected[index] is None:
                self._give_up(pair)
            elif sequence == pair.expected[index]:
                self._decide(pair, index, payload)

    def _begin(self, pair: _Pair, key: Key, number: int) -> None:
        if pair.birth is None:
            pair.birth = number, key
            pair.began = len(pair.numbers) == 1
        if pair.stage is not Stage.STARTING:
            pair.stage = Stage.STARTING
            pair.begin(key)
            for each in pair.keys:
                self.passing.pop(each, None)

    def _decide(self, pair: _Pair, index: int, octets: memoryview) -> None:
        """The first octets of a direction."""
        if self._shortlist.may_begin(octets):
            self._settle(pair, Stage.LIVE)
            return
        pair.others[index] = True
        if pair.others[1 - index]:
            self._settle(pair, Stage.OTHER)

    def _give_up(self, pair: _Pair) -> None:
        pair.gave_up = True
        self._settle(pair, None)

    def _settle(self, pair: _Pair, stage: Stage | None) -> None:
        if pair.stage is Stage.STARTING:
            self._held_octets -= pair.held_octets
        pair.stage = stage
        self.passing[pair.keys[0]] = self.passing[pair.keys[1]] = pair.numbers.append

    def index(
        self, first: int, stop: int, places: list[int], times: tuple[Time, Time, Time], interface: int = 0
    ) -> Index:
        pairs = []
        for pair in dict.fromkeys(self._pairs.values()):
            birth, key = (None, pair.keys[0]) if pair.birth is None else pair.birth
            pairs.append(
                Pair(key, _packed(pair.numbers), birth, pair.began, pair.stage is Stage.OTHER, not pair.gave_up)
            )
        return Index(
            first, stop, len(places), _packed(places), *times, interface, pairs, _packed(self._syns),
            _packed(self._odd), _packed(self._datagrams), self._has_fragments, self._last_decoded,
            self._most_held_octets, frozenset(self._heard),
        )  # fmt: skip


def _packed(numbers: list[int]) -> Numbers:
    return array(NUMBERS, numbers).tobytes()


def unpacked(numbers: Numbers) -> array[int]:
    return array(NUMBERS, numbers)
