"""Constructors that are cheap to have: compiled once for each number of fields, not once for each class.

That of another class with as many fields is the same code with other names in it (1 µs, where compiling takes 40 to
100). For the classes of `record` and `named_tuple`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from types import CodeType, FunctionType
from typing import Any


def constructor(
    source: str,
    made: type,
    names: Sequence[str],
    known: dict[str, Any],
    *,
    by_name: int = 0,
    factories: tuple[int, ...] = (),
) -> FunctionType:
    """The method of `source` for a class with fields of these names; it has no defaults yet.

    `source` is a format with {parameters}, {values} and {steps} (`self.name = name`, each on its line); `known` are the
    other names in it. The last `by_name` fields are not given by place. A field whose place is one of `factories` is
    `factory<place>()`, of `known`, where the parameter is that factory itself.
    """
    code = _compiled(source, len(names), by_name, factories)
    name_of = {f"value{place}": name for place, name in enumerate(names)}
    named = code.replace(
        co_varnames=tuple([name_of.get(name, name) for name in code.co_varnames]),
        co_names=tuple([name_of.get(name, name) for name in code.co_names]),
        co_qualname=f"{made.__qualname__}.{code.co_name}",
    )
    return FunctionType(named, known)


@cache
def _compiled(source: str, count: int, by_name: int, factories: tuple[int, ...]) -> CodeType:
    """For fields that are named value0, value1 and so on."""
    values = [f"value{place}" for place in range(count)]
    by_place = count - by_name
    steps = [f"self.{value} = {value}" for value in values]
    for place in factories:
        steps[place] = f"self.value{place} = factory{place}() if value{place} is factory{place} else value{place}"
    text = source.format(
        parameters=", ".join([*values[:by_place], *(["*", *values[by_place:]] if by_name else [])]),
        values="".join([f"{value}, " for value in values]),
        steps="\n ".join(steps or ["pass"]),
    )
    defined: dict[str, Any] = {}
    exec(text, defined)
    function: FunctionType = defined.popitem()[1]  # the latest name
    return function.__code__
