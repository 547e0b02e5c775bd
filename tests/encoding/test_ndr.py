"""GUIDs in either byte order, the headers of type serialisation 1, and the primitives of NDR and NDR64."""

from __future__ import annotations

import pytest
from builders.ndr import Ndr, type_serialized

from rpctrace.encoding.ndr import CONTEXT_HANDLE_OCTETS, NdrReader, guid, type_serialization_1
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


FORMS = [(True, False), (False, False), (True, True), (False, True)]  # little endian, NDR64


def reader(octets: bytes, little_endian: bool = True, ndr64: bool = False) -> NdrReader:
    return NdrReader(Reader(octets, "t", little_endian=little_endian), ndr64=ndr64)


@pytest.mark.parametrize(("little_endian", "ndr64"), FORMS)
def test_primitives_are_aligned_to_their_size(little_endian: bool, ndr64: bool) -> None:
    """C706 14.2.2, [MS-RPCE] 2.2.5.3: from the start of the stub, with every width behind every other."""
    made = Ndr(little_endian=little_endian, ndr64=ndr64)
    octets = (
        made.u8(1).u64(2).u8(3).u32(4).u8(5).u16(6).u8(7).guid(TEXT).u8(8).wide(9).u16(10).enumeration(11)
        .pointer().u8(12).pointer(False).align(4).raw(bytes(range(CONTEXT_HANDLE_OCTETS))).raw(b"rest").done()
    )  # fmt: skip
    read = reader(octets, little_endian, ndr64)
    assert (read.u8(), read.u64(), read.u8(), read.u32(), read.u8(), read.u16(), read.u8()) == (1, 2, 3, 4, 5, 6, 7)
    assert (read.guid(), read.u8(), read.wide(), read.u16(), read.enumeration()) == (TEXT, 8, 9, 10, 11)
    assert (read.pointer(), read.u8(), read.pointer()) == (True, 12, False)
    assert read.context_handle() == bytes(range(CONTEXT_HANDLE_OCTETS))
    assert bytes(read.octets(4)) == b"rest"
    assert read.reader.remaining == 0


@pytest.mark.parametrize(("little_endian", "ndr64"), FORMS)
@pytest.mark.parametrize("text", ["", "DC1", "d\u00f6m\u4e2d\U0001f600", "\ud800"])
def test_text(little_endian: bool, ndr64: bool, text: str) -> None:
    """In the stub's byte order; without the zero at its end; a lone surrogate stays one."""
    for terminated in (True, False):
        units = len(text.encode("utf-16-le", "surrogatepass")) // 2 + terminated
        made = Ndr(little_endian=little_endian, ndr64=ndr64).wide(units).wide(0).wide(units)
        encoding = "utf-16-le" if little_endian else "utf-16-be"
        octets = made.raw((text + "\0" * terminated).encode(encoding, "surrogatepass")).done()
        assert reader(octets, little_endian, ndr64).text() == text
    assert reader(Ndr(ndr64=ndr64).optional_text("x").done(), ndr64=ndr64).optional_text() == "x"
    assert reader(Ndr(ndr64=ndr64).optional_text(None).done(), ndr64=ndr64).optional_text() is None


def test_counts_that_cannot_be_right() -> None:
    """More items than may be, or than octets are left for; an array that begins anywhere but at its first item."""
    assert reader(Ndr().u32(2).raw(bytes(8)).done()).count(4, 2) == 2
    for octets, item_octets, maximum in ((bytes(8), 5, 2), (bytes(80), 1, 1), (b"", 1, 9)):
        with pytest.raises(Malformed):
            reader(Ndr().u32(2).raw(octets).done()).count(item_octets, maximum)
    assert reader(Ndr().u32(2).done()).count(0, 2) == 2
    with pytest.raises(Malformed):
        reader(Ndr().u32(1).u32(1).raw(b"x").done()).varying(1)
    with pytest.raises(Truncated):
        reader(Ndr().u32(0).u32(0xFFFFFFFF).raw(b"x").done()).varying(2)


def test_where_a_union_of_pointers_begins() -> None:
    for ndr64, offset in ((False, 1), (True, 8)):
        read = reader(bytes(16), ndr64=ndr64)
        read.u8()
        read.align_union()
        assert read.reader.offset == offset


def test_where_a_structure_with_a_pointer_begins() -> None:
    for ndr64, octets in ((False, 4), (True, 8)):
        read = reader(bytes(16), ndr64=ndr64)
        read.u8()
        read.align_wide()
        assert read.reader.offset == octets
        read.u8()
        read.align(8)
        assert read.reader.offset == (16 if ndr64 else 8)


def test_every_cut_of_a_primitive_says_so() -> None:
    for width, read in ((1, NdrReader.u8), (2, NdrReader.u16), (4, NdrReader.u32), (8, NdrReader.u64)):
        for length in range(width):
            with pytest.raises(Truncated):
                read(reader(bytes(length)))
    for length in range(CONTEXT_HANDLE_OCTETS):
        with pytest.raises(Truncated):
            reader(bytes(length)).context_handle()


def test_inside_a_serialised_object_alignment_counts_from_its_start() -> None:
    read = NdrReader(type_serialization_1(type_serialized(Ndr().u8(1).u64(2).done()), "t"))
    assert (read.u8(), read.u64()) == (1, 2)
