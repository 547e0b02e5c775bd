"""All kinds of files go through one scan; nothing is followed that nobody knows."""

from __future__ import annotations

import gzip
import random

import pytest
from builders.files import netmon, pcap, pcapng
from builders.tcp import CLIENT, SERVER, cut
from scan_talk import BIND, START_NS, mixture, scanned, talk

FRAMES = mixture()


@pytest.mark.parametrize("octets", [pcap(FRAMES), pcapng(FRAMES), netmon(FRAMES)], ids=["pcap", "pcapng", "netmon"])
def test_formats(octets: bytes) -> None:
    """Compressed and appended to one another too."""
    assert [len(found.segments) for found in (scanned(octets), scanned(gzip.compress(octets)))] == [8, 8]


def test_files_in_a_row() -> None:
    """A pcapng file behind a pcap file: one numbering, both followed."""
    found = scanned(pcap(FRAMES) + pcapng(FRAMES))
    assert found.frames == 2 * len(FRAMES)
    assert len(found.segments) == 16
    assert found.segments[8].frame_number == found.segments[0].frame_number + len(FRAMES)


def test_nothing_of_ours() -> None:
    talks = [talk(50_000 + n, b"SSH-2.0-x\r\n" * 3, b"?" * 99).frames for n in range(9)]
    assert scanned(pcap([frame for frames in talks for frame in frames])).segments == []


def test_a_large_transfer_joined_in_the_middle_is_left_soon() -> None:
    """2 MB of one connection without its start, both ways: the search ends, the rest is passed over by key."""
    rng = random.Random(2)
    said = talk(50_000, BIND, b"answer")
    del said.frames[:]
    for _ in range(700):
        said.send(CLIENT, rng.randbytes(1_400))
        said.send(SERVER, rng.randbytes(1_400))
    assert scanned(pcap(said.frames)).segments == []


def test_file_data_of_smb_are_passed_over() -> None:
    """A READ of a file: behind the first octets of each direction nothing is taken, however many there are."""
    negotiate = bytes.fromhex("0000006c fe534d42 4000") + bytes(102)
    said = talk(50_000, negotiate, negotiate)
    said.frames = said.frames[:-3]
    for _ in range(50):
        said.send(SERVER, bytes.fromhex("0000ffff fe534d42 4000") + BIND * 500)
    assert scanned(pcap(said.frames)).segments == []


def test_cut_frames() -> None:
    """A snapshot length of 60: the headers are there, the octets are not, and lengths say so."""
    segments = scanned(pcap(cut(talk(60_000, BIND, b"x" * 100, START_NS).frames, 60))).segments
    (bind,) = [segment for segment in segments if segment.length_octets == len(BIND)]
    assert len(bind.payload) == 6
