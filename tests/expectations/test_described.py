"""What an entry describes is found by its keys, and is what looking at every record finds."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from report_values import HOSTILE_TEXTS, full_report, hostile_report, refused_call

from rpctrace.expectations.described import Described
from rpctrace.expectations.generated import generated
from rpctrace.expectations.keys import KINDS
from rpctrace.expectations.reading import entry_of
from rpctrace.expectations.values import Entry


@pytest.mark.parametrize("report", [full_report(), *map(hostile_report, HOSTILE_TEXTS)])
@pytest.mark.parametrize("table", KINDS)
def test_it_is_what_looking_at_every_record_finds(table: str, report: object) -> None:
    """With every key of every block that --update would write, alone and together."""
    kind = KINDS[table]
    described = Described(kind, report)  # type: ignore[arg-type]
    for block in generated(described, lambda _place, _record: True):
        values = tomllib.loads("\n".join(block.lines[1:]))
        for given in (values, *({key: value} for key, value in values.items())):
            entry = entry_of(given, kind, 0)
            every = [place for place, record in enumerate(described.records) if entry.describes(record)]
            assert described.places_of(entry) == every
            agreeing = [sum(check.agrees(record) for check in entry.checks) for record in described.records]
            assert described.agreeing(entry) == agreeing
            assert every or "count" in given


def test_few_records_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that have what the rarest key asks for."""
    calls = tuple(refused_call(id=f"call-{number}", opnum=number % 500) for number in range(1000))
    described = Described(KINDS["call"], replace(full_report(), calls=calls))
    looked_at = []
    describes = Entry.describes
    monkeypatch.setattr(Entry, "describes", lambda self, record: looked_at.append(record) or describes(self, record))
    entry = entry_of({"kind": "alter_context", "status": "0x721", "opnum": 7}, KINDS["call"], 0)
    assert described.places_of(entry) == [7, 507]
    assert len(looked_at) == 2
    assert described.places_of(entry_of({"opnum": 500}, KINDS["call"], 0)) == []
    assert len(described.places_of(entry_of({}, KINDS["call"], 0))) == 1000
