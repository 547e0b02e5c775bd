"""Numbers that have names: an enum that keeps values it does not know.

To the type checker it is an `IntEnum`. That one takes 15 µs to define a member, which at every start is 2 ms for the
codes that we know; here it takes 1 µs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from enum import IntEnum

    class OpenEnum(IntEnum):
        @property
        def is_known(self) -> bool: ...
else:

    class _OpenEnums(type):
        """Makes members of the numbers in the body of a class; of two names for one number, the first is its name."""

        def __new__(meta, name, bases, body):
            numbers = {key: value for key, value in body.items() if type(value) is int and not key.startswith("_")}
            made = super().__new__(meta, name, bases, {key: body[key] for key in body.keys() - numbers.keys()})
            made._members = members = {}
            for key, value in numbers.items():
                setattr(made, key, members.setdefault(value, _member(made, value, key)))
            return made

        def __call__(cls, value):
            member = cls._members.get(value)
            if member is not None:
                return member
            if not isinstance(value, int):
                raise ValueError(f"{value!r} is not a valid {cls.__qualname__}")
            return _member(cls, value, f"UNKNOWN_{value}")

        def __iter__(cls):
            return iter(cls._members.values())

        def __len__(cls):
            return len(cls._members)

    def _member(cls, value, name):
        member = int.__new__(cls, value)
        member.name, member.value = name, int(value)
        return member

    class OpenEnum(int, metaclass=_OpenEnums):
        """An enum of codes off the wire: an unknown value becomes a member named `UNKNOWN_<n>` and stays a value.

        Unknown members are made per look-up and are not remembered, so hostile input cannot fill a table.
        """

        @property
        def is_known(self):
            return self.value in type(self)._members

        def __reduce__(self):
            return type(self), (self.value,)

        def __repr__(self):
            return f"<{type(self).__name__}.{self.name}: {self.value}>"

        __str__ = int.__repr__
