"""Numbers and text on their way into a picture: what fits, what is rounded, how a moment is called.

A picture is drawn where no browser can be asked how wide a text becomes, so widths are estimated on the safe side.
"""

from __future__ import annotations

import unicodedata

from rpctrace.encoding.text import safe_text
from rpctrace.render.words import duration_words

ELLIPSIS = "\u2026"
MINUS = "\u2212"
_AVERAGE_WIDTH = 0.6  # of a character, in its font size; DejaVu Sans, the widest of the usual fonts, has 0.59
BOLD = 1.12  # how much wider its bold face is
_WIDE = frozenset("WF")  # Unicode's East Asian Width: two columns


def columns(text: str) -> int:
    """How many Latin characters a text is as wide as."""
    return len(text) + sum(unicodedata.east_asian_width(each) in _WIDE for each in text if ord(each) > 0x1100)


def text_width(text: str, size: float) -> float:
    """Pixels that `text` needs at a font size of `size`, at the most."""
    return columns(text) * size * _AVERAGE_WIDTH


def fitted(text: str, width: float, size: float) -> str:
    """`text`, made safe, on one line; where it is wider than `width` pixels its end is an ellipsis."""
    text = safe_text(text.replace("\n", " "))
    room = int(width / (size * _AVERAGE_WIDTH))
    if columns(text) <= room:
        return text
    while text and columns(text) > room - 1:
        text = text[: min(len(text) - 1, max(room - 1, 0))]
    return text.rstrip() + ELLIPSIS


def rounded(value: float) -> str:
    """A coordinate as SVG reads it: a tenth of a pixel is enough, and the same on every machine."""
    text = f"{value:.1f}"
    return text.removesuffix(".0")


def span_words(ns: int) -> str:
    """A duration, with the sign for micro that a terminal may lack."""
    return duration_words(ns).replace(" us", " \u00b5s")


def moment_words(ns: int) -> str:
    """A moment before or after a zero, to the millisecond or finer: `−43.055 s`, `−7.4 ms`, `0`, `+6.8 ms`."""
    if ns == 0:
        return "0"
    written = [(f"{abs(ns) / size_ns:.{digits}f}", unit) for size_ns, unit, digits in _UNITS]
    # as it is written: 999.996 ms are 1 s
    amount, unit = next((each for each in written if float(each[0]) < 1000), written[-1])
    return f"{MINUS if ns < 0 else '+'}{amount.rstrip('0').rstrip('.')} {unit}"


_UNITS = ((1_000, "\u00b5s", 1), (1_000_000, "ms", 2), (1_000_000_000, "s", 3))  # digits behind the point
