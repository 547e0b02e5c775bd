"""Octets of a log, a piece at a time -> its lines, in whatever encoding somebody saved it.

Windows writes the system's code page; a file that went through PowerShell or an editor comes as UTF-16 or UTF-8, with
or without its mark. Nothing is refused: an octet that no encoding has stays as a surrogate escape.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator
from typing import AnyStr

from rpctrace.logs.line import MAXIMUM_LINE_CHARACTERS

PIECE_OCTETS = 1 << 18
LOOKED_AT_OCTETS = 4096  # for NULs, by which UTF-16 without its mark shows
# A line is cut at MAXIMUM_LINE_CHARACTERS anyway; until its end comes, so much of it is held.
HELD = 4 * MAXIMUM_LINE_CHARACTERS + 4
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SHARE_OF_NULS = 0.7  # of the octets at odd or even places; every letter of a log has one


def encoding_of(head: bytes) -> tuple[str, int]:
    """(encoding, octets of its mark) by the first octets."""
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name, len(mark)
    looked_at = head[: LOOKED_AT_OCTETS & ~1]
    half = len(looked_at) // 2
    for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        letters = looked_at[1 - first :: 2]
        if half and looked_at[first::2].count(0) >= _SHARE_OF_NULS * half > letters.count(0):
            return name, 0
    return "utf-8", 0


class Text:
    """`lines` gives the lines without their ends; `encoding` is known once the first was asked for, and turns from
    utf-8 to cp1252 with the first line that is no UTF-8."""

    def __init__(self, read: Callable[[int], bytes]) -> None:
        self._read = read
        self.encoding = "utf-8"

    def lines(self) -> Iterator[str]:
        head = self._read(PIECE_OCTETS)
        while 0 < len(head) < LOOKED_AT_OCTETS and (more := self._read(PIECE_OCTETS)):
            head += more
        self.encoding, mark = encoding_of(head)
        pieces = self._pieces(head[mark:])
        if self.encoding.startswith("utf-16"):
            decoder = codecs.getincrementaldecoder(self.encoding)("surrogatepass")
            for text in _whole_lines(map(decoder.decode, pieces), "\n"):
                yield from text.split("\n")
        else:
            for octets in _whole_lines(pieces, b"\n"):
                yield from self._decoded(octets)

    def _pieces(self, first: bytes) -> Iterator[bytes]:
        piece = first
        while piece:
            yield piece
            piece = self._read(PIECE_OCTETS)

    def _decoded(self, octets: bytes) -> list[str]:
        """A block of whole lines at once; line by line where it is no UTF-8."""
        try:
            return octets.decode("utf-8").split("\n")
        except UnicodeDecodeError:
            return [self._line(line) for line in octets.split(b"\n")]

    def _line(self, octets: bytes) -> str:
        try:
            # a line that was cut may be so inside a character
            return codecs.utf_8_decode(octets, "strict", len(octets) <= HELD)[0]
        except UnicodeDecodeError:
            self.encoding = "cp1252"
            return octets.decode("cp1252", "surrogateescape")


def _whole_lines(pieces: Iterable[AnyStr], end_of_line: AnyStr) -> Iterator[AnyStr]:
    """Blocks of whole lines, without the last line's end. Of a line without end its start alone is held."""
    rest = end_of_line[:0]
    skipping = False
    for piece in pieces:
        start = 0
        if skipping:
            start = piece.find(end_of_line) + 1
            if not start:
                continue
            skipping = False
        end = piece.rfind(end_of_line) + 1
        if end > start:
            yield rest + piece[start : end - 1]
            rest, start = rest[:0], end
        rest += piece[start:]
        if len(rest) > HELD:
            yield rest[: HELD + 1]
            rest, skipping = rest[:0], True
    if rest:
        yield rest
