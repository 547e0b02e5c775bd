"""Paths, file objects and standard input -> captures: the only place where capture files are read.

The file is opened once and read once, forward, in windows of 1 MiB: what it holds when it is opened is what is read,
growth is ignored. Formats see octets only. A Network Monitor file, which has its table at the end, is read by offset;
from a pipe or a compressed file it is spooled to a temporary file first.
"""

from __future__ import annotations

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import BinaryIO, Self

from rpctrace.capture.compression import COMPRESSIONS, UNSUPPORTED, Damage
from rpctrace.capture.format import CaptureProblem, Notes, RandomAccessFormat, ReadOptions, SequentialFormat
from rpctrace.capture.frame import Frame
from rpctrace.capture.registry import FORMATS, RANDOM_ACCESS, SEQUENTIAL
from rpctrace.errors import CaptureError

WINDOW_OCTETS = 1 << 20
HEAD_OCTETS = 512
BOMB_RATIO, BOMB_FROM_OCTETS = 200, 64 * 1024 * 1024
MAXIMUM_SPOOLED_OCTETS = 4 << 30  # a Network Monitor file has 32-bit offsets
_SPOOLED_IN_MEMORY_OCTETS = 8 << 20


class _Window:
    """A `format.Source` over pieces of octets."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._held = memoryview(b"")
        self.position = 0

    def peek(self, count: int) -> memoryview:
        if len(self._held) < count:
            self._fill(count)
        return self._held[:count]

    def _fill(self, count: int) -> None:
        parts: list[bytes | memoryview] = [self._held]
        have = len(self._held)
        while have < count:
            piece = next(self._pieces, None)
            if piece is None:
                break
            parts.append(piece)
            have += len(piece)
        self._held = memoryview(b"".join(parts))

    def take(self, count: int) -> memoryview:
        # a copy: a frame that is kept for a while must not keep a whole window
        taken = memoryview(bytes(self.peek(count)))
        self.skip(len(taken))
        return taken

    def skip(self, count: int) -> int:
        left = count
        while left:
            stepped = min(left, len(self._held)) or min(left, len(self.peek(1)))
            if not stepped:
                break
            stepped = min(left, len(self._held))
            self._held = self._held[stepped:]
            self.position += stepped
            left -= stepped
        return count - left


class _Seekable:
    """A `format.RandomAccess` over an open file."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self.size = size

    def read_at(self, offset: int, count: int) -> bytes:
        count = min(count, self.size - offset)
        if count <= 0 or offset < 0:
            return b""
        self._file.seek(offset)
        parts = []
        while count:
            part = self._file.read(min(count, WINDOW_OCTETS))
            if not part:
                break
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


class Capture:
    """One open capture: iterate it once for its frames; the attributes are complete when the iteration has ended.

    `first_ns` and `last_ns` are the earliest and latest times; `size_octets` is the stored size, None on a pipe;
    `stopped_at` is the offset in the unpacked file where octets were lost first.
    """

    def __init__(
        self, path: str, file: BinaryIO, *, owned: bool, options: ReadOptions, max_unpacked_octets: int | None
    ) -> None:
        self.path = path
        self.compression: str | None = None
        self.frame_count = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.read_octets = 0
        self._file = file
        self._owned = owned
        self._options = options
        self._limit = max_unpacked_octets
        self._notes = Notes()
        self._unpacked = 0
        self._spool: BinaryIO | None = None
        self._start, self.size_octets = _extent(file)
        self._window = _Window(self._pieces())
        self._format = self._recognise()

    @property
    def format(self) -> str:
        return self._format.name

    @property
    def problems(self) -> list[CaptureProblem]:
        return self._notes.problems

    @property
    def stopped_at(self) -> int | None:
        return self._notes.stopped_at

    @property
    def complete(self) -> bool:
        return self._notes.stopped_at is None

    @property
    def host_names(self) -> dict[str, str]:
        """Addresses and the names that the capture holds for them."""
        return self._notes.host_names

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        if self._spool is not None:
            self._spool.close()
        if self._owned:
            self._file.close()

    def __iter__(self) -> Iterator[Frame]:
        try:
            for frame in self._frames():
                self.frame_count += 1
                time = frame.timestamp_ns
                if time is not None:
                    self.first_ns = time if self.first_ns is None or time < self.first_ns else self.first_ns
                    self.last_ns = time if self.last_ns is None or time > self.last_ns else self.last_ns
                yield frame
        except CaptureError as error:
            raise CaptureError(self.path, error.reason, error.offset) from None
        except OSError as error:
            self._notes.problem(f"reading stopped: {error.strerror or error}", self._window.position, loses_octets=True)

    # The file's octets

    def _stored(self) -> Iterator[bytes]:
        """The file as it is stored, from where it stands to the end it had when it was opened."""
        left = self.size_octets
        while left is None or left > 0:
            piece = self._file.read(WINDOW_OCTETS if left is None else min(left, WINDOW_OCTETS))
            if not piece:
                return
            self.read_octets += len(piece)
            if left is not None:
                left -= len(piece)
            yield piece

    def _pieces(self) -> Iterator[bytes]:
        """The unpacked file; stops at a bomb and at the caller's limit."""
        stored = self._stored()
        head = b""
        for piece in stored:
            head += piece
            if len(head) >= 6:
                break
        for magic, name in UNSUPPORTED:
            if head.startswith(magic):
                raise CaptureError(self.path, f"{name} compression is not supported: unpack the file first", 0)
        rest = _chained(head, stored)
        for magic, name, unpack in COMPRESSIONS:
            if head.startswith(magic):
                self.compression = name
                rest = unpack(rest, self._damaged)
                break
        for piece in rest:
            self._unpacked += len(piece)
            if self.compression and self._too_much():
                return
            if piece:
                yield piece

    def _too_much(self) -> bool:
        bomb = self._unpacked > BOMB_FROM_OCTETS and self._unpacked > BOMB_RATIO * self.read_octets
        if bomb:
            text = f"unpacks to over {BOMB_RATIO} times its size: stopped after {self._unpacked} octets"
            self._notes.problem(text, self._unpacked, loses_octets=True)
        elif self._limit is not None and self._unpacked > self._limit:
            text = f"stopped at the limit of {self._limit} unpacked octets"
            self._notes.problem(text, self._unpacked, loses_octets=True)
            return True
        return bomb

    def _damaged(self, damage: Damage) -> None:
        self._notes.problem(damage.text, self._unpacked, loses_octets=damage.loses_octets)

    # Formats

    def _recognise(self) -> SequentialFormat | RandomAccessFormat:
        try:
            head = bytes(self._window.peek(HEAD_OCTETS))
        except OSError as error:
            raise CaptureError(self.path, error.strerror or str(error)) from None
        for each in FORMATS:
            if each.recognises(head):
                return each
        raise CaptureError(self.path, self._what_it_is(head), 0)

    def _what_it_is(self, head: bytes) -> str:
        packed = f" ({self.compression} of it)" if self.compression else ""
        if not head:
            damage = f": {self.problems[0].text}" if self.problems else ""
            return f"the file is empty{packed}{damage}"
        for magic, what in _OTHER_FILES:
            if head.startswith(magic):
                return what + packed
        if head.lstrip()[:15].lower().startswith((b"<html", b"<!doctype html")):
            return "not a capture but an HTML page: did the download fail?" + packed
        if any(head.startswith(magic) for magic, _, _ in COMPRESSIONS):
            return "compressed twice: unpack the file once first"
        for at in range(1, min(len(head), 256)):
            if any(each.recognises(head[at:]) and len(head) - at > 24 for each in SEQUENTIAL):
                return f"not a capture, though one seems to start at octet {at}: cut away what is before it"
        if len(head) < 24 and any(head[:4] == known[: len(head[:4])] for known in _KNOWN_STARTS):
            return f"a capture header cut after {len(head)} octets"
        text = sum(32 <= octet < 127 or octet in b"\r\n\t" for octet in head) >= 0.95 * len(head)
        return ("not a capture but text" if text else "not a capture in a format that is known") + packed

    def _frames(self) -> Iterator[Frame]:
        if self._format in RANDOM_ACCESS:
            yield from self._format.walk_file(self._random_access(), self._notes, self._options)
            return
        current: SequentialFormat | None = self._format  # type: ignore[assignment]
        number = 1
        while current is not None:
            for frame in current.walk(self._window, self._notes, self._options, number):
                number = frame.number + 1
                yield frame
            current = self._appended(number)

    def _appended(self, number: int) -> SequentialFormat | None:
        """Another capture file that follows where one ended."""
        head = bytes(self._window.peek(HEAD_OCTETS))
        if self._notes.stopped_at is not None and not head:
            return None
        for each in SEQUENTIAL:
            if len(head) >= 24 and each.recognises(head):
                text = f"another {each.name} file follows in the same file"
                self._notes.problem(text, self._window.position, number, loses_octets=False)
                return each
        return None

    def _random_access(self) -> _Seekable:
        if self.compression is None and self._start == 0 and self.size_octets is not None:
            self.read_octets = self.size_octets
            return _Seekable(self._file, self.size_octets)
        spool = tempfile.SpooledTemporaryFile(max_size=_SPOOLED_IN_MEMORY_OCTETS)  # noqa: SIM115  closed in close()
        self._spool = spool  # type: ignore[assignment]
        size = 0
        while size < MAXIMUM_SPOOLED_OCTETS:
            piece = self._window.take(WINDOW_OCTETS)
            if not len(piece):
                break
            spool.write(piece)
            size += len(piece)
        return _Seekable(spool, size)  # type: ignore[arg-type]


_KNOWN_STARTS = (
    b"\xd4\xc3\xb2\xa1", b"\xa1\xb2\xc3\xd4", b"\x4d\x3c\xb2\xa1", b"\xa1\xb2\x3c\x4d", b"\x0a\x0d\x0d\x0a",
)  # fmt: skip
# Files that users bring and that are something else.
_OTHER_FILES = (
    (b"PK\x03\x04", "a ZIP archive (a Message Analyzer .matp is one): not supported, export it as pcap or cap"),
    (b"snoop\0\0\0", "a snoop capture: not supported, convert it with editcap"),
    (b"\0\0\0\0GMBU", "a Network Monitor file with octets before its start"),
    (b"NetworkInstruments", "an Observer capture: not supported"),
    (b"TRSNIFF data", "a Sniffer capture: not supported, convert it with editcap"),
)


def _chained(head: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if head:
        yield head
    yield from rest


def _extent(file: BinaryIO) -> tuple[int, int | None]:
    """Where a file stands and how many octets follow; None for what has no end yet (a pipe, a terminal)."""
    try:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            return 0, None
        start = file.tell()
        return start, max(0, status.st_size - start)
    except (OSError, AttributeError, ValueError):
        pass
    try:  # a file object without a descriptor: BytesIO and the like
        start = file.tell()
        end = file.seek(0, os.SEEK_END)
        file.seek(start)
    except (OSError, AttributeError, ValueError):
        return 0, None
    return start, end - start


def open_capture(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    netmon_utc_offset_minutes: int | None = None,
    max_unpacked_octets: int | None = None,
) -> Capture:
    """Opens a path, `-` (standard input) or a binary file object. Raises `CaptureError` for what is no capture."""
    options = ReadOptions(netmon_utc_offset_minutes)
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        if path == "-":
            file, owned = sys.stdin.buffer, False
        else:
            try:
                file, owned = open(path, "rb", buffering=0), True  # noqa: SIM115
            except OSError as error:
                raise CaptureError(path, error.strerror or str(error)) from None
    else:
        file, owned = source, False
        path = str(getattr(source, "name", "-"))
    try:
        return Capture(path, file, owned=owned, options=options, max_unpacked_octets=max_unpacked_octets)
    except BaseException:
        if owned:
            file.close()
        raise
