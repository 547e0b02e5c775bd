"""Times as texts beside times as numbers. A long report has 100 000 of them, so a text is made when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import Any

from rpctrace.encoding.times import iso_8601
from rpctrace.record import THROUGH

AS_NUMBER: Any = object()  # stands for the text that says the same, for those who give both


def moment(number: str) -> Mapping[str, Any]:
    """Metadata of a field of a record that says in ISO 8601 what the field `number` before it says in nanoseconds. A
    text that says something else is kept as it is."""
    number_of: Callable[[object], int | None] = attrgetter(number)

    def through(slot: Any) -> property:
        kept, keep = slot.__get__, slot.__set__

        def get(record: object) -> str | None:
            text: str | None = kept(record)
            return iso_8601(number_of(record)) if text is AS_NUMBER else text

        def put(record: object, text: str | None) -> None:
            if text is not AS_NUMBER and text == iso_8601(number_of(record)):
                text = AS_NUMBER
            keep(record, text)

        return property(get, put)

    return {THROUGH: through}
