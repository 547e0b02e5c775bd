"""Runs of pcap records: every frame counted, the first and last time exact, damage read as the careful walk reads it.
(What comes of the frames: properties/test_scan.py.)"""

from __future__ import annotations

import random
from struct import pack_into

import pytest
from builders.files import pcap
from scan_talk import counted, mixture, scanned

FRAMES = mixture()


@pytest.mark.parametrize("window_octets", [1, 100, 4_000, 1 << 18])
@pytest.mark.parametrize("little_endian", [True, False])
@pytest.mark.parametrize("nanoseconds", [True, False])
def test_all_frames_count(little_endian: bool, nanoseconds: bool, window_octets: int) -> None:
    """Whatever the window; those of the one connection come out."""
    octets = pcap(FRAMES, little_endian=little_endian, nanoseconds=nanoseconds)
    found = scanned(octets, window_octets)
    assert (found.frames, found.times, found.problems) == counted(octets)
    assert {segment.source.port for segment in found.segments} == {60_000, 49_154}
    assert len(found.segments) == 8


def test_times_out_of_order() -> None:
    """The earliest and latest frame may stand anywhere, also within one second."""
    for seed in range(50):
        frames = list(FRAMES)
        random.Random(seed).shuffle(frames)
        octets = pcap(frames)
        assert scanned(octets).times == counted(octets)[1]


def places(octets: bytes) -> list[int]:
    """Where the records begin."""
    found, at = [], 24
    while at < len(octets):
        found.append(at)
        at += 16 + int.from_bytes(octets[at + 8 : at + 12], "little")
    return found


@pytest.mark.parametrize("field", range(4))
def test_a_damaged_record_header(field: int) -> None:
    """Each field of each tenth record, with values of all sizes: frames, times and problems of the careful walk."""
    octets = pcap(FRAMES)
    rng = random.Random(field)
    for at in places(octets)[::10]:
        for value in (0, 1, 70_000, 999_999, 1_000_000, 0xFFFF_FFFF, rng.getrandbits(32)):
            damaged = bytearray(octets)
            pack_into("<I", damaged, at + 4 * field, value)
            found = scanned(bytes(damaged), 5_000)
            assert (found.frames, found.times, found.problems) == counted(bytes(damaged))


def test_swapped_lengths_of_old_writers() -> None:
    """pcap 2.3: walked frame by frame, with the same result."""
    octets = bytearray(pcap(FRAMES))
    pack_into("<H", octets, 6, 3)
    found = scanned(bytes(octets))
    assert found.frames == len(FRAMES)
    assert len(found.segments) == 8
