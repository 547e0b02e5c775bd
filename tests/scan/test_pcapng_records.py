"""Runs of pcapng blocks: every frame counted, clocks kept apart, damage read as the careful walk reads it."""

from __future__ import annotations

import io
import random
from struct import pack_into

import pytest
from builders.files import Interface, pcapng
from scan_talk import counted, mixture, scanned

from rpctrace.capture.pcapng import PcapngWalk
from rpctrace.capture.storage import open_capture
from rpctrace.capture.window import Window
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan.collector import Collector
from rpctrace.scan.flows import FlowTable
from rpctrace.scan.pcapng_records import collect_pcapng

FRAMES = mixture()


@pytest.mark.parametrize("window_octets", [1, 100, 4_000, 1 << 18])
@pytest.mark.parametrize("little_endian", [True, False])
def test_all_frames_count(little_endian: bool, window_octets: int) -> None:
    octets = pcapng(FRAMES, little_endian=little_endian)
    found = scanned(octets, window_octets)
    assert (found.frames, found.times, found.problems) == counted(octets)
    assert {segment.source.port for segment in found.segments} == {60_000, 49_154}
    assert len(found.segments) == 8


def test_interfaces_in_turn() -> None:
    """Micro- and nanoseconds and a power of two, one frame of each in turn."""
    interfaces = (Interface(), Interface(resolution=9), Interface(resolution=0x80 | 20, offset_seconds=1_000))
    frames = [frame._replace(interface=number % 3) for number, frame in enumerate(FRAMES)]
    octets = pcapng(frames, interfaces=interfaces)
    found = scanned(octets)
    assert (found.frames, found.times, found.problems) == counted(octets)
    assert len(found.segments) == 8


def test_frames_with_comments() -> None:
    """Options are stepped over; one that runs over its block is told, as ever."""
    octets = bytearray(pcapng([frame._replace(comments=("seen",)) for frame in FRAMES]))
    found = scanned(bytes(octets))
    assert (found.frames, len(found.segments), found.problems) == (len(FRAMES), 8, [])
    at = octets.rfind(b"seen")
    pack_into("<H", octets, at - 2, 4000)
    found = scanned(bytes(octets))
    assert found.problems == counted(bytes(octets))[2] != []


def test_blocks_without_times() -> None:
    octets = pcapng(FRAMES, simple=True)
    found = scanned(octets)
    assert (found.frames, found.times, len(found.segments)) == (len(FRAMES), (None, None), 8)


def test_damaged_blocks() -> None:
    """Any word of 400 changed: frames, times and problems of the careful walk."""
    octets, rng = pcapng(FRAMES), random.Random(4)
    for _ in range(400):
        damaged = bytearray(octets)
        pack_into("<I", damaged, 4 * rng.randrange(len(octets) // 4), rng.choice((0, 1, 6, 100, rng.getrandbits(32))))
        try:
            expected = counted(bytes(damaged))
        except Exception as error:
            with pytest.raises(type(error)):
                scanned(bytes(damaged))
            continue
        found = scanned(bytes(damaged), 5_000)
        assert (found.frames, found.times, found.problems) == expected


def test_a_length_that_no_block_has() -> None:
    """The rest of the file is not read into the window for its sake."""
    octets = bytearray(pcapng(FRAMES * 40))
    with open_capture(io.BytesIO(octets)) as capture:
        places = [frame.file_offset for frame in capture]
    pack_into("<I", octets, places[50] + 4, 0x7000_0000)
    assert len(octets) > 1 << 21
    with open_capture(io.BytesIO(octets), window_octets=4_096) as capture:
        most = 0

        def take(_segment: Segment) -> None:
            nonlocal most
            most = max(most, len(source.buffer))

        collector = Collector(Decoder(), FlowTable(RECOGNISERS), take)
        for walk in capture.walks():
            assert isinstance(walk, PcapngWalk)
            assert isinstance(walk.source, Window)
            source = walk.source
            collect_pcapng(walk, source, capture, collector)
        assert 0 < most < 1 << 20
        assert len(source.buffer) < 1 << 20
        assert [problem.loses_octets for problem in capture.problems] == [True]
        assert capture.frame_count > len(places) // 2
