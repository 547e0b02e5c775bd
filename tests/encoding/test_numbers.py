"""An enum off the wire keeps values that it does not know, and does not remember them."""

from __future__ import annotations

import copy
import enum
import json
import pickle

import pytest

from rpctrace.encoding.numbers import OpenEnum


class Colour(OpenEnum):
    """Some."""

    RED = 1
    NEGATIVE = -5
    ROUGE = 1


class Standard(enum.IntEnum):
    """What `Colour` would be."""

    RED = 1
    NEGATIVE = -5
    ROUGE = 1


def test_it_is_as_an_enum_of_numbers() -> None:
    assert [(each.name, each.value) for each in Colour] == [(each.name, each.value) for each in Standard]
    assert len(Colour) == len(Standard) == 2
    for made, standard in zip(Colour, Standard, strict=True):
        assert repr(made) == repr(standard).replace("Standard", "Colour")
        assert (str(made), f"{made:04x}", f"{made}") == (str(standard), f"{standard:04x}", f"{standard}")
        assert made == standard
        assert hash(made) == hash(standard.value)
        assert type(made.value) is int
        assert Colour(made) is Colour(made.value) is copy.deepcopy(made) is pickle.loads(pickle.dumps(made)) is made
    assert Colour.ROUGE is Colour.RED
    assert Colour.__doc__ == "Some."


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
    before = len(Colour)
    for value in range(100, 1100):
        assert Colour(value) == value
    assert len(Colour) == before


def test_what_is_no_number() -> None:
    """As of any IntEnum."""
    with pytest.raises(ValueError, match="is not a valid Colour"):
        Colour("x")
