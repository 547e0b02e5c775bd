"""pcap: both byte orders and units, the odd record headers, and what is kept of a damaged file."""

from __future__ import annotations

import io
import random
from struct import pack

import pytest
from builders.files import pcap
from builders.network import TimedFrame
from capture_frames import frames_of

from rpctrace.capture.format import Notes, ReadOptions
from rpctrace.capture.frame import Frame, LinkType
from rpctrace.capture.pcap import PCAP
from rpctrace.capture.storage import open_capture
from rpctrace.capture.window import Window
from rpctrace.errors import CaptureError

START_NS = 1_584_356_771_466_189_000
TALK = [TimedFrame(START_NS + number * 7_001_000, bytes(range(number, number + 54 + number))) for number in range(12)]


def walked(octets: bytes) -> tuple[list[Frame], Notes]:
    notes = Notes()
    window = Window(io.BytesIO(octets).readinto)
    return list(PCAP.walk(window, notes, ReadOptions(), 1).frames()), notes


def records(header: str, rest: tuple[int, ...] = ()) -> bytes:
    return b"".join(
        pack("<" + header, seconds, fraction // 1000, len(frame.octets), len(frame.octets), *rest) + frame.octets
        for frame in TALK
        for seconds, fraction in [divmod(frame.timestamp_ns, 10**9)]
    )


def file_header(magic: int = 0xA1B2C3D4, version: tuple[int, int] = (2, 4), link: int = 1) -> bytes:
    return pack("<IHHIIII", magic, *version, 0, 0, 65535, link)


@pytest.mark.parametrize("little_endian", [True, False])
@pytest.mark.parametrize("nanoseconds", [True, False])
def test_four_magics(little_endian: bool, nanoseconds: bool) -> None:
    """Byte order and unit of time are the file's; numbers, offsets and octets are right."""
    octets = pcap(TALK, little_endian=little_endian, nanoseconds=nanoseconds)
    frames, notes = walked(octets)
    assert [(f.number, f.timestamp_ns, bytes(f.octets)) for f in frames] == [
        (number, frame.timestamp_ns, frame.octets) for number, frame in enumerate(TALK, start=1)
    ]
    assert frames[0].file_offset == 24
    assert frames[1].file_offset == 24 + 16 + len(TALK[0].octets)
    assert not notes.problems


@pytest.mark.parametrize(
    ("magic", "header", "rest"),
    [
        (0xA1B2CD34, "IIIIIHBB", (2, 0x800, 0, 0)),
        (0xA1B2C3D4, "IIIII", (0xFFFFFFFF,)),
        (0xA1B2CD34, "IIII", ()),
    ],
    ids=["modified", "Nokia", "modified magic, plain records"],
)
def test_record_headers_by_plausibility(magic: int, header: str, rest: tuple[int, ...]) -> None:
    """Longer record headers are found out from the records."""
    frames, notes = walked(file_header(magic) + records(header, rest))
    assert [bytes(frame.octets) for frame in frames] == [frame.octets for frame in TALK]
    assert not notes.problems


def test_swapped_lengths_before_2_4() -> None:
    """Version 2.3 with original and captured length the wrong way round, cut frames."""
    body = b"".join(pack("<IIII", 1_000_000, number, 1500, 60) + bytes(60) for number in range(6))
    frames, notes = walked(file_header(version=(2, 3)) + body)
    assert [(len(frame.octets), frame.original_length_octets) for frame in frames] == [(60, 1500)] * 6
    assert not notes.problems


def test_fields_out_of_range() -> None:
    """A fraction over a second is carried, an original length below the captured one is raised, upper link bits go."""
    body = b"".join(pack("<IIII", 1_000_000, 2_500_000, 60, 40) + bytes(60) for _ in range(3))
    frames, notes = walked(file_header(link=0x2400_0000 | 228, version=(2, 2)) + body)
    assert [frame.timestamp_ns for frame in frames] == [1_000_002_500_000_000] * 3
    assert [frame.original_length_octets for frame in frames] == [60] * 3
    assert {frame.link_type for frame in frames} == {LinkType.IPV4}
    assert [problem.text for problem in notes.problems] == ["pcap version 2.2 is read as 2.4"]


def test_cut_everywhere() -> None:
    """Cut at every octet: the frames before the cut, and loss is said unless the cut is between two records."""
    octets = pcap(TALK)
    whole, _ = walked(octets)
    ends = {frame.file_offset + 16 + len(frame.octets) for frame in whole} | {24}
    for cut in range(24, len(octets)):
        frames, notes = walked(octets[:cut])
        assert frames_of(frames) == frames_of(f for f in whole if f.file_offset + 16 + len(f.octets) <= cut)
        assert (notes.stopped_at is None) is (cut in ends)
    for cut in range(24):
        with pytest.raises(CaptureError):
            walked(octets[:cut] if cut >= 4 else octets[:4])


@pytest.mark.parametrize("length", [0, 1, 100, 5_000, 262_144, 0x7FFFFFFF, 0xFFFFFFFF])
@pytest.mark.parametrize("damaged", [0, 4, 10])
def test_wrong_length_costs_one_frame_at_most(length: int, damaged: int) -> None:
    """Any captured length in one record: all others are kept, and the loss is said."""
    whole, _ = walked(pcap(TALK))
    at = whole[damaged].file_offset + 8
    octets = bytearray(pcap(TALK))
    octets[at : at + 4] = pack("<I", length)
    frames, notes = walked(bytes(octets))
    kept = {bytes(frame.octets) for frame in frames}
    lost = [frame for frame in TALK if frame.octets not in kept]
    assert len(lost) <= 1
    assert notes.stopped_at is not None


def test_junk_between_records() -> None:
    """Octets that are no record, in the middle: left out, reported, all records kept."""
    octets = pcap(TALK)
    whole, _ = walked(octets)
    at = whole[6].file_offset
    junk = random.Random(5).randbytes(3_333)
    frames, notes = walked(octets[:at] + junk + octets[at:])
    assert {frame.octets for frame in TALK} <= {bytes(frame.octets) for frame in frames}
    assert notes.stopped_at is not None
    assert at - 200 < notes.stopped_at <= at


def test_time_jumps_and_zeros_are_no_damage() -> None:
    """Years between records, times of zero, empty frames: files are so."""
    times = [0, 0, 10**18, 2 * 10**18, 0, 10**18, 10**18]
    talk = [TimedFrame(ns, bytes(20 * (number % 3))) for number, ns in enumerate(times)]
    octets = pcap(talk)
    frames, notes = walked(octets)
    assert [frame.timestamp_ns for frame in frames][2:] == times[2:]
    assert not notes.problems


def test_zeros_at_the_end_and_in_the_middle() -> None:
    """A zero tail is no frames and no loss; zeros before more records are a loss, and the records are found."""
    frames, notes = walked(pcap(TALK) + bytes(200_001))
    assert len(frames) == len(TALK)
    assert [(problem.text, problem.loses_octets) for problem in notes.problems] == [("200001 zeros at the end", False)]
    octets = pcap(TALK)
    frames, notes = walked(octets + bytes(200_000) + octets[24:])
    assert len(frames) == 2 * len(TALK)
    assert notes.stopped_at == len(octets)


def test_odd_files_are_read_once() -> None:
    """A file all of odd neighbours costs one look a record, not a search each: 60 000 records are read at once."""
    seconds = [number * 7919 * 65_536 % 2**32 for number in range(60_000)]
    body = b"".join(pack("<IIII", each, 0, 20, 19) + bytes(20) for each in seconds)
    frames, notes = walked(file_header() + body)
    assert len(frames) == 60_000
    assert not notes.problems


def test_mutants() -> None:
    """Octets changed at random: frames or CaptureError, numbers without a hole, nothing else."""
    rng = random.Random(11)
    octets = pcap(TALK)
    for _ in range(1_500):
        mutant = bytearray(octets)
        for _ in range(rng.choice((1, 4, 30))):
            mutant[rng.randrange(len(mutant))] = rng.randrange(256)
        try:
            with open_capture(io.BytesIO(bytes(mutant))) as capture:
                frames = list(capture)
        except CaptureError:
            continue
        assert [frame.number for frame in frames] == list(range(1, len(frames) + 1))
        assert all(frame.original_length_octets >= len(frame.octets) for frame in frames)
        assert sum(len(frame.octets) for frame in frames) <= len(mutant)
