"""The payload of an IP packet -> a TCP segment's or UDP datagram's fields.

A header that the snapshot length cut within its fixed part is `Truncated`; cut within its options it still says
everything that a segment needs. Raises only `Truncated` and `Malformed`.
"""

from __future__ import annotations

from functools import cache
from struct import Struct

from rpctrace.errors import Malformed, Truncated
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.flow import TcpFlags

_TCP = Struct(">HHIIBB")  # RFC 9293 3.1, up to the control bits
_TCP_OCTETS = 20
_UDP = Struct(">HHH")  # RFC 768
_UDP_OCTETS = 8
_FLAGS_THAT_MATTER = 0x3F  # without ECE and CWR
_flags = cache(TcpFlags)  # whose own look-up takes five times as long
NO_FLAGS = TcpFlags(0)


class Header(NamedTuple):
    """What a transport header says, and where its payload is."""

    source_port: int
    destination_port: int
    sequence: int
    acknowledgement: int
    flags: TcpFlags
    payload: memoryview
    length_octets: int


def tcp(octets: memoryview, length_octets: int) -> Header:
    """RFC 9293 3.1."""
    if len(octets) < _TCP_OCTETS:
        raise Truncated("tcp", 0, _TCP_OCTETS, len(octets))
    source, destination, sequence, acknowledgement, offset, flags = _TCP.unpack_from(octets)
    header = offset >> 4 << 2
    if not _TCP_OCTETS <= header <= length_octets:
        raise Malformed("tcp", 12, f"data offset {header} of {length_octets} octets")
    known = _flags(flags & _FLAGS_THAT_MATTER)
    return Header(source, destination, sequence, acknowledgement, known, octets[header:], length_octets - header)


def udp(octets: memoryview, length_octets: int) -> Header:
    """RFC 768. A length of 0 (RFC 2675 4, or left to the network card) means: as long as the packet."""
    if len(octets) < _UDP_OCTETS:
        raise Truncated("udp", 0, _UDP_OCTETS, len(octets))
    source, destination, length = _UDP.unpack_from(octets)
    length = length or length_octets
    if length < _UDP_OCTETS:
        raise Malformed("udp", 4, f"length {length}")
    length = min(length, length_octets)
    return Header(source, destination, 0, 0, NO_FLAGS, octets[_UDP_OCTETS:length], length - _UDP_OCTETS)
