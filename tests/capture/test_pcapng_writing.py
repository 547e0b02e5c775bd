"""Blocks that are written read back as they were meant, and a comment changes nothing else of a block."""

from __future__ import annotations

import io
from struct import pack

import pytest
from builders import files
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.capture import pcapng_writing as writing
from rpctrace.capture.frame import Frame, LinkType
from rpctrace.capture.storage import open_capture


def frames_of(octets: bytes) -> list[Frame]:
    with open_capture(io.BytesIO(octets)) as capture:
        frames = list(capture)
        assert capture.complete
        assert not capture.problems
    return frames


@given(st.binary(max_size=70), st.integers(0, 2**63), st.lists(st.text(max_size=20), max_size=3))
def test_what_is_written_reads_back(octets: bytes, timestamp_ns: int, comments: list[str]) -> None:
    """Octets, time to the nanosecond, link type, length on the wire, comments."""
    comments = [text.replace("\0", "") for text in comments]
    file = writing.section("tests") + writing.interface(LinkType.RAW, "eth0")
    (frame,) = frames_of(file + writing.packet(0, timestamp_ns, octets, len(octets) + 9, comments))
    assert bytes(frame.octets) == octets
    assert (frame.timestamp_ns, frame.link_type, frame.original_length_octets) == (
        timestamp_ns, LinkType.RAW, len(octets) + 9,
    )  # fmt: skip
    assert frame.comments == tuple(comments)


def test_a_frame_without_a_packet_keeps_its_number() -> None:
    """As a link type of its own, which nobody dissects."""
    file = writing.section("tests") + writing.interface(LinkType.NOT_A_PACKET) + writing.packet(0, 0, b"event", 5)
    (frame,) = frames_of(file)
    assert frame.link_type == writing.NO_PACKET


def enhanced(order: str, octets: bytes, options: bytes = b"") -> bytes:
    head = pack(f"{order}IIIII", 0, 0, 5, len(octets), len(octets))
    return writing.block(6, head + octets + bytes(-len(octets) & 3) + options, order)


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("length", [0, 1, 4, 61])
def test_comments_go_before_other_options(order: str, length: int) -> None:
    """In the block's own byte order; what was there stays, octet for octet."""
    flags = files.option(order, 2, bytes(4)) + files.option(order, 1, b"old") + files.option(order, 0, b"")
    for options in (b"", flags):
        block = enhanced(order, bytes(length), options)
        changed = writing.commented(block, ("new", "second ä"))
        assert changed is not None
        added = len(changed) - len(block)
        assert changed[8 : 28 + length] == block[8 : 28 + length]
        assert changed.endswith(options + changed[-4:]) or not options
        assert changed[4:8] == changed[-4:] == pack(f"{order}I", len(block) + added)
        file = files.block(order, 0x0A0D0D0A, pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1))
        file += files.block(order, 1, pack(f"{order}HHI", 1, 0, 0)) + changed
        (frame,) = frames_of(file)
        assert frame.comments == (("new", "second ä", "old") if options else ("new", "second ä"))


@pytest.mark.parametrize(
    "block",
    [
        writing.block(3, pack("<I", 4) + b"abcd"),  # a simple packet has no options
        enhanced("<", b"abcd")[:-4],
        enhanced("<", b"abcd")[:20] + pack("<I", 999) + enhanced("<", b"abcd")[24:],
        b"",
        b"\x06\0\0\0",
    ],
)
def test_what_can_hold_no_comment_is_left_alone(block: bytes) -> None:
    """Of a kind without options, cut, or with a captured length that cannot be."""
    assert writing.commented(block, ("text",)) is None


def test_no_comment_no_change() -> None:
    assert writing.commented(enhanced("<", b"abcd"), ()) is None


def test_long_comments_are_cut_between_characters() -> None:
    """And a lone surrogate does not stop the writing."""
    file = writing.section("x") + writing.interface(LinkType.ETHERNET)
    (frame,) = frames_of(file + writing.packet(0, 0, b"", 0, ("ä" * 5000, "\udc80")))
    assert frame.comments[0] == "ä" * (writing.MAXIMUM_COMMENT_OCTETS // 2)
    assert frame.comments[1] == "\\udc80"
