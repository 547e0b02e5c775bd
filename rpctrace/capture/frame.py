"""What a capture file holds: frames, each with its number, time, link type and octets."""

from __future__ import annotations

from rpctrace.encoding.numbers import OpenEnum
from rpctrace.named_tuple import NamedTuple


class LinkType(OpenEnum):
    """LINKTYPE values of the pcap link-layer header registry (tcpdump.org/linktypes.html)."""

    NULL = 0
    ETHERNET = 1
    TOKEN_RING = 6
    PPP = 9
    RAW_BSD = 12
    RAW_OPENBSD = 14
    PPP_HDLC = 50
    PPP_ETHER = 51
    FDDI = 10
    RAW = 101
    IEEE802_11 = 105
    LOOP = 108
    LINUX_SLL = 113
    IEEE802_11_RADIOTAP = 127
    PPI = 192
    IPV4 = 228
    IPV6 = 229
    LINUX_SLL2 = 276
    # Not of the registry: a numbered frame that carries no packet (a Network Monitor event, an unknown medium).
    NOT_A_PACKET = -1


class Frame(NamedTuple):
    """One captured frame.

    `number` is Wireshark's (from 1, over the whole file). `timestamp_ns` is UTC nanoseconds since 1970, None where the
    file has none (pcapng simple packet block). `octets` is what was captured and stays valid: a reader never reuses
    its memory. `original_length_octets` is the length on the wire (>= len(octets)). `file_offset` is where the record
    starts in the unpacked file. `interface` is the index of the capture interface in its section, 0 where unknown.
    """

    number: int
    timestamp_ns: int | None
    link_type: LinkType
    octets: memoryview
    original_length_octets: int
    file_offset: int
    interface: int = 0
    comments: tuple[str, ...] = ()
