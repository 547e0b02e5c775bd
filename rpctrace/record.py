"""`@record`: what `@dataclass(frozen=True, slots=True)` is, for less.

A program that is started for every capture defines a hundred such classes before it reads an octet, and then makes
their values by the ten thousand. `dataclasses` compiles six functions for each class, and the constructor of a frozen
one calls `object.__setattr__` for each field. Here two things are done in another way:

- A class is given functions that all records share; its constructor is compiled when the first value is made.
- While a constructor runs, the value is of a twin of the class that can be assigned to; its last step is to make the
  value what it is.

To `dataclasses` such a class is one of its own: `fields`, `replace` and `asdict` work, and so does pickling. A field
may have a default, but no factory of one.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import MISSING, Field, FrozenInstanceError
from operator import attrgetter
from typing import Any, TypeVar, dataclass_transform

_Class = TypeVar("_Class")
# In the metadata of a field: the descriptor of its slot -> that by which it is got and set.
THROUGH = "through"


@dataclass_transform(frozen_default=True, field_specifiers=(dataclasses.field,))
def record(cls: type[_Class]) -> type[_Class]:
    """The class with slots, a constructor, and comparison and hash by value; what is made of it does not change."""
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(cls)
    fields = dataclasses.fields(made)
    compared = [field.name for field in fields if field.compare]
    values: Callable[[object], Any] = attrgetter(*compared) if compared else lambda _value: ()

    def init(self: object, *arguments: Any, **named: Any) -> None:
        made.__init__ = _constructor(made, fields)
        made.__init__(self, *arguments, **named)

    def eq(self: object, other: object) -> Any:
        return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

    for field in fields:
        if THROUGH in field.metadata:
            setattr(made, field.name, field.metadata[THROUGH](made.__dict__[field.name]))
    made.__init__, made.__eq__, made.__hash__ = init, eq, lambda self: hash(values(self))
    made.__setattr__, made.__delattr__, made.__repr__ = _set, _delete, _repr
    made.__getstate__, made.__setstate__ = _state, _set_state
    return made  # type: ignore[no-any-return]  # `dataclass` gives a class


def _constructor(made: Any, fields: tuple[Field[Any], ...]) -> Any:
    twin = type(
        made.__name__,
        (made,),
        {"__slots__": (), "__setattr__": object.__setattr__, "__delattr__": object.__delattr__},
    )
    # what the source below names besides its parameters
    known: dict[str, Any] = {"become": object.__dict__["__class__"].__set__, "twin": twin, "made": made}
    places: list[str] = []
    keywords: list[str] = []
    for field in fields:
        parameter = field.name
        if field.default is not MISSING:
            parameter += f"=default_{field.name}"
            known[f"default_{field.name}"] = field.default
        (keywords if field.kw_only else places).append(parameter)
    parameters = ", ".join(["self", *places, *(["*", *keywords] if keywords else [])])
    steps = ["become(self, twin)", *[f"self.{field.name} = {field.name}" for field in fields], "self.__class__ = made"]
    exec("\n ".join([f"def __init__({parameters}):", *steps]), known)
    known["__init__"].__qualname__ = f"{made.__qualname__}.__init__"
    return known["__init__"]


def _set(_self: object, name: str, _value: object) -> None:
    raise FrozenInstanceError(f"cannot assign to field {name!r}")


def _delete(_self: object, name: str) -> None:
    raise FrozenInstanceError(f"cannot delete field {name!r}")


def _repr(self: Any) -> str:
    shown = [f"{field.name}={getattr(self, field.name)!r}" for field in dataclasses.fields(self) if field.repr]
    return f"{type(self).__qualname__}({', '.join(shown)})"


def _state(self: Any) -> list[Any]:
    return [getattr(self, field.name) for field in dataclasses.fields(self)]


def _set_state(self: Any, state: list[Any]) -> None:
    for field, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, field.name, value)
