"""The common shapes of a frame: link, IP and TCP headers of fixed places, told apart with two masks.

A shape says where things stand, as the specifications do; `compiled` makes of it one Struct that also holds the record
header of a capture format in front, so that a whole record is looked at with one `unpack_from`. A frame without one of
these shapes (options of IP, extension headers, fragments, tunnels, other links) is read by `network.decode`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from struct import Struct
from typing import Any, Literal

from rpctrace.capture.frame import LinkType
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.decode import endpoint
from rpctrace.network.flow import Endpoint, Segment, Transport

_TCP, _UDP = Transport.TCP, Transport.UDP
TCP_OCTETS, MOST_TCP_OCTETS = 20, 60  # of a header without options, of any
UDP_OCTETS = 8
NO_OCTETS = memoryview(b"")
_new = tuple.__new__

Key = bytes | tuple[bytes, tuple[int, ...]]  # the latter inside a tunnel
Ends = tuple[Endpoint, Endpoint]
Told = tuple[int, int, int, int, memoryview]  # of a segment: flags, sequence, acknowledgement, length, octets captured


class Shape(NamedTuple):
    """Where a frame of one link type has its headers.

    `type_at`: what tells the shape, up to the version of IP, compared with `type_value` under `type_mask` (all of the
    same length). `ip_at`: the IP header, `ip_octets` long.
    """

    name: str
    link_types: tuple[LinkType, ...]
    type_at: int
    type_value: bytes
    type_mask: bytes
    ip_at: int
    ip_octets: int
    tcp_at: int
    smallest_octets: int  # of a frame that holds all that is looked at
    length_at: int  # of the length that the IP header states
    length_includes: int  # how much of it stands before the TCP header
    unpack_from: Callable[..., tuple[int, int, int, int, int]]  # that length, and sequence number to flags of TCP


def _shape(
    name: str, links: tuple[LinkType, ...], type_at: int, type_word: tuple[bytes, bytes], ip_at: int, ip_octets: int
) -> Shape:
    tcp_at = ip_at + ip_octets
    # RFC 791 3.1: total length; RFC 8200 3: payload length. RFC 9293 3.1: sequence number at 4 of the TCP header.
    length_at, includes = (ip_at + 2, ip_octets) if ip_octets == _IPV4 else (ip_at + 4, 0)
    layout = Struct(f">H{tcp_at + 4 - length_at - 2}xIIBB")
    return Shape(
        name, links, type_at, *type_word, ip_at, ip_octets, tcp_at, tcp_at + TCP_OCTETS, length_at, includes,
        layout.unpack_from,
    )  # fmt: skip


_RAW = (LinkType.RAW, LinkType.RAW_BSD, LinkType.RAW_OPENBSD, LinkType.IPV4)
_IPV4, _IPV6 = 20, 40
# Value and mask: EtherType, version and header length of IP, any type of service.
_VERSION_4 = bytes.fromhex("0800 45 00"), bytes.fromhex("ffff ff 00")
_VERSION_6 = bytes.fromhex("86dd 60 00"), bytes.fromhex("ffff f0 00")
# The same behind a tag, with any tag control (IEEE 802.1Q 9.6).
_TAGGED_4 = bytes.fromhex("8100 0000 0800 45 00"), bytes.fromhex("ffff 0000 ffff ff 00")
_TAGGED_6 = bytes.fromhex("8100 0000 86dd 60 00"), bytes.fromhex("ffff 0000 ffff f0 00")

SHAPES = (
    _shape("ethernet ipv4", (LinkType.ETHERNET,), 12, _VERSION_4, 14, _IPV4),
    _shape("ethernet ipv6", (LinkType.ETHERNET,), 12, _VERSION_6, 14, _IPV6),
    _shape("vlan ipv4", (LinkType.ETHERNET,), 12, _TAGGED_4, 18, _IPV4),
    _shape("vlan ipv6", (LinkType.ETHERNET,), 12, _TAGGED_6, 18, _IPV6),
    _shape("sll ipv4", (LinkType.LINUX_SLL,), 14, _VERSION_4, 16, _IPV4),
    _shape("sll ipv6", (LinkType.LINUX_SLL,), 14, _VERSION_6, 16, _IPV6),
    _shape("raw ipv4", _RAW, 0, (b"\x45\x00", b"\xff\x00"), 0, _IPV4),
)
# No frame has it: for links without a common shape, of which every frame is read by `network.decode`.
NO_SHAPE = _shape("none", (), 12, (b"\1\0\0\0", b"\0\0\0\0"), 14, _IPV4)


class Compiled(NamedTuple):
    """A shape behind a record header, in the byte order of the file.

    `unpack_from` of a record gives the fields of its header, then the word that tells the shape, the word that holds
    the protocol (and for IPv4 the fragment bits), the key (both addresses, both ports) and the flags. Words, masks and
    values are numbers in that byte order.
    """

    shape: Shape
    unpack_from: Callable[..., tuple[Any, ...]]
    type_mask: int
    type_value: int
    protocol_mask: int
    tcp_value: int
    udp_value: int


@cache
def compiled(order: str, record_header: str, shape: Shape) -> Compiled:
    """`order` is "<" or ">", `record_header` the format of the record header's fields."""
    letter = {2: "H", 4: "I", 8: "Q"}[len(shape.type_value)]
    if shape.ip_octets == _IPV4:  # RFC 791 3.1: flags and offset at 6, protocol at 9, addresses from 12
        protocol_at, word, addresses_at, key_octets = shape.ip_at + 6, "I", shape.ip_at + 12, 12
        mask, tcp, udp = bytes.fromhex("3fff 00 ff"), bytes((0, 0, 0, _TCP)), bytes((0, 0, 0, _UDP))
    else:  # RFC 8200 3: next header at 6, hop limit at 7, addresses from 8
        protocol_at, word, addresses_at, key_octets = shape.ip_at + 6, "H", shape.ip_at + 8, 36
        mask, tcp, udp = bytes.fromhex("ff 00"), bytes((_TCP, 0)), bytes((_UDP, 0))
    type_end, protocol_end = shape.type_at + len(shape.type_value), protocol_at + len(mask)
    layout = Struct(
        f"{order}{record_header}{shape.type_at}x{letter}{protocol_at - type_end}x{word}"
        f"{addresses_at - protocol_end}x{key_octets}s9xB"
    )
    byte_order: Literal["little", "big"] = "little" if order == "<" else "big"
    words = (int.from_bytes(each, byte_order) for each in (shape.type_mask, shape.type_value, mask, tcp, udp))
    return Compiled(shape, layout.unpack_from, *words)


def carried(shape: Shape, octets: memoryview, at: int) -> tuple[Transport | None, bytes, int]:
    """What the frame at `at` carries, its key and (of TCP) flags; None where it is no TCP or UDP of this shape."""
    form = compiled("<", "", shape)
    word, protocol, key, flags = form.unpack_from(octets, at)
    if word & form.type_mask == form.type_value:
        kind = protocol & form.protocol_mask
        if kind == form.tcp_value:
            return _TCP, key, flags
        if kind == form.udp_value:
            return _UDP, key, 0
    return None, b"", 0


def shapes_of(link_type: LinkType) -> tuple[Shape, ...]:
    return tuple(shape for shape in SHAPES if link_type in shape.link_types) or (NO_SHAPE,)


def addresses_of(key: Key) -> tuple[bytes, bytes]:
    """The octets of both addresses, the source's first."""
    octets = key if isinstance(key, bytes) else key[0]
    half = (len(octets) - 4) // 2
    return octets[:half], octets[half:-4]


def ports_of(key: Key) -> tuple[int, int]:
    octets = key if isinstance(key, bytes) else key[0]
    return int.from_bytes(octets[-4:-2], "big"), int.from_bytes(octets[-2:], "big")


def ends_of(key: Key) -> Ends:
    """(source, destination) of a key."""
    source, destination = map(endpoint, addresses_of(key), ports_of(key))
    return source, destination


def turned(key: Key) -> Key:
    """The key of the other direction."""
    if not isinstance(key, bytes):
        inner = turned(key[0])
        assert isinstance(inner, bytes)
        return inner, key[1]
    half = (len(key) - 4) // 2
    return key[half:-4] + key[:half] + key[-2:] + key[-4:-2]


def told(shape: Shape, octets: memoryview, at: int, captured: int) -> Told | None:
    """What the TCP frame of `shape` says whose `captured` octets stand at `at`; None for one with lengths that
    `network.decode` has to judge."""
    if captured < shape.smallest_octets:
        return None
    stated, sequence, acknowledgement, offset, flags = shape.unpack_from(octets, at + shape.length_at)
    header = offset >> 4 << 2
    length = stated - shape.length_includes - header
    if header < TCP_OCTETS or length < 0 or not stated:
        return None
    flags &= 0x3F
    if not length:
        return flags, sequence, acknowledgement, 0, NO_OCTETS
    start = at + shape.tcp_at + header
    return flags, sequence, acknowledgement, length, octets[start : max(start, min(start + length, at + captured))]


def segment(
    shape: Shape, octets: memoryview, at: int, captured: int, number: int, timestamp_ns: int | None, ends: Ends
) -> Segment | None:
    """The segment of a TCP frame of `shape` whose `captured` octets stand at `at`; None for one with lengths that
    `network.decode` has to judge."""
    stated, sequence, acknowledgement, offset, flags = shape.unpack_from(octets, at + shape.length_at)
    header = offset >> 4 << 2
    length = stated - shape.length_includes - header
    if header < TCP_OCTETS or length < 0 or not stated:
        return None
    if length:
        start = at + shape.tcp_at + header
        payload = memoryview(octets[start : min(start + length, at + captured)].tobytes())
    else:
        payload = NO_OCTETS
    # the named tuple's own constructor is twice as slow
    return _new(
        Segment,
        (number, timestamp_ns, _TCP, *ends, sequence, acknowledgement, flags & 0x3F, payload, length, ()),
    )
