"""Compressed octets -> octets, a piece at a time: everything before damage is given, and what was wrong is said.

gzip is unpacked here member by member from raw deflate, because a wrong checksum must not cost the octets before it;
bzip2 and xz are the standard library's. One layer only.
"""

from __future__ import annotations

import bz2
import lzma
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

PIECE_OCTETS = 65_536
_GZIP_MAGIC = b"\x1f\x8b\x08"
_HEADER_OCTETS, _TRAILER_OCTETS = 10, 8
_EXTRA, _NAME, _COMMENT, _HEADER_CRC = 0x04, 0x08, 0x10, 0x02  # RFC 1952 2.3.1


class Damage(NamedTuple):
    """What was wrong; `loses_octets` False for what stands behind a whole capture."""

    text: str
    loses_octets: bool


Pieces = Iterator[bytes]
Tell = Callable[[Damage], None]


class _Input:
    """Compressed pieces as one run of octets."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self.held = b""

    def need(self, count: int) -> bool:
        while len(self.held) < count:
            piece = next(self._pieces, b"")
            if not piece:
                return False
            self.held += piece
        return True

    def take(self, count: int) -> bytes:
        taken, self.held = self.held[:count], self.held[count:]
        return taken

    def piece(self) -> bytes:
        if not self.held:
            self.held = next(self._pieces, b"")
        return self.take(PIECE_OCTETS)


def gunzip(pieces: Pieces, tell: Tell) -> Pieces:
    """RFC 1952: the members of a gzip file, one after the other."""
    octets = _Input(pieces)
    first = True
    while octets.need(1):
        if not octets.need(3) or octets.held[:3] != _GZIP_MAGIC:
            tell(Damage("octets behind the compressed data that are no gzip member", first))
            return
        if not _skip_header(octets):
            tell(Damage("the gzip header is cut", True))
            return
        first = False
        checksum, length = 0, 0
        deflated = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
        while not deflated.eof:
            piece = octets.piece()
            if not piece:
                yield deflated.flush()
                tell(Damage("the compressed data is cut", True))
                return
            good, broken = _inflate(deflated, piece)
            for unpacked in good:
                checksum, length = zlib.crc32(unpacked, checksum), length + len(unpacked)
                yield unpacked
            if broken:
                tell(Damage(f"the compressed data is damaged: {broken}", True))
                return
        octets.held = deflated.unused_data + octets.held
        if not octets.need(_TRAILER_OCTETS):
            tell(Damage("the gzip checksum is cut", True))
            return
        trailer = octets.take(_TRAILER_OCTETS)
        if trailer != checksum.to_bytes(4, "little") + (length & 0xFFFFFFFF).to_bytes(4, "little"):
            tell(Damage("the gzip checksum is wrong", True))



def _inflate(deflated: zlib._Decompress, piece: bytes) -> tuple[list[bytes], str]:  # type: ignore[name-defined,unused-ignore]
    """What a piece unpacks to, in bounded steps; at damage everything before it, and the reason."""
    good: list[bytes] = []
    before = deflated.copy()
    try:
        unpacked = deflated.decompress(piece, 1 << 20)
        good.append(unpacked)
        while deflated.unconsumed_tail:
            good.append(deflated.decompress(deflated.unconsumed_tail, 1 << 20))
    except zlib.error:
        good = []
        for at in range(len(piece)):
            try:
                good.append(before.decompress(piece[at : at + 1]))
            except zlib.error as error:
                return good, str(error).split(": ")[-1]
    return good, ""


def _skip_header(octets: _Input) -> bool:
    if not octets.need(_HEADER_OCTETS):
        return False
    flags = octets.take(_HEADER_OCTETS)[3]
    if flags & _EXTRA:
        if not octets.need(2):
            return False
        length = int.from_bytes(octets.take(2), "little")
        if not octets.need(length):
            return False
        octets.take(length)
    for flag in (_NAME, _COMMENT):
        while flags & flag:
            if not octets.need(1):
                return False
            if octets.take(1) == b"\0":
                break
    if flags & _HEADER_CRC:
        if not octets.need(2):
            return False
        octets.take(2)
    return True


def bunzip2(pieces: Pieces, tell: Tell) -> Pieces:
    """bzip2, one stream after the other."""
    return _by_library(bz2.BZ2Decompressor, pieces, tell)


def unxz(pieces: Pieces, tell: Tell) -> Pieces:
    """xz, one stream after the other."""
    return _by_library(lambda: lzma.LZMADecompressor(memlimit=256 * 1024 * 1024), pieces, tell)


def _by_library(
    make: Callable[[], bz2.BZ2Decompressor | lzma.LZMADecompressor], pieces: Pieces, tell: Tell
) -> Pieces:
    octets = _Input(pieces)
    while octets.need(1):
        unpacker = make()
        while not unpacker.eof:
            piece = octets.piece() if unpacker.needs_input else b""
            if unpacker.needs_input and not piece:
                tell(Damage("the compressed data is cut", True))
                return
            try:
                yield unpacker.decompress(piece, 1 << 20)
            except (OSError, lzma.LZMAError, EOFError) as error:
                tell(Damage(f"the compressed data is damaged: {error}", True))
                return
        octets.held = unpacker.unused_data + octets.held


# magic, name in the report, unpacker
COMPRESSIONS: tuple[tuple[bytes, str, Callable[[Pieces, Tell], Pieces]], ...] = (
    (_GZIP_MAGIC, "gzip", gunzip),
    (b"BZh", "bzip2", bunzip2),
    (b"\xfd7zXZ\x00", "xz", unxz),
)
UNSUPPORTED = ((b"\x28\xb5\x2f\xfd", "zstd"), (b"\x04\x22\x4d\x18", "lz4"))
