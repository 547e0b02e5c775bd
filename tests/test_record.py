"""Records and states are dataclasses with slots in everything but what they cost."""

from __future__ import annotations

import dataclasses
import pickle
from dataclasses import FrozenInstanceError, dataclass, field
from typing import Any

import pytest

from rpctrace.record import record, state


@record
class Base:
    """As `Partial`: a field that is last, named, and not compared."""

    problem: str | None = field(default=None, compare=False, kw_only=True)


@record
class Made(Base):
    """A class with all that fields may have."""

    first: int
    second: tuple[int, ...] = ()
    third: int = field(default=3, metadata={"name": "3rd"})

    @property
    def total(self) -> int:
        return self.first + self.third


@dataclass(frozen=True, slots=True)
class Standard:
    """What `Made` would be."""

    first: int
    second: tuple[int, ...] = ()
    third: int = field(default=3, metadata={"name": "3rd"})
    problem: str | None = field(default=None, compare=False, kw_only=True)


@record
class Empty:
    """No fields."""


@record
class Alone:
    """One field."""

    only: int


@state
class Changing:
    """What a state may have."""

    first: int
    seen: list[int] = field(default_factory=list)
    name: str | None = None

    def see(self, value: int) -> None:
        self.seen.append(value)


@state
class Grown(Changing):
    """One with more."""

    more: dict[str, int] = field(default_factory=dict, kw_only=True)


ARGUMENTS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [
    ((1,), {}),
    ((1, (2,)), {}),
    ((1, (2,), 4), {"problem": "cut"}),
    ((), {"first": 1, "third": 5}),
]


@pytest.mark.parametrize(("places", "names"), ARGUMENTS)
def test_it_is_made_and_shown_as_a_dataclass(places: tuple[Any, ...], names: dict[str, Any]) -> None:
    made, standard = Made(*places, **names), Standard(*places, **names)
    assert dataclasses.asdict(made) == dataclasses.asdict(standard)
    assert type(made) is Made
    assert made.total == standard.first + standard.third
    shown = {part.split("=")[0] for part in repr(made).removesuffix(")").split("(", 1)[1].split(", ")}
    assert shown >= {"problem", "first", "second", "third"}
    assert repr(made).startswith("Made(")


@pytest.mark.parametrize(
    ("places", "names"), [((), {}), ((1, (), 3, None), {}), ((1,), {"fourth": 4}), ((1,), {"first": 2})]
)
def test_wrong_arguments_are_refused_each_time(places: tuple[Any, ...], names: dict[str, Any]) -> None:
    for _ in range(2):  # the first value of a class is made in another way
        with pytest.raises(TypeError, match=r"Made\.__init__\(\)"):
            Made(*places, **names)


def test_equal_is_what_compares_equal() -> None:
    one, other = Made(1, (2,), problem="cut"), Made(1, (2,))
    assert one == other
    assert hash(one) == hash(other)
    assert one != Made(2, (2,))
    assert one != Standard(1, (2,))
    assert one != Alone(1)
    assert Alone(1) == Alone(1) != Alone(2)
    assert Empty() == Empty()
    assert len({Alone(1), Alone(1), Empty(), Empty()}) == 2


def test_a_value_does_not_change() -> None:
    made: Any = Made(1)
    with pytest.raises(FrozenInstanceError):
        made.first = 2
    with pytest.raises(FrozenInstanceError):
        made.other = 2
    with pytest.raises(FrozenInstanceError):
        del made.first
    assert made == Made(1)
    assert not hasattr(made, "__dict__")


def test_the_module_of_dataclasses_knows_it() -> None:
    names = [each.name for each in dataclasses.fields(Standard)]
    assert sorted(each.name for each in dataclasses.fields(Made)) == sorted(names)
    assert dataclasses.fields(Made)[-1].metadata == {"name": "3rd"}
    assert dataclasses.replace(Made(1), third=9) == Made(1, (), 9)
    assert Made.__match_args__ == Standard.__match_args__


@pytest.mark.parametrize("value", [Made(1, (2,), problem="cut"), Empty(), Alone(7)], ids=repr)
def test_pickled_and_back_it_is_the_same(value: Any) -> None:
    back = pickle.loads(pickle.dumps(value))
    assert back == value
    assert type(back) is type(value)
    assert repr(back) == repr(value)


def test_a_state_changes_and_is_itself_alone() -> None:
    one, other = Changing(1), Changing(1, name="b")
    one.see(4)
    other.name = None
    assert (one.seen, other.seen) == ([4], [])
    assert len({one, other, Changing(1), Changing(1)}) == 4
    assert not hasattr(one, "__dict__")
    assert repr(one) == "Changing(first=1, seen=[4], name=None)"
    assert dataclasses.asdict(one) == {"first": 1, "seen": [4], "name": None}
    copy = pickle.loads(pickle.dumps(dataclasses.replace(one, first=2)))
    assert dataclasses.asdict(copy) == {"first": 2, "seen": [4], "name": None}
    given: list[int] = []
    assert Changing(1, given).seen is given


def test_a_state_has_the_fields_of_what_it_grew_from() -> None:
    one, other = Grown(1, [2]), Grown(first=1, more={"a": 1})
    one.see(3)
    one.more["b"] = 2
    assert dataclasses.asdict(one) == {"first": 1, "seen": [2, 3], "name": None, "more": {"b": 2}}
    assert dataclasses.asdict(other) == {"first": 1, "seen": [], "name": None, "more": {"a": 1}}
    assert Grown.__match_args__ == Changing.__match_args__ == ("first", "seen", "name")
    with pytest.raises(TypeError, match=r"Grown\.__init__\(\)"):
        Grown(1, [], None, {})  # type: ignore[call-arg]


def test_a_field_without_a_default_does_not_follow_one_that_has_one() -> None:
    """Its own default would be taken for that of another."""
    with pytest.raises(TypeError, match="a field without a default follows one that has one"):
        _out_of_order()(1, 2)


def _out_of_order() -> Any:
    @record
    class OutOfOrder(Made):
        fourth: int

    return OutOfOrder


def test_copy_replace() -> None:
    """Of Python 3.13: it asks the value."""
    made = Made(1)
    changed: Any = made.__replace__(first=2)  # type: ignore[attr-defined]
    assert (changed, type(changed)) == (Made(2), Made)
