"""How coded numbers are written in the report."""

from __future__ import annotations


def hexadecimal(value: int | None) -> str | None:
    """A 32-bit code: 0x and eight digits."""
    return None if value is None else f"0x{value & 0xFFFFFFFF:08x}"


def identifier(value: int | None) -> str | None:
    """A 64-bit identifier of DCOM (OXID, OID): 0x and sixteen digits."""
    return None if value is None else f"0x{value & 0xFFFFFFFFFFFFFFFF:016x}"
