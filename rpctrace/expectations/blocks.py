"""The text of a file of expectations -> its blocks with their comments: one can be changed while the others stay."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from rpctrace.errors import UsageError
from rpctrace.expectations.keys import KINDS
from rpctrace.named_tuple import NamedTuple
from rpctrace.record import record

_REMARK = re.compile(r"\s*(#.*)?")
_MAY_END = re.compile(r"""\]|"{3}|'{3}""")  # the last line of a value over several lines


class Statement(NamedTuple):
    """A key, what it is given, its lines, and the comment at the end of the last of them; for lines without a key, None
    and the comment alone."""

    key: str | None
    value: Any
    lines: tuple[str, ...]
    comment: str


@record
class Block:
    """A table: the comments above it, its header and its lines, and what they say."""

    table: str
    head: tuple[str, ...]
    lines: tuple[str, ...]
    values: dict[str, Any]

    @property
    def header(self) -> str:
        return self.lines[0]

    def statements(self) -> Iterator[Statement]:
        """Its keys with their lines, and between them comments."""
        open_lines: list[str] = []
        for line in self.lines[1:]:
            open_lines.append(line)
            if len(open_lines) == 1 or _MAY_END.search(line):
                statement = _statement(open_lines)
                if statement is not None:
                    yield statement
                    open_lines = []


@record
class Layout:
    """`top`: the lines before the first table; `tail`: comments after the last one."""

    top: tuple[str, ...]
    blocks: tuple[Block, ...]
    tail: tuple[str, ...]


@lru_cache(64)
def table_of(line: str) -> str | None:
    """The table that a line begins, however its header is spaced and quoted; None for any other line."""
    if not line.lstrip().startswith("["):
        return None
    try:
        value: Any = tomllib.loads(line)
    except (ValueError, RecursionError):  # a part of a list
        return None
    names = []
    while value:
        ((name, value),) = value.items()
        value = value[0] if isinstance(value, list) else value
        names.append(name)
    return ".".join(names)


def layout_of(text: str, name: str) -> Layout:
    """Raises `UsageError` where a line cannot be told from what surrounds it, or entries stand in one line."""
    parts: list[tuple[str, list[str]]] = [("", [])]
    for line in text.split("\n"):  # TOML knows no other ends of lines
        table = table_of(line)
        if table is not None:
            parts.append((table, []))
        parts[-1][1].append(line)
    top, head = _without_remarks_at_the_end(parts[0][1])
    if len(parts) == 1:
        top, head = [*top, *head], []
    elif not top:  # what a file begins with is about the file, if an empty line ends it
        start = [line.strip() for line in parts[0][1]]
        place = start.index("") if "" in start else 0
        top, head = parts[0][1][:place], _stripped(parts[0][1][place:])
    blocks = []
    for table, lines in parts[1:]:
        body, after = _without_remarks_at_the_end(lines)
        blocks.append(Block(table, tuple(head), tuple(body), _values(body, table, name)))
        head = after
    if any(key in KINDS for key in _loaded(top, name)):
        raise UsageError(f"{name}: has entries in one line ({' or '.join(KINDS)} = ...), which --update does not edit")
    return Layout(tuple(top), tuple(blocks), tuple(_stripped(head)))


def comment_of(line: str) -> str:
    """The comment at the end of a line with a key, or of a header; nothing where there is none."""
    whole = _toml(line)
    signs = [place for place, sign in enumerate(line) if sign == "#"]
    return next((line[place:].rstrip() for place in signs if _toml(line[:place]) == whole), "")


def _statement(lines: list[str]) -> Statement | None:
    """None where a value does not end with these lines."""
    values = _toml("\n".join(lines))
    if values is None:
        return None
    if not values:
        return Statement(None, None, tuple(lines), lines[-1].strip())
    ((key, value),) = values.items()
    return Statement(key, value, tuple(lines), comment_of("\n".join(lines)))


def _toml(text: str) -> dict[str, Any] | None:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError):
        return None


def _without_remarks_at_the_end(lines: list[str]) -> tuple[list[str], list[str]]:
    """Lines, and the comments and empty lines after the last of them that says something."""
    end = len(lines)
    while end and _REMARK.fullmatch(lines[end - 1]):
        end -= 1
    return lines[:end], _stripped(lines[end:])


def _stripped(lines: list[str]) -> list[str]:
    """Without empty lines at both ends."""
    said = [place for place, line in enumerate(lines) if line.strip()]
    return lines[said[0] : said[-1] + 1] if said else []


def _loaded(lines: list[str], name: str) -> dict[str, Any]:
    try:
        return tomllib.loads("\n".join(lines))
    except (ValueError, RecursionError):
        raise UsageError(
            f"{name}: a text or list over several lines holds what looks like a table; --update does not edit that"
        ) from None


def _values(lines: list[str], table: str, name: str) -> dict[str, Any]:
    value: Any = _loaded(lines, name)
    for part in table.split("."):
        value = value[part]
        value = value[0] if isinstance(value, list) else value
    return dict(value)
