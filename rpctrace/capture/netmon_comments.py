"""Comment section of a Network Monitor file (2.2 and later) -> texts by the file offset of the record they belong to.

A comment is a UTF-16 title and a description in RTF, of which the words are kept. Read piece by piece up to named
bounds; a damaged section gives the comments before the damage and says where it is.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from struct import Struct

from rpctrace.encoding.text import decode_utf16
from rpctrace.named_tuple import NamedTuple

MAXIMUM_COMMENTS = 1_000
MAXIMUM_TEXT_OCTETS = 65_536  # of one title or description
MAXIMUM_TEXT_CHARACTERS = 4_096

ReadAt = Callable[[int, int], bytes]

_COMMENT = Struct("<III")  # frames of this comment (always 1), file offset of the record, octets of the title
_LENGTH = Struct("<I")
_CONTROL = re.compile(
    rb"\\(?:([a-zA-Z]{1,32})(-?[0-9]{1,10})? ?|'([0-9a-fA-F]{2})|([^a-zA-Z]))|([{}])|([^\\{}]+)|\\", re.DOTALL
)
_BREAKS = {b"par": b"\n", b"line": b"\n", b"tab": b"\t", b"sect": b"\n", b"page": b"\n", b"row": b"\n", b"cell": b"\t"}
_HIDDEN = frozenset({b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"themedata", b"listtable"})
_CODE_PAGES = frozenset({437, 850, 852, 866, 874, 932, 936, 949, 950, *range(1250, 1259)})
_ESCAPED = frozenset({b"\\", b"{", b"}"})


class Comments(NamedTuple):
    """`damaged_at`: file offset where reading had to stop, None when all was read; `reason` says why."""

    by_record: dict[int, tuple[str, ...]]
    damaged_at: int | None = None
    reason: str = ""


def read_comments(read_at: ReadAt, offset: int, end: int) -> Comments:
    """The comments between two file offsets."""
    found: dict[int, tuple[str, ...]] = {}
    for _ in range(MAXIMUM_COMMENTS):
        if offset >= end:
            return Comments(found)
        head = read_at(offset, min(_COMMENT.size, end - offset))
        if len(head) < _COMMENT.size:
            return Comments(found, offset, "the comment section is cut")
        frames, record, title_octets = _COMMENT.unpack(head)
        title_at = offset + _COMMENT.size
        length_at = title_at + title_octets
        if frames != 1 or length_at + _LENGTH.size > end:
            return Comments(found, offset, "a comment's title is larger than the comment section")
        size = read_at(length_at, _LENGTH.size)
        if len(size) < _LENGTH.size:
            return Comments(found, offset, "the comment section is cut")
        description_at = length_at + _LENGTH.size
        description_octets = _LENGTH.unpack(size)[0]
        offset_after = description_at + description_octets
        if offset_after > end:
            return Comments(found, offset, "a comment's description is larger than the comment section")
        title = _plain(decode_utf16(read_at(title_at, min(title_octets, MAXIMUM_TEXT_OCTETS))))
        description = words_of_rtf(read_at(description_at, min(description_octets, MAXIMUM_TEXT_OCTETS)))
        text = "\n".join(part for part in (title, description) if part)
        if text:
            found[record] = (*found.get(record, ()), text)
        offset = offset_after
    return Comments(found) if offset >= end else Comments(found, offset, "more comments than are kept")


def words_of_rtf(octets: bytes) -> str:
    """The words of a rich text; what is no rich text is taken as text of code page 1252."""
    octets = octets.split(b"\0", 1)[0]
    if not octets.lstrip().startswith(b"{\\rtf"):
        return _plain(octets.decode("cp1252", "replace"))
    return _plain(_Words().read(octets))


def _plain(text: str) -> str:
    text = text.split("\0", 1)[0]
    lines = (line.rstrip() for line in text.splitlines())
    return "\n".join(line for line in lines if line)[:MAXIMUM_TEXT_CHARACTERS]


class _Words:
    """State of reading one rich text; octets of its code page wait in `pending` to be decoded together."""

    def __init__(self) -> None:
        self.code_page = "cp1252"
        self.text: list[str] = []
        self.pending = bytearray()
        self.depth = 0
        self.hidden_at = 0  # depth of the group whose text is no text of the comment, 0 for none
        self.fallback = 0  # characters that stand for the \u before them, to be left out

    def read(self, octets: bytes) -> str:
        for match in _CONTROL.finditer(octets):
            word, number, hexadecimal, symbol, brace, run = match.groups()
            if brace:
                self.group(1 if brace == b"{" else -1)
            elif self.hidden_at:
                continue
            elif word:
                self.control(word, number)
            elif hexadecimal:
                self.put(bytes.fromhex(hexadecimal.decode("ascii")))
            elif symbol == b"*":
                self.hidden_at = self.depth
            elif symbol in _ESCAPED:
                self.put(symbol)
            elif run:
                self.put(run.replace(b"\r", b"").replace(b"\n", b""))
        self.flush()
        # Two \u in a row may be the two halves of one character.
        return "".join(self.text).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")

    def group(self, change: int) -> None:
        self.depth += change
        if self.depth < self.hidden_at:
            self.hidden_at = 0

    def control(self, word: bytes, number: bytes | None) -> None:
        if word in _HIDDEN:
            self.hidden_at = max(self.depth, 1)
        elif word in _BREAKS:
            self.pending += _BREAKS[word]
        elif word == b"ansicpg" and number and int(number) in _CODE_PAGES:
            self.code_page = f"cp{int(number)}"
        elif word == b"u" and number:
            self.flush()
            self.text.append(chr(int(number) & 0xFFFF))
            self.fallback = 1

    def put(self, octets: bytes) -> None:
        self.pending += octets[self.fallback :]
        self.fallback = max(0, self.fallback - len(octets))

    def flush(self) -> None:
        self.text.append(self.pending.decode(self.code_page, "replace"))
        self.pending.clear()
