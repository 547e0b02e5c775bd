"""The readers of a capture are gone when its report is made."""

from __future__ import annotations

import gc
import io
from weakref import ref

from builders import pcap
from test_analysis import article

from rpctrace.capture.storage import open_capture
from rpctrace.reading import Options, Reading
from rpctrace.scan.scan import scan


def test_what_is_kept_does_not_hold_the_readers() -> None:
    """Nor does it take a look for garbage to free them."""
    reading = Reading(0, Options())
    readers = [ref(each) for each in (reading.table, reading.reassembler, reading.conversations, reading.datagrams)]
    with open_capture(io.BytesIO(pcap(article().frames))) as capture:
        scan(capture, reading.decoder, reading.table, reading.read)
        kept = reading.close(capture)
    gc.disable()
    try:
        del reading
        assert [reader() for reader in readers] == [None] * 4
    finally:
        gc.enable()
    assert len(kept.tally.kept) == 2
