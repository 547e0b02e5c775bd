"""A log on disk -> its lines, in one pass: the one place where logs are opened.

Opened once and read through that descriptor up to the size that it had, unpacked on the way within the bounds that hold
for captures. What is damaged is read as far as it goes.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import BinaryIO, Self

from rpctrace.capture.format import Notes
from rpctrace.capture.unpacking import Unpacker, compression_of
from rpctrace.errors import CaptureError
from rpctrace.logs.calendar import Calendar
from rpctrace.logs.line import MAXIMUM_LINE_CHARACTERS, Moment, Placed, parse_line
from rpctrace.logs.text import Text

STANDARD_INPUT = "-"
_HEAD_OCTETS = 16
_LINES_LOOKED_AT = 10_000  # for the first with a time
_HALF_A_YEAR_MONTHS = 6


class Log:
    """An opened log: iterate it once; the other attributes tell about what was read so far."""

    def __init__(self, path: str, max_unpacked_octets: int | None = None) -> None:
        """Raises `CaptureError` for what cannot be opened."""
        self.path = path
        self.compression: str | None = None
        self.octets = 0  # unpacked
        self.line_count = 0
        self.entry_count = 0  # lines that are not empty
        self.cut_lines = 0  # longer than they may be
        self.calendar = Calendar()
        self._notes = Notes()
        self._file, self._left = _open(path)
        self._head = b""
        self._head = self._stored(_HEAD_OCTETS)
        kind = compression_of(self._head)
        read = self._stored
        if kind is not None:
            self.compression = kind.name
            read = Unpacker(kind, self._stored, self._notes, max_unpacked_octets).read
        self._unpacked = read
        self._text = Text(self._read)

    @property
    def encoding(self) -> str:
        return self._text.encoding

    @property
    def stopped_at(self) -> int | None:
        """Offset in the unpacked log of the first octets that could not be read."""
        return self._notes.stopped_at

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(problem.text for problem in self._notes.problems)

    def __iter__(self) -> Iterator[Placed]:
        """Every line that is not empty."""
        feed, turns = self.calendar.feed, 0
        for number, text in enumerate(self._text.lines(), 1):
            self.line_count = number
            if len(text) > MAXIMUM_LINE_CHARACTERS:
                self.cut_lines += 1
            line = parse_line(text, number)
            if line.moment is not None:
                turns = feed(line.moment, number)
            if line.text != "":
                self.entry_count += 1
                yield Placed(line, turns)

    def close(self) -> None:
        if self.path != STANDARD_INPUT:
            self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, count: int) -> bytes:
        octets = self._unpacked(count)
        self.octets += len(octets)
        return octets

    def _stored(self, count: int) -> bytes:
        if self._head:
            octets, self._head = self._head[:count], self._head[count:]
            return octets
        try:
            octets = self._file.read(count if self._left is None else min(count, self._left)) or b""
        except OSError as error:
            text = f"reading the file failed: {error.strerror or type(error).__name__}"
            self._notes.problem(text, self.octets, loses_octets=True)
            return b""
        if self._left is not None:
            self._left -= len(octets)
        return octets


def in_order_of_time(paths: Sequence[str], unreadable: Callable[[CaptureError], None] | None = None) -> list[str]:
    """The paths, older logs first (a netlogon.bak is what netlogon.log was before), each once; logs without times, and
    pipes, keep their order behind them. Raises `CaptureError`, or calls `unreadable` with it and leaves that log out.
    Of a single path nothing is looked at."""
    paths = list(dict.fromkeys(paths))
    if len(paths) < 2:
        return paths
    firsts: dict[str, Moment | None] = {}
    for path in paths:
        try:
            firsts[path] = _first_moment(path)
        except CaptureError as error:
            if unreadable is None:
                raise
            unreadable(error)
    months = {moment.month for moment in firsts.values() if moment is not None}
    around_new_year = bool(months) and max(months) - min(months) > _HALF_A_YEAR_MONTHS

    def age(path: str) -> tuple[int, int, int, int]:
        moment = firsts[path]
        if moment is None:
            return (1, 0, 0, 0)
        next_year = around_new_year and moment.month <= _HALF_A_YEAR_MONTHS
        return (0, moment.month + 12 * next_year, moment.day, moment.second_of_day)

    return sorted(firsts, key=age)


def _first_moment(path: str) -> Moment | None:
    if path == STANDARD_INPUT or not stat.S_ISREG(_mode(path)):
        return None  # a pipe is read once
    with Log(path) as log:
        lines = islice(log, _LINES_LOOKED_AT)
        return next((placed.line.moment for placed in lines if placed.line.moment is not None), None)


def _mode(path: str) -> int:
    try:
        return os.stat(path).st_mode
    except (OSError, ValueError):
        return stat.S_IFREG  # opening it tells what is wrong


def _open(path: str) -> tuple[BinaryIO, int | None]:
    """(file, its size; None for what has none, a pipe)"""
    if path == STANDARD_INPUT:
        return sys.stdin.buffer, None
    try:
        file = open(path, "rb")  # noqa: SIM115 - the log closes it
    except OSError as error:
        raise CaptureError(path, (error.strerror or type(error).__name__).lower()) from error
    except ValueError as error:
        raise CaptureError(path, "no file can have this name") from error
    status = os.fstat(file.fileno())
    return file, status.st_size if stat.S_ISREG(status.st_mode) else None
