"""One range of a file, read without knowing what came before it -> which of its records matter to whom does know.

Who reads a range (`Indexer`) groups its records by connection. It decides by itself only what does not depend on the
octets before the range: that a connection which begins in it, with a SYN, is none of ours. Of all others it says where
their records are, and nothing about them. `merging` goes through that in the order of the file.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from typing import NamedTuple

from rpctrace.capture.frame import Frame
from rpctrace.capture.pcapng import Interface
from rpctrace.errors import ParseError
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment, Transport
from rpctrace.network.ip import Packet
from rpctrace.scan.candidates import Recogniser
from rpctrace.scan.collector import PASSED_OVER, Collector, key_of
from rpctrace.scan.flows import OTHER, SYN, FlowTable, Key, Stage, turned
from rpctrace.scan.headers import ends_of, segment

NUMBERS = "I"  # the typecode of arrays of record numbers, and of places in a range
MOST_RECORD_OCTETS = 0x1_0200  # the longest IP packet with all headers; longer ones are left to the one reading
_NO_BOUND = 1 << 62
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

    `birth`: the number of the SYN with which it begins in this range, None where it shows none. `is_other`: since then
    it was seen to be none of ours. `began`: that SYN is its first record here.
    """

    key: Key
    numbers: Numbers
    birth: int | None
    began: bool
    is_other: bool


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
    has_fragments: bool
    last_decoded: int | None  # the last record that the plain reading was asked about, in vain
    held_octets: int  # the most that was held at a time


class _Pair:
    __slots__ = ("began", "birth", "keys", "must_be_read", "numbers")

    def __init__(self, keys: tuple[Key, Key]) -> None:
        self.keys = keys
        self.numbers: list[int] = []
        self.birth: tuple[int, Key] | None = None
        self.began = False
        self.must_be_read = False


class _NeedsTheRest(Exception):
    """A fragment: what it completes may stand in another range."""


class _Glance(Decoder):
    """Reads frames that need no other frame, and says of the others that they do."""

    def __init__(self) -> None:
        super().__init__()
        self.noted = False

    def _whole(self, fragment: Packet, tunnel: tuple[int, ...], timestamp_ns: int | None) -> Packet | None:  # noqa: ARG002 - the base's
        raise _NeedsTheRest

    def _note(self, error: ParseError, frame_number: int) -> None:  # noqa: ARG002 - the base's
        self.noted = True


class Indexer(Collector):
    """Takes the records of one range in order; hot loops look into `passing` first, by key, and give the number of a
    record without SYN to what stands there."""

    def __init__(self, recognisers: Sequence[Recogniser]) -> None:
        self._glance = _Glance()
        super().__init__(self._glance, FlowTable(recognisers, maximum_keys=_NO_BOUND))
        self.passing: dict[Key, Callable[[int], None]] = {}
        self.held_octets = 0
        self._pairs: dict[Key, _Pair] = {}
        self._syns: list[int] = []
        self._odd: list[int] = []
        self._has_fragments = False
        self._last_decoded: int | None = None

    @property
    def reached_a_bound(self) -> bool:
        return bool(self.table.limits)

    def record(
        self, number: int, at: int, key: bytes | None, flags: int, high: int, low: int, captured: int, original: int
    ) -> None:
        start, shape = at + self._layout.header_octets, self._shape
        if key is None:
            key, flags, shape = self._of_another_shape(start)
            if key == PASSED_OVER:
                return
        pair = None
        if key is not None:
            pair = self._listed(key, number, flags)
            if pair.birth is None and not flags & SYN:
                return
        timestamp_ns = self._layout.timestamp_ns(high, low)
        read = None
        if key is not None and captured >= shape.smallest_octets:
            flow = self.table.flows.get(key)
            ends = ends_of(key) if flow is None or flow is OTHER else flow.ends[key != flow.keys[0]]
            read = segment(shape, self._octets, start, captured, number, timestamp_ns, ends)
        if read is None:
            octets = memoryview(self._octets[start : start + captured].tobytes())
            length = original if original > captured else captured
            self._frame_of(pair, Frame(number, timestamp_ns, self._layout.link_type, octets, length, self._offset + at))
        elif pair is not None and key is not None:
            self._follow(pair, key, read)

    def frame(self, frame: Frame) -> None:
        self._frame_of(None, frame)

    def _frame_of(self, pair: _Pair | None, frame: Frame) -> None:
        """A frame for the plain reading; of a connection already listed, or of none yet."""
        self._glance.noted = False
        try:
            read = self._decoder.decode(frame)
        except _NeedsTheRest:
            self._has_fragments = True
            self._odd.append(frame.number)
            return
        if pair is not None:
            pair.must_be_read = True
        elif self._glance.noted:
            self._odd.append(frame.number)
        else:
            self._last_decoded = frame.number
        if read is None or read.transport is not Transport.TCP:
            return
        key = key_of(read)
        if pair is None:
            pair = self._listed(key, frame.number, read.flags)
            if pair.birth is None and not read.flags & SYN:
                return
        self._follow(pair, key, read)

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

    def _follow(self, pair: _Pair, key: Key, read: Segment) -> None:
        """Of a connection that begins here: whether it is one of ours."""
        if pair.birth is None:
            pair.birth = read.frame_number, key
            pair.began = len(pair.numbers) == 1
        table, passing = self.table, self.passing
        table.take(key, read)
        if table.held_octets > self.held_octets:
            self.held_octets = table.held_octets
        for each in pair.keys:
            if table.flows[each].stage is Stage.STARTING:
                passing.pop(each, None)
            else:
                passing[each] = pair.numbers.append

    def index(
        self, first: int, stop: int, places: list[int], times: tuple[Time, Time, Time], interface: int = 0
    ) -> Index:
        flows = self.table.flows
        pairs = []
        for pair in dict.fromkeys(self._pairs.values()):
            birth, key = (None, pair.keys[0]) if pair.birth is None else pair.birth
            is_other = (
                birth is not None and not pair.must_be_read
                and flows.get(key) is OTHER and flows.get(turned(key)) is OTHER
            )  # fmt: skip
            pairs.append(Pair(key, _packed(pair.numbers), birth, pair.began, is_other))
        return Index(
            first, stop, len(places), _packed(places), *times, interface, pairs, _packed(self._syns),
            _packed(self._odd), self._has_fragments, self._last_decoded, self.held_octets,
        )  # fmt: skip


def _packed(numbers: list[int]) -> Numbers:
    return array(NUMBERS, numbers).tobytes()


def unpacked(numbers: Numbers) -> array[int]:
    return array(NUMBERS, numbers)
