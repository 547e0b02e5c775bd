"""Frames of zstd and lz4, which other packages unpack: each is given to its package piece by piece, as it is built.

RFC 8878 3.1 (zstd) and the LZ4 frame format 1.6 both have a header, blocks that say how long they are, and perhaps a
checksum. A block unpacks to 128 KiB at the most, of lz4 to 4 MiB, so that no input however small becomes very much at
once; and where one is damaged, all before it has been given out. Both may have frames among them that hold anything
else (RFC 8878 3.1.2) and are stepped over.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from functools import partial
from struct import Struct

from rpctrace.capture.format import Damaged

# How long the next piece of a frame is; what it is sent is that piece.
Lengths = Generator[int, bytes, None]
Unpack = Callable[[bytes], bytes]

_SKIPPABLE_HEAD = Struct("<II")
_SKIPPED_AT_ONCE_OCTETS = 1 << 16
_LZ4_BLOCK_OCTETS = 1 << 22  # the largest
# A word in what the packages say -> what it means; all else is damage.
_REASONS = (("checksum", "the checksum is wrong"), ("memory", "it asks for more memory than it gets"))


class FramedMember:
    """One frame, in the manner of `bz2.BZ2Decompressor`. `errors`: what `unpack` raises for damaged pieces."""

    def __init__(self, lengths: Lengths, unpack: Unpack, errors: type[Exception]) -> None:
        self._lengths = lengths
        self._unpack = unpack
        self._errors = errors
        self._needed = next(lengths)
        self._packed = bytearray()  # less than a piece
        self._unpacked = memoryview(b"")  # of the last piece, what was not asked for yet
        self._is_over = False

    @property
    def eof(self) -> bool:
        return self._is_over and not self._unpacked

    @property
    def needs_input(self) -> bool:
        return not self._unpacked and len(self._packed) < self._needed

    @property
    def unused_data(self) -> bytes:
        return bytes(self._packed) if self._is_over else b""

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        """Raises `Damaged`."""
        self._packed += data
        while not self._unpacked and not self._is_over and len(self._packed) >= self._needed:
            self._take(bytes(self._packed[: self._needed]))
        count = len(self._unpacked) if max_length < 0 else max_length
        octets, self._unpacked = bytes(self._unpacked[:count]), self._unpacked[count:]
        return octets

    def _take(self, piece: bytes) -> None:
        del self._packed[: self._needed]
        if piece:  # an empty block: its frame may be over already
            try:
                self._unpacked = memoryview(self._unpack(piece))
            except self._errors as error:
                said = str(error).lower()
                reason = next((reason for word, reason in _REASONS if word in said), "the data are damaged")
                raise Damaged(reason) from error
        try:
            self._needed = self._lengths.send(piece)
        except StopIteration:
            self._is_over = True


def zstd_member(maximum_window_octets: int) -> FramedMember:
    """Raises `ImportError` where the package is missing."""
    import zstandard

    unpacking = zstandard.ZstdDecompressor(max_window_size=maximum_window_octets).decompressobj()
    return FramedMember(_zstd_lengths(), unpacking.decompress, zstandard.ZstdError)


def lz4_member() -> FramedMember:
    """Raises `ImportError` where the package is missing."""
    from lz4.frame import LZ4FrameDecompressor

    # left to itself it stops where a buffer of its own is full
    unpack = partial(LZ4FrameDecompressor().decompress, max_length=_LZ4_BLOCK_OCTETS)
    return FramedMember(_lz4_lengths(), unpack, RuntimeError)


def skippable_member() -> FramedMember:
    return FramedMember(_skippable_lengths(), lambda _piece: b"", Damaged)


def _zstd_lengths() -> Lengths:
    """RFC 8878 3.1.1."""
    descriptor = (yield 5)[4]
    content_size, is_single_segment, has_checksum = descriptor >> 6, descriptor >> 5 & 1, descriptor >> 2 & 1
    yield (1 - is_single_segment) + (0, 1, 2, 4)[descriptor & 3] + (is_single_segment, 2, 4, 8)[content_size]
    is_last = 0
    while not is_last:
        block = int.from_bytes((yield 3), "little")
        is_last, kind, size = block & 1, block >> 1 & 3, block >> 3
        yield 1 if kind == 1 else size  # 1: one octet that is repeated
    if has_checksum:
        yield 4


def _lz4_lengths() -> Lengths:
    """LZ4 Frame Format Description 1.6.4."""
    flags = (yield 6)[4]
    has_block_checksums, has_content_size = flags >> 4 & 1, flags >> 3 & 1
    has_content_checksum, has_dictionary = flags >> 2 & 1, flags & 1
    yield 8 * has_content_size + 4 * has_dictionary + 1
    while size := int.from_bytes((yield 4), "little"):
        yield (size & 0x7FFF_FFFF) + 4 * has_block_checksums
    if has_content_checksum:
        yield 4


def _skippable_lengths() -> Lengths:
    _magic, left = _SKIPPABLE_HEAD.unpack((yield _SKIPPABLE_HEAD.size))
    while left:
        step = min(left, _SKIPPED_AT_ONCE_OCTETS)
        left -= step
        yield step
