"""Codes that our own tables lack -> the names in impacket's copies of the [MS-ERREF] tables.

Three modules of plain dictionaries are imported, each when first asked for; where impacket cannot be loaded (antivirus
products like to block it) nothing is known and nothing fails. Its protocol modules are never touched.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module

from rpctrace.named_tuple import NamedTuple

_MODULES = {
    "win32": "impacket.system_errors",
    "ntstatus": "impacket.nt_errors",
    "hresult": "impacket.hresult_errors",
}
_HRESULT_SUCCESS_BITS = 0x7FFF0000  # an HRESULT of success has a facility; without one the number is a Win32 code


class BorrowedName(NamedTuple):
    """One code as impacket has it: `family` is win32, ntstatus or hresult, `message` is Windows' own text."""

    family: str
    value: int
    name: str
    message: str


@cache
def _messages(family: str) -> Mapping[int, tuple[str, str]]:
    try:
        messages: Mapping[int, tuple[str, str]] = import_module(_MODULES[family]).ERROR_MESSAGES
    except (ImportError, OSError, SyntaxError, ValueError, AttributeError):
        return {}  # absent, blocked or damaged: the caller prints the number alone
    return messages


def borrowed_name(family: str, value: int) -> BorrowedName | None:
    """The name of `value` in one family; None where impacket has none (as for nca and dce) or cannot be loaded."""
    entry = _messages(family).get(value) if family in _MODULES else None
    if entry is None:
        return None
    name, message = entry
    return BorrowedName(family, value, name, " ".join(message.split()))


def families_of(value: int) -> tuple[str, ...]:
    """In which families a 32-bit value can have a meaning, the likeliest first."""
    if value >> 30 == 0b11:
        return ("ntstatus",)
    if value >> 31:
        return ("hresult", "ntstatus")
    if value & _HRESULT_SUCCESS_BITS:
        return ("hresult", "ntstatus")
    return ("win32",)


def any_name(value: int) -> BorrowedName | None:
    """The name of `value` in the likeliest family that has one."""
    found = (borrowed_name(family, value) for family in families_of(value))
    return next((name for name in found if name is not None), None)


def values_named(name: str) -> Iterator[BorrowedName]:
    """Every code of that symbolic name, any case."""
    wanted = name.casefold()
    for family in _MODULES:
        for value, (spelled, message) in _messages(family).items():
            if spelled.casefold() == wanted:
                yield BorrowedName(family, value, spelled, " ".join(message.split()))
