"""An enum off the wire keeps values that it does not know, and does not remember them."""

from __future__ import annotations

import json
import pickle

import pytest

from rpctrace.encoding.numbers import OpenEnum


class Colour(OpenEnum):
    RED = 1
    NEGATIVE = -5


def test_known_values() -> None:
    """Members as of any IntEnum."""
    assert Colour(1) is Colour.RED
    assert (Colour.RED.is_known, Colour(-5).name) == (True, "NEGATIVE")


@pytest.mark.parametrize("value", [0, 2, -1, 2**64])
def test_unknown_values(value: int) -> None:
    """A member with a name that says so: equal to its number, written as a number, and it travels."""
    unknown = Colour(value)
    assert isinstance(unknown, Colour)
    assert (unknown, unknown.value, unknown.name, unknown.is_known) == (value, value, f"UNKNOWN_{value}", False)
    assert unknown == Colour(value)
    assert hash(unknown) == hash(value)
    assert json.dumps({"n": unknown}) == f'{{"n": {value}}}'
    assert pickle.loads(pickle.dumps(unknown)) == unknown


def test_unknown_values_are_not_remembered() -> None:
    """Hostile input cannot fill the enum's table."""
    before = len(Colour._value2member_map_)
    for value in range(100, 1100):
        assert Colour(value) == value
    assert len(Colour._value2member_map_) == before


def test_what_is_no_number() -> None:
    """As of any IntEnum."""
    with pytest.raises(ValueError, match="is not a valid Colour"):
        Colour("x")
