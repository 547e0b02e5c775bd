"""What was given is held no longer, and comes in its order."""

from __future__ import annotations

from rpctrace.emptying import emptied


def test_a_list_shrinks_as_it_is_read() -> None:
    records = [1, 2, 3]
    assert [(record, len(records)) for record in emptied(records)] == [(1, 2), (2, 1), (3, 0)]
    assert records == []
