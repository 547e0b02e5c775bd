"""Members, padding and garbage of compressed streams; damage costs what is behind it and nothing before."""

from __future__ import annotations

import gzip
import io
import random
import zlib
from dataclasses import asdict

import pytest

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
def test_members(piece: int) -> None:
    """Several members, zeros between and behind them: one run of octets, no problem."""
    packed = gzip.compress(OCTETS) + bytes(7) + gzip.compress(b"more") + bytes(1000)
    octets, notes = unpacked(packed, piece)
    assert octets == OCTETS + b"more"
    assert asdict(notes) == asdict(Notes())


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
    heads = {b"\x1f\x8b\x08": "gzip", b"BZh9": "bzip2", b"\xfd7zXZ\0": "xz"}
    for head, name in heads.items():
        kind = compression_of(head)
        assert kind is not None
        assert kind.name == name
    assert compression_of(b"\xd4\xc3\xb2\xa1") is None
