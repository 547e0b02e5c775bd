"""An IPv4 or IPv6 packet -> protocol, addresses and payload, bounded by the length that the header states.

What the wire held and what the capture holds are two lengths: `payload` is captured, `length_octets` is on the wire.
A stated length of 0 (a segmentation offload wrote the header later) means: as long as the frame. Checksums are not
believed: they are wrong in every capture taken on a sending host. Raises only `Truncated` and `Malformed`.
"""

from __future__ import annotations

from ipaddress import IPv6Address
from struct import Struct

from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.link import IPV4, IPV6, require

_IPV4 = Struct(">BBHHHBBH4s4s")  # RFC 791 3.1
_IPV6 = Struct(">IHBB16s16s")  # RFC 8200 3
_IPV6_OCTETS = 40
_FRAGMENT_EXTENSION = Struct(">BBHI")  # RFC 8200 4.5

HOP_BY_HOP, ROUTING, FRAGMENT, AUTHENTICATION, DESTINATION_OPTIONS = 0, 43, 44, 51, 60
MOBILITY, HOST_IDENTITY, SHIM6 = 135, 139, 140
_EXTENSIONS = frozenset((HOP_BY_HOP, ROUTING, AUTHENTICATION, DESTINATION_OPTIONS, MOBILITY, HOST_IDENTITY, SHIM6))
ETHERNET_MINIMUM_OCTETS = 60  # IEEE 802.3 4.2.3.3, without the frame check sequence
_MOST_PADDING_OCTETS = 6  # what fills an Ethernet frame with bare IPv4 and TCP headers up to the minimum


class Fragment(NamedTuple):
    """Where a packet's payload belongs in the datagram that it is a part of."""

    identification: int
    offset: int
    more: bool


class Packet(NamedTuple):
    """One IP packet. `protocol` is the IANA number of the payload's; addresses are as on the wire (4 or 16 octets)."""

    protocol: int
    source: bytes
    destination: bytes
    payload: memoryview
    length_octets: int
    fragment: Fragment | None


def ipv4(octets: memoryview, length_octets: int) -> Packet:
    """RFC 791 3.1. `octets` starts at the header; `length_octets` is what the wire held from there."""
    if len(octets) < 20:
        raise Truncated("ipv4", 0, 20, len(octets))
    first, _tos, total, identification, position, _ttl, protocol, _sum, source, destination = _IPV4.unpack_from(octets)
    header = 4 * (first & 0x0F)
    if first >> 4 != 4 or header < 20:
        raise Malformed("ipv4", 0, f"first octet 0x{first:02x}")
    if total == 0:
        total = _length_of_frame(octets, header, length_octets)
    elif total < header:
        raise Malformed("ipv4", 2, f"total length {total}, header length {header}")
    fragment = None
    if position & 0x3FFF:  # more fragments, or an offset
        fragment = Fragment(identification, 8 * (position & 0x1FFF), bool(position & 0x2000))
    return Packet(protocol, source, destination, octets[header:total], max(0, total - header), fragment)


def _length_of_frame(octets: memoryview, header: int, length_octets: int) -> int:
    """The length of a packet that states none. A minimum frame's zeros behind the TCP header are padding, not data."""
    spare = octets[header + 20 : length_octets]
    if len(spare) <= _MOST_PADDING_OCTETS and length_octets <= ETHERNET_MINIMUM_OCTETS - 14 and not any(spare):
        return length_octets - len(spare)
    return length_octets


def ipv6(octets: memoryview, length_octets: int) -> Packet:
    """RFC 8200 3 and 4: the header and its extensions, up to a fragment header or a payload."""
    if len(octets) < _IPV6_OCTETS:
        raise Truncated("ipv6", 0, _IPV6_OCTETS, len(octets))
    first, stated, protocol, _hops, source, destination = _IPV6.unpack_from(octets)
    if first >> 28 != 6:
        raise Malformed("ipv6", 0, f"first octet 0x{octets[0]:02x}")
    total = _IPV6_OCTETS + stated if stated else length_octets
    bounded = octets[:total]
    protocol, offset, fragment = _extensions(bounded, protocol, _IPV6_OCTETS)
    return Packet(protocol, source, destination, bounded[offset:], max(0, total - offset), fragment)


def _extensions(octets: memoryview, protocol: int, offset: int) -> tuple[int, int, Fragment | None]:
    """RFC 8200 4.1: extension headers from `offset` -> protocol and offset of what follows them, and the fragment."""
    while True:
        if protocol in _EXTENSIONS:
            require(octets, offset, 8, "ipv6.extension")
            following, words = octets[offset], octets[offset + 1]
            # RFC 4302 2.2: only the authentication header counts in units of 4 octets
            offset += 4 * (words + 2) if protocol == AUTHENTICATION else 8 * (words + 1)
            protocol = following
        elif protocol == FRAGMENT:
            require(octets, offset, 8, "ipv6.fragment")
            protocol, _reserved, position, identification = _FRAGMENT_EXTENSION.unpack_from(octets, offset)
            offset += 8
            if position & 0xFFF9:  # else an atomic fragment, RFC 6946: whole
                return protocol, offset, Fragment(identification, position & 0xFFF8, bool(position & 1))
        else:
            return protocol, offset, None


def without_extensions(packet: Packet) -> Packet:
    """A datagram put together from fragments, behind the extension headers that its first fragment began with."""
    protocol, offset, nested = _extensions(packet.payload, packet.protocol, 0)
    if nested is not None:
        raise Malformed("ipv6.fragment", offset - 8, "a fragment inside a fragment")
    length_octets = max(0, packet.length_octets - offset)
    return packet._replace(protocol=protocol, payload=packet.payload[offset:], length_octets=length_octets)


IP_VERSIONS = {IPV4: ipv4, IPV6: ipv6}


def address_text(octets: bytes) -> str:
    """The canonical text of an address: dotted IPv4, RFC 5952 IPv6. Raises `ParseError` on another length."""
    if len(octets) == 4:
        return ".".join(map(str, octets))
    if len(octets) != 16:
        raise ParseError("ip.address", 0, f"{len(octets)} octets")
    if octets[:12] == b"\0" * 10 + b"\xff\xff":  # RFC 5952 5; Python says it in dotted form only from 3.13 on
        return f"::ffff:{address_text(octets[12:])}"
    return IPv6Address(octets).compressed


def address_octets(text: str) -> bytes:
    """The octets of an address that `address_text` wrote."""
    return IPv6Address(text).packed if ":" in text else bytes(map(int, text.split(".")))
