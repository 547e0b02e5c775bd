"""Headings and rows of safe text -> a plain table that fits a width without cutting a name.

A line feed in a cell is a place where it may break. Three forms are tried: every row on one line; cells broken at those
places; and, where even that is too wide, a block of `heading  value` lines a row.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from unicodedata import combining, east_asian_width

COLUMN_GAP = 2
HEADING_PADDING = 2  # tabulate makes a column this much wider than its heading

Rows = Sequence[Sequence[str]]

_FILLER = "\0"  # stands behind a character of two columns while tabulate counts characters; safe text never holds it


def display_width(text: str) -> int:
    """Columns of a terminal: East Asian wide characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(0 if combining(character) else 2 if east_asian_width(character) in "WF" else 1 for character in text)


def _filled(text: str) -> str:
    if text.isascii():
        return text
    return "".join(character + _FILLER if east_asian_width(character) in "WF" else character for character in text)


def _table(headings: Sequence[str], rows: Rows) -> list[str]:
    from tabulate import tabulate  # 65 ms, only where a table is shown

    filled = [[_filled(cell) for cell in row] for row in rows]
    # Without disable_numparse the text 1e5 would become 100000.
    text = tabulate(filled, headers=headings, tablefmt="simple", disable_numparse=True)
    return [line.rstrip() for line in text.replace(_FILLER, "").split("\n")]


def _needed_columns(headings: Sequence[str], rows: Rows, broken: bool) -> int:
    widths = [display_width(heading) + HEADING_PADDING for heading in headings]
    for row in rows:
        for place, cell in enumerate(row):
            for line in cell.split("\n") if broken else (cell,):
                widths[place] = max(widths[place], display_width(line))
    return sum(widths) + COLUMN_GAP * (len(widths) - 1)


def wrapped(text: str, width_columns: int | None, indent: str) -> list[str]:
    """`text` on lines of `width_columns` at most where its words allow; lines after the first start with `indent`."""
    if width_columns is None or len(text) <= width_columns:
        return [text]
    width = max(width_columns, len(indent) + 20)
    return textwrap.wrap(
        text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def _blocks(headings: Sequence[str], rows: Rows, width_columns: int) -> list[str]:
    label_columns = max(map(display_width, headings)) + COLUMN_GAP
    lines: list[str] = []
    for row in rows:
        if lines:
            lines.append("")
        for heading, cell in zip(headings, row, strict=True):
            if cell:
                lines += wrapped(f"{heading:<{label_columns}}{cell}", width_columns, " " * label_columns)
    return lines


def lay_out(headings: Sequence[str], rows: Rows, width_columns: int | None) -> list[str]:
    """The lines of the table; no rows, no lines. Columns that are empty in every row are left out."""
    used = [place for place in range(len(headings)) if any(row[place] for row in rows)]
    if not used:
        return []
    headings = [headings[place] for place in used]
    broken = [[row[place] for place in used] for row in rows]
    flat = [[cell.replace("\n", " ") for cell in row] for row in broken]
    if width_columns is None or _needed_columns(headings, flat, broken=False) <= width_columns:
        return _table(headings, flat)
    if _needed_columns(headings, broken, broken=True) <= width_columns:
        return _table(headings, broken)
    return _blocks(headings, flat, width_columns)
