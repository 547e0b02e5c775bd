"""A compressed stream -> its octets, a piece at a time: gzip, bzip2, xz, and zstd and lz4 where their packages are;
several members one behind another.

One layer only. What is wrong with the stream goes into the notes, what was unpacked before it is given out; a stream
that grows beyond all measure is stopped.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from typing import Protocol

from rpctrace.capture.format import Damaged, Notes
from rpctrace.record import record

INPUT_OCTETS = 1 << 14
OUTPUT_OCTETS = 1 << 16
MAXIMUM_RATIO = 200  # captures seldom pass 20; deflate ends at 1032, bzip2 and xz far beyond
RATIO_FREE_OCTETS = 64 << 20  # up to here any ratio is let pass: a small file of zeros harms nobody
MAXIMUM_DICTIONARY_OCTETS = 256 << 20  # what an xz or zstd stream may ask for; their highest presets: 65, 128 MiB
_SKIPPABLE_HEAD_OCTETS = 8


class _Member(Protocol):
    """One member of a stream, in the manner of `bz2.BZ2Decompressor`."""

    @property
    def eof(self) -> bool: ...

    @property
    def needs_input(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, max_length: int = -1) -> bytes: ...


class _GzipMember:
    """zlib's object in the same manner; keeps what a damaged piece gives before its damage."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(wbits=31)
        self._tail = b""
        self.needs_input = True

    @property
    def eof(self) -> bool:
        return self._inflate.eof

    @property
    def unused_data(self) -> bytes:
        return self._inflate.unused_data

    def decompress(self, data: bytes, max_length: int = -1) -> bytes:
        data = self._tail + data
        before = self._inflate.copy()
        try:
            octets = self._inflate.decompress(data, max_length)
        except zlib.error as error:
            raise Damaged(_gzip_reason(error), _salvaged(before, data)) from error
        self._tail = self._inflate.unconsumed_tail
        self.needs_input = not self._tail and len(octets) < max_length
        return octets


def _gzip_reason(error: zlib.error) -> str:
    return "the checksum is wrong" if "incorrect" in str(error) and "check" in str(error) else "the data are damaged"


def _salvaged(inflate: zlib._Decompress, data: bytes) -> bytes:
    # zlib drops what a call has unpacked when the same call meets damage; octet by octet only the last one is lost
    octets = bytearray()
    try:
        for at in range(len(data)):
            octets += inflate.decompress(data[at : at + 1])
    except zlib.error:
        pass
    return bytes(octets)


def _bzip2_member() -> _Member:
    import bz2  # as lzma: few captures need it

    return bz2.BZ2Decompressor()


def _xz_member() -> _Member:
    import lzma

    return lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAXIMUM_DICTIONARY_OCTETS)


def _zstd_member() -> _Member:
    from rpctrace.capture.framed import zstd_member

    return zstd_member(MAXIMUM_DICTIONARY_OCTETS)


def _lz4_member() -> _Member:
    from rpctrace.capture.framed import lz4_member

    return lz4_member()


def _skippable_member() -> _Member:
    from rpctrace.capture.framed import skippable_member

    return skippable_member()


def _damages() -> tuple[type[Exception], ...]:
    """What the libraries raise for damaged data; asked for once one of them has raised."""
    from lzma import LZMAError

    return OSError, EOFError, LZMAError, MemoryError


@record
class Compression:
    """How octets are compressed, and what unpacks them. `package`: the one that this needs; then `member` raises
    `ImportError` where it is missing. `may_skip`: frames that are stepped over may stand among the members."""

    name: str
    signature: bytes
    member: Callable[[], _Member]
    output_octets: int = OUTPUT_OCTETS
    package: str | None = None
    may_skip: bool = False

    def member_of(self, head: bytes) -> _Member | None:
        """What unpacks the member that begins so; None where none does."""
        if head.startswith(self.signature):
            return self.member()
        return _skippable_member() if self.may_skip and _is_skippable(head) else None


# bz2 and lzma also drop the output of the call that meets damage, and cannot be copied: small calls lose little
COMPRESSIONS = (
    Compression("gzip", b"\x1f\x8b", _GzipMember),
    Compression("bzip2", b"BZh", _bzip2_member, 1 << 12),
    Compression("xz", b"\xfd7zXZ\0", _xz_member, 1 << 12),
    Compression("zstd", b"\x28\xb5\x2f\xfd", _zstd_member, package="zstandard", may_skip=True),
    Compression("lz4", b"\x04\x22\x4d\x18", _lz4_member, package="lz4", may_skip=True),
)


def compression_of(head: bytes) -> Compression | None:
    """By the first octets, never by the name."""
    if _is_skippable(head):
        behind = head[_SKIPPABLE_HEAD_OCTETS + int.from_bytes(head[4:8], "little") :]
        kind = compression_of(behind)
        return kind if kind is not None and kind.may_skip else None
    return next((kind for kind in COMPRESSIONS if head.startswith(kind.signature)), None)


def _is_skippable(head: bytes) -> bool:
    """RFC 8878 3.1.2; lz4 has the same."""
    return head[1:4] == b"\x2a\x4d\x18" and head[0] >> 4 == 5


class Unpacker:
    """`read(count)` gives the next octets, b"" at the end; `stored(count)` does so for the compressed stream."""

    def __init__(
        self, kind: Compression, stored: Callable[[int], bytes], notes: Notes, maximum_octets: int | None = None
    ) -> None:
        self._kind = kind
        self._stored = stored
        self._notes = notes
        self._maximum_octets = maximum_octets
        self._member: _Member | None = None
        self._pending = b""  # stored octets that no member has had yet
        self._ended = False
        self.stored_octets = 0
        self.unpacked_octets = 0

    def read(self, count: int) -> bytes:
        pieces = []
        have = 0
        while have < count and not self._ended:
            piece = self._bounded(self._step(min(count - have, self._kind.output_octets)))
            pieces.append(piece)
            have += len(piece)
        return b"".join(pieces)

    def readinto(self, view: memoryview) -> int:
        """As `read`, into `view`; how many octets."""
        octets = self.read(len(view))
        view[: len(octets)] = octets
        return len(octets)

    def _end(self, text: str, *, loses_octets: bool, unpacked: int = 0) -> None:
        self._ended = True
        self._notes.problem(text, self.unpacked_octets + unpacked, loses_octets=loses_octets)

    def _input(self) -> bytes:
        octets = self._stored(INPUT_OCTETS)
        self.stored_octets += len(octets)
        return octets

    def _step(self, count: int) -> bytes:
        if self._member is None and not self._next_member():
            return b""
        member = self._member
        assert member is not None
        data, self._pending = self._pending, b""
        if not data and member.needs_input:
            data = self._input()
            if not data:
                self._end(f"the {self._kind.name} stream is cut", loses_octets=True)
                return b""
        try:
            octets = member.decompress(data, count)
        except Damaged as error:
            self._end(f"the {self._kind.name} stream: {error.reason}", loses_octets=True, unpacked=len(error.octets))
            return error.octets
        except _damages():
            self._end(f"the {self._kind.name} stream: the data are damaged", loses_octets=True)
            return b""
        if member.eof:
            self._pending = member.unused_data
            self._member = None
        return octets

    def _next_member(self) -> bool:
        """Steps to the next member; zeros between and behind members are padding, other octets no longer ours."""
        while len(self._pending) < len(self._kind.signature):
            more = self._input()
            self._pending = (self._pending + more).lstrip(b"\0")
            if not more:
                break
        self._pending = self._pending.lstrip(b"\0")
        self._member = self._kind.member_of(self._pending)
        if self._member is not None:
            return True
        self._ended = True
        if self._pending:
            at = self.stored_octets - len(self._pending)
            text = f"other octets follow the {self._kind.name} stream, from octet {at} of the compressed file"
            self._end(text, loses_octets=False)
        return False

    def _bounded(self, octets: bytes) -> bytes:
        """`octets`, or fewer where a limit ends the reading."""
        self.unpacked_octets += len(octets)
        maximum = self._maximum_octets
        if maximum is not None and self.unpacked_octets > maximum:
            octets = octets[: len(octets) - (self.unpacked_octets - maximum)]
            self.unpacked_octets = maximum
            self._end(f"reading stopped at the limit of {maximum} unpacked octets", loses_octets=True)
        elif self.unpacked_octets > max(RATIO_FREE_OCTETS, self.stored_octets * MAXIMUM_RATIO):
            text = f"reading stopped: the {self._kind.name} stream unpacks to more than {MAXIMUM_RATIO} times its size"
            self._end(text, loses_octets=True)
        return octets
