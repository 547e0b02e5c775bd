"""The capture formats that rpctrace reads, and which one a file is of. What reads the less common ones is loaded with
the first file of theirs: pcapng and Network Monitor know many kinds of records."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.capture.format import (
    Notes,
    RandomAccess,
    RandomAccessFormat,
    ReadOptions,
    SequentialFormat,
    Source,
    Walk,
)
from rpctrace.capture.frame import Frame
from rpctrace.capture.netmon_records import recognises as is_netmon
from rpctrace.capture.pcap import PCAP
from rpctrace.capture.signatures import PCAPNG_SECTION


class Pcapng:
    name = "pcapng"

    def recognises(self, head: bytes) -> bool:
        return head[:4] == PCAPNG_SECTION

    def walk(self, source: Source, notes: Notes, options: ReadOptions, first_number: int) -> Walk:  # noqa: ARG002 - the contract's
        from rpctrace.capture.pcapng import PcapngWalk

        return PcapngWalk(source, notes, first_number)


class NetworkMonitor:
    name = "netmon"

    def recognises(self, head: bytes) -> bool:
        return is_netmon(head)

    def walk_file(self, data: RandomAccess, notes: Notes, options: ReadOptions) -> Iterator[Frame]:
        from rpctrace.capture.netmon import walk_file

        return walk_file(data, notes, options)


PCAPNG = Pcapng()
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
