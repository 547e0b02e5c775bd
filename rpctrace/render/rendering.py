"""The contract of a rendering: a Report goes in, text comes out on a stream that the caller opened.

The caller gives a stream with `newline=""` (a rendering writes its own line ends: CR LF in CSV, LF elsewhere). No
control or bidirectional character of a capture reaches the stream; what a rendering colours is its own words.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, TextIO

from rpctrace.record import record
from rpctrace.report import Report

if TYPE_CHECKING:
    from rpctrace.render.words import Signs


@record
class RenderOptions:
    """What a caller may choose. `table` is one of `table.TABLE_NAMES` or None for the short report; `width_columns` is
    where lines should end (None: nowhere); `verbosity` 1 adds details. Without `encoding_is_utf8` the words of the
    report itself, and all of JSON, are ASCII. `command`: the words, captures and options, of which `rpctrace analyze`
    makes this report again."""

    table: str | None = None
    width_columns: int | None = None
    verbosity: int = 0
    color: bool = False
    encoding_is_utf8: bool = True
    command: tuple[str, ...] = ()

    @property
    def signs(self) -> Signs:
        from rpctrace.render.words import ASCII_SIGNS, UNICODE_SIGNS  # which forms for programs have no use for

        return UNICODE_SIGNS if self.encoding_is_utf8 else ASCII_SIGNS


@record
class Rendering:
    """One form of the report: `name` for -f, `suffixes` for -o. `needs_pdus`: it shows `Report.pdus`. `octets`: how a
    form that is no text is written, in place of `render`. `require` raises `EngineError` where an optional part is
    missing that the form needs."""

    name: str
    suffixes: tuple[str, ...]
    summary: str
    render: Callable[[Report, TextIO, RenderOptions], None]
    needs_pdus: bool = False
    octets: Callable[[Report, BinaryIO, RenderOptions], None] | None = None
    require: Callable[[], None] | None = None
