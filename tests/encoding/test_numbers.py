"""An unknown code stays a value, is told from a known one, and is not remembered."""

from __future__ import annotations

import pytest

from rpctrace.encoding.numbers import OpenEnum


class Colour(OpenEnum):
    RED = 1


def test_unknown_values_are_values() -> None:
    """Known and unknown compare as integers; the unknown has a name that says so."""
    assert Colour(1) is Colour.RED
    assert Colour.RED.is_known
    unknown = Colour(77)
    assert (unknown, unknown.value, unknown.name, unknown.is_known) == (77, 77, "UNKNOWN_77", False)
    with pytest.raises(ValueError, match="red"):
        Colour("red")


def test_hostile_values_fill_no_table() -> None:
    """A million different codes leave one member."""
    for value in range(2, 5000):
        Colour(value)
    assert list(Colour) == [Colour.RED]
    assert len(Colour._value2member_map_) == 1
