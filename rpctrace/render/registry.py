"""All renderings, as a table of contents; a new one is one file and one line here."""

from __future__ import annotations

from rpctrace.errors import UsageError
from rpctrace.render import csv, json, jsonl, markdown, netmon, table
from rpctrace.render.rendering import Rendering

RENDERINGS: tuple[Rendering, ...] = (
    table.RENDERING,
    json.RENDERING,
    jsonl.RENDERING,
    csv.RENDERING,
    netmon.RENDERING,
    markdown.RENDERING,
)


def rendering_named(name: str) -> Rendering:
    """The rendering that `-f name` asks for. Raises `UsageError`."""
    for rendering in RENDERINGS:
        if rendering.name == name:
            return rendering
    known = ", ".join(rendering.name for rendering in RENDERINGS)
    raise UsageError(f"no format {name!r}; there are: {known}")


def rendering_for_file(file_name: str) -> Rendering:
    """The rendering that `-o file_name` asks for by its suffix. Raises `UsageError`."""
    lowered = file_name.lower()
    for rendering in RENDERINGS:
        if lowered.endswith(rendering.suffixes):
            return rendering
    known = " ".join(suffix for rendering in RENDERINGS for suffix in rendering.suffixes)
    raise UsageError(f"no format for the suffix of {file_name!r}; there are: {known}")
