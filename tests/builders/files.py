"""Frames -> capture files: pcap in all four magics, pcapng with its options, Network Monitor 1.1 and 2.0 to 2.3."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from struct import pack

from builders.network import TimedFrame

ETHERNET = 1
DEFAULT_SNAPSHOT_OCTETS = 262_144
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FILETIME_EPOCH_100NS = 116_444_736_000_000_000


def pcap(
    frames: Iterable[TimedFrame],
    *,
    little_endian: bool = True,
    nanoseconds: bool = False,
    link_type: int = ETHERNET,
    snapshot_octets: int = DEFAULT_SNAPSHOT_OCTETS,
) -> bytes:
    """draft-ietf-opsawg-pcap 4 and 5."""
    order = "<" if little_endian else ">"
    magic = 0xA1B23C4D if nanoseconds else 0xA1B2C3D4
    out = bytearray(pack(order + "IHHIIII", magic, 2, 4, 0, 0, snapshot_octets, link_type))
    for frame in frames:
        seconds, fraction = divmod(frame.timestamp_ns, 1_000_000_000)
        clock = fraction if nanoseconds else fraction // 1000
        out += pack(order + "IIII", seconds, clock, len(frame.octets), frame.wire_length_octets) + frame.octets
    return bytes(out)


@dataclass(frozen=True, slots=True)
class Interface:
    """draft-ietf-opsawg-pcapng 4.2. `resolution` is the if_tsresol octet: 6 = microseconds, 9 = nanoseconds, with the
    top bit a power of two; None = not written, which means microseconds."""

    name: str | None = None
    link_type: int = ETHERNET
    snapshot_octets: int = DEFAULT_SNAPSHOT_OCTETS
    resolution: int | None = None
    offset_seconds: int = 0

    def ticks(self, timestamp_ns: int) -> int:
        resolution = 6 if self.resolution is None else self.resolution
        per_second: int = 2 ** (resolution & 0x7F) if resolution & 0x80 else 10**resolution
        return (timestamp_ns - self.offset_seconds * 1_000_000_000) * per_second // 1_000_000_000


def option(order: str, code: int, value: bytes) -> bytes:
    """draft-ietf-opsawg-pcapng 3.5: code, length, value, padded to 32 bits."""
    return pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def _options(order: str, values: Sequence[tuple[int, bytes]]) -> bytes:
    return b"".join(option(order, code, value) for code, value in values) + (bytes(4) if values else b"")


def block(order: str, kind: int, body: bytes) -> bytes:
    """draft-ietf-opsawg-pcapng 3.1: type, total length, body, total length."""
    padded = body + bytes(-len(body) % 4)
    return pack(order + "II", kind, 12 + len(padded)) + padded + pack(order + "I", 12 + len(padded))


def pcapng(
    frames: Iterable[TimedFrame],
    *,
    little_endian: bool = True,
    interfaces: Sequence[Interface] = (Interface(),),
    application: str | None = None,
    comment: str | None = None,
    simple: bool = False,
) -> bytes:
    """draft-ietf-opsawg-pcapng 4: a section header, the interfaces, then enhanced (or `simple`) packet blocks."""
    order = "<" if little_endian else ">"
    head = [(1, comment.encode())] if comment else []
    head += [(4, application.encode())] if application else []
    out = bytearray(block(order, 0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1) + _options(order, head)))
    for interface in interfaces:
        told = [(2, interface.name.encode())] if interface.name else []
        told += [(9, bytes([interface.resolution]))] if interface.resolution is not None else []
        told += [(14, pack(order + "q", interface.offset_seconds))] if interface.offset_seconds else []
        body = pack(order + "HHI", interface.link_type, 0, interface.snapshot_octets) + _options(order, told)
        out += block(order, 1, body)
    for frame in frames:
        padded = frame.octets + bytes(-len(frame.octets) % 4)
        if simple:
            out += block(order, 3, pack(order + "I", frame.wire_length_octets) + padded)
            continue
        high, low = divmod(interfaces[frame.interface].ticks(frame.timestamp_ns), 1 << 32)
        body = pack(order + "IIIII", frame.interface, high, low, len(frame.octets), frame.wire_length_octets) + padded
        out += block(order, 6, body + _options(order, [(1, text.encode()) for text in frame.comments]))
    return bytes(out)


def _system_time(timestamp_ns: int) -> bytes:
    """[MS-DTYP] 2.3.13 SYSTEMTIME: year, month, day of week (Sunday is 0), day, hour, minute, second, millisecond."""
    moment = _EPOCH + timedelta(milliseconds=timestamp_ns // 1_000_000)
    weekday = (moment.weekday() + 1) % 7
    parts = (moment.year, moment.month, weekday, moment.day, moment.hour, moment.minute, moment.second)
    return pack("<8H", *parts, moment.microsecond // 1000)


def _netmon_trailer(version: tuple[int, int], media: int, timestamp_ns: int) -> bytes:
    # 2.1 adds the medium of each frame, 2.2 the process, 2.3 the time in UTC and an index of time zones
    trailer = pack("<H", media) if version >= (2, 1) else b""
    trailer += pack("<i", -1) if version >= (2, 2) else b""
    trailer += pack("<QB", timestamp_ns // 100 + _FILETIME_EPOCH_100NS, 0xFF) if version >= (2, 3) else b""
    return trailer


def netmon(
    frames: Sequence[TimedFrame],
    *,
    version: tuple[int, int] = (2, 3),
    media: int = ETHERNET,
    local_offset_seconds: int = 0,
    header_octets: int = 128,
) -> bytes:
    """A Network Monitor file (layout as of Network Monitor 3.4's help and Wireshark's reader of it).

    Version 1.1 keeps milliseconds and 16-bit lengths, 2.x microseconds and 32-bit lengths. The header's start is local
    time: UTC plus `local_offset_seconds`; it has whole milliseconds, so the first frame keeps its
    remainder as an offset. Comments of frames go into the comment table (2.3).
    """
    start_ns = frames[0].timestamp_ns // 1_000_000 * 1_000_000 if frames else 0
    records = bytearray()
    table = []
    comments = bytearray()
    for frame in frames:
        at = header_octets + len(records)
        table.append(at)
        delta_us = (frame.timestamp_ns - start_ns) // 1000
        if version < (2, 0):
            records += pack("<IHH", delta_us // 1000, frame.wire_length_octets, len(frame.octets))
        else:
            records += pack("<QII", delta_us, frame.wire_length_octets, len(frame.octets))
        records += frame.octets + _netmon_trailer(version, media, frame.timestamp_ns)
        for text in frame.comments:
            title = (text + "\0").encode("utf-16-le")
            comments += pack("<III", 1, at, len(title)) + title + pack("<I", 0)
    table_at = header_octets + len(records)
    head = (b"RTSS" if version < (2, 0) else b"GMBU") + bytes([version[1], version[0]]) + pack("<H", media)
    head += _system_time(start_ns + local_offset_seconds * 1_000_000_000) + pack("<II", table_at, 4 * len(table))
    head += pack("<IIII", 0, 0, table_at + 4 * len(table) if comments else 0, len(comments))
    return head.ljust(header_octets, b"\0") + bytes(records) + pack(f"<{len(table)}I", *table) + bytes(comments)
