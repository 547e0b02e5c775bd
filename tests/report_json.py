"""What the JSON of a report must be, in the plainest way: a dictionary for every record, written by `json.dumps`."""

from __future__ import annotations

import dataclasses
from typing import Any

from rpctrace.encoding.text import safe_text
from rpctrace.report import SCHEMA, Report


def surrogates_in(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def octets(text: str) -> str:
    """The octets of a text in hexadecimal: undecodable ones as they were, lone UTF-16 surrogates as WTF-8."""
    return b"".join(
        bytes((ord(character) - 0xDC00,))
        if "\udc80" <= character <= "\udcff"
        else character.encode("utf-8", "surrogatepass")
        for character in text
    ).hex()


def json_value(name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, int):
        return value if abs(value) < 2**53 or name.endswith("_ns") else str(value)
    if isinstance(value, tuple):
        return [json_value(name, item) for item in value]
    return json_object(value)


def json_object(record: Any) -> dict[str, Any]:
    """One dataclass of the report as the JSON object that the document holds for it."""
    result: dict[str, Any] = {}
    for member in dataclasses.fields(record):
        if (type(record), member.name) == (Report, "pdus"):
            continue
        name, value = member.metadata.get("name", member.name), getattr(record, member.name)
        result[name] = json_value(name, value)
        if isinstance(value, str) and surrogates_in(value):
            result[f"{name}_hex"] = octets(value)
        texts = value if isinstance(value, tuple) and all(isinstance(item, str) for item in value) else ()
        if any(map(surrogates_in, texts)):
            result[f"{name}_hex"] = [octets(item) for item in texts]
    return result


def document(report: Report) -> dict[str, Any]:
    return {"schema": SCHEMA, **json_object(report)}
