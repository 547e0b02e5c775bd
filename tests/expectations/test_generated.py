"""Blocks for records: each describes what it was made for, whatever the record holds."""

from __future__ import annotations

import tomllib

import pytest
from report_values import HOSTILE_TEXTS, full_report, hostile_report

from rpctrace.expectations.described import Described
from rpctrace.expectations.generated import generated
from rpctrace.expectations.keys import KINDS
from rpctrace.expectations.reading import entry_of
from rpctrace.report import Report


@pytest.mark.parametrize("report", [full_report(), *map(hostile_report, HOSTILE_TEXTS)])
@pytest.mark.parametrize("table", KINDS)
def test_a_block_describes_its_records(table: str, report: Report) -> None:
    kind = KINDS[table]
    described = Described(kind, report)
    records = described.records
    blocks = generated(described, lambda _place, _record: True)
    assert sorted(place for block in blocks for place in block.places) == list(range(len(records)))
    assert records
    for block in blocks:
        assert block.lines[0] == f"[[{table}]]"
        entry = entry_of(tomllib.loads("\n".join(block.lines[1:])), kind, 0)
        assert all(entry.describes(records[place]) for place in block.places)


def test_what_is_not_wanted_gets_none() -> None:
    calls = Described(KINDS["call"], full_report())
    assert generated(calls, lambda place, _record: place == 1)[0].places == (1,)
    assert generated(calls, lambda _place, _record: False) == []
