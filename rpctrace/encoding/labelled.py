"""A label and a text -> lines: the label in its column, the text beside it, as wide as a page."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

PAGE_COLUMNS = 100
_MARGIN_COLUMNS, _GAP_COLUMNS = 2, 2
_BLANK = re.compile(r"(?<=\S) (?=\S)")  # double blanks between values stay


def labelled(fields: Iterable[tuple[str, str]], label_columns: int) -> Iterator[str]:
    """The lines of every (label, text); a word that is longer than the line stays whole."""
    room = PAGE_COLUMNS - _MARGIN_COLUMNS - label_columns - _GAP_COLUMNS
    for label, text in fields:
        margin = f"{'':<{_MARGIN_COLUMNS}}{label:<{label_columns}}{'':<{_GAP_COLUMNS}}"
        line = ""
        for word in _BLANK.split(text):
            if line and len(line) + 1 + len(word) > room:
                yield margin + line
                margin, line = " " * len(margin), word
            else:
                line = f"{line} {word}" if line else word
        yield margin + line
