"""Options and name records of pcapng blocks -> their values. A bad one ends its list; what stood before it is kept."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address
from struct import Struct

from rpctrace.encoding.text import decode_text
from rpctrace.named_tuple import NamedTuple

# draft-ietf-opsawg-pcapng 3.5, 4.2, 4.6
COMMENT = 1
INTERFACE_TIME_RESOLUTION = 9
INTERFACE_TIME_OFFSET = 14
STATISTICS_DROPPED_BY_INTERFACE = 5
STATISTICS_DROPPED_BY_SYSTEM = 7
_END = 0
# draft-ietf-opsawg-pcapng 4.5
_IPV4_NAMES, _IPV6_NAMES = 1, 2

MAXIMUM_COMMENTS = 64  # of one frame
_HEAD = {"<": Struct("<HH"), ">": Struct(">HH")}


class Overrun(NamedTuple):
    """Takes the place of an option that runs past its block."""

    length_octets: int


def read_options(octets: memoryview, order: str) -> Iterator[tuple[int, memoryview] | Overrun]:
    """draft-ietf-opsawg-pcapng 3.5: code, length, value padded to 32 bits; opt_endofopt or the end of the block."""
    unpack = _HEAD[order].unpack_from
    at, end = 0, len(octets)
    while end - at >= 4:
        code, length = unpack(octets, at)
        if code == _END:
            return
        at += 4
        if length > end - at:
            yield Overrun(length)
            return
        yield code, octets[at : at + length]
        at += length + (-length & 3)


def read_names(octets: memoryview, order: str) -> Iterator[tuple[str, str] | Overrun]:
    """draft-ietf-opsawg-pcapng 4.5: (address, first name) of each record."""
    for record in read_options(octets, order):
        if isinstance(record, Overrun):
            yield record
            return
        kind, value = record
        length = {_IPV4_NAMES: 4, _IPV6_NAMES: 16}.get(kind, 0)
        if not length or len(value) <= length:
            continue
        packed = bytes(value[:length])
        name = decode_text(bytes(value[length:]).partition(b"\0")[0])
        if name:
            yield str(IPv4Address(packed) if kind == _IPV4_NAMES else IPv6Address(packed)), name


class Clock(NamedTuple):
    """How an interface counts time: units of `numerator / denominator` nanoseconds, and an offset."""

    numerator: int
    denominator: int
    offset_ns: int

    def timestamp_ns(self, units: int) -> int:
        return units * self.numerator // self.denominator + self.offset_ns


MICROSECONDS = Clock(1000, 1, 0)
MAXIMUM_DECIMAL_RESOLUTION = 19  # finer units than 64 bits can count from 1970 to today
MAXIMUM_BINARY_RESOLUTION = 63


def clock(resolution: int, offset_ns: int) -> Clock | None:
    """draft-ietf-opsawg-pcapng 4.2 if_tsresol: a power of 10, or of 2 with the top bit; None for what is no clock."""
    exponent = resolution & 0x7F
    if resolution & 0x80:
        return Clock(1_000_000_000, 1 << exponent, offset_ns) if exponent <= MAXIMUM_BINARY_RESOLUTION else None
    if exponent > MAXIMUM_DECIMAL_RESOLUTION:
        return None
    return Clock(10 ** max(0, 9 - exponent), 10 ** max(0, exponent - 9), offset_ns)
