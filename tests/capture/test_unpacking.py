"""Members, padding and garbage of compressed streams; damage costs what is behind it and nothing before."""

from __future__ import annotations

import gzip
import io
import random
import zlib
from dataclasses import asdict

import pytest
from packing import IN_FRAMES, PACKERS, skippable

from rpctrace.capture.format import Notes
from rpctrace.capture.unpacking import Unpacker, compression_of

OCTETS = random.Random(4).randbytes(40_000) + bytes(40_000)


def unpacked(packed: bytes, piece: int = 10_000) -> tuple[bytes, Notes]:
    kind = compression_of(packed)
    assert kind is not None
    notes = Notes()
    unpacker = Unpacker(kind, io.BytesIO(packed).read, notes)
    octets = b"".join(iter(lambda: unpacker.read(piece), b""))
    return octets, notes


@pytest.mark.parametrize("piece", [1_000, 65_536, 1 << 20])
@pytest.mark.parametrize("packing", PACKERS)
def test_members(packing: str, piece: int) -> None:
    """Several members, zeros between and behind them: one run of octets, no problem."""
    pack = PACKERS[packing]
    octets, notes = unpacked(pack(OCTETS) + bytes(7) + pack(b"more") + bytes(1000), piece)
    assert octets == OCTETS + b"more"
    assert asdict(notes) == asdict(Notes())


@pytest.mark.parametrize("packing", IN_FRAMES)
def test_frames_that_are_stepped_over(packing: str) -> None:
    """First, among the others and last, of any length; they say nothing of what is behind them, and may be cut."""
    pack, long = PACKERS[packing], skippable(bytes(100_000), 7)
    packed = skippable(b"") + skippable(b"names", 15) + pack(OCTETS) + long + pack(b"more") + skippable(b"index")
    kind = compression_of(packed)
    assert kind is not None
    assert kind.name == packing
    octets, notes = unpacked(packed)
    assert octets == OCTETS + b"more"
    assert asdict(notes) == asdict(Notes())
    octets, notes = unpacked(pack(OCTETS) + long[:-1])
    assert octets == OCTETS
    assert [problem.text for problem in notes.problems] == [f"the {packing} stream is cut"]
    assert compression_of(skippable(b"names") + gzip.compress(OCTETS)) is None
    assert compression_of(skippable(bytes(9))[:16]) is None


@pytest.mark.parametrize("packing", IN_FRAMES)
def test_a_frame_of_another_compression_is_not_ours(packing: str) -> None:
    octets, notes = unpacked(PACKERS[packing](OCTETS) + gzip.compress(b"more"))
    assert octets == OCTETS
    assert f"other octets follow the {packing} stream" in notes.problems[0].text


def test_garbage_behind_loses_nothing() -> None:
    octets, notes = unpacked(gzip.compress(b"all") + b"garbage")
    assert octets == b"all"
    assert [(problem.loses_octets, problem.offset) for problem in notes.problems] == [(False, 3)]


def test_damage_in_the_middle() -> None:
    """Everything before a bad deflate block is given, to the octet."""
    deflate = zlib.compressobj(9, wbits=31)
    sound = deflate.compress(OCTETS[:30_000]) + deflate.flush(zlib.Z_FULL_FLUSH)
    octets, notes = unpacked(sound + b"\x07" + bytes(50))  # a block of the reserved type
    assert octets == OCTETS[:30_000]
    assert notes.stopped_at == 30_000


def test_checksum_comes_after_the_octets() -> None:
    packed = bytearray(gzip.compress(OCTETS))
    packed[-6] ^= 1
    octets, notes = unpacked(bytes(packed))
    assert octets == OCTETS
    assert "checksum" in notes.problems[0].text


def test_compression_of() -> None:
    heads = {
        b"\x1f\x8b\x08": "gzip", b"BZh9": "bzip2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd",
        b"\x04\x22\x4d\x18": "lz4",
    }  # fmt: skip
    for head, name in heads.items():
        kind = compression_of(head)
        assert kind is not None
        assert kind.name == name
    assert compression_of(b"\xd4\xc3\xb2\xa1") is None
