"""The capture formats that rpctrace reads, and which one a file is of."""

from __future__ import annotations

from rpctrace.capture.format import RandomAccessFormat, SequentialFormat
from rpctrace.capture.netmon import NETMON
from rpctrace.capture.pcap import PCAP
from rpctrace.capture.pcapng import PCAPNG

SEQUENTIAL_FORMATS: tuple[SequentialFormat, ...] = (PCAP, PCAPNG)
RANDOM_ACCESS_FORMATS: tuple[RandomAccessFormat, ...] = (NETMON,)
FORMATS: tuple[SequentialFormat | RandomAccessFormat, ...] = (*SEQUENTIAL_FORMATS, *RANDOM_ACCESS_FORMATS)


def sequential_format(head: bytes) -> SequentialFormat | None:
    """The format of a file that starts so and can be read from front to back."""
    return next((each for each in SEQUENTIAL_FORMATS if each.recognises(head)), None)


def random_access_format(head: bytes) -> RandomAccessFormat | None:
    """The format of a file that starts so and is read by its table of contents."""
    return next((each for each in RANDOM_ACCESS_FORMATS if each.recognises(head)), None)
