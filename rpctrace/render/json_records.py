"""Dataclasses of the report -> JSON text: field for field, in their order, and nothing more.

Text goes through `safe_text`. A text or a list of texts whose octets did not decode gets a neighbour `<name>_hex` with
the octets. An integer that an IEEE 754 double cannot hold is a text, except times in nanoseconds.

How a field is written follows from its annotation, and is worked out once for a type of record. Most records repeat the
values of the one before, so the texts of the last few are remembered: of plain values by value, of records by identity.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from json.encoder import encode_basestring, encode_basestring_ascii
from operator import attrgetter, call
from typing import Any

from rpctrace.encoding.text import safe_text
from rpctrace.report import Report

LARGEST_EXACT_INTEGER = 2**53 - 1  # RFC 8259 6: beyond it readers that use IEEE 754 doubles lose digits
LEFT_OUT = (Report, "pdus")  # for the Network Monitor view alone

_REMEMBERED = 256  # texts of one field

Writer = Callable[[Any], str]


def members(record_type: type[Any]) -> list[tuple[str, str, str]]:
    """(attribute, name in JSON, annotation) in the order of the dataclass."""
    return [
        (field.name, field.metadata.get("name", field.name), str(field.type))
        for field in dataclasses.fields(record_type)
        if (record_type, field.name) != LEFT_OUT
    ]


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


def _octets_beside(value: object) -> str | tuple[str, ...] | None:
    """The octets of a text or of a list of texts, where one of them holds octets that are no text."""
    if isinstance(value, str):
        return _octets(value).hex() if _has_surrogates(value) else None
    if isinstance(value, tuple):
        texts = tuple(item for item in value if isinstance(item, str))
        if len(texts) == len(value) and any(map(_has_surrogates, texts)):
            return tuple(_octets(text).hex() for text in texts)
    return None


def _integer(value: int) -> str:
    digits = int.__repr__(value)
    return digits if -LARGEST_EXACT_INTEGER <= value <= LARGEST_EXACT_INTEGER else f'"{digits}"'


def _remembered_by_identity(write: Writer) -> Writer:
    """For records: to compare two takes as long as to write one. A value is held with its text, so that no other value
    can have its identity."""
    texts: dict[int, tuple[object, str]] = {}

    def remembered(value: object) -> str:
        known = texts.get(id(value))
        if known is not None:
            return known[1]
        text = write(value)
        if len(texts) >= _REMEMBERED:
            texts.clear()
        texts[id(value)] = value, text
        return text

    return remembered


class RecordWriter:
    """Writes records of any type. Without `indent_columns` there is no white space at all; `ascii_only` escapes."""

    def __init__(self, *, ascii_only: bool, indent_columns: int | None = None) -> None:
        self.string: Callable[[str], str] = encode_basestring_ascii if ascii_only else encode_basestring
        self.colon = ":" if indent_columns is None else ": "
        self._indent_columns = indent_columns
        self._writers: dict[tuple[type[Any], int], Writer] = {}

    def line_end(self, depth: int) -> str:
        """What stands between two tokens where a new line of this depth begins."""
        return "" if self._indent_columns is None else "\n" + " " * (self._indent_columns * depth)

    def value(self, value: object, name: str, depth: int) -> str:
        """The value of a member `name`, or an item of it; it begins in a line of this depth."""
        if value is None:
            return "null"
        if isinstance(value, str):
            return self.string(safe_text(value))
        if isinstance(value, bool | float):
            return json.dumps(value, allow_nan=False)
        if isinstance(value, int):
            return int.__repr__(value) if name.endswith("_ns") else _integer(value)
        if not isinstance(value, tuple):
            return self.record(value, depth)
        if not value:
            return "[]"
        start = self.line_end(depth + 1)
        items = f",{start}".join([self.value(item, name, depth + 1) for item in value])
        return f"[{start}{items}{self.line_end(depth)}]"

    def record(self, record: object, depth: int) -> str:
        """One dataclass of `rpctrace.report` -> the JSON object that stands for it."""
        key = type(record), depth
        write = self._writers.get(key)
        if write is None:
            write = self._writers[key] = self._writer(type(record), depth)
        return write(record)

    def _writer(self, record_type: type[Any], depth: int) -> Writer:
        found = members(record_type)
        writers = [_writer_for(name, annotation, _Member(self, name, depth + 1)) for _, name, annotation in found]
        # The first attribute once more, because a getter of one name gives no tuple; the writers end before it.
        attributes = [attribute for attribute, *_ in found]
        values: Callable[[object], tuple[object, ...]] = attrgetter(*attributes, attributes[0])
        start = self.line_end(depth + 1)
        join, opening, closing = f",{start}".join, f"{{{start}", f"{self.line_end(depth)}}}"
        return lambda record: f"{opening}{join(map(call, writers, values(record)))}{closing}"


class _Member:
    """Writes one member of an object: its name, the value, and the neighbour where there is one.

    `anything` is how it is done; the others do it sooner for a value of their type that needs no care.
    """

    __slots__ = ("_close", "_depth", "_join", "_name", "_open", "_records", "_start")

    def __init__(self, records: RecordWriter, name: str, depth: int) -> None:
        self._records, self._name, self._depth = records, name, depth
        self._start = records.string(name) + records.colon
        item = records.line_end(depth + 1)
        self._open, self._join, self._close = f"{self._start}[{item}", f",{item}".join, f"{records.line_end(depth)}]"

    def anything(self, value: object) -> str:
        written = self._start + self._records.value(value, self._name, self._depth)
        octets = _octets_beside(value)
        if octets is None:
            return written
        beside = _Member(self._records, f"{self._name}_hex", self._depth)
        return f"{written},{self._records.line_end(self._depth)}{beside.anything(octets)}"

    def text(self, value: str | None) -> str:
        if value is None or not value.isprintable():
            return self.anything(value)
        return self._start + self._records.string(value)

    def integer(self, value: int | None) -> str:
        return self.anything(value) if value is None else self._start + _integer(value)

    def nanoseconds(self, value: int | None) -> str:
        return self.anything(value) if value is None else self._start + int.__repr__(value)

    def integers(self, value: tuple[int, ...] | None) -> str:
        if not value:
            return self.anything(value)
        items = _integer(value[0]) if len(value) == 1 else self._join(map(_integer, value))
        return f"{self._open}{items}{self._close}"


class _Texts(dict[Any, str]):
    """The texts of values, as `write` gives them."""

    __slots__ = ("_write",)

    def __init__(self, write: Writer) -> None:
        self._write = write

    def __missing__(self, value: Any) -> str:
        text = self._write(value)
        if len(self) >= _REMEMBERED:
            self.clear()
        self[value] = text
        return text


def _by_value(write: Writer) -> Writer:
    return _Texts(write).__getitem__  # as fast as an `lru_cache`, and made in a tenth of the time


# Annotation without "| None" -> how such a field is written.
_WRITERS: dict[str, Callable[[_Member], Writer]] = {
    "bool": lambda member: _by_value(member.anything),
    "int": lambda member: _by_value(member.integer),
    "str": lambda member: _by_value(member.text),
    "tuple[int, ...]": lambda member: member.integers,
    "tuple[str, ...]": lambda member: _by_value(member.anything),
}
# Ends of the names of fields that hardly ever repeat a value.
_MOMENTS: dict[str, Callable[[_Member], Writer]] = {
    "_ns": lambda member: member.nanoseconds,
    "_time": lambda member: member.text,
}


def _writer_for(name: str, annotation: str, member: _Member) -> Writer:
    for ending, writer in _MOMENTS.items():
        if name.endswith(ending):
            return writer(member)
    writer_of = _WRITERS.get(annotation.removesuffix(" | None"))
    return _remembered_by_identity(member.anything) if writer_of is None else writer_of(member)
