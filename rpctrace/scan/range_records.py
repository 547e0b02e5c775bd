"""A range of a pcap or pcapng file -> its `Index`: the records that `pcap_records` and `pcapng_records` would accept.

The first record is looked for as behind damage. Where the records are not ordinary ones the reading of a pcap range is
given up, that of a pcapng range ends: whoever has the whole file reads on from there.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

from rpctrace.capture.pcap import PcapWalk
from rpctrace.capture.pcapng import MAXIMUM_RESYNC_OCTETS, Block, PcapngWalk
from rpctrace.capture.pcapng_options import Overrun, read_options
from rpctrace.capture.storage import OpenedAgain
from rpctrace.capture.window import Window
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.scan.candidates import Recogniser
from rpctrace.scan.collector import RecordForm
from rpctrace.scan.datagrams import NO_DATAGRAMS, Datagrams
from rpctrace.scan.flow import SYN
from rpctrace.scan.headers import UDP_OCTETS, Compiled, compiled
from rpctrace.scan.merging import is_alike
from rpctrace.scan.pcap_records import pcap_form
from rpctrace.scan.pcapng_records import FIXED_OCTETS, OPTION_OCTETS, OVERHEAD_OCTETS, pcapng_form
from rpctrace.scan.ranges import MOST_RECORD_OCTETS, Index, Indexer, Range, Time

SEARCHED_OCTETS = 1 << 18
CHAINED_RECORDS = 6  # that must follow each other, so that octets inside a frame are not taken for a record
_ENHANCED = int(Block.ENHANCED_PACKET)


def index_of(
    file: OpenedAgain, wanted: Range, recognisers: Sequence[Recogniser], datagrams: Datagrams = NO_DATAGRAMS
) -> Index | None:
    """None where a range holds no record that can be found, or nothing but what has to be read in order."""
    walk, indexer = file.walk, Indexer(recognisers, datagrams)
    if isinstance(walk, PcapWalk):
        file.go_to(wanted.start)
        first = _first_record(walk, file.window, wanted.end)
        reader: _RangeReader = _PcapRange(walk, file.window, indexer)
    elif isinstance(walk, PcapngWalk) and wanted.start >= 4:
        walk.interfaces = list(wanted.interfaces)
        file.go_to(wanted.start - 4)  # a block is looked for from 4 octets on
        first = _first_block(walk, file.window, wanted.end)
        reader = _PcapngRange(walk, file.window, indexer)
    else:
        return None
    if first is None:
        return None
    file.window.advance(file.window.at + first - file.window.position)
    return reader.read(first, wanted.end)


def _first_record(walk: PcapWalk, window: Window, end: int) -> int | None:
    view, position, layout = window.peek(SEARCHED_OCTETS), window.position, walk.layout
    start = 0
    while (place := walk.find_record(view, start, None)) is not None and position + place < end:
        at, seconds = place, None
        for _ in range(CHAINED_RECORDS):
            if at + layout.record.size > len(view):
                break
            header = layout.record.unpack_from(view, at)
            if not layout.fits(header, seconds):
                break
            at, seconds = at + layout.record.size + header[layout.captured], header[0]
        else:
            return position + place
        if at + layout.record.size > len(view):
            return position + place
        start = place + 1
    return None


def _first_block(walk: PcapngWalk, window: Window, end: int) -> int | None:
    while (place := walk.find_block(window.peek(2 * MAXIMUM_RESYNC_OCTETS))) is not None:
        view, at = window.peek(2 * MAXIMUM_RESYNC_OCTETS), place
        if window.position + place >= end:
            return None
        for _ in range(CHAINED_RECORDS):
            if at >= len(view) or not walk.is_block(view, at):
                break
            at += walk.order.head.unpack_from(view, at)[1]
        else:
            return window.position + place
        if at + MAXIMUM_RESYNC_OCTETS > len(view):
            return window.position + place  # the file, or what is looked at, ends here
        window.advance(window.at + place)
    return None


class _RangeReader(ABC):
    """Walks one range window by window; how its records are walked is the format's."""

    def __init__(self, window: Window, indexer: Indexer) -> None:
        self.window, self.indexer = window, indexer
        self.places: list[int] = []
        self.earliest: Time = (0, 0)
        self.latest: Time = (0, 0)
        self.last: Time = (0, 0)
        self.done = self.is_odd = False

    @abstractmethod
    def read(self, first: int, end: int) -> Index | None:
        """The range from its first record on, up to `end` of the file."""

    @abstractmethod
    def _walk(self, form: Compiled, shift: int, border: int) -> int:
        """The records of the window. `border` is the place in the buffer at which no record of the range may start;
        `shift` makes places in the range of those in the buffer. Gives where the next one is."""

    def _windows(self, form: RecordForm, start: Time, first: int, end: int, interface: int = 0) -> Index | None:
        """`start`: the time of the first record."""
        window = self.window
        self.earliest = self.latest = self.last = start
        while not self.done:
            base = window.position - window.at
            before = len(self.places)
            shape = self.indexer.begin(window.buffer, base, form.layout)
            at = self._walk(compiled(form.order, form.header, shape), base - first, end - base)
            self.indexer.end(len(self.places) - before)
            window.advance(at)
            if self.is_odd:
                return None
            if not self.done and not window.fill():
                break
        if not self.places:
            return None
        times = self.earliest, max(self.latest, self.last), self.last
        return self.indexer.index(first, window.position, self.places, times, interface)


class _PcapRange(_RangeReader):
    def __init__(self, walk: PcapWalk, window: Window, indexer: Indexer) -> None:
        super().__init__(window, indexer)
        self.layout = walk.layout

    def read(self, first: int, end: int) -> Index | None:
        window, record = self.window, self.layout.record
        form = pcap_form(self.layout)
        if len(window.peek(record.size)) < record.size:
            return None
        header = record.unpack_from(window.buffer, window.at)
        if not self.layout.fits(header, None):
            return None
        return self._windows(form, header[:2], first, end)

    def _walk(self, form: Compiled, shift: int, border: int) -> int:
        """As `pcap_records` does it: a record is accepted when its successor fits it."""
        shape, unpack, kind_mask, kind_value, protocol_mask, tcp, udp = form
        sources, destinations, firsts = self.indexer.datagrams.told_by
        window, layout, places = self.window, self.layout, self.places
        buffer, size, units, at = window.buffer, layout.record.size, NS_PER_SECOND // layout.ns_per_unit, window.at
        passing, take, place = self.indexer.passing.get, self.indexer.record, places.append
        header, fits = layout.record.unpack_from, layout.fits
        syn, most, first_at = SYN, MOST_RECORD_OCTETS - size, size + shape.tcp_at + UDP_OCTETS
        (last_seconds, last_fraction), number, limit = self.last, len(places) - 1, window.end - size
        while at <= limit:
            seconds, fraction, captured, original, kind, protocol, key, flags = unpack(buffer, at)
            following = at + size + captured
            if (
                seconds != last_seconds
                or not last_fraction <= fraction < units
                or not 0 < captured == original <= most
            ):
                if captured > most or not fits(header(buffer, at), last_seconds):
                    self.is_odd = True
                    break
                if following <= limit and at < border:
                    self.latest = max(self.latest, (last_seconds, last_fraction))
                    self.earliest = min(self.earliest, (seconds, fraction))
                    last_seconds = seconds
            if following > limit or at >= border:
                self.done = at >= border
                break
            last_fraction = fraction
            place(at + shift)
            number += 1
            record, at = at, following
            if kind & kind_mask != kind_value:
                key = None
            elif (carried := protocol & protocol_mask) == tcp:
                note = passing(key)
                if note is not None and not flags & syn:
                    note(number)
                    continue
            else:
                if (
                    carried == udp and key[-2:] not in destinations and key[-4:-2] not in sources
                    and buffer[record + first_at] not in firsts
                ):  # fmt: skip
                    continue
                key = None
            if not fits(header(buffer, following), seconds):
                self.is_odd = True
                break
            take(number, record, key, flags, seconds, fraction, captured, original)
        self.last = last_seconds, last_fraction
        return at


class _PcapngRange(_RangeReader):
    def __init__(self, walk: PcapngWalk, window: Window, indexer: Indexer) -> None:
        super().__init__(window, indexer)
        self.walk = walk
        self.alike: frozenset[int] = frozenset()

    def read(self, first: int, end: int) -> Index | None:
        window, interfaces = self.window, self.walk.interfaces
        head = window.peek(FIXED_OCTETS)
        if len(head) < FIXED_OCTETS:
            return None
        kind, _length, index = self.walk.order.three.unpack_from(head)
        if kind != _ENHANCED or index >= len(interfaces) or interfaces[index].clock is None:
            return None
        chosen = interfaces[index]
        form = pcapng_form(self.walk.order.name, chosen)
        self.alike = frozenset(
            place for place, each in enumerate(interfaces) if is_alike(each, chosen)
        )
        start = self.walk.order.enhanced.unpack_from(head, 8)[1:3]
        return self._windows(form, start, first, end, index)

    def _walk(self, form: Compiled, shift: int, border: int) -> int:
        """As `pcapng_records` does it."""
        shape, unpack, kind_mask, kind_value, protocol_mask, tcp, udp = form
        sources, destinations, firsts = self.indexer.datagrams.told_by
        window, places, alike = self.window, self.places, self.alike
        buffer, at, end, number = window.buffer, window.at, window.end, len(places)
        passing, take, place = self.indexer.passing.get, self.indexer.record, places.append
        second_length, enhanced, syn, most = self.walk.order.u32.unpack_from, _ENHANCED, SYN, MOST_RECORD_OCTETS
        first_at = FIXED_OCTETS + shape.tcp_at + UDP_OCTETS
        last_high, last_low = self.last
        while at + OVERHEAD_OCTETS <= end:
            block, length, index, high, low, captured, original, kind, protocol, key, flags = unpack(buffer, at)
            following = at + length
            if at >= border or (
                block != enhanced or length & 3 or index not in alike
                or not captured + OVERHEAD_OCTETS <= length <= most
            ):
                self.done = True
                break
            if following > end:
                break
            has_options = length >= captured + OVERHEAD_OCTETS + OPTION_OCTETS
            if second_length(buffer, following - 4)[0] != length or (
                has_options and not self._has_whole_options(at, captured, following)
            ):
                self.done = True
                break
            if high != last_high or low < last_low:
                self.latest = max(self.latest, (last_high, last_low))
                self.earliest = min(self.earliest, (high, low))
                last_high = high
            last_low = low
            if kind & kind_mask == kind_value:
                carried = protocol & protocol_mask
                if carried == tcp:
                    note = passing(key)
                    if note is not None and not flags & syn:
                        note(number)
                    else:
                        take(number, at, key, flags, high, low, captured, original)
                elif (
                    carried != udp
                    or key[-2:] in destinations
                    or key[-4:-2] in sources
                    or buffer[at + first_at] in firsts
                ):
                    take(number, at, None, 0, high, low, captured, original)
            else:
                take(number, at, None, 0, high, low, captured, original)
            place(at + shift)
            number += 1
            at = following
        self.last = last_high, last_low
        return at

    def _has_whole_options(self, at: int, captured: int, following: int) -> bool:
        start = at + FIXED_OCTETS + captured + (-captured & 3)
        octets = memoryview(self.window.buffer)[start : following - 4]
        return not any(isinstance(option, Overrun) for option in read_options(octets, self.walk.order.name))
