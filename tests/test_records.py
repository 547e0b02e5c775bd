"""Our decorator against the standard one: two classes of the same fields, made by each, behave alike."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, field
from typing import Any

import pytest

from rpctrace import records


@records.dataclass(frozen=True, slots=True)
class Base:
    number: int
    problem: str | None = field(default=None, compare=False, kw_only=True)

    @property
    def complete(self) -> bool:
        return self.problem is None


@records.dataclass(frozen=True, slots=True)
class Value(Base):
    names: tuple[str, ...] = ()
    supports: bool = field(default=True, metadata={"name": "for"})


@dataclasses.dataclass(frozen=True, slots=True)
class StandardBase:
    number: int
    problem: str | None = field(default=None, compare=False, kw_only=True)


@dataclasses.dataclass(frozen=True, slots=True)
class StandardValue(StandardBase):
    names: tuple[str, ...] = ()
    supports: bool = field(default=True, metadata={"name": "for"})


@records.dataclass(frozen=True, slots=True)
class Empty:
    pass


@records.dataclass(frozen=True, slots=True)
class Own:
    number: int

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Own)

    def __hash__(self) -> int:
        return 1

    def __repr__(self) -> str:
        return "own"


ARGUMENTS: tuple[tuple[tuple[Any, ...], dict[str, Any]], ...] = (
    ((1,), {}),
    ((1, ("a",)), {}),
    ((1, ("a",), False), {"problem": "cut"}),
    ((), {"names": (), "number": 2, "supports": True}),
)


@pytest.mark.parametrize(("values", "named"), ARGUMENTS)
def test_a_value_reads_like_a_standard_one(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    ours, standard = Value(*values, **named), StandardValue(*values, **named)
    assert repr(ours) == repr(standard).replace("StandardValue", "Value")
    assert [getattr(ours, name) for name in Value.__match_args__] == [
        getattr(standard, name) for name in StandardValue.__match_args__
    ]
    assert ours.complete == (standard.problem is None)
    assert dataclasses.asdict(ours) == dataclasses.asdict(standard)
    assert dataclasses.is_dataclass(ours)


def test_the_fields_are_the_same() -> None:
    for ours, standard in zip(dataclasses.fields(Value), dataclasses.fields(StandardValue), strict=True):
        assert repr(ours) == repr(standard)
    assert Value.__match_args__ == StandardValue.__match_args__
    Value(1)
    assert str(inspect.signature(Value)) == str(inspect.signature(StandardValue))


def test_equality_leaves_out_what_is_not_compared_and_other_classes() -> None:
    assert Value(1, ("a",)) == Value(1, ("a",), problem="cut")
    assert hash(Value(1, ("a",))) == hash(Value(1, ("a",), problem="cut"))
    assert Value(1) != Value(2)
    assert Value(1) != StandardValue(1)
    assert Base(1) != Value(1)
    assert Base(1) == Base(1)
    assert Empty() == Empty()
    assert hash(Empty()) == hash(Empty())


@pytest.mark.parametrize(
    ("values", "named"), [((), {}), ((1, (), True, 4), {}), ((1,), {"number": 2}), ((1,), {"unknown": 2})]
)
def test_wrong_arguments_are_refused_in_the_same_words(values: tuple[Any, ...], named: dict[str, Any]) -> None:
    said = []
    for make in (StandardValue, Value):
        with pytest.raises(TypeError) as refused:
            make(*values, **named)
        said.append(str(refused.value).replace("StandardValue", "Value"))
    assert said[0] == said[1]


def _assign(value: Any) -> None:
    value.number = 2


def _delete(value: Any) -> None:
    del value.number


def _assign_no_field(value: Any) -> None:
    value.other = 2


@pytest.mark.parametrize("change", [_assign, _delete, _assign_no_field])
def test_a_value_stays_as_it_is(change: Callable[[Any], None]) -> None:
    value = Value(1)
    with pytest.raises(FrozenInstanceError):
        change(value)
    assert value == Value(1)
    assert not hasattr(value, "__dict__")


def test_copies_equal_the_value() -> None:
    value = Value(1, ("a",), problem="cut")
    for twin in (copy.copy(value), copy.deepcopy(value), dataclasses.replace(value)):
        assert (twin, twin.problem) == (value, "cut")
    assert dataclasses.replace(value, number=5).number == 5


def test_pickles_hold_every_field() -> None:
    from rpctrace.report import Tool  # pickle looks a class up by its module, which a test has none of

    assert pickle.loads(pickle.dumps(Tool("rpctrace", "1"))) == Tool("rpctrace", "1")


def test_what_a_class_defines_itself_is_kept() -> None:
    assert Own(1) == Own(2)
    assert hash(Own(1)) == 1
    assert repr(Own(1)) == "own"


def test_a_value_is_matched_by_place() -> None:
    match Value(1, ("a",)):
        case Value(number, names):
            assert (number, names) == (1, ("a",))
        case _:
            pytest.fail("not matched")
