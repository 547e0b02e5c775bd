"""A named tuple is that of `typing` in everything but what it costs."""

from __future__ import annotations

import pickle
import typing
from typing import Any

import pytest

from rpctrace.named_tuple import NamedTuple


class Row(NamedTuple):
    """A tuple with all that fields may have."""

    first: int
    second: tuple[int, ...] = ()
    third: str | None = None

    @property
    def total(self) -> int:
        return self.first + sum(self.second)


class StandardRow(typing.NamedTuple):
    """What `Row` would be."""

    first: int
    second: tuple[int, ...] = ()
    third: str | None = None


class Other(Row):
    """A class below one with fields."""


class Nothing(NamedTuple):
    """No fields."""


@pytest.mark.parametrize(
    ("places", "names"), [((1,), {}), ((1, (2,)), {}), ((1, (2,), "x"), {}), ((), {"third": "x", "first": 1})]
)
def test_a_named_tuple_is_as_that_of_typing(places: tuple[Any, ...], names: dict[str, Any]) -> None:
    made, standard = Row(*places, **names), StandardRow(*places, **names)
    assert made == standard == tuple(made)
    assert hash(made) == hash(standard)
    assert repr(made) == repr(standard).replace("StandardRow", "Row")
    assert (made.first, made.second, made.third) == (standard.first, standard.second, standard.third)
    assert made._asdict() == standard._asdict()
    assert made._replace(third="z") == standard._replace(third="z")
    assert Row._make(standard) == made
    assert type(made) is type(made._replace(first=2)) is type(Row._make(standard)) is Row
    assert made.total == standard.first + sum(standard.second)
    assert not hasattr(made, "__dict__")
    assert typing.get_type_hints(Row) == typing.get_type_hints(StandardRow)
    for name in ("_fields", "_field_defaults", "__match_args__", "__slots__"):
        assert getattr(Row, name) == getattr(StandardRow, name)


@pytest.mark.parametrize(
    ("places", "names"), [((), {}), ((1, (), None, 4), {}), ((1,), {"fourth": 4}), ((1,), {"first": 2})]
)
def test_wrong_fields_of_a_named_tuple_are_refused_each_time(places: tuple[Any, ...], names: dict[str, Any]) -> None:
    for _ in range(2):
        with pytest.raises(TypeError, match=r"Row\.__new__\(\)"):
            Row(*places, **names)
    with pytest.raises(TypeError, match="Expected 3 arguments, got 2"):
        Row._make((1, 2))
    with pytest.raises(ValueError, match="unexpected field names"):
        Row(1)._replace(fourth=4)  # type: ignore[call-arg]


def test_a_class_below_a_named_tuple_has_its_fields() -> None:
    assert Other(1, (2,)) == Row(1, (2,))
    assert type(Other(1)) is Other
    assert Other(1)._replace(first=2).total == 2


@pytest.mark.parametrize("value", [Row(1, (2,)), Other(1), Nothing()], ids=repr)
def test_pickled_and_back_it_is_the_same(value: Any) -> None:
    back = pickle.loads(pickle.dumps(value))
    assert back == value
    assert type(back) is type(value)
    assert repr(back) == repr(value)


def test_a_field_without_a_default_does_not_follow_one_that_has_one() -> None:
    """As in `typing`."""
    for base in (NamedTuple, typing.NamedTuple):
        with pytest.raises(TypeError, match="default"):
            exec("class OutOfOrder(base):\n one: int = 1\n two: int", {"base": base})


def test_copy_replace() -> None:
    """Of Python 3.13: it asks the value."""
    changed: Any = Row(1).__replace__(second=(2,))  # type: ignore[attr-defined]
    assert (changed, type(changed)) == (Row(1, (2,)), Row)
