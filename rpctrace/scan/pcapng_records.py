"""The ordinary packet blocks of a pcapng file: enhanced ones, whole, of interfaces that count time alike.

This stands for the common case of `capture.pcapng.PcapngWalk.step`, which reads every other block.
"""

from __future__ import annotations

from collections.abc import Callable

from rpctrace.capture.pcapng import Block, Interface, PcapngWalk
from rpctrace.capture.pcapng_options import MICROSECONDS, Clock, Overrun, read_options
from rpctrace.capture.storage import Capture
from rpctrace.capture.window import Window
from rpctrace.scan.collector import Collector, Layout, RecordForm
from rpctrace.scan.flow import OTHER, SYN
from rpctrace.scan.headers import UDP_OCTETS, Compiled, compiled
from rpctrace.scan.merging import Ahead

FIXED_OCTETS = 28  # of an enhanced packet block, before its frame
OVERHEAD_OCTETS = 32  # with the second length
OPTION_OCTETS = 4  # the shortest
MOST_BLOCK_OCTETS = 1 << 20  # of an ordinary one
_ENHANCED = int(Block.ENHANCED_PACKET)


def pcapng_form(order: str, interface: Interface) -> RecordForm:
    layout = Layout(interface.link_type, FIXED_OCTETS, _times(interface.clock or MICROSECONDS))
    return RecordForm(layout, order, "IIIIIII", 3)


def collect_pcapng(
    walk: PcapngWalk, window: Window, capture: Capture, collector: Collector, ahead: Ahead | None = None
) -> None:
    """Gives every frame of the walk to `collector` and counts it in `capture`."""
    while not walk.done:
        limit = ahead.take_over(walk, window, pcapng_form) if ahead is not None else None
        interface = None if ahead is None else ahead.running
        if interface is None:
            interface = _next_interface(walk, window)
        elif ahead is not None:
            ahead.running = None
        if interface is not None and interface.clock is not None:
            run = _Run(walk, window, interface, collector)
            is_cut = run.end_at(limit, window)
            form = pcapng_form(walk.order.name, interface)
            shape = collector.begin(window.buffer, window.position - window.at, form.layout)
            run.walk(compiled(form.order, form.header, shape))
            count = run.number - walk.number
            if count:
                collector.end(count)
                times = form.layout.timestamp_ns(*run.earliest), form.layout.timestamp_ns(*run.latest)
                capture.count(run.number - 1, *times)
                walk.number = run.number
                window.advance(run.at)
            if ahead is not None and is_cut and not run.is_odd:
                ahead.came_to(window.position, interface)
                continue
            if not run.is_odd and window.fill():
                continue
        frame = walk.step()
        if frame is not None:
            capture.count(frame.number, frame.timestamp_ns, frame.timestamp_ns)
            collector.frame(frame)


def _times(clock: Clock) -> Callable[[int, int], int]:
    """The two halves of a time stamp -> nanoseconds."""
    if clock.denominator == 1:
        numerator, offset_ns = clock.numerator, clock.offset_ns
        return lambda high, low: (high << 32 | low) * numerator + offset_ns
    return lambda high, low: clock.timestamp_ns(high << 32 | low)


def _next_interface(walk: PcapngWalk, window: Window) -> Interface | None:
    """Of the block at the cursor, if it is an enhanced packet block; None says that it has to be looked at."""
    head = window.peek(FIXED_OCTETS)
    if len(head) < FIXED_OCTETS:
        return None
    kind, _length, index = walk.order.three.unpack_from(head)
    return walk.interfaces[index] if kind == _ENHANCED and index < len(walk.interfaces) else None


class _Run:
    """Blocks from the cursor on, all of interfaces with this link type and clock."""

    def __init__(self, walk: PcapngWalk, window: Window, interface: Interface, collector: Collector) -> None:
        self.order = walk.order
        self.buffer = window.buffer
        self.end = window.end
        self.collector = collector
        self.alike = frozenset(
            index
            for index, each in enumerate(walk.interfaces)
            if (each.link_type, each.clock) == (interface.link_type, interface.clock)
        )
        self.at = window.at  # of the first block that was not accepted
        self.number = walk.number  # of the next frame
        self.is_odd = False  # that block is not an ordinary one
        self.earliest = self.latest = (0, 0)

    def end_at(self, limit: int | None, window: Window) -> bool:
        """Accepts no block that ends behind `limit` of the file; whether that stands in the window."""
        end = self.end if limit is None else limit - window.position + window.at
        is_cut, self.end = end < self.end, min(end, self.end)
        return is_cut

    def walk(self, form: Compiled) -> None:
        """The hot loop for pcapng: two `unpack_from` and a few comparisons of numbers a block."""
        shape, unpack, kind_mask, kind_value, protocol_mask, tcp, udp = form
        first_at = FIXED_OCTETS + shape.tcp_at + UDP_OCTETS
        sources, destinations, firsts = self.collector.datagrams.told_by
        buffer, at, end, number, alike = self.buffer, self.at, self.end, self.number, self.alike
        flow_of, take, second_length = self.collector.table.flows.get, self.collector.record, self.order.u32.unpack_from
        enhanced, other, syn = _ENHANCED, OTHER, SYN  # a local name is found faster
        last_high, last_low = unpack(buffer, at)[3:5]
        earliest = latest = last_high, last_low
        while at + OVERHEAD_OCTETS <= end:
            block, length, index, high, low, captured, original, kind, protocol, key, flags = unpack(buffer, at)
            following = at + length
            if block != enhanced or length & 3 or length < captured + OVERHEAD_OCTETS or index not in alike:
                self.is_odd = True
                break
            if following > end:
                self.is_odd = length > MOST_BLOCK_OCTETS  # else a wrong length would have the file read into the window
                break
            has_options = length >= captured + OVERHEAD_OCTETS + OPTION_OCTETS
            if second_length(buffer, following - 4)[0] != length or (
                has_options and not self._has_whole_options(at, captured, following)
            ):
                self.is_odd = True
                break
            if high != last_high or low < last_low:
                # time went back, or its upper half changed: so the extremes are here
                latest = max(latest, (last_high, last_low))
                earliest = min(earliest, (high, low))
                last_high = high
            last_low = low
            if kind & kind_mask == kind_value:
                carried = protocol & protocol_mask
                if carried == tcp:
                    if flow_of(key) is not other or flags & syn:
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
            number += 1
            at = following
        self.at, self.number = at, number
        self.earliest, self.latest = earliest, max(latest, (last_high, last_low))

    def _has_whole_options(self, at: int, captured: int, following: int) -> bool:
        """Whether the options of a block end in it: else `step` says what is wrong with them."""
        start = at + FIXED_OCTETS + captured + (-captured & 3)
        options = read_options(memoryview(self.buffer)[start : following - 4], self.order.name)
        return not any(isinstance(option, Overrun) for option in options)
