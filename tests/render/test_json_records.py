"""Proves: whatever a record holds, its text is that of the plainest way to write it, also when texts are remembered."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import replace
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_json import json_object
from report_values import HOSTILE_TEXTS, TICKET, full_report, refused_call

import rpctrace.report
from rpctrace.render.json_records import RecordWriter
from rpctrace.report import ErrorParameter, EvidenceItem, Host, PduLine, Report, Stream

PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(st.characters(), max_size=4) | st.sampled_from(HOSTILE_TEXTS),
    int: st.integers(-(2**64), 2**64) | st.integers(0, 3) | st.sampled_from((2**53 - 1, 2**53, 1 - 2**53, -(2**53))),
    bool: st.booleans(),
    float: st.floats(allow_nan=False, allow_infinity=False),
    type(None): st.none(),
}
RECORD_TYPES: list[Any] = [
    value
    for value in vars(rpctrace.report).values()
    if dataclasses.is_dataclass(value) and value not in (Report, PduLine)
]


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    """Everything that an annotation of the report allows."""
    if hint in PLAIN:
        return PLAIN[hint]
    if dataclasses.is_dataclass(hint):
        return st.builds(hint, **{name: values_of(each) for name, each in get_type_hints(hint).items()})
    if get_args(hint)[-1] is ...:
        return st.lists(values_of(get_args(hint)[0]), max_size=3).map(tuple)
    return st.one_of(*map(values_of, get_args(hint)))


def plainly(record: Any, indent: int | None, ascii_only: bool) -> str:
    separators = (",", ":") if indent is None else (",", ": ")
    return json.dumps(json_object(record), indent=indent, separators=separators, ensure_ascii=ascii_only)


@pytest.mark.parametrize("record_type", RECORD_TYPES)
@settings(max_examples=30, deadline=None)
@given(data=st.data(), ascii_only=st.booleans(), indent=st.sampled_from((None, 1, 2)))
def test_every_record(record_type: Any, data: st.DataObject, ascii_only: bool, indent: int | None) -> None:
    """One writer for several records and twice for each: what it remembers of one must not show in another."""
    writer = RecordWriter(ascii_only=ascii_only, indent_columns=indent)
    records = data.draw(st.lists(values_of(record_type), min_size=1, max_size=3))
    for record in records * 2:
        assert writer.record(record, 0) == plainly(record, indent, ascii_only)


def test_an_object_begins_in_the_line_of_its_depth() -> None:
    """No line end inside a text: every one is a place to indent."""
    call = refused_call(notes=("one", "two\nlines"))
    whole = plainly(call, 1, False).replace("\n", "\n  ")
    assert RecordWriter(ascii_only=False, indent_columns=1).record(call, 2) == whole


def test_more_values_than_are_remembered() -> None:
    """Also records that are gone before the next one is made, whose identity it may get."""
    writer = RecordWriter(ascii_only=False)
    for number in range(2000):
        call = refused_call(
            id=f"call-{number}", call_id=number, client=Host(f"10.0.0.{number}", number, None),
            ticket=replace(TICKET, frame=number),
        )  # fmt: skip
        assert writer.record(call, 0) == plainly(call, None, False)


def test_undecodable_octets_stand_beside_their_text_and_only_they() -> None:
    writer = RecordWriter(ascii_only=False)
    written = json.loads(writer.record(replace(TICKET, realm="caf\udce9", sname=("host", "\udcff\ud800")), 0))
    assert written["realm"] == "caf\\xe9"
    assert written["realm_hex"] == "636166e9"
    assert written["sname"] == ["host", "\\xff\\ud800"]
    assert written["sname_hex"] == ["686f7374", "ffeda080"]
    assert "_hex" not in writer.record(TICKET, 0)
    assert "realm_hex" not in writer.record(replace(TICKET, realm="\x1b\u202e"), 0)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (2**53 - 1, "9007199254740991"),
        (2**53, '"9007199254740992"'),
        (-(2**53), '"-9007199254740992"'),
        (2**64 - 1, '"18446744073709551615"'),
        (True, "true"),
        (1, "1"),
        (None, "null"),
        ("1e5", '"1e5"'),
    ],
)
def test_integers_stay_exact_for_every_reader(value: Any, expected: str) -> None:
    writer = RecordWriter(ascii_only=False)
    assert writer.record(ErrorParameter("integer", value), 0) == f'{{"type":"integer","value":{expected}}}'


def test_times_in_nanoseconds_stay_integers() -> None:
    (stream, *_) = full_report().streams
    assert isinstance(stream, Stream)
    text = RecordWriter(ascii_only=False).record(replace(stream, first_ns=2**60, missing_octets=2**60), 0)
    assert f'"first_ns":{2**60}' in text
    assert f'"missing_octets":"{2**60}"' in text


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_number_that_json_lacks_is_refused(number: float) -> None:
    with pytest.raises(ValueError):
        RecordWriter(ascii_only=False).record(EvidenceItem(True, "", 0, 1, None, number), 0)
