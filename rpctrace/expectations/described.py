"""The records of one kind, and which of them an entry describes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import Any

from rpctrace.expectations.values import Entry, Kind
from rpctrace.report import Report


class Described:
    """Records are found by what they have under the keys of an entry, so that many entries do not each look at all."""

    def __init__(self, kind: Kind, report: Report) -> None:
        self.kind = kind
        self.records: Sequence[Any] = kind.records(report)
        self._by_key: dict[str, dict[object, list[int]]] = {}

    def places_of(self, entry: Entry) -> list[int]:
        """The places of the records that an entry describes, ascending."""
        places: Sequence[int] = range(len(self.records))
        for check in entry.checks:
            if check.values is None or not places:
                continue
            having = self._having(check.name)
            if sum(len(having.get(value, ())) for value in check.values) < len(places):
                places = sorted(place for value in check.values for place in having.get(value, ()))
        return [place for place in places if entry.describes(self.records[place])]

    def agreeing(self, entry: Entry) -> list[int]:
        """With how many keys of an entry each record agrees."""
        counts = [0] * len(self.records)
        for check in entry.checks:
            if check.values is None:
                places: Iterable[int] = (p for p, record in enumerate(self.records) if check.agrees(record))
            else:
                having = self._having(check.name)
                places = chain.from_iterable(having.get(value, ()) for value in check.values)
            for place in places:
                counts[place] += 1
        return counts

    def _having(self, name: str) -> dict[object, list[int]]:
        """value -> places of the records that have it under a key"""
        having = self._by_key.get(name)
        if having is None:
            having = self._by_key[name] = {}
            held = self.kind.keys[name].held
            assert held is not None  # a check has values only where records hold some
            for place, record in enumerate(self.records):
                having.setdefault(held(record), []).append(place)
        return having
