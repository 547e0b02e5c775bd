"""The capture formats that rpctrace reads, and which one a file is of."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.capture.format import Notes, RandomAccess, RandomAccessFormat, ReadOptions, SequentialFormat
from rpctrace.capture.frame import Frame
from rpctrace.capture.netmon_records import recognises as is_netmon
from rpctrace.capture.pcap import PCAP
from rpctrace.capture.pcapng import PCAPNG


class NetworkMonitor:
    """Its reader is loaded with the first file: it knows many kinds of records."""

    name = "netmon"

    def recognises(self, head: bytes) -> bool:
        return is_netmon(head)

    def walk_file(self, data: RandomAccess, notes: Notes, options: ReadOptions) -> Iterator[Frame]:
        from rpctrace.capture.netmon import walk_file

        return walk_file(data, notes, options)


NETMON = NetworkMonitor()
SEQUENTIAL_FORMATS: tuple[SequentialFormat, ...] = (PCAP, PCAPNG)
RANDOM_ACCESS_FORMATS: tuple[RandomAccessFormat, ...] = (NETMON,)
FORMATS: tuple[SequentialFormat | RandomAccessFormat, ...] = (*SEQUENTIAL_FORMATS, *RANDOM_ACCESS_FORMATS)


def sequential_format(head: bytes) -> SequentialFormat | None:
    """The format of a file that starts so and can be read from front to back."""
    return next((each for each in SEQUENTIAL_FORMATS if each.recognises(head)), None)


def random_access_format(head: bytes) -> RandomAccessFormat | None:
    """The format of a file that starts so and is read by its table of contents."""
    return next((each for each in RANDOM_ACCESS_FORMATS if each.recognises(head)), None)
