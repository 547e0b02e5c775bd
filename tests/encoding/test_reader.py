"""A reader returns what was asked for or raises `Truncated` with the numbers, keeps to its bounds, copies nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.encoding.reader import CutReader, Layout, Reader
from rpctrace.errors import Truncated

OCTETS = bytes(range(1, 17))
SIZES = {Reader.u8: 1, Reader.u16: 2, Reader.u32: 4, Reader.u64: 8}


@pytest.mark.parametrize("read", SIZES)
def test_numbers_in_both_byte_orders(read: object) -> None:
    """Each width is what its octets say, in either order, from bytes, bytearray and memoryview."""
    size = SIZES[read]  # type: ignore[index]
    for data in (OCTETS, bytearray(OCTETS), memoryview(OCTETS)):
        little, big = Reader(data, "t"), Reader(data, "t", little_endian=False)
        assert read(little) == int.from_bytes(OCTETS[:size], "little")  # type: ignore[operator]
        assert read(big) == int.from_bytes(OCTETS[:size], "big")  # type: ignore[operator]
        assert (little.offset, little.remaining, little.consumed) == (size, 16 - size, size)


@pytest.mark.parametrize("read", SIZES)
def test_numbers_past_the_end(read: object) -> None:
    """`Truncated` says layer, offset, needed and available, and the cursor stays."""
    size = SIZES[read]  # type: ignore[index]
    for available in range(size):
        reader = Reader(OCTETS[: 3 + available], "layer.part")
        reader.skip(3)
        with pytest.raises(Truncated) as caught:
            read(reader)  # type: ignore[operator]
        error = caught.value
        assert (error.layer, error.offset, error.needed, error.available) == ("layer.part", 3, size, available)
        assert reader.offset == 3


def test_octets_are_not_copied() -> None:
    """`take` and `rest` are views of what the reader was given."""
    data = bytearray(OCTETS)
    reader = Reader(data, "t")
    taken, rest = reader.take(2), reader.rest()
    data[0], data[15] = 0xAA, 0xBB
    assert (bytes(taken), rest[-1], reader.remaining) == (b"\xaa\x02", 0xBB, 0)


@pytest.mark.parametrize("count", [-1, 17, 2**40])
def test_counts_off_the_wire(count: int) -> None:
    """Negative and huge counts are `Truncated` for every way to step, and allocate nothing."""
    for step in (Reader.take, Reader.skip, Reader.restrict_to):
        with pytest.raises(Truncated):
            step(Reader(OCTETS, "t"), count)


def test_narrowed_readers() -> None:
    """A part has its own bound, layer and alignment; offsets go on counting; the outer reader steps over it."""
    outer = Reader(OCTETS, "outer", little_endian=False)
    outer.skip(3)
    part = outer.restrict_to(7, "part")
    assert (outer.offset, part.offset, part.remaining, part.consumed) == (10, 3, 7, 0)
    assert part.u16() == 0x0405
    part.align(4)
    assert (part.offset, part.consumed) == (7, 4)
    with pytest.raises(Truncated) as caught:
        part.u32()
    assert (caught.value.layer, caught.value.offset, caught.value.available) == ("part", 7, 3)
    assert part.restrict_to(2).layer == "part"
    assert outer.u8() == 11


@pytest.mark.parametrize(("skipped", "boundary", "offset"), [(0, 4, 0), (1, 4, 4), (4, 4, 4), (5, 8, 8), (3, 1, 3)])
def test_alignment(skipped: int, boundary: int, offset: int) -> None:
    """To the next multiple, from the reader's start."""
    reader = Reader(OCTETS, "t")
    reader.skip(skipped)
    reader.align(boundary)
    assert reader.offset == offset


@given(st.binary(max_size=40), st.lists(st.tuples(st.sampled_from("124ats"), st.integers(-3, 30)), max_size=20))
def test_a_reader_never_leaves_its_bounds(data: bytes, steps: list[tuple[str, int]]) -> None:
    """Whatever is asked, in a narrowed reader too: octets inside the part, or `Truncated`."""
    padded = b"\xff" * 5 + data + b"\xff" * 50
    outer = Reader(padded, "t")
    outer.skip(5)
    reader = outer.restrict_to(len(data))
    actions = {"1": lambda _: reader.u8(), "2": lambda _: reader.u16(), "4": lambda _: reader.u32(),
               "a": lambda count: reader.align(max(1, count)), "t": reader.take, "s": reader.skip}  # fmt: skip
    for action, count in steps:
        before = reader.offset
        try:
            actions[action](count)
        except Truncated:
            assert reader.offset == before
        assert before <= reader.offset <= 5 + len(data)
        assert reader.consumed + reader.remaining == len(data)


def test_cut_reader() -> None:
    """Values up to the cut, None from there on, the first problem kept: a later, smaller read does not fit in again."""
    reader = CutReader(OCTETS[:7], "t")
    assert (reader.u16(), reader.u32(), reader.u32(), reader.u8(), reader.take(1)) == (0x0201, 0x06050403, *[None] * 3)
    reader.skip(1)
    reader.align(4)
    assert bytes(reader.rest()) == b""
    assert reader.problem is not None
    assert (reader.problem.offset, reader.problem.needed, reader.problem.available) == (6, 4, 1)
    whole = CutReader(OCTETS, "t")
    whole.skip(15)
    assert (bytes(whole.rest()), whole.problem) == (b"\x10", None)


READS = {"B": Reader.u8, "H": Reader.u16, "I": Reader.u32, "3x": lambda reader: reader.skip(3)}


@pytest.mark.parametrize("codes", [("B", "3x"), ("H", "H", "I", "B", "3x"), ("3x", "B", "I"), ("I",)], ids="".join)
@pytest.mark.parametrize("little_endian", [True, False])
def test_a_layout_is_its_integers_in_a_row(codes: tuple[str, ...], little_endian: bool) -> None:
    """Whole and cut anywhere it gives the values and the error of single reads, also in a reader of cut octets."""
    layout = Layout("".join(codes))
    for length in range(layout.size_octets + 2):
        data = OCTETS[:length]
        single = CutReader(data, "t", little_endian=little_endian)
        values = [single.read(READS[code]) for code in codes]  # type: ignore[arg-type]
        expected = tuple(value for code, value in zip(codes, values, strict=True) if code != "3x")
        cut = CutReader(data, "t", little_endian=little_endian)
        assert cut.integers(layout) == expected
        assert str(cut.problem) == str(single.problem)
        reader = Reader(data, "t", little_endian=little_endian)
        if single.problem is None:
            assert reader.integers(layout) == expected
            assert reader.offset == layout.size_octets
            continue
        with pytest.raises(Truncated) as caught:
            reader.integers(layout)
        assert str(caught.value) == str(single.problem)
