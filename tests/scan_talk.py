"""Captures for the tests of scan: one talk among others, and what a scan of a file tells."""

from __future__ import annotations

import io
import random
from typing import NamedTuple

from builders import dcerpc as write
from builders.network import Host, TimedFrame
from builders.tcp import CLIENT, SERVER, TcpConversation, merged

from rpctrace.capture.storage import Capture, open_capture
from rpctrace.network.decode import Decoder, NetworkProblem
from rpctrace.network.flow import Segment, Transport
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan.datagrams import NO_DATAGRAMS, Datagrams
from rpctrace.scan.flows import FlowTable
from rpctrace.scan.headers import Shape, carried
from rpctrace.scan.merging import Helpers
from rpctrace.scan.scan import scan

START_NS = 1_700_000_000_000_000_000
CONTEXT = write.Context(0, write.ICLASSFACTORY)
BIND = write.bind([CONTEXT])


def talk(port: int, octets: bytes, answer: bytes, start_ns: int = START_NS) -> TcpConversation:
    """Connect, ask, be answered, close."""
    server = Host("10.0.0.2", "02:00:00:00:00:02"), 49_154
    said = TcpConversation((Host("10.0.0.1"), port), server, start_ns)
    said.connect()
    said.send(CLIENT, octets)
    said.send(SERVER, answer)
    said.close()
    return said


def mixture(count: int = 30) -> list[TimedFrame]:
    """Web talks with one DCE/RPC conversation among them, their times interleaved and over several seconds."""
    rng = random.Random(count)
    web = [
        talk(50_000 + n, b"GET / HTTP/1.1\r\n\r\n", rng.randbytes(3_000), START_NS + n * 100_300_000).frames
        for n in range(count)
    ]
    ours = talk(60_000, BIND, write.bind_ack([write.Result()]), START_NS + 900_000_000)
    return merged(*web, ours.frames)


def tcp_key(shape: Shape, octets: memoryview, at: int) -> tuple[bytes | None, int]:
    """Key and flags of the frame at `at`; None where it is no TCP frame of this shape."""
    transport, key, flags = carried(shape, octets, at)
    return (key, flags) if transport is Transport.TCP else (None, 0)


class Scanned(NamedTuple):
    segments: list[Segment]
    frames: int
    times: tuple[int | None, int | None]
    problems: list[str]
    network_problems: tuple[NetworkProblem, ...]


def listed(
    capture: Capture,
    decoder: Decoder,
    table: FlowTable,
    helpers: Helpers | None = None,
    datagrams: Datagrams = NO_DATAGRAMS,
) -> list[Segment]:
    """What a scan gives to somebody who has nothing to say to it."""
    segments: list[Segment] = []
    scan(capture, decoder, table, segments.append, helpers, datagrams)
    return segments


def scanned(octets: bytes, window_octets: int = 1 << 18) -> Scanned:
    decoder = Decoder()
    with open_capture(io.BytesIO(octets), window_octets=window_octets) as capture:
        segments = listed(capture, decoder, FlowTable(RECOGNISERS))
        assert capture.complete == (capture.stopped_at is None)
        problems = [problem.text for problem in capture.problems]
        return Scanned(
            segments, capture.frame_count, (capture.first_ns, capture.last_ns), problems, decoder.problems
        )


def counted(octets: bytes) -> tuple[int, tuple[int | None, int | None], list[str]]:
    """What the plain walk counts and finds wrong."""
    with open_capture(io.BytesIO(octets)) as capture:
        for _ in capture:
            pass
        return capture.frame_count, (capture.first_ns, capture.last_ns), [each.text for each in capture.problems]
