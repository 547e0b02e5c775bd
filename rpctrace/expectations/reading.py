"""A file of expectations: TOML -> `Expectation`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

from rpctrace.errors import UsageError
from rpctrace.expectations.blocks import table_of
from rpctrace.expectations.keys import CALL, FINDING, KINDS, SHORT, is_above_a_note, of_type
from rpctrace.expectations.values import Check, Entry, Expectation, Kind, NotMeant

# Without one of these a finding is one that is claimed: a note is a weaker hypothesis.
_SURE_KEYS = {"severity", "least_confidence", "most_confidence"}
_VALUES = ("failed", "calls", "complete", "exact", "tolerate_extra")
_LISTS, _TABLES = (*KINDS, "absent"), ("require", "forbid")
_WRITTEN = {**{name: f"[[{name}]]" for name in _LISTS}, **{name: f"[{name}]" for name in _TABLES}}


def read_expectation(text: str, name: str) -> Expectation:
    """Raises `NotMeant` with `name` and the line where the text is no TOML or says what cannot be meant."""
    document = parsed(text, name)
    for key, value in document.items():
        if wrong := _not_at_the_top(key, value):
            raise NotMeant(name, f"line {_line_of(text, key)}", wrong)

    def top(key: str, kind: type, otherwise: Any) -> Any:
        try:
            return of_type(document[key], kind) if key in document else otherwise
        except UsageError as error:
            raise NotMeant(name, f"line {_line_of(text, key)}", f"{key}: {error}") from None

    entries: list[Entry] = []
    for kind in KINDS.values():
        entries += _entries(top(kind.table, list, []), kind, kind.table, text, name)
    entries += _entries(top("absent", list, []), CALL, "absent", text, name)
    entries += _short(top("require", dict, {}), "require", text, name)
    entries += _short(top("forbid", dict, {}), "forbid", text, name)
    return Expectation(
        failed=top("failed", int, None),
        calls=top("calls", int, None),
        complete=top("complete", bool, True),
        exact=top("exact", bool, False),
        tolerate_extra=top("tolerate_extra", bool, True),
        entries=tuple(sorted(entries, key=lambda entry: entry.line)),
        lines={key: _line_of(text, key) for key in ("failed", "calls", "complete") if key in document},
    )


def _not_at_the_top(key: str, value: object) -> str | None:
    """What is wrong with a key at the top of a file, so that no slip of a table's name or brackets passes."""
    is_list = isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)
    if key in _WRITTEN and isinstance(value, dict if key in _LISTS else list):
        return f"{key} should be written {_WRITTEN[key]}"
    if key not in (*_VALUES, *_WRITTEN) or (key in _VALUES and (isinstance(value, dict) or is_list)):
        if isinstance(value, dict) or is_list:
            given = f"[[{key}]]" if is_list else f"[{key}]"
            return f"no table {given}; there are: {', '.join(_WRITTEN.values())}"
        return f"no key {key!r}; there are: {', '.join((*_VALUES, *_WRITTEN))}"
    return None


def parsed(text: str, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        why, at, place = str(error).removesuffix(")").rpartition(" (at ")
        raise NotMeant(name, place, why) if at else NotMeant(name, "", str(error)) from None
    except (ValueError, RecursionError):  # tomllib's other ends: int() of too many digits, brackets in brackets
        raise NotMeant(name, "", "a number too long or tables too deep to be expectations") from None


def _line_of(text: str, key: str, table: str | None = None) -> int:
    """Where a key is first given (below `[table]`, where one is named); 1 where it hides (in an inline table)."""
    head = 0 if table is None else _line_of(text, table)
    wanted = re.compile(rf"\s*\[*\s*(?:\w+\s*\.\s*)?[\"']?{re.escape(key)}[\"']?\s*(=|\.|\])")
    found = [number for number, line in enumerate(text.split("\n"), 1) if number >= head and wanted.match(line)]
    return found[0] if found else head or 1


def _entry_lines(text: str, table: str) -> list[int]:
    lines = text.split("\n")
    return [number for number, line in enumerate(lines, 1) if "[[" in line and table_of(line) == table]


def _entries(tables: list[Any], kind: Kind, table: str, text: str, name: str) -> Iterator[Entry]:
    lines = _entry_lines(text, table)
    for place, given in enumerate(tables):
        line = lines[place] if place < len(lines) else 1
        try:
            yield entry_of(of_type(given, dict), kind, line, forbidden=table != kind.table)
        except UsageError as error:
            raise NotMeant(name, f"[[{table}]] in line {line}", str(error)) from None


def entry_of(given: dict[str, Any], kind: Kind, line: int, forbidden: bool = False) -> Entry:
    """One table of a file. Raises `UsageError`."""
    checks: list[Check] = []
    for key, value in given.items():
        if key == "count" and not forbidden:
            continue
        if key not in kind.keys:
            raise UsageError(f"no key {key!r}; there are: {', '.join(kind.keys)}")
        try:
            checks.append(Check(key, _value_words(value), kind.keys[key].shown, *kind.keys[key].wanted(value)))
        except UsageError as error:
            raise UsageError(f"{key}: {error}") from None
        if forbidden and kind is FINDING and key == "rule":
            _some_rule(value)
    count = of_type(given["count"], int) if "count" in given and not forbidden else None
    if kind is FINDING and not _SURE_KEYS & given.keys():
        shown = kind.keys["severity"].shown
        checks.append(Check("severity", "above a note", shown, is_above_a_note, is_written=False))
    return Entry(kind, line, tuple(checks), count, forbidden)


def _some_rule(pattern: str) -> None:
    """A name that is written wrong would be absent for ever."""
    from rpctrace.diagnosis.registry import RULES

    if not any(fnmatchcase(rule.name, pattern) for rule in RULES):
        raise UsageError(f"no rule is named {pattern!r}; there are: {', '.join(rule.name for rule in RULES)}")


def _short(given: dict[str, Any], table: str, text: str, name: str) -> Iterator[Entry]:
    """`[require]` and `[forbid]`: lists of single values, and in `[forbid]` also tables of entries."""
    forbidden = table == "forbid"
    for key, value in given.items():
        line = _line_of(text, key, table)
        if forbidden and key in KINDS:
            if isinstance(value, dict):
                raise NotMeant(name, f"line {line}", f"{table}.{key} should be written [[{table}.{key}]]")
            try:
                tables = of_type(value, list)
            except UsageError as error:
                raise NotMeant(name, f"line {line}", f"{table}.{key}: {error}") from None
            yield from _entries(tables, KINDS[key], f"{table}.{key}", text, name)
            continue
        if key not in SHORT:
            known = (*SHORT, *KINDS) if forbidden else SHORT
            raise NotMeant(name, f"line {line}", f"no key {key!r} in [{table}]; there are: {', '.join(known)}")
        kind, single = SHORT[key]
        try:
            for item in of_type(value, list):
                yield entry_of({single: item}, kind, line, forbidden)
        except UsageError as error:
            raise NotMeant(name, f"line {line}", f"{table}.{key}: {error}") from None


def _value_words(value: object) -> str:
    if isinstance(value, list):
        return " ".join(str(item) for item in value)
    return str(value).lower() if isinstance(value, bool) else str(value)
