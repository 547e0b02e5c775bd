"""Frames of zstd and lz4, however they are written and wherever they are cut or damaged: all before it is given out."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from struct import pack

import lz4.frame
import pytest
import zstandard
from packing import IN_FRAMES, PACKERS, skippable

from rpctrace.capture.format import Damaged
from rpctrace.capture.framed import FramedMember, lz4_member, skippable_member, zstd_member

RNG = random.Random(7)
# Blocks of all kinds: octets that repeat, that do not, and that are one octet again and again.
OCTETS = (b"as ever " * 20_000) + RNG.randbytes(200_000) + bytes(300_000)
MEMBERS: dict[str, Callable[[], FramedMember]] = {"zstd": lambda: zstd_member(1 << 27), "lz4": lz4_member}


def zstd_forms() -> Iterator[bytes]:
    for level in (1, 19):
        for has_checksum in (False, True):
            for has_size in (False, True):
                how = {"level": level, "write_checksum": has_checksum, "write_content_size": has_size}
                compressor = zstandard.ZstdCompressor(**how)  # type: ignore[arg-type]
                yield compressor.compress(OCTETS)
                stream = compressor.compressobj()
                parts = [stream.compress(OCTETS[at : at + 9_000]) for at in range(0, len(OCTETS), 9_000)]
                yield b"".join((*parts, stream.flush()))


def lz4_forms() -> Iterator[bytes]:
    for block_size in (lz4.frame.BLOCKSIZE_MAX64KB, lz4.frame.BLOCKSIZE_MAX4MB):
        for linked in (False, True):
            for checks in (False, True):
                yield lz4.frame.compress(
                    OCTETS, block_size=block_size, block_linked=linked, content_checksum=checks,
                    block_checksum=checks, store_size=not checks,
                )  # fmt: skip


FORMS = [("zstd", each) for each in zstd_forms()] + [("lz4", each) for each in lz4_forms()]


def unpacked(member: FramedMember, packed: bytes, step: int, most: int = -1) -> bytes:
    """All that comes of `packed`, given in steps."""
    found, at = bytearray(), 0
    while not member.eof and (at < len(packed) or not member.needs_input):
        data = b""
        if member.needs_input:
            data, at = packed[at : at + step], at + step
        octets = member.decompress(data, most)
        assert most < 0 or len(octets) <= most
        found += octets
    return bytes(found)


@pytest.mark.parametrize("step", [777, 1 << 20])
@pytest.mark.parametrize(("packing", "packed"), FORMS)
def test_every_form(packing: str, packed: bytes, step: int) -> None:
    member = MEMBERS[packing]()
    assert unpacked(member, packed, step, 65_536) == OCTETS
    assert member.eof
    assert not member.unused_data
    member = MEMBERS[packing]()
    assert unpacked(member, packed + b"behind", 1 << 30) == OCTETS
    assert (member.eof, member.unused_data) == (True, b"behind")


@pytest.mark.parametrize("packing", IN_FRAMES)
def test_octet_by_octet_and_of_nothing(packing: str) -> None:
    assert unpacked(MEMBERS[packing](), PACKERS[packing](b"few words"), 1) == b"few words"
    empty = MEMBERS[packing]()
    assert unpacked(empty, PACKERS[packing](b""), 100) == b""
    assert empty.eof


@pytest.mark.parametrize(("packing", "packed"), FORMS[::3])
def test_cut_anywhere_the_whole_blocks_are_given(packing: str, packed: bytes) -> None:
    last = len(packed) - 1
    lengths = []
    for cut in sorted({*range(40), *(RNG.randrange(last) for _ in range(60)), *range(last - 9, last + 1)}):
        member = MEMBERS[packing]()
        found = unpacked(member, packed[:cut], 1 << 30)
        assert OCTETS.startswith(found)
        assert not member.eof
        lengths.append(len(found))
    assert lengths == sorted(lengths)
    assert len(OCTETS) - lengths[-1] <= {"zstd": 128 << 10, "lz4": 0}[packing]  # the last block, or the mark behind it


@pytest.mark.parametrize(
    ("packing", "packed"),
    [
        ("zstd", zstandard.ZstdCompressor(write_checksum=True).compress(OCTETS)),
        ("lz4", lz4.frame.compress(OCTETS, content_checksum=True)),
    ],
)
def test_a_wrong_checksum_comes_after_all_octets(packing: str, packed: bytes) -> None:
    member = MEMBERS[packing]()
    assert unpacked(member, packed[:-4], 1 << 30) == OCTETS
    with pytest.raises(Damaged) as raised:
        member.decompress(bytes(4))
    assert raised.value.reason == "the checksum is wrong"


@pytest.mark.parametrize("packing", IN_FRAMES)
def test_any_damage_is_that_or_other_octets(packing: str) -> None:
    """Nothing else is raised, however long a block claims to be."""
    packed = PACKERS[packing](OCTETS)
    for _ in range(200):
        mutant = bytearray(packed)
        mutant[RNG.randrange(60)] = RNG.randrange(256)
        member = MEMBERS[packing]()
        try:
            unpacked(member, bytes(mutant), 1 << 30)
        except Damaged:
            continue


def test_a_window_beyond_the_bound_is_no_damage() -> None:
    """What it asks for is said; an input of 4 octets a block unpacks to a block at a time."""
    compressor = zstandard.ZstdCompressor(
        compression_params=zstandard.ZstdCompressionParameters.from_level(1, window_log=27)
    ).compressobj()
    packed = compressor.compress(OCTETS) + compressor.flush()
    with pytest.raises(Damaged) as raised:
        unpacked(zstd_member(1 << 20), packed, 1 << 30)
    assert "memory" in raised.value.reason


def test_a_block_at_a_time() -> None:
    """Blocks of 4 octets that are 128 KiB each: what was not asked for is not unpacked."""
    head, block = bytes.fromhex("28b52ffd 00 58"), pack("<I", (131_072 << 3 | 2) | 0x61 << 24)
    member = zstd_member(1 << 27)
    assert member.decompress(head + block * 10_000, 10) == b"a" * 10
    assert len(member._unpacked) == 131_062
    assert not member.needs_input


def test_a_frame_that_is_stepped_over() -> None:
    member = skippable_member()
    assert unpacked(member, skippable(bytes(200_000)) + b"behind", 5_000) == b""
    assert (member.eof, member.unused_data[:3]) == (True, b"beh")


def test_a_block_larger_than_any_is_not_waited_for() -> None:
    """Else so much of the file would be held as it says: the package refuses the word before its block is read."""
    member = lz4_member()
    head = lz4.frame.compress(b"", store_size=False)[:7]
    with pytest.raises(Damaged, match="the data are damaged"):
        member.decompress(head + pack("<I", 0xFFFF_FFFF) + bytes(100))
