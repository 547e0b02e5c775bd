"""Report -> one JSON object a line, each with its `type`: what a log pipeline or `jq` reads without loading the whole.

The order is tool, capture, call, kerberos, host_clock, log, log_entry, summary, stream, finding, problem, limit; the
last line is `end` with a count of each. A file without `end` was cut short.
"""

from __future__ import annotations

import json
from typing import TextIO

from rpctrace.render.json_records import RecordWriter
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.report import SCHEMA, Report

_LINES_AT_ONCE = 128
# (type of the line, attribute of the report)
LINE_TYPES = (
    ("capture", "captures"),
    ("call", "calls"),
    ("kerberos", "kerberos"),
    ("host_clock", "host_clocks"),
    ("log", "logs"),
    ("log_entry", "log_entries"),
    ("summary", "summary"),
    ("stream", "streams"),
    ("finding", "findings"),
    ("problem", "problems"),
    ("limit", "limits"),
)


def render(report: Report, out: TextIO, options: RenderOptions) -> None:
    writer = RecordWriter(ascii_only=not options.encoding_is_utf8)
    schema = writer.string(SCHEMA)
    out.write(f'{{"type":"tool","schema":{schema},{writer.record(report.tool, 0)[1:]}\n')
    for line_type, attribute in LINE_TYPES:
        start = f'{{"type":"{line_type}",'
        records = getattr(report, attribute)
        for first in range(0, len(records), _LINES_AT_ONCE):
            at_once = records[first : first + _LINES_AT_ONCE]
            out.write("".join([f"{start}{writer.record(record, 0)[1:]}\n" for record in at_once]))
    counts = {attribute: len(getattr(report, attribute)) for _, attribute in LINE_TYPES}
    end = {"type": "end", "complete": report.complete, **counts}
    out.write(json.dumps(end, separators=(",", ":")) + "\n")


RENDERING = Rendering("jsonl", (".jsonl", ".ndjson"), "one JSON object a line", render)
