"""GUIDs in either byte order, and the headers of type serialisation 1."""

from __future__ import annotations

import pytest

from rpctrace.encoding.ndr import guid, type_serialization_1
from rpctrace.encoding.reader import Reader
from rpctrace.errors import Malformed, ParseError

TEXT = "000001a0-0000-0000-c000-000000000046"


def test_guid() -> None:
    """[MS-DTYP] 2.3.4.2."""
    assert guid(Reader(bytes.fromhex("a001000000000000c000000000000046"), "t")) == TEXT
    assert guid(Reader(bytes.fromhex("000001a000000000c000000000000046"), "t", little_endian=False)) == TEXT


def test_type_serialization_1() -> None:
    """The object length bounds the reader; a longer one is cut to what is there; other versions are refused."""
    reader = type_serialization_1(bytes.fromhex("01100800cccccccc0400000000000000") + b"abcdef", "t")
    assert bytes(reader.rest()) == b"abcd"
    assert type_serialization_1(bytes.fromhex("01100800ccccccccff00000000000000") + b"ab", "t").remaining == 2
    for octets in ("02100800cccccccc0400000000000000", "01200800cccccccc0400000000000000", "01101000cccccccc"):
        with pytest.raises(Malformed):
            type_serialization_1(bytes.fromhex(octets), "t")
    for length in range(16):
        with pytest.raises(ParseError):
            type_serialization_1(bytes.fromhex("01100800cccccccc0400000000000000")[:length], "t")
