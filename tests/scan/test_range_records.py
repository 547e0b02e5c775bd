"""The first record of a range is found anywhere in a file; what is not ordinary is left to who reads all of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import pack, unpack_from

import pytest
from builders import files
from builders.network import TimedFrame
from scan_talk import START_NS, mixture

from rpctrace.capture.frame import LinkType
from rpctrace.capture.pcapng import Interface
from rpctrace.capture.pcapng_options import MICROSECONDS
from rpctrace.capture.storage import OpenedAgain, open_capture
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan.range_records import index_of
from rpctrace.scan.ranges import MOST_RECORD_OCTETS, Index, Range, unpacked

FRAMES = mixture(12)
ETHERNET = Interface(LinkType.ETHERNET, 262_144, MICROSECONDS)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "capture"


def read(path: Path, start: int, end: int, window_octets: int = 700) -> Index | None:
    with open_capture(path) as capture:
        file = capture.stored_file()
    assert file is not None
    opened = OpenedAgain(file, window_octets)
    try:
        return index_of(opened, Range(1, start, end, (ETHERNET,)), RECOGNISERS)
    finally:
        opened.close()


def starts(octets: bytes) -> Iterator[int]:
    """Where the records of a pcap file start, and the end of the file."""
    at = 24
    while at < len(octets):
        yield at
        at += 16 + int(unpack_from("<I", octets, at + 8)[0])
    yield at


def test_records_of_a_range(path: Path) -> None:
    octets = files.pcap(FRAMES)
    path.write_bytes(octets)
    places = list(starts(octets))
    for start in range(24, len(octets) // 2, 131):
        index = read(path, start, start + 9_000)
        assert index is not None
        wanted = [place for place in places if start <= place < start + 9_000]
        assert [index.first + place for place in unpacked(index.places)] == wanted
        assert index.stop == places[places.index(wanted[-1]) + 1]
        seconds, fraction = unpack_from("<II", octets, wanted[-1])
        assert index.last == (seconds, fraction)
        assert index.earliest <= index.last <= index.latest


def test_the_last_record_is_left(path: Path) -> None:
    """Nothing follows that fits it: what ends a file is for who reads all of it."""
    octets = files.pcap(FRAMES)
    path.write_bytes(octets)
    index = read(path, 5_000, len(octets))
    assert index is not None
    assert index.stop == list(starts(octets))[-2]


def test_blocks_of_a_range(path: Path) -> None:
    octets = files.pcapng(FRAMES)
    path.write_bytes(octets)
    index = read(path, 4_000, len(octets))
    assert index is not None
    assert index.stop == len(octets)
    assert 0 <= index.first - 4_000 < 1_600
    with open_capture(path) as capture:
        assert [frame.file_offset for frame in capture if frame.file_offset >= 4_000] == [
            index.first + place for place in unpacked(index.places)
        ]


@pytest.mark.parametrize("octets", [files.pcap(FRAMES), files.pcapng(FRAMES)], ids=["pcap", "pcapng"])
def test_a_capture_inside_a_frame_is_no_record(path: Path, octets: bytes) -> None:
    """A file transfer may carry a capture; its records follow each other too, up to the end of the frame."""
    inner = octets[24:1_000]
    outer = TimedFrame(START_NS, bytes(14) + inner)
    path.write_bytes(files.pcap([outer, *FRAMES]))
    index = read(path, 24 + 16 + 14 + 200, 3_000)
    assert index is None or index.first in list(starts(path.read_bytes()))


def test_where_there_is_no_record(path: Path) -> None:
    path.write_bytes(files.pcap(FRAMES) + b"\xee" * 90_000)
    assert read(path, path.stat().st_size - 80_000, path.stat().st_size) is None
    path.write_bytes(files.pcapng(FRAMES) + b"\xee" * 90_000)
    assert read(path, path.stat().st_size - 80_000, path.stat().st_size) is None


def test_damage(path: Path) -> None:
    """A range of a pcap file with damage is not used; one of a pcapng file up to the damage."""
    octets = bytearray(files.pcap(FRAMES))
    at = next(place for place in starts(bytes(octets)) if place > 9_000)
    octets[at : at + 16] = b"\xff" * 16
    path.write_bytes(octets)
    assert read(path, 5_000, 15_000) is None
    octets = bytearray(files.pcapng(FRAMES))
    path.write_bytes(octets)
    with open_capture(path) as capture:
        at = next(frame.file_offset for frame in capture if frame.file_offset > 9_000)
    octets[at : at + 16] = b"\xff" * 16
    path.write_bytes(octets)
    index = read(path, 5_000, 15_000)
    assert index is not None
    assert index.stop == at


def test_a_giant_frame(path: Path) -> None:
    """Longer than any IP packet: so no bound has to reckon with it."""
    giant = TimedFrame(FRAMES[20].timestamp_ns, bytes(MOST_RECORD_OCTETS))
    path.write_bytes(files.pcap([*FRAMES[:20], giant, *FRAMES[20:]]))
    assert read(path, 100, path.stat().st_size) is None


def test_an_interface_that_is_not_known(path: Path) -> None:
    told = [frame._replace(interface=1) for frame in FRAMES]
    path.write_bytes(files.pcapng(told, interfaces=(files.Interface(), files.Interface())))
    assert read(path, 4_000, 9_000) is None


def test_other_files(path: Path) -> None:
    """The start of a pcapng file holds no packets to begin with; a block may end its section."""
    path.write_bytes(files.pcapng(FRAMES))
    assert read(path, 0, 9_000) is None
    path.write_bytes(files.pcapng(FRAMES) + files.pcapng(FRAMES))
    index = read(path, 4_000, path.stat().st_size)
    assert index is not None
    assert index.stop == len(files.pcapng(FRAMES))
    assert pack("<I", 0x0A0D0D0A) == path.read_bytes()[index.stop :][:4]
