"""`NamedTuple`: what `typing.NamedTuple` is, for less.

That one compiles a constructor and each annotation when a class is defined (80 to 170 µs; of some 150 classes), and
asks whether fields may have such names. Here the constructor is made with the first value (8 µs for the class), and the
names are left to the type checker, to which this is the class of `typing`.
"""

from __future__ import annotations

from collections import _tuplegetter  # type: ignore[attr-defined]  # reads a field in half the time of a `property`
from typing import TYPE_CHECKING

from rpctrace.constructor import constructor

if TYPE_CHECKING:
    from typing import NamedTuple as NamedTuple
else:

    class _Row(tuple):
        """What all named tuples share."""

        __slots__ = ()
        _fields = ()
        _field_defaults = {}  # noqa: RUF012  # as in `typing`

        def __new__(cls, *arguments, **named):
            """Makes the first value of a class, and the constructor that makes the others."""
            made = next(each for each in cls.__mro__ if "_fields" in each.__dict__)
            function = constructor(_CONSTRUCTOR, made, made._fields, _KNOWN)
            function.__defaults__ = tuple(made._field_defaults.values())
            made.__new__ = staticmethod(function)
            return function(cls, *arguments, **named)

        @classmethod
        def _make(cls, values):
            made = tuple.__new__(cls, values)
            if len(made) != len(cls._fields):
                raise TypeError(f"Expected {len(cls._fields)} arguments, got {len(made)}")
            return made

        def _replace(self, /, **changes):
            made = self._make(map(changes.pop, self._fields, self))
            if changes:
                raise ValueError(f"Got unexpected field names: {list(changes)!r}")
            return made

        __replace__ = _replace  # of `copy.replace`

        def _asdict(self):
            return dict(zip(self._fields, self, strict=True))

        def __repr__(self):
            shown = [f"{name}={value!r}" for name, value in zip(self._fields, self, strict=True)]
            return f"{type(self).__name__}({', '.join(shown)})"

        def __getnewargs__(self):
            return tuple(self)

    class _NamedTuples(type):
        """Makes a kind of tuple of the body of a class."""

        def __new__(_cls, name, bases, body):
            fields = tuple(body.get("__annotations__", ()))
            defaults = {field: body[field] for field in fields if field in body}
            if fields[len(fields) - len(defaults) :] != tuple(defaults):
                raise TypeError(f"{name}: a field without a default follows one that has one")
            body |= {"__slots__": (), "__match_args__": fields, "_fields": fields, "_field_defaults": defaults}
            body |= {field: _tuplegetter(place, "") for place, field in enumerate(fields)}
            return type(name, (_Row, *bases[1:]), body)

    NamedTuple = type.__new__(_NamedTuples, "NamedTuple", (), {})
    _CONSTRUCTOR = "def __new__(_cls, {parameters}): return new(_cls, ({values}))"
    _KNOWN = {"new": tuple.__new__}
