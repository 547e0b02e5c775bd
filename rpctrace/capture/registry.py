"""FORMATS: what a capture file can be, told by its first octets."""

from __future__ import annotations

from rpctrace.capture.format import RandomAccessFormat, SequentialFormat
from rpctrace.capture.netmon import NETMON
from rpctrace.capture.pcap import PCAP
from rpctrace.capture.pcapng import PCAPNG

SEQUENTIAL: tuple[SequentialFormat, ...] = (PCAP, PCAPNG)
RANDOM_ACCESS: tuple[RandomAccessFormat, ...] = (NETMON,)
FORMATS: tuple[SequentialFormat | RandomAccessFormat, ...] = (*SEQUENTIAL, *RANDOM_ACCESS)
