"""`scan` is `network.decode` without what does not matter: the same segments of the flows that it follows, and so the
same report as the plain path, from captures whole, damaged, cut, reordered and joined in the middle."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from builders import files
from builders.network import TimedFrame
from builders.tcp import cut
from scan_talk import listed
from shared_captures import OWN, SHARED, captures_in, name_of, needs_shared

from rpctrace.analysis import Options, analyze
from rpctrace.capture.frame import LinkType
from rpctrace.capture.storage import open_capture
from rpctrace.errors import CaptureError
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Flow, Segment, Transport
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.report import Report
from rpctrace.scan.flows import FlowTable

SAMPLES = captures_in(OWN)
SMALL = [path for path in SAMPLES if path.stat().st_size < 120_000]
MUTANTS = 2_000
# Whoever is passed over is not looked at: neither damage of its headers is told, nor what its segments would make of a
# bound. Both are told for the flows that are followed, as far as those are the same.
NETWORK_LAYERS = ("tcp", "udp", "ipv4", "ipv6", "ip")

Frames = list[TimedFrame]


def report(octets: bytes, *, plain: bool) -> Report:
    read = analyze(io.BytesIO(octets), Options(plain=plain))
    problems = tuple(each for each in read.problems if each.layer.split(".")[0] not in NETWORK_LAYERS)
    return replace(read, problems=problems, limits=())


def both_say_the_same(octets: bytes) -> None:
    try:
        plain = report(octets, plain=True)
    except CaptureError:
        with pytest.raises(CaptureError):
            report(octets, plain=False)
        return
    assert report(octets, plain=False) == plain


@pytest.mark.parametrize("path", SAMPLES, ids=name_of)
def test_samples(path: Path) -> None:
    """Whole, to the last field."""
    assert analyze(path) == analyze(path, Options(plain=True))


@needs_shared
@pytest.mark.parametrize("path", [path for path in captures_in(SHARED) if path.stat().st_size < 3_000_000], ids=name_of)
def test_shared_captures(path: Path) -> None:
    both_say_the_same(path.read_bytes())


@pytest.mark.parametrize("path", SMALL, ids=name_of)
def test_octets_changed(path: Path) -> None:
    """Octets of the file changed, and a third of the files cut."""
    octets, rng = path.read_bytes(), random.Random(name_of(path))
    for _ in range(MUTANTS // len(SMALL) + 1):
        mutant = bytearray(octets)
        for _ in range(rng.choice((1, 3, 20, 200))):
            mutant[rng.randrange(len(mutant))] = rng.randrange(256)
        both_say_the_same(bytes(mutant[: rng.randrange(len(mutant)) if rng.random() < 0.3 else None]))


# ---- what a capture may do to frames


def drop_one(frames: Frames, rng: random.Random) -> Frames:
    at = rng.randrange(len(frames))
    return frames[:at] + frames[at + 1 :]


def drop_many(frames: Frames, rng: random.Random) -> Frames:
    return [frame for frame in frames if rng.random() > 0.1]


def repeat(frames: Frames, rng: random.Random) -> Frames:
    at = rng.randrange(len(frames))
    behind = at + rng.randrange(1, 6)
    return [*frames[:behind], frames[at], *frames[behind:]]


def shuffle(frames: Frames, rng: random.Random) -> Frames:
    """Among neighbours, as two queues of a network card do."""
    neighbours = [frames[at : at + 5] for at in range(0, len(frames), 5)]
    return [frame for some in neighbours for frame in rng.sample(some, len(some))]


def cut_all(frames: Frames, rng: random.Random) -> Frames:
    return cut(frames, rng.choice((54, 60, 70, 96, 128, 200)))


def begin_late(frames: Frames, rng: random.Random) -> Frames:
    return frames[rng.randrange(len(frames)) :]


def end_early(frames: Frames, rng: random.Random) -> Frames:
    return frames[: rng.randrange(1, len(frames) + 1)]


def tag(frames: Frames, rng: random.Random) -> Frames:
    """Some frames pass a VLAN trunk (IEEE 802.1Q)."""
    return [
        replace_octets(frame, frame.octets[:12] + bytes.fromhex("8100 0064") + frame.octets[12:])
        if rng.random() < 0.5
        else frame
        for frame in frames
    ]


def replace_octets(frame: TimedFrame, octets: bytes) -> TimedFrame:
    return frame._replace(octets=octets, original_length_octets=max(frame.wire_length_octets, len(octets)))


CHANGES: tuple[Callable[[Frames, random.Random], Frames], ...] = (
    drop_one, drop_many, repeat, shuffle, cut_all, begin_late, end_early, tag,
)  # fmt: skip


@cache
def frames_of(path: Path) -> tuple[TimedFrame, ...]:
    """Its frames, if all are Ethernet."""
    with open_capture(path) as capture:
        frames = list(capture)
    if any(frame.link_type != LinkType.ETHERNET or frame.timestamp_ns is None for frame in frames):
        return ()
    return tuple(
        TimedFrame(frame.timestamp_ns or 0, bytes(frame.octets), frame.original_length_octets) for frame in frames
    )


@pytest.mark.parametrize("path", [path for path in SMALL if frames_of(path)], ids=name_of)
def test_frames_changed(path: Path) -> None:
    rng = random.Random("frames of " + name_of(path))
    write: Callable[[Frames], bytes]
    for write in (files.pcap, files.pcapng) * 8:
        frames = list(frames_of(path))
        for change in rng.choices(CHANGES, k=rng.choice((1, 1, 2, 4))):
            frames = change(frames, rng) or frames
        both_say_the_same(write(frames))


# ---- segments


def segments_of(path: Path, window_octets: int) -> tuple[list[Segment], list[Segment]]:
    """(scanned, decoded)"""
    with open_capture(path, window_octets=window_octets) as capture:
        scanned = listed(capture, Decoder(), FlowTable(RECOGNISERS))
    decoder = Decoder()
    with open_capture(path) as capture:
        decoded = [segment for frame in capture if (segment := decoder.decode(frame)) is not None]
    return scanned, [segment for segment in decoded if segment.transport is Transport.TCP]


def by_flow(segments: list[Segment]) -> dict[Flow, list[Segment]]:
    flows: dict[Flow, list[Segment]] = {}
    for segment in segments:
        flows.setdefault(segment.flow, []).append(segment)
    return flows


@pytest.mark.parametrize("window_octets", [1, 200, 5_000, 1 << 18])
@pytest.mark.parametrize("path", SMALL[::9], ids=name_of)
def test_segments(path: Path, window_octets: int) -> None:
    """Of a flow that is followed, every segment from its first on, in the order of the capture, whatever the window."""
    scanned, decoded = segments_of(path, window_octets)
    all_of_them = by_flow(decoded)
    for flow, segments in by_flow(scanned).items():
        assert segments == all_of_them[flow]
