"""Captures on disk, from a pipe or in a file object -> frames, in one pass: the only file reading of the project.

A file is opened once and read through that descriptor, in windows, unpacked on the way; memory does not grow with it.
What is no capture is refused when it is opened; what is damaged is read as far as it goes, and the capture says what
was lost and where.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import chain
from types import TracebackType
from typing import IO, BinaryIO, NamedTuple, Self

from rpctrace.capture.format import CaptureProblem, Notes, RandomAccessFormat, ReadOptions, SequentialFormat, Walk
from rpctrace.capture.frame import Frame
from rpctrace.capture.refusal import why_no_capture
from rpctrace.capture.registry import random_access_format, sequential_format
from rpctrace.capture.unpacking import Unpacker, compression_of
from rpctrace.capture.window import WINDOW_OCTETS, Window
from rpctrace.errors import CaptureError, UsageError

MAXIMUM_SPOOLED_OCTETS = 4 << 30  # offsets in a Network Monitor file have 32 bits
SPOOLED_IN_MEMORY_OCTETS = 16 << 20
HEAD_OCTETS = 4096
STANDARD_INPUT = "-"
TOLD_FRAMES = 4096
_PIECE_OCTETS = 1 << 20


class StoredFile(NamedTuple):
    """A file as it was when it was opened, for those who open it once more."""

    path: str
    size: int
    device: int
    inode: int


class _Stored:
    """The stored file: its octets in order or by offset, up to the size it had when it was opened."""

    def __init__(self, file: IO[bytes], *, closes: bool, notes: Notes) -> None:
        self._file = file
        self._closes = closes
        self._notes = notes
        self._pushed_back = b""
        self.read_octets = 0
        self.known_size: int | None = None
        self._start = 0
        try:
            if file.seekable():
                self._start = file.tell()
                self.known_size = max(0, file.seek(0, os.SEEK_END) - self._start)
                file.seek(self._start)
        except (OSError, AttributeError):
            self.known_size = None

    @property
    def is_seekable(self) -> bool:
        return self.known_size is not None

    @property
    def size(self) -> int:
        return self.read_octets if self.known_size is None else self.known_size

    def read(self, count: int) -> bytes:
        """The next octets, at most `count`; b"" at the end, also where the system refuses to go on (a problem)."""
        if self._pushed_back:
            octets, self._pushed_back = self._pushed_back[:count], self._pushed_back[count:]
            return octets
        if self.known_size is not None:
            count = min(count, self.known_size - self.read_octets)
        try:
            octets = self._file.read(count) if count > 0 else b""
        except OSError as error:
            self._failed(error, self.read_octets)
            return b""
        self.read_octets += len(octets or b"")
        return octets or b""

    def readinto(self, view: memoryview) -> int:
        """As `read`, into `view`; how many octets."""
        readinto = getattr(self._file, "readinto", None)
        if self._pushed_back or readinto is None:
            octets = self.read(len(view))
            view[: len(octets)] = octets
            return len(octets)
        if self.known_size is not None:
            view = view[: max(0, self.known_size - self.read_octets)]
        try:
            count = readinto(view) or 0 if len(view) else 0
        except OSError as error:
            self._failed(error, self.read_octets)
            return 0
        self.read_octets += count
        return int(count)

    def _failed(self, error: OSError, offset: int) -> None:
        text = f"reading the file failed: {error.strerror or type(error).__name__}"
        self._notes.problem(text, offset, loses_octets=True)

    def push_back(self, octets: bytes) -> None:
        self._pushed_back = octets + self._pushed_back

    def read_at(self, offset: int, count: int) -> bytes:
        count = min(count, self.size - offset)
        if offset < 0 or count <= 0:
            return b""
        try:
            self._file.seek(self._start + offset)
            octets = self._file.read(count)
        except OSError as error:
            self._failed(error, offset)
            return b""
        self.read_octets = max(self.read_octets, offset + len(octets))
        return octets

    def go_to(self, offset: int) -> None:
        """The next octets of `read` and `readinto` are those at `offset`."""
        self._file.seek(self._start + offset)
        self._pushed_back = b""
        self.read_octets = offset

    def identity(self, path: str) -> StoredFile | None:
        """None for what is not ours to open again."""
        if not self._closes or self.known_size is None:
            return None
        status = os.fstat(self._file.fileno())
        return StoredFile(path, self.known_size, status.st_dev, status.st_ino)

    def close(self) -> None:
        if self._closes:
            self._file.close()


class _Spooled:
    """The octets of a stream, kept in a temporary file, by offset (`format.RandomAccess`)."""

    def __init__(self, read: Callable[[int], bytes], notes: Notes) -> None:
        import tempfile  # a plain file needs none

        self._file = tempfile.SpooledTemporaryFile(max_size=SPOOLED_IN_MEMORY_OCTETS)  # noqa: SIM115 - closed by close
        self.size = 0
        while octets := read(_PIECE_OCTETS):
            if self.size + len(octets) > MAXIMUM_SPOOLED_OCTETS:
                notes.problem("the stream is longer than 4 GiB: the rest is not read", self.size, loses_octets=True)
                break
            try:
                self._file.write(octets)
            except OSError as error:
                text = f"no room to keep the stream: {error.strerror or type(error).__name__}"
                notes.problem(text, self.size, loses_octets=True)
                break
            self.size += len(octets)

    def read_at(self, offset: int, count: int) -> bytes:
        count = min(count, self.size - offset)
        if offset < 0 or count <= 0:
            return b""
        self._file.seek(offset)
        return self._file.read(count)

    def close(self) -> None:
        self._file.close()


class _Table:
    """The walk (`format.Walk`) over a file with a table of contents."""

    def __init__(self, frames: Iterator[Frame]) -> None:
        self.number = 1
        # the table is read now, so that a file without a good one is refused
        self._first = next(frames, None)
        self._frames = frames

    def frames(self) -> Iterator[Frame]:
        if self._first is not None:
            yield self._first
            yield from self._frames


class Capture:
    """An opened capture: iterate it once for its frames; the other attributes tell about what was read so far.

    Who reads records faster than frame by frame takes its `walks` instead, each to its end, and says what they held
    with `count`.
    """

    def __init__(self, path: str, stored: _Stored, notes: Notes) -> None:
        self.path = path
        self.format = ""
        self.compression: str | None = None
        self.frame_count = 0
        self.first_ns: int | None = None
        self.last_ns: int | None = None
        self.told: Callable[[], None] | None = None  # called now and then while frames are counted
        self._told_frames = 0
        self._stored = stored
        self._notes = notes
        self._spooled: _Spooled | None = None
        self._walks: Iterator[Walk] = iter(())
        self._started = False
        self._finished = False

    @property
    def size_octets(self) -> int:
        """Of the stored file; on a pipe, what was read so far."""
        return self._stored.size

    @property
    def read_octets(self) -> int:
        """Of the stored file, so far."""
        return self._stored.read_octets

    @property
    def complete(self) -> bool:
        """Whether the whole file was read and nothing of it was lost."""
        return self._finished and self._notes.stopped_at is None

    @property
    def stopped_at(self) -> int | None:
        """Offset in the unpacked file of the first octets that could not be read."""
        return self._notes.stopped_at

    @property
    def problems(self) -> tuple[CaptureProblem, ...]:
        kept = tuple(self._notes.problems)
        dropped = self._notes.dropped_problems
        return (*kept, CaptureProblem(f"{dropped} problems more", 0, None, False)) if dropped else kept

    @property
    def host_names(self) -> dict[str, str]:
        return self._notes.host_names

    def walks(self) -> Iterator[Walk]:
        """The walks over the file and those appended to it, one after the other; once."""
        if self._started:
            raise UsageError(f"{self.path}: a capture is read once; open it again")
        self._started = True
        return self._to_the_end()

    def _to_the_end(self) -> Iterator[Walk]:
        yield from self._walks
        self._finished = True

    def count(self, frame_count: int, first_ns: int | None, last_ns: int | None) -> None:
        """There were `frame_count` frames so far, the newest of them between these times."""
        self.frame_count = frame_count
        if self.told is not None and frame_count - self._told_frames >= TOLD_FRAMES:
            self._told_frames = frame_count
            self.told()
        if first_ns is not None and (self.first_ns is None or first_ns < self.first_ns):
            self.first_ns = first_ns
        if last_ns is not None and (self.last_ns is None or last_ns > self.last_ns):
            self.last_ns = last_ns

    def __iter__(self) -> Iterator[Frame]:
        return self._frames(self.walks())

    def _frames(self, walks: Iterator[Walk]) -> Iterator[Frame]:
        for walk in walks:
            for frame in walk.frames():
                self.count(frame.number, frame.timestamp_ns, frame.timestamp_ns)
                yield frame

    def stored_file(self) -> StoredFile | None:
        """The file, where others can open it under its path and find the same octets as the walks do."""
        return self._stored.identity(self.path) if self.compression is None else None

    def read_at(self, offset: int, count: int) -> bytes:
        """Octets of a `stored_file`. Whoever reads so moves the window of the walk with `go_on` before it reads on."""
        octets = self._stored.read_at(offset, count)
        if len(octets) < min(count, self._stored.size - offset):
            raise CaptureError(self.path, "the file changed while it was read", offset)
        return octets

    def go_on(self, window: Window, position: int, end: int) -> None:
        """The walk goes on at `position`, with octets up to `end` in its window."""
        self._stored.go_to(position)
        window.restart(position, end)

    def close(self) -> None:
        self._walks = iter(())
        if self._spooled is not None:
            self._spooled.close()
        self._stored.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_capture(
    source: str | os.PathLike[str] | BinaryIO,
    *,
    netmon_utc_offset_minutes: int | None = None,
    max_unpacked_octets: int | None = None,
    window_octets: int = WINDOW_OCTETS,
) -> Capture:
    """The capture at a path, on standard input (`-`) or in a binary file object (from where it stands).

    Raises `CaptureError`, with the path and one line for a person, for what cannot be opened or is no capture.
    """
    path, file, closes = _open(source)
    notes = Notes()
    capture = Capture(path, _Stored(file, closes=closes, notes=notes), notes)
    try:
        _start(capture, ReadOptions(netmon_utc_offset_minutes), max_unpacked_octets, window_octets)
    except CaptureError as error:
        capture.close()
        raise CaptureError(path, error.reason, error.offset) from error
    except BaseException:
        capture.close()
        raise
    return capture


class OpenedAgain:
    """A `StoredFile`, opened once more: its walk, and windows that start anywhere in it."""

    def __init__(self, file: StoredFile, window_octets: int = WINDOW_OCTETS) -> None:
        _, opened, _ = _open(file.path)
        notes = Notes()
        self._stored = _Stored(opened, closes=True, notes=notes)
        identity = self._stored.identity(file.path)
        if identity is None or (identity.device, identity.inode) != (file.device, file.inode):
            self.close()
            raise CaptureError(file.path, "another file has this name by now")
        self._stored.known_size = file.size
        self.window = Window(self._stored.readinto, window_octets)
        kind = sequential_format(bytes(self.window.peek(HEAD_OCTETS)))
        if kind is None:
            raise CaptureError(file.path, "no format with records in order")
        self.walk = kind.walk(self.window, notes, ReadOptions(), 1)

    def go_to(self, position: int) -> None:
        self._stored.go_to(position)
        self.window.restart(position, position)

    def close(self) -> None:
        self._stored.close()


@contextmanager
def open_octets(source: str | os.PathLike[str] | BinaryIO) -> Iterator[Window]:
    """The unpacked octets of a stored file, for who copies them. Raises `CaptureError` for what cannot be opened."""
    _, file, closes = _open(source)
    notes = Notes()
    stored = _Stored(file, closes=closes, notes=notes)
    try:
        _, readinto = _unpacked(stored, notes, None)
        yield Window(readinto)
    finally:
        stored.close()


def _open(source: str | os.PathLike[str] | BinaryIO) -> tuple[str, IO[bytes], bool]:
    """(path as shown, file, whether it is ours to close)"""
    if not isinstance(source, (str, os.PathLike)):
        name = getattr(source, "name", None)
        return (name if isinstance(name, str) else STANDARD_INPUT), source, False
    path = os.fspath(source)
    if path == STANDARD_INPUT:
        return path, sys.stdin.buffer, False
    try:
        file = open(path, "rb", buffering=0)  # noqa: SIM115 - the capture closes it
    except OSError as error:
        raise CaptureError(path, (error.strerror or type(error).__name__).lower()) from error
    except ValueError as error:
        raise CaptureError(path, "no file can have this name") from error
    if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
        file.close()
        raise CaptureError(path, "is a directory")
    return path, file, True


def _unpacked(
    stored: _Stored, notes: Notes, max_unpacked_octets: int | None
) -> tuple[str | None, Callable[[memoryview], int]]:
    """(the compression, `readinto` of what is in it). A read may give less than it is asked for, as pipes do."""
    head = b""
    while len(head) < HEAD_OCTETS and (piece := stored.read(HEAD_OCTETS - len(head))):
        head += piece
    stored.push_back(head)
    kind = compression_of(head)
    if kind is None:
        return None, stored.readinto
    return kind.name, Unpacker(kind, stored.read, notes, max_unpacked_octets).readinto


def _start(capture: Capture, options: ReadOptions, max_unpacked_octets: int | None, window_octets: int) -> None:
    """Finds compression and format, and reads up to the first frame, so that a file that is no capture is refused."""
    notes = capture._notes
    capture.compression, readinto = _unpacked(capture._stored, notes, max_unpacked_octets)
    window = Window(readinto, window_octets)
    head = bytes(window.peek(HEAD_OCTETS))
    sequential = sequential_format(head)
    random_access = random_access_format(head)
    if sequential is not None:
        capture.format = sequential.name
        walks = _sections(sequential, window, notes, options)
        capture._walks = chain((next(walks),), walks)
    elif random_access is not None:
        capture.format = random_access.name
        capture._walks = iter((_Table(_by_offset(capture, random_access, window, options)),))
    elif capture.compression is not None and compression_of(head) is not None:
        raise CaptureError("", "not a capture (compressed twice: unpack it once)")
    else:
        raise CaptureError("", why_no_capture(head, capture.compression))


def _sections(kind: SequentialFormat, window: Window, notes: Notes, options: ReadOptions) -> Iterator[Walk]:
    """The walks over a file and over those appended to it; each is taken to its end before the next is asked for."""
    number = 1
    while True:
        start = window.position
        try:
            walk = kind.walk(window, notes, options, number)
        except CaptureError as error:
            if start == 0:
                raise
            notes.problem(error.reason, start, loses_octets=True)
            return
        yield walk
        number = walk.number
        head = bytes(window.peek(HEAD_OCTETS))
        following = sequential_format(head)
        if following is None or window.position == start:
            return
        text = f"a {following.name} file is appended here and read too"
        notes.problem(text, window.position, number, loses_octets=False)
        kind = following


def _by_offset(capture: Capture, kind: RandomAccessFormat, window: Window, options: ReadOptions) -> Iterator[Frame]:
    if capture.compression is None and capture._stored.is_seekable:
        return kind.walk_file(capture._stored, capture._notes, options)
    capture._spooled = _Spooled(lambda count: bytes(window.take(count)), capture._notes)
    return kind.walk_file(capture._spooled, capture._notes, options)
