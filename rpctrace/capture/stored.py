"""A file on disk, a pipe or a file object -> its octets, unpacked on the way: the only place where inputs are opened.

A file is opened once and read through that descriptor, up to the size that it had then.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

from rpctrace.capture.format import Notes
from rpctrace.capture.unpacking import Unpacker, compression_of
from rpctrace.capture.window import Window
from rpctrace.errors import CaptureError
from rpctrace.named_tuple import NamedTuple

STANDARD_INPUT = "-"
HEAD_OCTETS = 4096


class StoredFile(NamedTuple):
    """A file as it was when it was opened, for those who open it once more."""

    path: str
    size: int
    device: int
    inode: int


class Stored:
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


class Octets:
    """The unpacked octets of a file in order, for who reads other things in it than frames; `notes` tell what was wrong
    with it. Raises `CaptureError` for what cannot be opened."""

    def __init__(self, source: str | os.PathLike[str] | BinaryIO, max_unpacked_octets: int | None = None) -> None:
        self.path, file, closes = open_stored(source)
        self.notes = Notes()
        self._stored = Stored(file, closes=closes, notes=self.notes)
        try:
            self.compression, content = content_of(self._stored, self.notes, max_unpacked_octets)
        except CaptureError as error:
            self.close()
            raise CaptureError(self.path, error.reason) from error
        self.read = content.read  # fewer than it is asked for, as pipes do; b"" at the end
        self.readinto = content.readinto

    def close(self) -> None:
        self._stored.close()


@contextmanager
def open_octets(source: str | os.PathLike[str] | BinaryIO) -> Iterator[Window]:
    """The unpacked octets of a stored file, for who copies them. Raises `CaptureError` for what cannot be opened."""
    octets = Octets(source)
    try:
        yield Window(octets.readinto)
    finally:
        octets.close()


def can_be_read_again(path: str) -> bool:
    """Of a pipe and of standard input no octet comes twice; what is not there is for the opening to tell."""
    try:
        return path != STANDARD_INPUT and stat.S_ISREG(os.stat(path).st_mode)
    except (OSError, ValueError):
        return True


def open_stored(source: str | os.PathLike[str] | BinaryIO) -> tuple[str, IO[bytes], bool]:
    """(path as shown, file, whether it is ours to close)"""
    if not isinstance(source, (str, os.PathLike)):
        name = getattr(source, "name", None)
        return (name if isinstance(name, str) else STANDARD_INPUT), source, False
    path = os.fspath(source)
    if path == STANDARD_INPUT:
        return path, sys.stdin.buffer, False
    try:
        file = open(path, "rb", buffering=0)  # noqa: SIM115 - `Stored` closes it
    except OSError as error:
        raise CaptureError(path, (error.strerror or type(error).__name__).lower()) from error
    except ValueError as error:
        raise CaptureError(path, "no file can have this name") from error
    if stat.S_ISDIR(os.fstat(file.fileno()).st_mode):
        file.close()
        raise CaptureError(path, "is a directory")
    return path, file, True


def content_of(stored: Stored, notes: Notes, max_unpacked_octets: int | None) -> tuple[str | None, Stored | Unpacker]:
    """(the compression, what reads its content). A read may give less than it is asked for, as pipes do. Raises
    `CaptureError`, without a path, where the package that unpacks it is missing."""
    head = b""
    while len(head) < HEAD_OCTETS and (piece := stored.read(HEAD_OCTETS - len(head))):
        head += piece
    stored.push_back(head)
    kind = compression_of(head)
    if kind is None:
        return None, stored
    if kind.package is not None:
        try:
            kind.member()
        except ImportError as error:
            missing = f"reading it needs {kind.package}, which is not installed: pip install 'rpctrace[compress]'"
            raise CaptureError("", f"{kind.name}-compressed: {missing}") from error
    return kind.name, Unpacker(kind, stored.read, notes, max_unpacked_octets)
