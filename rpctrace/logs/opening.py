"""A log on disk -> its lines, in one pass.

Opened once and read through that descriptor up to the size that it had, unpacked on the way, as captures are. What is
damaged is read as far as it goes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Self

from rpctrace.capture.stored import Octets, can_be_read_again
from rpctrace.errors import CaptureError
from rpctrace.logs.calendar import Calendar
from rpctrace.logs.line import MAXIMUM_LINE_CHARACTERS, Moment, Placed, parse_line
from rpctrace.logs.text import Text

# Of several logs, for the first line with a time.
_LINES_LOOKED_AT = 10_000
_OCTETS_LOOKED_AT = 4 << 20
_HALF_A_YEAR_MONTHS = 6


class Log:
    """An opened log: iterate it once; the other attributes tell about what was read so far."""

    def __init__(self, path: str, max_unpacked_octets: int | None = None, most_octets: int | None = None) -> None:
        """Raises `CaptureError` for what cannot be opened. Behind about `most_octets` reading ends without a word."""
        self.path = path
        self.octets = 0  # unpacked
        self.line_count = 0
        self.entry_count = 0  # lines that are not empty
        self.cut_lines = 0  # longer than they may be
        self.known_lines = 0  # without a time, but with a flag or a logon
        self.calendar = Calendar()
        self._most_octets = most_octets
        self._opened = Octets(path, max_unpacked_octets)
        self._text = Text(self._read)

    @property
    def looks_like_one(self) -> bool:
        """Whether anything in it is of a netlogon.log."""
        return self.calendar.first is not None or self.known_lines > 0

    @property
    def compression(self) -> str | None:
        return self._opened.compression

    @property
    def encoding(self) -> str:
        return self._text.encoding

    @property
    def stopped_at(self) -> int | None:
        """Offset in the unpacked log of the first octets that could not be read."""
        return self._opened.notes.stopped_at

    @property
    def problems(self) -> tuple[str, ...]:
        return tuple(problem.text for problem in self._opened.notes.problems)

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
            elif line.flag is not None or line.logon is not None:
                self.known_lines += 1
            if line.text != "":
                self.entry_count += 1
                yield Placed(line, turns)

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _read(self, count: int) -> bytes:
        if self._most_octets is not None and self.octets >= self._most_octets:
            return b""
        octets = self._opened.read(count)
        self.octets += len(octets)
        return octets


def in_order_of_time(
    paths: Sequence[str],
    unreadable: Callable[[CaptureError], None] | None = None,
    max_unpacked_octets: int | None = None,
) -> list[str]:
    """The paths, older logs first (a netlogon.bak is what netlogon.log was before), each once; logs without times, and
    pipes, keep their order behind them. Raises `CaptureError`, or calls `unreadable` with it and leaves that log out.
    Of a single path nothing is looked at."""
    paths = list(dict.fromkeys(paths))
    if len(paths) < 2:
        return paths
    firsts: dict[str, Moment | None] = {}
    for path in paths:
        try:
            firsts[path] = _first_moment(path, max_unpacked_octets)
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


def _first_moment(path: str, max_unpacked_octets: int | None) -> Moment | None:
    if not can_be_read_again(path):
        return None
    with Log(path, max_unpacked_octets, _OCTETS_LOOKED_AT) as log:
        lines = islice(log, _LINES_LOOKED_AT)
        return next((placed.line.moment for placed in lines if placed.line.moment is not None), None)
