"""Constructors of as many fields are the same code with other names, which are not mixed up."""

from __future__ import annotations

import pytest

from rpctrace.constructor import constructor
from rpctrace.record import record

SOURCE = """
def made(self, {parameters}):
 {steps}
 return ({values})
"""


class Bag:
    """What can be assigned to."""


def test_fields_are_set_in_their_order_and_may_be_made() -> None:
    function = constructor(SOURCE, Bag, ["b", "a", "c"], {"factory1": list}, by_name=1, factories=(1,))
    function.__defaults__ = (list,)
    bag, other = Bag(), Bag()
    assert function(bag, 1, c=2) == (1, list, 2)
    assert vars(bag) == {"b": 1, "a": [], "c": 2}
    function(other, 1, [3], c=2)
    assert vars(other) == {"b": 1, "a": [3], "c": 2}
    assert function.__qualname__ == "Bag.made"
    with pytest.raises(TypeError, match=r"Bag\.made\(\) missing 1 required keyword-only argument: 'c'"):
        function(bag, 1)


def test_no_field_is_one_number_of_fields_too() -> None:
    assert constructor(SOURCE, Bag, [], {})(Bag()) == ()


def test_classes_of_as_many_fields_are_not_mixed_up() -> None:
    """Not even where a field has a name that the code has for something else."""

    @record
    class Pair:
        become: int
        made: int = 2

    @record
    class Twin:
        twin: int
        value0: int = 3

    assert (Pair(made=5, become=4), Twin(1), Pair(1)) == (Pair(4, 5), Twin(twin=1, value0=3), Pair(1, 2))
    assert (Pair(4, 5).become, Pair(4, 5).made, Twin(1).twin, Twin(1).value0) == (4, 5, 1, 3)
