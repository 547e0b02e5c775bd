"""pcapng: sections, interfaces, every kind of packet block, options, and what is kept of a damaged file."""

from __future__ import annotations

import io
import random
from struct import pack

import pytest
from builders.files import Interface, block, option, pcapng
from builders.network import TimedFrame
from capture_frames import frames_of

from rpctrace.capture.format import Notes, ReadOptions
from rpctrace.capture.frame import Frame, LinkType
from rpctrace.capture.pcapng import MAXIMUM_INTERFACES
from rpctrace.capture.registry import PCAPNG
from rpctrace.capture.storage import open_capture
from rpctrace.capture.window import Window
from rpctrace.errors import CaptureError

START_NS = 1_584_356_771_466_189_000
TALK = [TimedFrame(START_NS + number * 7_001_000, bytes(range(number, number + 54 + number))) for number in range(12)]


def walked(octets: bytes) -> tuple[list[Frame], Notes]:
    notes = Notes()
    return list(PCAPNG.walk(Window(io.BytesIO(octets).readinto), notes, ReadOptions(), 1).frames()), notes


def section(order: str = "<") -> bytes:
    return block(order, 0x0A0D0D0A, pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1))


def interface(link: int = 1, snapshot: int = 0, options: bytes = b"", order: str = "<") -> bytes:
    return block(order, 1, pack(order + "HHI", link, 0, snapshot) + options)


def packet(
    octets: bytes = b"abcd", *, index: int = 0, units: int = 1_000_000, options: bytes = b"", order: str = "<"
) -> bytes:
    body = pack(order + "IIIII", index, units >> 32, units & 0xFFFFFFFF, len(octets), len(octets))
    return block(order, 6, body + octets + bytes(-len(octets) % 4) + options)


@pytest.mark.parametrize("little_endian", [True, False])
def test_whole_file(little_endian: bool) -> None:
    """Times, octets, comments and offsets, in both byte orders."""
    talk = [TALK[0]._replace(comments=("first", "zweiter ö")), *TALK[1:]]
    frames, notes = walked(pcapng(talk, little_endian=little_endian, comment="of the file", application="test"))
    assert [(f.number, f.timestamp_ns, bytes(f.octets), f.comments) for f in frames] == [
        (number, frame.timestamp_ns, frame.octets, tuple(frame.comments)) for number, frame in enumerate(talk, start=1)
    ]
    assert not notes.problems


@pytest.mark.parametrize(
    ("resolution", "offset_seconds", "units", "expected"),
    [
        (None, 0, 1_500_000, 1_500_000_000),
        (0, 0, 3, 3_000_000_000),
        (9, 0, 123_456_789, 123_456_789),
        (12, 0, 1_999_999, 1_999),
        (0x8A, 0, 1025, 1_000_976_562),
        (0x94, 0, 1 << 20, 1_000_000_000),
        (6, 100, 1, 100_000_001_000),
        (6, -100, 1, -99_999_999_000),
        (19, 0, 2**64 - 1, 1_844_674_407),
        (0x3F, 0, 1, None),
        (0xFF, 0, 1, None),
    ],
)
def test_clock(resolution: int | None, offset_seconds: int, units: int, expected: int | None) -> None:
    """if_tsresol of both kinds and if_tsoffset -> nanoseconds; None where the unit is no clock's."""
    told = option("<", 9, bytes([resolution])) if resolution is not None else b""
    told += option("<", 14, pack("<q", offset_seconds)) + bytes(4)
    frames, notes = walked(section() + interface(options=told) + packet(units=units))
    assert frames[0].timestamp_ns == expected
    assert len(notes.problems) == (expected is None)


def test_packet_blocks_of_all_kinds() -> None:
    """Simple packets have no time and end at the snapshot length; the obsolete block reads like the enhanced one."""
    old = block("<", 2, pack("<HHIIII", 1, 3, 0, 7, 4, 9) + b"wxyz")
    simple = block("<", 3, pack("<I", 6) + b"abcdef\0\0")
    frames, notes = walked(section() + interface(link=101, snapshot=5) + interface(link=228) + old + simple)
    assert [(f.timestamp_ns, f.link_type, bytes(f.octets), f.original_length_octets, f.interface) for f in frames] == [
        (7_000, LinkType.IPV4, b"wxyz", 9, 1),
        (None, LinkType.RAW, b"abcde", 6, 0),
    ]
    assert not notes.problems


def test_sections_have_their_own_interfaces_and_order() -> None:
    """A second section in the other byte order: its interface list starts anew."""
    octets = section() + interface(link=101) + packet(b"one.") + section(">") + interface(link=228, order=">")
    frames, notes = walked(octets + packet(b"two.", order=">") + packet(b"none", index=1, order=">"))
    assert [(f.link_type, bytes(f.octets)) for f in frames] == [
        (LinkType.RAW, b"one."),
        (LinkType.IPV4, b"two."),
        (LinkType.NOT_A_PACKET, b"none"),
    ]
    assert ["no interface 1" in problem.text for problem in notes.problems] == [True]


def test_numbers_are_those_of_wireshark() -> None:
    """Custom, journal and system-call blocks have frame numbers; unknown blocks, secrets and names have none."""
    octets = section() + interface() + packet()
    numbered = (
        block("<", 0xBAD, pack("<I", 32473) + b"abcd"),
        block("<", 0x40000BAD, pack("<I", 32473)),
        block("<", 9, b"__REALTIME_TIMESTAMP=1234567\nMESSAGE=x\n"),
        block("<", 0x204, bytes(28)),
        block("<", 0x216, bytes(28)),
        block("<", 0x221, bytes(28)),
    )
    silent = (block("<", 10, pack("<II", 0x544C534B, 4) + b"key."), block("<", 0x12345678, b"abcd"), block("<", 7, b""))
    frames, notes = walked(octets + b"".join(numbered) + b"".join(silent) + packet())
    assert [f.link_type == LinkType.NOT_A_PACKET for f in frames] == [False, *[True] * 6, False]
    assert [len(f.octets) for f in frames[1:4]] == [4, 0, 39]
    assert [f.timestamp_ns for f in frames[1:4]] == [None, None, 1_234_567_000]
    assert frames[-1].number == 8
    assert not notes.problems


def test_names_statistics_and_options() -> None:
    """Host names and drops are told; an option that runs over its block is left out and reported."""
    names = option("<", 1, bytes([10, 0, 0, 1]) + b"dc.example\0alias\0")
    names += option("<", 2, bytes(15) + b"\x01" + b"six.example\0") + option("<", 1, b"\x01") + bytes(4)
    told = option("<", 5, pack("<Q", 3)) + option("<", 7, pack("<Q", 4)) + bytes(4)
    octets = section() + interface() + block("<", 4, names) + packet(options=option("<", 1, b"said\0") + bytes(4))
    octets += packet(options=pack("<HH", 1, 5000) + b"abcd") + block("<", 5, pack("<III", 0, 0, 0) + told)
    frames, notes = walked(octets)
    assert notes.host_names == {"10.0.0.1": "dc.example", "::1": "six.example"}
    assert [frame.comments for frame in frames] == [("said",), ()]
    assert ["5000" in notes.problems[0].text, "dropped 7 packets" in notes.problems[1].text] == [True, True]
    assert notes.stopped_at is None


def test_interfaces_are_bounded() -> None:
    """More interfaces than packets can name are not kept; said once."""
    _, notes = walked(section() + interface() * (MAXIMUM_INTERFACES + 10) + packet())
    assert [str(MAXIMUM_INTERFACES) in problem.text for problem in notes.problems] == [True]


def test_cut_everywhere() -> None:
    """Cut at every octet: frames whose octets are all there are kept, loss is said unless the cut is between blocks."""
    octets = pcapng(TALK)
    whole, _ = walked(octets)
    between = {28, 48} | {frame.file_offset for frame in whole}
    for cut in range(28, len(octets)):
        frames, notes = walked(octets[:cut])
        assert frames_of(frames) == frames_of(
            frame for frame in whole if frame.file_offset + 28 + len(frame.octets) <= cut
        )
        assert (notes.stopped_at is None) is (cut in between)
    for cut in range(4, 28):
        with pytest.raises(CaptureError):
            walked(octets[:cut])


@pytest.mark.parametrize("place", ["first", "second"])
@pytest.mark.parametrize("length", [0, 8, 11, 13, 28, 104, 5_000, 70_000_000, 0xFFFFFFFF])
@pytest.mark.parametrize("damaged", [0, 5, 11])
def test_wrong_length_costs_no_other_frame(place: str, length: int, damaged: int) -> None:
    """One of the two lengths of a block is wrong: every frame is kept, and it is said."""
    octets = bytearray(pcapng(TALK))
    whole, _ = walked(bytes(octets))
    at = whole[damaged].file_offset
    size = int.from_bytes(octets[at + 4 : at + 8], "little")
    where = at + 4 if place == "first" else at + size - 4
    octets[where : where + 4] = pack("<I", length)
    frames, notes = walked(bytes(octets))
    assert {frame.octets for frame in TALK} <= {bytes(frame.octets) for frame in frames} | {TALK[damaged].octets}
    assert len(frames) >= len(TALK) - 1
    assert notes.problems


def test_mutants() -> None:
    """Octets changed at random: frames or CaptureError, numbers without a hole, nothing else."""
    rng = random.Random(12)
    octets = pcapng(TALK, interfaces=(Interface(name="eth0", resolution=9), Interface(link_type=101)), comment="said")
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
