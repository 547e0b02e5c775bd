"""Report -> the JSON document `rpctrace.report/1`: one object whose lists hold one object a record.

Deterministic, always valid UTF-8, no NaN. Written some records at a time, so memory does not grow with the text.
"""

from __future__ import annotations

import os
from typing import TextIO

from rpctrace.render.json_records import RecordWriter, members
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.report import SCHEMA, Report

_INDENT_COLUMNS = 1
_RECORDS_AT_ONCE = 128


def render(report: Report, out: TextIO, options: RenderOptions) -> None:
    write_document(report, SCHEMA, out, options)


def write_document(whole: object, schema: str, out: TextIO, options: RenderOptions) -> None:
    """A record that is a whole document: the name of its schema, then its members, of long lists some at a time."""
    writer = RecordWriter(ascii_only=not options.encoding_is_utf8, indent_columns=_INDENT_COLUMNS)
    out.write(f'{{\n "schema": {writer.string(schema)}')
    for attribute, name, _ in members(type(whole)):
        value = getattr(whole, attribute)
        out.write(f',\n "{name}": ')
        if isinstance(value, tuple) and value and not isinstance(value[0], str):
            _write_records(value, out, writer)
        else:
            out.write(writer.value(value, name, 1))
    out.write("\n}\n")


def _write_records(records: tuple[object, ...], out: TextIO, writer: RecordWriter) -> None:
    """A list of the document, some records at a time."""
    for first in range(0, len(records), _RECORDS_AT_ONCE):
        out.write(",\n  " if first else "[\n  ")
        out.write(",\n  ".join([writer.record(record, 2) for record in records[first : first + _RECORDS_AT_ONCE]]))
    out.write("\n ]")


def schema_text() -> str:
    """The JSON Schema of the document (what `rpctrace schema` prints)."""
    # The package's own loader reads it, also from a zip file.
    assert __spec__ is not None
    octets: bytes = __spec__.loader.get_data(os.path.join(os.path.dirname(__file__), "report.schema.json"))  # type: ignore[union-attr]  # a file or zip loader has it
    return octets.decode("utf-8")


RENDERING = Rendering("json", (".json",), "the whole report as one JSON document", render)
