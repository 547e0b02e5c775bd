"""Ranges that others read -> the segments that one reading of the whole file gives, in the same order.

The reading comes to a range with all that is known of the octets before it. Where an `Index` of the range begins at
just that record, only those records are read that matter to the one table of flows; connections that the helper saw
begin and be none of ours are entered as such. Anything that an index cannot know makes it useless, and the range is
read as if there were none: bounds of the table that may be reached, a first record elsewhere, other interfaces.

Whoever takes the segments may have flows passed over (`FlowTable.ignore`), which shows from the next window on; so
segments are given out where a window would end if every record were walked.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from typing import NamedTuple, Protocol

from rpctrace.capture.frame import Frame
from rpctrace.capture.pcap import PcapWalk
from rpctrace.capture.pcapng import Interface, PcapngWalk
from rpctrace.capture.storage import Capture
from rpctrace.capture.window import SLACK_OCTETS, Window
from rpctrace.scan.collector import Collector, RecordForm
from rpctrace.scan.flows import (
    MAXIMUM_HELD_OCTETS,
    MAXIMUM_HELD_OCTETS_OF_A_FLOW,
    OTHER,
    SEGMENT_OVERHEAD_OCTETS,
    Flow,
    Key,
    Stage,
    turned,
)
from rpctrace.scan.headers import Compiled, compiled
from rpctrace.scan.ranges import Index, Pair, Range, unpacked

READ_TOGETHER_OCTETS = 4096  # records that lie closer are read at once
MOST_READ_OCTETS = 1 << 18


class Helpers(Protocol):
    """Who reads ranges ahead."""

    def range_at(self, offset: int) -> Range | None:
        """The first range that begins at or behind `offset`; None behind the last one."""

    def turn(self, interfaces: tuple[Interface, ...] | None) -> None:
        """Called now and then: hands out ranges, takes in indexes. Of a pcapng file with the interfaces so far."""

    def obtain(self, number: int) -> tuple[Range, Index] | None:
        """What a range holds, once, and what was known when it was given out; None where nobody reads it."""


class _Event(NamedTuple):
    """A record, by number, that has to be looked at: one of a pair of keys, or of none; or one to be decoded only."""

    number: int
    key: Key | None = None
    other: Key | None = None
    is_birth: bool = False
    decodes_only: bool = False


class Ahead:
    """Indexes of the ranges in front, for the one who walks the file."""

    def __init__(self, capture: Capture, collector: Collector, helpers: Helpers) -> None:
        self._capture = capture
        self._collector = collector
        self._helpers = helpers
        self._next: tuple[Range, Index] | None = None
        self._order = ""  # of the octets in the first section of a pcapng file
        self._from = 1  # ranges that begin before it are behind us, or nobody reads them; the first one is our own

    def take_over(
        self,
        walk: PcapWalk | PcapngWalk,
        window: Window,
        form: RecordForm | Callable[[str, Interface], RecordForm],
    ) -> Generator[None, None, int | None]:
        """Merges what begins at the cursor. Then: where the next index begins, if it begins in this window."""
        interfaces = None
        if isinstance(walk, PcapngWalk):
            interfaces = tuple(walk.interfaces)
            self._order = self._order or walk.order.name
        self._helpers.turn(interfaces)
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
                written = form(walk.order.name, told.interfaces[index.interface])
            merge = _Merge(self._capture, self._collector, index, written, walk.number)
            if not merge.may_begin():
                continue
            yield from merge.steps(window)
            walk.number += index.count
            if isinstance(walk, PcapWalk):
                walk.seconds = index.last[0]
            self._helpers.turn(interfaces)
        return None

    def _is_still_so(self, walk: PcapngWalk, told: Range) -> bool:
        """Whether the section is described as it was when the range was given out."""
        known = walk.interfaces[: len(told.interfaces)]
        return walk.order.name == self._order and tuple(known) == told.interfaces

    def came_to(self, offset: int) -> None:
        """The records were read up to `offset`, and the next one does not end before that of the index begins."""
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

    def __init__(self, capture: Capture, collector: Collector, index: Index, form: RecordForm, number: int) -> None:
        self._capture = capture
        self._collector = collector
        self._table = collector.table
        self._index = index
        self._form = form
        self._number = number  # of the first frame
        self._places = unpacked(index.places)
        self._places.append(index.stop - index.first)
        self._syns = frozenset(unpacked(index.syns))
        self._events: list[_Event] = []
        self._buffer = bytearray()
        self._read = (0, 0)  # which places stand in it
        self._compiled: Compiled | None = None

    def may_begin(self) -> bool:
        """Lists what is to be done; False if a bound of the table may be reached on the way, which has to happen at
        the very record at which it happens in one reading."""
        index, table = self._index, self._table
        flows, events = table.flows, self._events
        new_keys, may_be_held = 0, table.held_octets + index.held_octets
        for pair in index.pairs:
            key, other = pair.key, turned(pair.key)
            one, two = flows.get(key), flows.get(other)
            if one is OTHER and two is OTHER:
                if not index.has_fragments and (pair.is_other or pair.birth is None):
                    continue
            elif one is None or two is None:
                new_keys += 2
            if pair.is_other and pair.birth is not None and not index.has_fragments and _is_new(pair, one, two):
                events.append(_Event(pair.birth, key, other, is_birth=True))
                continue
            numbers = unpacked(pair.numbers)
            events.extend(_Event(number, key, other) for number in numbers)
            is_live = one is not None and one is two and one.stage is Stage.LIVE and pair.birth is None
            is_passed_over = one is OTHER and two is OTHER and pair.birth is None
            if not (is_live or is_passed_over or _is_new(pair, one, two)):
                may_be_held += sum(self._places[number + 1] - self._places[number] for number in numbers)
                may_be_held += len(numbers) * SEGMENT_OVERHEAD_OCTETS
        odd = unpacked(index.odd)
        events.extend(map(_Event, odd))
        if odd:
            new_keys += 2 * len(odd)
            may_be_held += len(odd) * 2 * MAXIMUM_HELD_OCTETS_OF_A_FLOW
        if index.last_decoded is not None:
            events.append(_Event(index.last_decoded, decodes_only=True))
        events.sort(key=_number_of)
        return len(flows) + new_keys < table.maximum_keys and may_be_held <= MAXIMUM_HELD_OCTETS

    def steps(self, window: Window) -> Iterator[None]:
        """Stops where a window would end."""
        index, table, collector, form = self._index, self._table, self._collector, self._form
        flows, syns, places = table.flows, self._syns, self._places
        window_end = window.position - window.at + window.end
        for place, event in enumerate(self._events):
            number, key, other, is_birth, decodes_only = event
            if is_birth and key is not None:
                table.pass_over(key)
                continue
            if key is not None and other is not None and number not in syns and (
                flows.get(key) is OTHER and flows.get(other) is OTHER
            ):  # fmt: skip
                continue
            needed = index.first + places[number + 1] + form.octets_behind
            if needed > window_end:
                if collector.segments:
                    yield
                window_end += _windows(needed - window_end, window) * window.window_octets
            self._give(place, number, decodes_only)
        needed = index.stop + form.octets_behind
        if needed > window_end:
            if collector.segments:
                yield
            window_end += _windows(needed - window_end, window) * window.window_octets
        times = form.layout.timestamp_ns(*index.earliest), form.layout.timestamp_ns(*index.latest)
        self._capture.count(self._number + index.count - 1, *times)
        self._capture.go_on(window, index.stop, window_end)

    def _give(self, event_place: int, number: int, decodes_only: bool) -> None:
        """One record to the collector, as the walk of `pcap_records` and `pcapng_records` does."""
        start, end = self._places[number], self._places[number + 1]
        if not self._read[0] <= start < end <= self._read[1]:
            self._fill(event_place, start, end)
        form, at = self._form, start - self._read[0]
        if self._compiled is None:
            return
        _shape, unpack, kind_mask, kind_value, protocol_mask, tcp, _udp = self._compiled
        fields = unpack(self._buffer, at)
        high, low, captured, original = fields[form.time_at : form.time_at + 4]
        if decodes_only:
            octets = memoryview(bytes(self._buffer[at + form.layout.header_octets :][:captured]))
            time = form.layout.timestamp_ns(high, low)
            frame = Frame(self._number + number, time, form.layout.link_type, octets, max(captured, original), 0)
            self._collector.decode_only(frame)
            return
        kind, protocol, key, flags = fields[-4:]
        if kind & kind_mask != kind_value or protocol & protocol_mask != tcp:
            key, flags = None, 0
        self._collector.record(self._number + number, at, key, flags, high, low, captured, original)

    def _fill(self, event_place: int, start: int, end: int) -> None:
        """Reads a record and those after it that lie close, with what follows, as in a window."""
        places = self._places
        for event in self._events[event_place + 1 :]:
            if event.is_birth:
                continue
            if places[event.number] > end + READ_TOGETHER_OCTETS or end - start > MOST_READ_OCTETS:
                break
            end = places[event.number + 1]
        offset = self._index.first + start
        octets = self._capture.read_at(offset, end - start + SLACK_OCTETS)
        self._buffer = bytearray(octets) + bytes(SLACK_OCTETS)
        self._read = start, end
        shape = self._collector.begin(self._buffer, offset, self._form.layout)
        if self._compiled is None or self._compiled.shape is not shape:
            self._compiled = compiled(self._form.order, self._form.header, shape)


def _number_of(event: _Event) -> int:
    return event.number


def _is_new(pair: Pair, one: Flow | None, two: Flow | None) -> bool:
    """Whether what the helper saw from the SYN on is what we see: nothing is known of the connection, or nothing of
    interest and it is not met before."""
    if one is OTHER and two is OTHER:
        return pair.birth is not None
    return pair.began and (one is None or one is OTHER) and (two is None or two is OTHER)


def _windows(octets: int, window: Window) -> int:
    return -(-octets // window.window_octets)
