"""GUIDs in either byte order, and the headers of type serialisation 1."""

from __future__ import annotations

import pytest

from rpctrace.encoding.ndr import guid, type_serialization_1
from rpctrace.encoding.reader import Reader
from rpctrace.errors import Malformed, ParseError, Truncated

TEXT = "000001a0-0000-0000-c000-000000000046"


def test_guid() -> None:
    """[MS-DTYP] 2.3.4.2."""
    assert guid(Reader(bytes.fromhex("a001000000000000c000000000000046"), "t")) == TEXT
    assert guid(Reader(bytes.fromhex("000001a000000000c000000000000046"), "t", little_endian=False)) == TEXT


def test_a_cut_guid_names_the_part_that_is_cut() -> None:
    """Of time_low, time_mid, time_hi and the last eight octets: offset and length."""
    for length in range(16):
        with pytest.raises(Truncated) as caught:
            guid(Reader(bytes(length), "t"))
        start = max(start for start in (0, 4, 6, 8) if start <= length)
        assert (caught.value.offset, caught.value.available) == (start, length - start)
        assert caught.value.needed == {0: 4, 4: 2, 6: 2, 8: 8}[start]


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
