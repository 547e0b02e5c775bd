"""From one form of many records to another without holding them in both."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

_Record = TypeVar("_Record")


def emptied(records: list[_Record]) -> Iterator[_Record]:
    """The records in their order; the list holds none any more that was given."""
    records.reverse()
    while records:
        yield records.pop()
