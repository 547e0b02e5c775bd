"""Octets -> compressed, in every way that is read; and what may stand among the frames of zstd and lz4."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from struct import pack

import lz4.frame
import zstandard

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "bzip2": bz2.compress,
    "xz": lzma.compress,
    "zstd": zstandard.compress,
    "lz4": lz4.frame.compress,
}
IN_FRAMES = ("zstd", "lz4")


def skippable(octets: bytes, number: int = 0) -> bytes:
    """RFC 8878 3.1.2: a frame that is stepped over."""
    return pack("<II", 0x184D2A50 + number, len(octets)) + octets
