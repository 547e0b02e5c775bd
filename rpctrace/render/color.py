"""The few colours of the terminal report: they paint our own words, never a table, and only when asked for."""

from __future__ import annotations

from rpctrace.render.rendering import RenderOptions

# ECMA-48 8.3.117 SGR parameters
STYLES = {
    "heading": "1",
    "failed": "1;31",
    "fine": "32",
    "high": "1;31",
    "medium": "33",
    "low": "36",
    "note": "2",
    "warning": "33",
}


def painted(text: str, style: str, options: RenderOptions) -> str:
    parameters = STYLES.get(style)
    return f"\x1b[{parameters}m{text}\x1b[0m" if options.color and parameters else text
