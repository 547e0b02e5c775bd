"""The ordinary records of a pcap file: as long as each is followed by one that fits it.

This stands for `capture.pcap.PcapWalk.run`, which says what fits; every other record goes to its `look_twice`.
"""

from __future__ import annotations

from rpctrace.capture.pcap import MAXIMUM_FRAME_OCTETS, PcapWalk
from rpctrace.capture.pcap import Layout as WrittenAs
from rpctrace.capture.storage import Capture
from rpctrace.capture.window import Window
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.scan.collector import Collector, Layout, RecordForm
from rpctrace.scan.flow import OTHER, SYN
from rpctrace.scan.headers import UDP_OCTETS, Compiled, compiled
from rpctrace.scan.merging import Ahead

Time = tuple[int, int]  # seconds, and units of the file behind them


def pcap_form(written: WrittenAs) -> RecordForm:
    record, ns_per_unit = written.record, written.ns_per_unit

    def timestamp_ns(seconds: int, fraction: int) -> int:
        return seconds * NS_PER_SECOND + fraction * ns_per_unit

    layout = Layout(written.link_type, record.size, timestamp_ns)
    return RecordForm(layout, record.format[0], f"IIII{record.size - 16}x", 0)


def collect_pcap(
    walk: PcapWalk, window: Window, capture: Capture, collector: Collector, ahead: Ahead | None = None
) -> None:
    """Gives every frame of the walk to `collector` and counts it in `capture`."""
    form = pcap_form(walk.layout)
    timestamp_ns = form.layout.timestamp_ns
    while not walk.done:
        limit = ahead.take_over(walk, window, form) if ahead is not None else None
        run = _Run(walk, window, collector)
        is_cut = run.end_at(limit, window)
        shape = collector.begin(window.buffer, window.position - window.at, form.layout)
        run.walk(compiled(form.order, form.header, shape))
        count = run.number - walk.number
        if count:
            collector.end(count)
            capture.count(run.number - 1, timestamp_ns(*run.earliest), timestamp_ns(*run.latest))
            walk.number, walk.seconds = run.number, run.last[0]
            window.advance(run.at)
        if ahead is not None and is_cut and not run.is_odd:
            ahead.came_to(window.position)
            continue
        if run.is_odd or not window.fill():
            for frame in walk.look_twice():
                capture.count(frame.number, frame.timestamp_ns, frame.timestamp_ns)
                collector.frame(frame)


class _Run:
    """Records from the cursor on, as far as the window holds them."""

    def __init__(self, walk: PcapWalk, window: Window, collector: Collector) -> None:
        self.layout = walk.layout
        self.buffer = window.buffer
        self.end = window.end
        self.collector = collector
        self.at = window.at  # of the first record that was not accepted
        self.number = walk.number  # of that record
        self.is_odd = False  # it, or what follows it, is not as records are
        self.earliest: Time = (0, 0)
        self.latest: Time = (0, 0)
        self.last: Time = (0, 0)

    def end_at(self, limit: int | None, window: Window) -> bool:
        """Accepts no record that ends behind `limit` of the file; whether that stands in the window."""
        end = self.end if limit is None else limit + self.layout.record.size - window.position + window.at
        is_cut, self.end = end < self.end, min(end, self.end)
        return is_cut

    def walk(self, form: Compiled) -> None:
        """The hot loop of the program: one `unpack_from` and a few comparisons of numbers a record.

        A record that is passed over counts before its successor was looked at, and is taken back when that one does not
        fit it; any other is looked at first.
        """
        shape, unpack, kind_mask, kind_value, protocol_mask, tcp, udp = form
        sources, destinations, firsts = self.collector.datagrams.told_by
        buffer, layout, flow_of, take = self.buffer, self.layout, self.collector.table.flows.get, self.collector.record
        size, units, header, fits = layout.record.size, NS_PER_SECOND // layout.ns_per_unit, layout.record, layout.fits
        other, syn, most, first_at = OTHER, SYN, MAXIMUM_FRAME_OCTETS, size + shape.tcp_at + UDP_OCTETS
        start = at = self.at
        first = number = self.number
        limit = self.end - size
        if at > limit:
            return
        last_seconds, last_fraction = unpack(buffer, at)[:2]
        earliest = latest = last_seconds, last_fraction
        while at <= limit:
            seconds, fraction, captured, original, kind, protocol, key, flags = unpack(buffer, at)
            following = at + size + captured
            if (
                seconds != last_seconds
                or not last_fraction <= fraction < units
                or not 0 < captured == original <= most
            ):
                if not self._may_stand(at, last_seconds if number > first else None):
                    self.is_odd = True
                    break
                if following <= limit:  # time went back, or on to another second: so the extremes are here
                    latest = max(latest, (last_seconds, last_fraction))
                    earliest = min(earliest, (seconds, fraction))
                    last_seconds = seconds
            if following > limit:
                break
            last_fraction = fraction
            number += 1
            record, at = at, following
            if kind & kind_mask != kind_value:
                key = None
            elif (carried := protocol & protocol_mask) == tcp:
                if flow_of(key) is other and not flags & syn:
                    continue
            else:
                if (
                    carried == udp and key[-2:] not in destinations and key[-4:-2] not in sources
                    and buffer[record + first_at] not in firsts
                ):  # fmt: skip
                    continue
                key = None
            if not fits(header.unpack_from(buffer, following), seconds):
                self.is_odd = True
                at, number = record, number - 1
                break
            take(number - 1, record, key, flags, seconds, fraction, captured, original)
        self.at, self.number = at, number
        self.last = last_seconds, last_fraction
        self.earliest, self.latest = earliest, max(latest, self.last)
        if self.is_odd:
            self._take_back(start)

    def _may_stand(self, at: int, seconds: int | None) -> bool:
        """Whether the record at `at` is one to go on with: the successor of one of that second, or (None) the first."""
        if seconds is not None:
            return self._fits(at, seconds)
        _seconds, fraction, captured, _original = self.layout.record.unpack_from(self.buffer, at)
        return bool(captured <= MAXIMUM_FRAME_OCTETS and fraction * self.layout.ns_per_unit < NS_PER_SECOND)

    def _fits(self, at: int, seconds: int) -> bool:
        """Whether the record at `at` looks like the successor of one of that second."""
        return self.layout.fits(self.layout.record.unpack_from(self.buffer, at), seconds)

    def _take_back(self, at: int) -> None:
        """Walks once more, up to the record whose successor does not fit it, and tells the times without it."""
        record, times, end = self.layout.record, [], self.at
        while at < end:
            seconds, fraction, captured, _original = record.unpack_from(self.buffer, at)
            following = at + record.size + captured
            if following == end and not self._fits(end, seconds):
                self.at = at
                self.number -= 1
                break
            times.append((seconds, fraction))
            at = following
        if times:
            self.last, self.earliest, self.latest = times[-1], min(times), max(times)
