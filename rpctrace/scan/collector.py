"""A record that is not passed over -> the segments that are to be read now, which are given at once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from rpctrace.capture.frame import Frame, LinkType
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment, Transport
from rpctrace.network.ip import address_octets
from rpctrace.scan.datagrams import NO_DATAGRAMS, Datagrams
from rpctrace.scan.flow import CONTROL, LIVE, OTHER, SYN
from rpctrace.scan.flows import FlowTable
from rpctrace.scan.headers import MOST_TCP_OCTETS, UDP_OCTETS, Key, Shape, carried, segment, shapes_of, told

PASSED_OVER = b""


class Layout(NamedTuple):
    """How records are written: which link, where the frame starts in one, and what the two fields of its time mean."""

    link_type: LinkType
    header_octets: int
    timestamp_ns: Callable[[int, int], int]


class RecordForm(NamedTuple):
    """How the records of one file are unpacked: `order` and `header` for `compiled`; where the time stands among the
    fields, followed by captured and original length."""

    layout: Layout
    order: str
    header: str
    time_at: int


class Collector:
    """Takes records and frames in capture order, and gives to `give` the segments that come of each. Who is given one
    may tell the table what it knows now: it counts from the next record on."""

    def __init__(
        self,
        decoder: Decoder,
        table: FlowTable,
        give: Callable[[Segment], None],
        datagrams: Datagrams = NO_DATAGRAMS,
    ) -> None:
        self.table = table
        self.datagrams = datagrams
        self.give = give
        self._flow_of = table.flows.get
        self._decoder = decoder
        self._octets = memoryview(b"")
        self._offset = 0
        self._layout = Layout(LinkType.NOT_A_PACKET, 0, lambda _high, _low: 0)
        self._shapes = shapes_of(LinkType.NOT_A_PACKET)
        self._shape = self._shapes[0]
        self._others: tuple[Shape, ...] = ()
        self._of_other_shape: Counter[Shape] = Counter()

    def begin(self, buffer: bytearray, offset: int, layout: Layout) -> Shape:
        """The next records stand in `buffer`, at `offset` of the file; the shape that their frames should have."""
        self._octets, self._offset = memoryview(buffer), offset
        if layout.link_type != self._layout.link_type:
            self._shapes = shapes_of(layout.link_type)
            self._shape = self._shapes[0]
        self._layout = layout
        self._of_other_shape.clear()
        self._others = tuple(shape for shape in self._shapes if shape is not self._shape)
        return self._shape

    def move(self, offset: int) -> None:
        """The octets in the buffer are others now, of this offset of the file."""
        self._offset = offset

    def end(self, frames: int) -> None:
        """There were so many frames since `begin`: if most had another shape, that one is expected next."""
        for shape, count in self._of_other_shape.items():
            if 2 * count > frames:
                self._shape = shape

    def record(
        self, number: int, at: int, key: bytes | None, flags: int, high: int, low: int, captured: int, original: int
    ) -> None:
        """The record at `at` of the buffer; without `key` its frame is not TCP of the expected shape, nor UDP that a
        look at ports and first octet passes over."""
        octets, shape = self._octets, self._shape
        start = at + self._layout.header_octets
        if key is None:
            key, flags, shape = self._look_closer(start, captured)
            if key == PASSED_OVER:
                return
        flow = None if key is None else self._flow_of(key)
        if flow is OTHER and not flags & SYN:
            return
        if (
            flow is not None and flow.skips is not None and key is not None
            and flow.is_skipped(shape, octets, start, captured, key)
        ):  # fmt: skip
            return
        timestamp_ns = self._layout.timestamp_ns(high, low)
        if key is not None and (flow is None or flow.stage is not LIVE):
            said = told(shape, octets, start, captured)
            if said is not None:
                # what lies behind the packet, padding or anything else, is not held
                kept = min(captured, shape.tcp_at + MOST_TCP_OCTETS + len(said[-1]))
                raw = shape, octets[start : start + kept].tobytes(), number, timestamp_ns
                for each in self.table.meet(flow, key, said, timestamp_ns, raw):
                    self.give(each)
                return
        elif key is not None and flow is not None and captured >= shape.smallest_octets:
            read = segment(shape, octets, start, captured, number, timestamp_ns, flow.ends[key != flow.keys[0]])
            if read is not None:
                if flags & CONTROL:
                    for each in self.table.take(key, read):
                        self.give(each)
                else:
                    flow.touched = True
                    flow.now_ns = timestamp_ns
                    self.give(read)
                return
        frame = memoryview(octets[start : start + captured].tobytes())
        length = original if original > captured else captured
        self.frame(Frame(number, timestamp_ns, self._layout.link_type, frame, length, self._offset + at))

    def frame(self, frame: Frame) -> None:
        """A frame for the plain reading."""
        read = self._decoder.decode(frame)
        if read is None:
            return
        if read.transport is Transport.TCP:
            for each in self.table.take(key_of(read), read):
                self.give(each)
        elif self.datagrams.matters(read):
            self.give(read)

    def decode_only(self, frame: Frame) -> None:
        """A frame of which somebody else knows that nothing comes: the decoder tells where it was last."""
        self._decoder.decode(frame)

    def _look_closer(self, at: int, captured: int) -> tuple[bytes | None, int, Shape]:
        """Key, flags and shape; no key where the plain reading is needed, `PASSED_OVER` for UDP that matters to nobody.

        Which frames are passed over does not depend on the shape that is expected, nor so on where windows begin.
        """
        for shape in (*self._others, self._shape):
            transport, key, flags = carried(shape, self._octets, at)
            if transport is None:
                continue
            begin = at + shape.tcp_at + UDP_OCTETS
            if transport is Transport.UDP and self.datagrams.may_matter(
                key[-4:], self._octets[begin : max(begin, at + captured)]
            ):
                break
            if shape is not self._shape:
                self._of_other_shape[shape] += 1
            return key if transport is Transport.TCP else PASSED_OVER, flags, shape
        return None, 0, self._shape


def key_of(read: Segment) -> Key:
    """The key that the frames of a segment's flow have in the common shapes; inside a tunnel one with its numbers."""
    source, destination = read.source, read.destination
    key = (
        address_octets(source.address)
        + address_octets(destination.address)
        + source.port.to_bytes(2, "big")
        + destination.port.to_bytes(2, "big")
    )
    return (key, read.tunnel) if read.tunnel else key
