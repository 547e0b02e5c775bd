"""Captures on disk, from a pipe or in a file object -> frames, in one pass.

A file is opened once and read in windows, unpacked on the way; memory does not grow with it.
What is no capture is refused when it is opened; what is damaged is read as far as it goes, and the capture says what
was lost and where.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from itertools import chain
from types import TracebackType
from typing import BinaryIO, Self

from rpctrace.capture.format import CaptureProblem, Notes, RandomAccessFormat, ReadOptions, SequentialFormat, Walk
from rpctrace.capture.frame import Frame
from rpctrace.capture.registry import random_access_format, sequential_format
from rpctrace.capture.stored import HEAD_OCTETS, Stored, StoredFile, content_of, open_stored
from rpctrace.capture.unpacking import compression_of
from rpctrace.capture.window import WINDOW_OCTETS, Window
from rpctrace.errors import CaptureError, UsageError

MAXIMUM_SPOOLED_OCTETS = 4 << 30  # offsets in a Network Monitor file have 32 bits
SPOOLED_IN_MEMORY_OCTETS = 16 << 20
TOLD_FRAMES = 4096
_PIECE_OCTETS = 1 << 20


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

    def __init__(self, path: str, stored: Stored, notes: Notes) -> None:
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
    path, file, closes = open_stored(source)
    notes = Notes()
    capture = Capture(path, Stored(file, closes=closes, notes=notes), notes)
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
        _, opened, _ = open_stored(file.path)
        notes = Notes()
        self._stored = Stored(opened, closes=True, notes=notes)
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


def _start(capture: Capture, options: ReadOptions, max_unpacked_octets: int | None, window_octets: int) -> None:
    """Finds compression and format, and reads up to the first frame, so that a file that is no capture is refused."""
    notes = capture._notes
    capture.compression, unpacked = content_of(capture._stored, notes, max_unpacked_octets)
    window = Window(unpacked.readinto, window_octets)
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
        from rpctrace.capture.refusal import why_no_capture

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
