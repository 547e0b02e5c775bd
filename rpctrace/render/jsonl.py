"""Report -> one JSON object a line, each with its `type`: what a log pipeline or `jq` reads without loading the whole.

The order is that of `LINE_TYPES`, after a line `tool`: captures, calls, what happened before and beside them,
connections, findings, what could not be read. The last line is `end` with a count of each, and with what there
was before filters took some out; a file without it was cut short.
"""

from __future__ import annotations

import json
from dataclasses import asdict
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
    ("referral_path", "referral_paths"),
    ("authentication", "authentications"),
    ("endpoint", "endpoints"),
    ("event", "events"),
    ("clock", "clocks"),
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
    before = None if report.unfiltered is None else asdict(report.unfiltered)
    end = {"type": "end", "complete": report.complete, **counts, "unfiltered": before}
    out.write(json.dumps(end, separators=(",", ":")) + "\n")


RENDERING = Rendering("jsonl", (".jsonl", ".ndjson"), "one JSON object a line", render)
