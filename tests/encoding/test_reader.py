"""The cursor reads both byte orders and never leaves its bounds; errors say where, how much and how much there was."""

from __future__ import annotations

import pickle

import pytest

from rpctrace.encoding.reader import CutReader, Reader
from rpctrace.errors import Truncated

OCTETS = bytes(range(1, 16))


@pytest.mark.parametrize(
    ("little", "expected"),
    [(True, (1, 0x0302, 0x07060504, 0x0F0E0D0C0B0A0908)), (False, (1, 0x0203, 0x04050607, 0x08090A0B0C0D0E0F))],
)
def test_integers(little: bool, expected: tuple[int, ...]) -> None:
    """u8, u16, u32, u64 in turn use up the octets."""
    reader = Reader(OCTETS, "test", little_endian=little)
    assert (reader.u8(), reader.u16(), reader.u32(), reader.u64()) == expected
    assert reader.remaining == 0


def test_a_read_past_the_end_says_what_was_missing() -> None:
    """Layer, offset, needed, available; the cursor stays, and the error survives a pickle."""
    reader = Reader(OCTETS[:3], "test")
    reader.skip(1)
    with pytest.raises(Truncated) as caught:
        reader.u32()
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.layer, error.offset, error.needed, error.available) == ("test", 1, 4, 2)
    assert reader.u16() == 0x0302
    with pytest.raises(Truncated):
        reader.take(-1)


def test_a_narrowed_reader_counts_on_and_stops_at_its_bound() -> None:
    """Offsets are of the outermost octets, alignment is of the narrowed ones."""
    reader = Reader(OCTETS, "outer")
    reader.skip(3)
    inner = reader.restrict_to(6, "inner")
    assert (inner.offset, inner.remaining, reader.offset) == (3, 6, 9)
    inner.skip(1)
    inner.align(4)
    assert inner.offset == 7
    with pytest.raises(Truncated) as caught:
        inner.u32()
    assert (caught.value.layer, caught.value.offset, caught.value.available) == ("inner", 7, 2)


def test_a_cut_reader_gives_none_from_the_cut_on() -> None:
    """The first problem stays; nothing behind it is read, even if it would fit."""
    reader = CutReader(OCTETS[:5], "test")
    assert (reader.u16(), reader.u32(), reader.u8()) == (0x0201, None, None)
    assert reader.problem is not None
    assert (reader.problem.offset, reader.problem.needed) == (2, 4)
    assert len(reader.rest()) == 0
