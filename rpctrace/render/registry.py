"""All renderings, as a table of contents; a new one is one file and one line here. Each is loaded when asked for."""

from __future__ import annotations

from importlib import import_module

from rpctrace.errors import UsageError
from rpctrace.named_tuple import NamedTuple
from rpctrace.render.rendering import Rendering


class Entry(NamedTuple):
    """The name and the suffixes that a rendering has too, and the file of this folder in which it is."""

    name: str
    suffixes: tuple[str, ...]
    home: str

    def load(self) -> Rendering:
        rendering: Rendering = import_module(f"rpctrace.render.{self.home}").RENDERING
        return rendering


ENTRIES = (
    Entry("text", (".txt",), "table"),
    Entry("json", (".json",), "json"),
    Entry("jsonl", (".jsonl", ".ndjson"), "jsonl"),
    Entry("csv", (".csv",), "csv"),
    Entry("netmon", (), "netmon"),
    Entry("markdown", (".md", ".markdown"), "markdown"),
    Entry("html", (".html", ".htm"), "html"),
    Entry("junit", (".junit.xml",), "junit"),
    Entry("sarif", (".sarif",), "sarif"),
    Entry("parquet", (".parquet",), "parquet"),
)


def rendering_named(name: str) -> Rendering:
    """The rendering that `-f name` asks for. Raises `UsageError`."""
    for entry in ENTRIES:
        if entry.name == name:
            return entry.load()
    known = ", ".join(entry.name for entry in ENTRIES)
    raise UsageError(f"no format {name!r}; there are: {known}")


def rendering_for_file(file_name: str) -> Rendering:
    """The rendering that `-o file_name` asks for by its suffix. Raises `UsageError`."""
    lowered = file_name.lower()
    for entry in ENTRIES:
        if lowered.endswith(entry.suffixes):
            return entry.load()
    known = " ".join(suffix for entry in ENTRIES for suffix in entry.suffixes)
    raise UsageError(f"no format for the suffix of {file_name!r}; there are: {known}")
