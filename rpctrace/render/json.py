"""Report -> the JSON document `rpctrace.report/1`: the dataclasses field for field, in their order, and nothing more.

Deterministic, always valid UTF-8 (text through `safe_text`), no NaN. A text or a list of texts whose octets did not
decode gets a neighbour `<name>_hex` with the octets. Written record by record, so memory does not grow with the text.
"""

from __future__ import annotations

import dataclasses
import json
import os
from functools import cache
from typing import Any, TextIO

from rpctrace.encoding.text import safe_text
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.report import SCHEMA, Report

LARGEST_EXACT_INTEGER = 2**53 - 1  # RFC 8259 6: beyond it readers that use IEEE 754 doubles lose digits
LEFT_OUT = (Report, "pdus")  # for the Network Monitor view alone

_INDENT = 1


@cache
def _members(record_type: type[Any]) -> tuple[tuple[str, str], ...]:
    """(attribute, name in JSON) in the order of the dataclass."""
    return tuple(
        (field.name, field.metadata.get("name", field.name))
        for field in dataclasses.fields(record_type)
        if (record_type, field.name) != LEFT_OUT
    )


def _has_surrogates(text: str) -> bool:
    return not text.isprintable() and any("\ud800" <= character <= "\udfff" for character in text)


def _octets(text: str) -> bytes:
    """The octets that `text` came from: escapes of `surrogateescape` are octets again, UTF-16 surrogates as WTF-8."""
    return b"".join(
        bytes((ord(character) - 0xDC00,))
        if "\udc80" <= character <= "\udcff"
        else character.encode("utf-8", "surrogatepass")
        for character in text
    )


def _hex_neighbour(value: object) -> str | list[str] | None:
    """The octets of a text or of a list of texts, where one of them holds octets that are no text."""
    if isinstance(value, str):
        return _octets(value).hex() if _has_surrogates(value) else None
    if isinstance(value, tuple):
        texts = [item for item in value if isinstance(item, str)]
        if len(texts) == len(value) and any(map(_has_surrogates, texts)):
            return [_octets(text).hex() for text in texts]
    return None


def _value(name: str, value: object) -> object:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, int):
        exact = -LARGEST_EXACT_INTEGER <= value <= LARGEST_EXACT_INTEGER or name.endswith("_ns")
        return value if exact else str(value)
    if isinstance(value, tuple):
        return [_value(name, item) for item in value]
    return json_object(value)


def json_object(record: object) -> dict[str, object]:
    """One dataclass of `rpctrace.report` -> the JSON object that the document holds for it."""
    result: dict[str, object] = {}
    for attribute, name in _members(type(record)):  # type: ignore[arg-type]  # a class is hashable
        value = getattr(record, attribute)
        result[name] = _value(name, value)
        octets = _hex_neighbour(value)
        if octets is not None:
            result[f"{name}_hex"] = octets
    return result


def document(report: Report) -> dict[str, object]:
    """The whole document as one value, for readers that want it in memory."""
    return {"schema": SCHEMA, **json_object(report)}


def encode(value: object, options: RenderOptions, indent: int | None = None) -> str:
    separators = (",", ": ") if indent is not None else (",", ":")
    return json.dumps(
        value, indent=indent, separators=separators, ensure_ascii=not options.encoding_is_utf8, allow_nan=False
    )


def _indented(value: object, options: RenderOptions, depth: int) -> str:
    # A JSON text holds no raw line feed inside a string, so every one is a place to indent.
    return encode(value, options, _INDENT).replace("\n", "\n" + " " * (_INDENT * depth))


def render(report: Report, out: TextIO, options: RenderOptions) -> None:
    out.write(f'{{\n "schema": {encode(SCHEMA, options)}')
    for attribute, name in _members(Report):
        value = getattr(report, attribute)
        out.write(f',\n "{name}": ')
        if not isinstance(value, tuple):
            out.write(_indented(_value(name, value), options, 1))
        elif not value:
            out.write("[]")
        else:
            for place, record in enumerate(value):
                out.write(",\n  " if place else "[\n  ")
                out.write(_indented(json_object(record), options, 2))
            out.write("\n ]")
    out.write("\n}\n")


def schema_text() -> str:
    """The JSON Schema of the document (what `rpctrace schema` prints)."""
    # The package's own loader reads it, also from a zip file.
    assert __spec__ is not None
    octets: bytes = __spec__.loader.get_data(os.path.join(os.path.dirname(__file__), "report.schema.json"))  # type: ignore[union-attr]  # a file or zip loader has it
    return octets.decode("utf-8")


RENDERING = Rendering("json", (".json",), "the whole report as one JSON document", render)
