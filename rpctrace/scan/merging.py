"""Ranges that others read -> the segments that one reading of the whole file gives, in the same order.

The reading comes to a range with all that is known of the octets before it. Where an `Index` of the range begins at
just that record, only those records are read that matter to the one table of flows; connections that the helper saw
begin and be none of ours are entered as such. Anything that an index cannot know makes it useless, and the range is
read as if there were none: bounds of the table that may be reached, a first record elsewhere, other interfaces.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heapify, heappop, heapreplace
from typing import Protocol

from rpctrace.capture.frame import Frame
from rpctrace.capture.pcap import PcapWalk
from rpctrace.capture.pcapng import Interface, PcapngWalk
from rpctrace.capture.storage import Capture
from rpctrace.capture.window import SLACK_OCTETS, Window
from rpctrace.scan.collector import Collector, RecordForm
from rpctrace.scan.flow import OTHER, Flow, Key, Stage, turned
from rpctrace.scan.flows import MAXIMUM_HELD_OCTETS, MAXIMUM_HELD_OCTETS_OF_A_FLOW, SEGMENT_OVERHEAD_OCTETS
from rpctrace.scan.headers import Compiled, compiled
from rpctrace.scan.ranges import MOST_RECORD_OCTETS, Index, Pair, Range, unpacked

# Of a range's records, how many may have to be looked at before walking them all is cheaper: of those, an index only
# spares the walk, which costs less than finding them one by one.
HELPED_SHARE = 0.25
LEAST_READ_OCTETS = 1 << 12  # besides a record, for those that follow
MOST_READ_OCTETS = 1 << 16
_MOST_HELD_OCTETS = max(MAXIMUM_HELD_OCTETS_OF_A_FLOW, MOST_RECORD_OCTETS) + SEGMENT_OVERHEAD_OCTETS  # of one flow


class Helpers(Protocol):
    """Who reads ranges ahead."""

    def range_at(self, offset: int) -> Range | None:
        """The first range that begins at or behind `offset`; None behind the last one."""

    def turn(self, interfaces: tuple[Interface, ...] | None) -> None:
        """Called now and then: hands out ranges, takes in indexes. Of a pcapng file with the interfaces so far."""

    def obtain(self, number: int) -> tuple[Range, Index] | None:
        """What a range holds, once, and what was known when it was given out; None where nobody reads it."""

    def pause(self) -> None:
        """The last index was no help: the ranges that nobody reads yet are better read in order for a while."""


class _Source:
    """Records that have to be looked at, by number: those of a pair of keys, or of none."""

    __slots__ = ("decodes_only", "has_syn", "key", "numbers", "other")

    def __init__(self, numbers: Iterable[int], key: Key | None, other: Key | None, *, has_syn: bool) -> None:
        self.numbers = iter(numbers)
        self.key = key
        self.other = other
        self.has_syn = has_syn
        self.decodes_only = False


class Ahead:
    """Indexes of the ranges in front, for the one who walks the file."""

    def __init__(self, capture: Capture, collector: Collector, helpers: Helpers) -> None:
        self._capture = capture
        self._collector = collector
        self._helpers = helpers
        self._octets = _Octets(capture)
        self._next: tuple[Range, Index] | None = None
        self.running: Interface | None = None  # whose blocks are walked on from the cursor: another one's end the run
        self._order = ""  # of the octets in the first section of a pcapng file
        self._from = 1  # ranges that begin before it are behind us, or nobody reads them; the first one is our own

    def take_over(
        self,
        walk: PcapWalk | PcapngWalk,
        window: Window,
        form: RecordForm | Callable[[str, Interface], RecordForm],
    ) -> int | None:
        """Merges what begins at the cursor. Then: where the next index begins, if it begins in this window."""
        interfaces = None
        if isinstance(walk, PcapngWalk):
            interfaces = tuple(walk.interfaces)
            self._order = self._order or walk.order.name
        self._helpers.turn(interfaces)
        if interfaces == ():
            return None
        while (found := self._at_hand(window)) is not None:
            told, index = found
            if index.first > window.position:
                return index.first
            self._next = None
            if index.first < window.position:
                continue
            if isinstance(form, RecordForm):
                written = form
            elif isinstance(walk, PcapWalk) or not self._is_still_so(walk, told):
                continue
            else:
                interface = told.interfaces[index.interface]
                if self.running is not None and not is_alike(self.running, interface):
                    continue
                written = form(walk.order.name, interface)
            merge = _Merge(self._capture, self._collector, self._octets, index, written, walk.number)
            if not merge.may_begin():
                continue
            merge.run(window)
            if merge.given > HELPED_SHARE * index.records:
                self._helpers.pause()
            walk.number += index.records
            if isinstance(walk, PcapWalk):
                walk.seconds = index.last[0]
            else:
                self.running = told.interfaces[index.interface]
            self._helpers.turn(interfaces)
        return None

    def _is_still_so(self, walk: PcapngWalk, told: Range) -> bool:
        """Whether the section is described as it was when the range was given out."""
        known = walk.interfaces[: len(told.interfaces)]
        return walk.order.name == self._order and tuple(known) == told.interfaces

    def came_to(self, offset: int, interface: Interface | None = None) -> None:
        """The records were read up to `offset`, and the next one does not end before that of the index begins."""
        self.running = interface
        if self._next is not None and self._next[1].first != offset:
            self._next = None

    def _at_hand(self, window: Window) -> tuple[Range, Index] | None:
        """The next index, if it may begin in this window."""
        end = window.position - window.at + window.end
        while self._next is None:
            following = self._helpers.range_at(self._from)
            if following is None or following.start >= end:
                return None
            self._from = following.start + 1
            self._next = self._helpers.obtain(following.number)
        return self._next


class _Merge:
    """One index and the state that everything before it left."""

    def __init__(
        self, capture: Capture, collector: Collector, octets: _Octets, index: Index, form: RecordForm, number: int
    ) -> None:
        self._capture = capture
        self._collector = collector
        self._octets = octets
        self._table = collector.table
        self._index = index
        self._form = form
        self._number = number  # of the first frame
        self.given = 0  # records that had to be looked at
        self._places = unpacked(index.places)
        self._places.append(index.stop - index.first)
        # (number of the next record, a number of its own so that no two compare further, source or the key of a birth)
        self._queue: list[tuple[int, int, _Source | Key]] = []
        self._compiled: Compiled | None = None

    def may_begin(self) -> bool:
        """Lists what is to be done; False if a bound of the table may be reached on the way, which has to happen at
        the very record at which it happens in one reading."""
        index, table, queue = self._index, self._table, self._queue
        flows, has_fragments = table.flows, index.has_fragments
        new_keys, may_be_held = 0, table.held_octets + index.held_octets
        for pair in index.pairs:
            key, numbers, birth, _began, is_other, is_counted = pair
            other = turned(key)
            one, two = flows.get(key), flows.get(other)
            may_start = birth is not None or not is_counted
            is_passed_over = one is OTHER and two is OTHER
            if is_passed_over:
                if not has_fragments and (is_other or not may_start):
                    continue
            elif one is None or two is None:
                new_keys += 2
            is_new = _is_new(pair, one, two)
            if is_other and is_new and birth is not None and not has_fragments:
                queue.append((birth, len(queue), key))
                continue
            self._enqueue(_Source(unpacked(numbers), key, other, has_syn=may_start or has_fragments))
            is_live = one is not None and one.stage is Stage.LIVE
            if not (is_counted and is_new) and (may_start or not (is_live or is_passed_over)):
                may_be_held += _MOST_HELD_OCTETS
        odd = unpacked(index.odd)
        for unlisted in (odd, unpacked(index.datagrams)):
            self._enqueue(_Source(unlisted, None, None, has_syn=True))
        if index.last_decoded is not None:
            only = _Source((index.last_decoded,), None, None, has_syn=True)
            only.decodes_only = True
            self._enqueue(only)
        heapify(queue)
        new_keys += 2 * len(odd)
        may_be_held += len(odd) * _MOST_HELD_OCTETS
        return len(flows) + new_keys < table.maximum_keys and may_be_held <= MAXIMUM_HELD_OCTETS

    def _enqueue(self, source: _Source) -> None:
        first = next(source.numbers, None)
        if first is not None:
            self._queue.append((first, len(self._queue), source))

    def run(self, window: Window) -> None:
        """Gives the records to the collector; the cursor then stands behind the range."""
        index, table, collector = self._index, self._table, self._collector
        queue, flows, first = self._queue, table.flows, index.first
        self._octets.begin(first)
        shape = collector.begin(self._octets.buffer, first, self._form.layout)
        self._compiled = compiled(self._form.order, self._form.header, shape)
        while queue:
            number, rank, source = queue[0]
            if not isinstance(source, _Source):
                table.pass_over(source)
                heappop(queue)
                continue
            key, other = source.key, source.other
            is_passed_over = (
                key is not None and other is not None and flows.get(key) is OTHER and flows.get(other) is OTHER
            )
            following = None if is_passed_over and not source.has_syn else next(source.numbers, None)
            if following is None:
                heappop(queue)
            else:
                heapreplace(queue, (following, rank, source))
            if not is_passed_over or source.has_syn:
                self.given += 1
                self._give(number, source.decodes_only)
        table.hear(index.heard)
        times = self._form.layout.timestamp_ns(*index.earliest), self._form.layout.timestamp_ns(*index.latest)
        self._capture.count(self._number + index.records - 1, *times)
        self._capture.go_on(window, index.stop, index.stop + window.window_octets)

    def _give(self, number: int, decodes_only: bool) -> None:
        """One record to the collector, as the walk of `pcap_records` and `pcapng_records` does."""
        form, collector = self._form, self._collector
        at = self._octets.at(self._places[number], self._places[number + 1], collector)
        assert self._compiled is not None
        _shape, unpack, kind_mask, kind_value, protocol_mask, tcp, _udp = self._compiled
        fields = unpack(self._octets.buffer, at)
        high, low, captured, original = fields[form.time_at : form.time_at + 4]
        kind, protocol, key, flags = fields[-4:]
        if decodes_only:
            start = at + form.layout.header_octets
            octets = memoryview(bytes(self._octets.buffer[start : start + captured]))
            time_ns = form.layout.timestamp_ns(high, low)
            collector.decode_only(
                Frame(self._number + number, time_ns, form.layout.link_type, octets, max(captured, original), 0)
            )
            return
        if kind & kind_mask != kind_value or protocol & protocol_mask != tcp:
            key, flags = None, 0
        collector.record(self._number + number, at, key, flags, high, low, captured, original)


class _Octets:
    """Records of a range, wherever they lie: a little is read with each, more as long as the next one follows."""

    def __init__(self, capture: Capture) -> None:
        self.buffer = bytearray(MOST_RECORD_OCTETS + MOST_READ_OCTETS + SLACK_OCTETS)
        self._capture = capture
        self._first = 0
        self._start = self._end = 0  # of what stands in the buffer
        self._step = LEAST_READ_OCTETS

    def begin(self, first: int) -> None:
        """Places are counted from `first` of the file."""
        self._first = first
        self._start = self._end = 0

    def at(self, start: int, end: int, collector: Collector) -> int:
        """Where in the buffer the record from place `start` to `end` stands, and some octets behind it."""
        if not self._start <= start < end <= self._end:
            is_next = 0 <= start - self._end < self._step
            self._step = min(2 * self._step, MOST_READ_OCTETS) if is_next else LEAST_READ_OCTETS
            wanted = end - start + self._step
            octets = self._capture.read_at(self._first + start, wanted + SLACK_OCTETS)
            self.buffer[: len(octets)] = octets
            self._start, self._end = start, start + wanted
            collector.move(self._first + start)
        return start - self._start


def _is_new(pair: Pair, one: Flow | None, two: Flow | None) -> bool:
    """Whether what the helper saw from the SYN on is what we see: nothing is known of the connection, or nothing of
    interest and it is not met before."""
    if one is OTHER and two is OTHER:
        return pair.birth is not None
    return pair.began and (one is None or one is OTHER) and (two is None or two is OTHER)


def is_alike(one: Interface, other: Interface) -> bool:
    """Whether one run walks the blocks of both."""
    return one.link_type == other.link_type and one.clock == other.clock
