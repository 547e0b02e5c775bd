"""A capture -> the segments of flows that may carry what the recognisers know, and the datagrams that may: fast, in
capture order, none lost. Each is given at once, so that what its reader learns of a connection spares the next records.

What `network.decode` gives for those, this gives, from the same octets: a property test holds it against that.
Frames of the common shapes are read here, all others there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from rpctrace.capture.format import Walk
from rpctrace.capture.pcap import PcapWalk
from rpctrace.capture.storage import Capture
from rpctrace.capture.window import Window
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment
from rpctrace.scan.collector import Collector
from rpctrace.scan.datagrams import NO_DATAGRAMS, Datagrams
from rpctrace.scan.flows import FlowTable
from rpctrace.scan.pcap_records import collect_pcap

if TYPE_CHECKING:
    from rpctrace.scan.merging import Ahead, Helpers


def scan(
    capture: Capture,
    decoder: Decoder,
    table: FlowTable,
    give: Callable[[Segment], None],
    helpers: Helpers | None = None,
    datagrams: Datagrams = NO_DATAGRAMS,
) -> None:
    """Gives `give` the TCP segments of flows that `table` follows, and the datagrams that matter to `datagrams`.
    `capture` counts all frames as it goes. `helpers` read ranges of the first file in it ahead; what comes out is the
    same."""
    collector = Collector(decoder, table, give, datagrams)
    ahead = _ahead(capture, collector, helpers) if helpers is not None else None
    for walk in capture.walks():
        _collect(walk, capture, collector, ahead)
        ahead = None
    for each in table.close():
        give(each)


def _ahead(capture: Capture, collector: Collector, helpers: Helpers) -> Ahead:
    from rpctrace.scan.merging import Ahead

    return Ahead(capture, collector, helpers)


def _collect(walk: Walk, capture: Capture, collector: Collector, ahead: Ahead | None) -> None:
    source = getattr(walk, "source", None)
    if isinstance(source, Window):
        # before pcap 2.4 some writers swapped the two lengths: those files are walked as any other
        if isinstance(walk, PcapWalk) and (walk.layout.captured, walk.layout.original) == (2, 3):
            collect_pcap(walk, source, capture, collector, ahead)
            return
        from rpctrace.capture.pcapng import PcapngWalk  # loaded with the first such file

        if isinstance(walk, PcapngWalk):
            from rpctrace.scan.pcapng_records import collect_pcapng

            collect_pcapng(walk, source, capture, collector, ahead)
            return
    for frame in walk.frames():
        capture.count(frame.number, frame.timestamp_ns, frame.timestamp_ns)
        collector.frame(frame)
