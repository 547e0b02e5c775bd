"""Frames and comments -> blocks of a pcapng file (draft-ietf-opsawg-pcapng 4); and comments into blocks that are there.

What is written new is little-endian with times in nanoseconds. A block of somebody else's keeps its byte order, its
options and everything else; comments are put before its other options.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from rpctrace.capture.frame import LinkType
from rpctrace.capture.pcapng import BLOCK_OVERHEAD, Block
from rpctrace.capture.pcapng_options import COMMENT, INTERFACE_TIME_RESOLUTION

NANOSECONDS = 9  # if_tsresol: ten to the minus nine
NO_PACKET = 147  # LINKTYPE_USER0: for numbered frames that carry no packet
MAXIMUM_COMMENT_OCTETS = 4096
_MAGIC = 0x1A2B3C4D
_APPLICATION, _NAME = 4, 2  # shb_userappl, if_name
_FIXED_OCTETS = 28  # of packet blocks with a time, before the frame
_U32 = {"<": Struct("<I"), ">": Struct(">I")}
_HEAD = {"<": Struct("<HH"), ">": Struct(">HH")}
_COMMENTED = (Block.ENHANCED_PACKET, Block.OLD_PACKET)


def option(code: int, value: bytes, order: str = "<") -> bytes:
    return _HEAD[order].pack(code, len(value)) + value + bytes(-len(value) & 3)


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    pack = _U32[order].pack
    length = pack(BLOCK_OVERHEAD + len(body))
    return pack(kind) + length + body + length


def section(application: str) -> bytes:
    """A section header without a length."""
    head = Struct("<IHHq").pack(_MAGIC, 1, 0, -1)
    return block(Block.SECTION, head + option(_APPLICATION, application.encode()) + option(0, b""))


def interface(link_type: LinkType, name: str | None = None) -> bytes:
    """An interface whose clock counts nanoseconds, without a snapshot length of its own."""
    number = NO_PACKET if link_type is LinkType.NOT_A_PACKET else link_type.value
    options = option(_NAME, name.encode()) if name else b""
    options += option(INTERFACE_TIME_RESOLUTION, bytes([NANOSECONDS])) + option(0, b"")
    return block(Block.INTERFACE, Struct("<HHI").pack(number & 0xFFFF, 0, 0) + options)


def packet(
    index: int, timestamp_ns: int, octets: bytes | memoryview, original_octets: int, comments: Sequence[str] = ()
) -> bytes:
    """An enhanced packet block of interface `index`."""
    head = Struct("<IIIII").pack(index, timestamp_ns >> 32 & 0xFFFFFFFF, timestamp_ns & 0xFFFFFFFF, len(octets),
                                 original_octets)  # fmt: skip
    return block(Block.ENHANCED_PACKET, head + bytes(octets) + bytes(-len(octets) & 3) + _comments(comments, "<", True))


def commented(octets: bytes, comments: Sequence[str]) -> bytes | None:
    """A whole packet block with `comments` added; None for one that can hold none, or that is damaged."""
    order = order_of_packet(octets)
    if order is None or not comments or len(octets) < _FIXED_OCTETS + 4:
        return None
    length = _U32[order].unpack_from(octets, 4)[0]
    captured = _U32[order].unpack_from(octets, 20)[0]
    options_at = _FIXED_OCTETS + captured + (-captured & 3)
    if length != len(octets) or length & 3 or options_at > length - 4:
        return None
    options = octets[options_at:-4]
    body = octets[8:options_at] + _comments(comments, order, ends=not options) + options
    return block(_U32[order].unpack_from(octets)[0], body, order)


def order_of_packet(octets: bytes) -> str | None:
    """The byte order of a packet block that may have comments, by its type, which reads so in one order only."""
    for order, u32 in _U32.items():
        if len(octets) >= 4 and u32.unpack_from(octets)[0] in _COMMENTED:
            return order
    return None


def _comments(comments: Sequence[str], order: str, ends: bool) -> bytes:
    if not comments:
        return b""
    encoded = (text.encode("utf-8", "backslashreplace")[:MAXIMUM_COMMENT_OCTETS] for text in comments)
    written = b"".join(option(COMMENT, each.decode("utf-8", "ignore").encode(), order) for each in encoded)
    return written + (option(0, b"", order) if ends else b"")
