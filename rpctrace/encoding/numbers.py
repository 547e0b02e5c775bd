"""Numbers that have names: an enum that keeps values it does not know."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class OpenEnum(IntEnum):
    """An `IntEnum` for codes off the wire: an unknown value becomes a member named `UNKNOWN_<n>` and stays a value.

    Unknown members are made per look-up and are not remembered, so hostile input cannot fill a table.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        return self.value in type(self)._value2member_map_
