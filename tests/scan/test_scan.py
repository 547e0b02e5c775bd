"""All kinds of files go through one scan; nothing is followed that nobody knows."""

from __future__ import annotations

import io
import random

import pytest
from builders.files import netmon, pcap, pcapng
from builders.network import TimedFrame
from builders.smb import (
    Head,
    create_answer,
    create_request,
    negotiate_answer,
    negotiate_request,
    packet,
    read_answer,
    read_request,
    tree_answer,
    tree_request,
)
from builders.tcp import CLIENT, SERVER, cut
from packing import PACKERS
from scan_talk import BIND, START_NS, mixture, scanned, talk

from rpctrace.capture.pcap import RUN_OCTETS
from rpctrace.capture.storage import open_capture
from rpctrace.network.flow import Segment
from rpctrace.reading import Options, Reading
from rpctrace.scan.scan import scan

FRAMES = mixture()


@pytest.mark.parametrize("octets", [pcap(FRAMES), pcapng(FRAMES), netmon(FRAMES)], ids=["pcap", "pcapng", "netmon"])
def test_formats(octets: bytes) -> None:
    """Compressed and appended to one another too."""
    for pack in (bytes, *PACKERS.values()):
        assert len(scanned(pack(octets)).segments) == 8


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


def test_file_data_of_smb_become_no_segments() -> None:
    """A READ of a file that looks like PDUs: who reads SMB has its octets stepped over, and what
    acknowledges them too; what comes behind it is taken again."""
    said = talk(61_000, packet(negotiate_request(Head())), packet(negotiate_answer(Head())))
    del said.frames[-3:]
    for ask, answer in (
        (tree_request(Head(2), r"\\server\share"), tree_answer(Head(2), 1)),
        (create_request(Head(3), "file"), create_answer(Head(3))),
        (read_request(Head(4), length=1 << 20), read_answer(Head(4), BIND * 8_000)),
        (read_request(Head(5)), read_answer(Head(5), b"end")),
    ):
        said.send(CLIENT, packet(ask))
        said.send(SERVER, packet(answer), acknowledge=True)
    head = [TimedFrame(START_NS, bytes(1_400))] * (RUN_OCTETS // 1_400)
    taken: list[Segment] = []
    reading = Reading(0, Options())
    with open_capture(io.BytesIO(pcap([*head, *said.frames])), window_octets=20_000) as capture:

        def take(segment: Segment) -> None:
            taken.append(segment)
            reading.read(segment)

        scan(capture, reading.decoder, reading.table, take)
        kept = reading.close(capture)
    ours = [segment for segment in taken if 61_000 in (segment.source.port, segment.destination.port)]
    assert len(said.frames) > 400
    assert len(ours) < 100
    assert any(bytes(segment.payload).endswith(b"end") for segment in ours)
    assert not kept.facts


def test_cut_frames() -> None:
    """A snapshot length of 60: the headers are there, the octets are not, and lengths say so."""
    segments = scanned(pcap(cut(talk(60_000, BIND, b"x" * 100, START_NS).frames, 60))).segments
    (bind,) = [segment for segment in segments if segment.length_octets == len(BIND)]
    assert len(bind.payload) == 6
