"""Network Monitor files made of their parts, and a file of octets that remembers how much was asked of it at once."""

from __future__ import annotations

import struct
from collections.abc import Sequence

START = (2020, 3, 1, 16, 11, 6, 11, 466)  # Monday 2020-03-16 11:06:11.466
START_NS = 1_584_356_771_466_000_000
FILETIME = 132_288_303_714_661_890  # 2020-03-16 11:06:11.466189


class Octets:
    """`RandomAccess` over octets."""

    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.largest = 0

    @property
    def size(self) -> int:
        return len(self.octets)

    def read_at(self, offset: int, count: int) -> bytes:
        assert offset >= 0
        assert count >= 0
        self.largest = max(self.largest, count)
        return self.octets[offset : offset + count]


def record(
    version: tuple[int, int], octets: bytes, *, media: int = 1, delta: int = 0, original: int | None = None
) -> bytes:
    """One record; `delta` in the version's own unit."""
    layout = "<IHH" if version[0] == 1 else "<QII"
    head = struct.pack(layout, delta, len(octets) if original is None else original, len(octets))
    trailer = struct.pack("<HiQB", media, -1, (FILETIME + delta * 10) & 0xFFFF_FFFF_FFFF_FFFF, 255)
    length = 0 if version[0] == 1 else {0: 0, 1: 2, 2: 6}.get(version[1], 15)
    return head + octets + (trailer[:length] if length else b"")


def netmon_file(
    version: tuple[int, int],
    records: Sequence[bytes],
    *,
    comments: bytes = b"",
    start: Sequence[int] = START,
    network: int = 1,
    header_octets: int = 128,
) -> bytes:
    """Header, records, table, comments."""
    offsets = []
    at = header_octets
    for one in records:
        offsets.append(at)
        at += len(one)
    table = struct.pack(f"<{len(offsets)}I", *offsets)
    magic = b"RTSS" if version[0] == 1 else b"GMBU"
    sections = (at, len(table), 0, 0, at + len(table) if comments else 0, len(comments), 0, 0, 0, 0)
    header = magic + bytes([version[1], version[0]]) + struct.pack("<H8H10I", network, *start, *sections)
    return header.ljust(header_octets, b"\0") + b"".join(records) + table + comments


def comment(record_offset: int, title: str, description: bytes = b"", frames: int = 1) -> bytes:
    title_octets = (title + "\0").encode("utf-16-le")
    head = struct.pack("<III", frames, record_offset, len(title_octets))
    return head + title_octets + struct.pack("<I", len(description)) + description
