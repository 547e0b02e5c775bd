"""How coded numbers are written."""

from __future__ import annotations

from rpctrace.assembly.codes import hexadecimal, identifier


def test_codes() -> None:
    """Eight digits for 32 bits, also of a negative number; sixteen for 64."""
    assert (hexadecimal(0x721), hexadecimal(-1073741724), hexadecimal(None)) == ("0x00000721", "0xc0000064", None)
    assert (identifier(0xAB), identifier(None)) == ("0x00000000000000ab", None)
