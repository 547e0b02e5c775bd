"""Report -> one JSON object a line, each with its `type`: what a log pipeline or `jq` reads without loading the whole.

The order is tool, capture, call, kerberos, log_entry, summary, stream, finding, problem, limit; the last line is `end`
with a count of each. A file without `end` was cut short.
"""

from __future__ import annotations

from typing import TextIO

from rpctrace.render.json import encode, json_object
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.report import SCHEMA, Report

# (type of the line, attribute of the report)
LINE_TYPES = (
    ("capture", "captures"),
    ("call", "calls"),
    ("kerberos", "kerberos"),
    ("log_entry", "log_entries"),
    ("summary", "summary"),
    ("stream", "streams"),
    ("finding", "findings"),
    ("problem", "problems"),
    ("limit", "limits"),
)


def write_line(line_type: str, members: dict[str, object], out: TextIO, options: RenderOptions) -> None:
    out.write(encode({"type": line_type, **members}, options) + "\n")


def render(report: Report, out: TextIO, options: RenderOptions) -> None:
    write_line("tool", {"schema": SCHEMA, **json_object(report.tool)}, out, options)
    counts: dict[str, object] = {}
    for line_type, attribute in LINE_TYPES:
        records = getattr(report, attribute)
        counts[attribute] = len(records)
        for record in records:
            write_line(line_type, json_object(record), out, options)
    write_line("end", {"complete": report.complete, **counts}, out, options)


RENDERING = Rendering("jsonl", (".jsonl", ".ndjson"), "one JSON object a line", render)
