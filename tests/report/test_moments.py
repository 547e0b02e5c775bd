"""A text beside a number is the number's own until somebody says otherwise."""

from __future__ import annotations

import pickle
from dataclasses import FrozenInstanceError, field, replace

import pytest

from rpctrace.record import record
from rpctrace.report.moments import moment


@record
class Seen:
    first_ns: int | None
    first_time: str | None = field(metadata=moment("first_ns"))
    frame: int


SEEN = Seen(1_330_852_502_000_000_000, "2012-03-04T09:15:02.000000000Z", 7)


@pytest.mark.parametrize("text", [SEEN.first_time, "long ago", None])
def test_a_text_is_what_was_given(text: str | None) -> None:
    seen = Seen(SEEN.first_ns, text, 7)
    assert seen.first_time == text
    assert repr(seen) == f"Seen(first_ns={SEEN.first_ns}, first_time={text!r}, frame=7)"
    assert pickle.loads(pickle.dumps(seen)) == replace(seen, frame=7) == seen
    assert (seen == SEEN) == (text == SEEN.first_time)


def test_it_follows_no_other_number() -> None:
    """What a record is made from says both."""
    assert replace(SEEN, first_ns=0).first_time == SEEN.first_time
    assert replace(SEEN, first_ns=None, first_time=None).first_time is None


def test_it_does_not_change() -> None:
    with pytest.raises(FrozenInstanceError):
        SEEN.first_time = None  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del SEEN.first_time


def test_what_is_derived_has_the_same_texts() -> None:
    @record
    class Marked(Seen):
        mark: int = 0

    marked = Marked(SEEN.first_ns, SEEN.first_time, 7, 1)
    assert (marked.first_time, marked.mark) == (SEEN.first_time, 1)
