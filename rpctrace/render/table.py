"""Report -> the text that a terminal shows: the short report, or one of the full tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from rpctrace.errors import UsageError
from rpctrace.render.finding_text import finding_lines, records_by_id
from rpctrace.render.full_tables import FULL_TABLES
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.render.short_report import short_report_lines
from rpctrace.report import Report

TABLE_NAMES = ("findings", *FULL_TABLES)


def _finding_lines(report: Report, options: RenderOptions) -> Iterator[str]:
    if not report.findings:
        yield "No findings."
    records = records_by_id(report)
    for place, finding in enumerate(report.findings):
        for line_place, line in enumerate(finding_lines(finding, report, options, records)):
            if place or line_place:
                yield line


def _lines(report: Report, options: RenderOptions) -> Iterator[str]:
    if options.table is None:
        return short_report_lines(report, options)
    if options.table == "findings":
        return _finding_lines(report, options)
    table = FULL_TABLES.get(options.table)
    if table is None:
        raise UsageError(f"no table {options.table!r}; there are: {', '.join(TABLE_NAMES)}")
    return table.lines(report, options, options.signs)


def render(report: Report, out: TextIO, options: RenderOptions) -> None:
    for line in _lines(report, options):
        out.write(line + "\n")


RENDERING = Rendering("text", (".txt",), "a short report for a terminal, or one --table", render)
