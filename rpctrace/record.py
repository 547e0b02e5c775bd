"""`@record` and `@state`: what dataclasses with slots are, frozen ones and others, for less.

A program that is started for every capture defines a hundred such classes before it reads an octet, and then makes
their values by the ten thousand. `dataclasses` compiles up to six functions for each class (200 µs), and the
constructor of a frozen one calls `object.__setattr__` for each field. Here two things are done in another way:

- A class is given functions that all share; its constructor is made with the first value (15 µs for the class).
- While the constructor of a record runs, the value is of a twin of the class that can be assigned to; its last step is
  to make the value what it is.

`dataclasses.fields`, `replace` and `asdict` take such a class for one of theirs, and its values can be pickled. What is
derived from it has to be made in the same way.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from types import FunctionType
from typing import Any, TypeVar, dataclass_transform

from rpctrace.constructor import constructor

_Class = TypeVar("_Class")
_Fields = dict[str, Field[Any]]
_ORDINARY = dataclasses._FIELD  # type: ignore[attr-defined]  # neither a ClassVar nor an InitVar
_CHANGING = """
def __init__(self, {parameters}):
 {steps}
"""
_FROZEN = """
def __init__(self, {parameters}):
 become(self, twin)
 {steps}
 self.__class__ = made
"""
# In the metadata of a field: the descriptor of its slot -> that by which it is got and set.
THROUGH = "through"


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def record(cls: type[_Class]) -> type[_Class]:
    """As `@dataclass(frozen=True, slots=True)`: compared and hashed by value; what is made of it does not change."""
    fields = _fields(cls)
    compared = [field.name for field in fields.values() if field.compare]
    values: Callable[[object], Any] = attrgetter(*compared) if compared else lambda _value: ()

    def init(self: object, *arguments: Any, **named: Any) -> None:
        twin = type(made.__name__, (made,), {"__slots__": (), **_ASSIGNABLE})
        made.__init__ = _constructor(_FROZEN, made, fields, {"become": _BECOME, "twin": twin, "made": made})
        made.__init__(self, *arguments, **named)

    def eq(self: object, other: object) -> Any:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    own = {"__init__": init, "__eq__": eq, "__hash__": lambda self: hash(values(self))}
    made = _with_slots(cls, fields, own | _FROZEN_METHODS)
    for name in made.__slots__:
        through = fields[name].metadata.get(THROUGH)
        if through is not None:
            setattr(made, name, through(made.__dict__[name]))
    return made  # type: ignore[no-any-return]  # which is a class


@dataclass_transform(eq_default=False, field_specifiers=(dataclasses.field,))
def state(cls: type[_Class]) -> type[_Class]:
    """As `@dataclass(eq=False, slots=True)`: what is made of it changes, and is equal to itself alone."""
    fields = _fields(cls)

    def init(self: object, *arguments: Any, **named: Any) -> None:
        made.__init__ = _constructor(_CHANGING, made, fields, {})
        made.__init__(self, *arguments, **named)

    made = _with_slots(cls, fields, {"__init__": init, "__repr__": _repr, "__replace__": _replaced})
    return made  # type: ignore[no-any-return]


def _fields(cls: type) -> _Fields:
    fields: _Fields = {}
    for base in reversed(cls.__mro__[1:]):
        fields |= base.__dict__.get("__dataclass_fields__", {})
    body = cls.__dict__
    return fields | {name: _field(name, kind, body.get(name, MISSING)) for name, kind in cls.__annotations__.items()}


def _field(name: str, kind: Any, default: Any) -> Field[Any]:
    """As `dataclass` makes it of a line in a class's body."""
    field: Any = default if isinstance(default, Field) else dataclasses.field(default=default)
    field.name, field.type, field._field_type = name, kind, _ORDINARY
    field.kw_only = field.kw_only is True
    return field  # type: ignore[no-any-return]


def _with_slots(cls: type, fields: _Fields, methods: dict[str, Any]) -> Any:
    """The class again: one that is there takes no slots."""
    inherited = getattr(cls.__base__, "__dataclass_fields__", {})
    body = {name: value for name, value in cls.__dict__.items() if name not in _OF_NO_BODY and name not in fields}
    body |= methods
    body |= {
        "__qualname__": cls.__qualname__,
        "__slots__": tuple([name for name in cls.__annotations__ if name not in inherited]),
        "__match_args__": tuple([name for name, field in fields.items() if not field.kw_only]),
        "__dataclass_fields__": fields,
    }
    kind: Any = type(cls)
    return kind(cls.__name__, cls.__bases__, body)


def _constructor(source: str, made: type, fields: _Fields, known: dict[str, Any]) -> FunctionType:
    """`known`: what the source names besides its fields."""
    by_place = [name for name, field in fields.items() if not field.kw_only]
    by_name = [name for name, field in fields.items() if field.kw_only]
    names = by_place + by_name
    factories = {place: fields[name].default_factory for place, name in enumerate(names)}
    factories = {place: factory for place, factory in factories.items() if factory is not MISSING}
    known |= {f"factory{place}": factory for place, factory in factories.items()}
    function = constructor(source, made, names, known, by_name=len(by_name), factories=tuple(factories))
    # a factory stands for what it makes
    defaults = {name: field.default for name, field in fields.items() if field.default is not MISSING}
    defaults |= {names[place]: factory for place, factory in factories.items()}
    if sorted(by_place, key=defaults.__contains__) != by_place:
        raise TypeError(f"{made.__qualname__}: a field without a default follows one that has one")
    function.__defaults__ = tuple([defaults[name] for name in by_place if name in defaults])
    function.__kwdefaults__ = {name: defaults[name] for name in by_name if name in defaults}
    return function


def _set(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _replaced(self: Any, /, **changes: Any) -> Any:
    return dataclasses.replace(self, **changes)


def _repr(self: Any) -> str:
    shown = [f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _values(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_values(self: Any, values: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), values, strict=True):
        object.__setattr__(self, field.name, value)


_BECOME = object.__dict__["__class__"].__set__
_OF_NO_BODY = frozenset(("__dict__", "__weakref__"))
_ASSIGNABLE = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
_FROZEN_METHODS: dict[str, Any] = {
    "__setattr__": _set,
    "__delattr__": _delete,
    "__repr__": _repr,
    "__replace__": _replaced,
    "__getstate__": _values,
    "__setstate__": _set_values,
}
