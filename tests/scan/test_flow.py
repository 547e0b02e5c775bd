"""A flow holds what a segment can be made of, and tells what lies in octets that nobody will look at as it was read."""

from __future__ import annotations

import random

import pytest
from builders.network import TCP, Host, ip_frame, tcp_segment
from tcp_wire import ACK, FIN, RST, SYN, Wire

from rpctrace.network.flow import Segment
from rpctrace.scan.collector import key_of
from rpctrace.scan.flow import STARTING, Flow, Held
from rpctrace.scan.headers import SHAPES, segment, told, turned

SHAPE = SHAPES[0]
CLIENT, SERVER = (Host("10.0.0.1"), 49_700), (Host("10.0.0.2", "02:00:00:00:00:02"), 135)


def frame_of(said: Segment) -> bytes:
    source, destination = (CLIENT, SERVER) if said.source.port == CLIENT[1] else (SERVER, CLIENT)
    octets = tcp_segment(
        source, destination, bytes(said.payload), flags=int(said.flags), sequence=said.sequence,
        acknowledgement=said.acknowledgement,
    )  # fmt: skip
    return ip_frame(source[0], destination[0], TCP, octets)


def flow_of(wire: Wire) -> Flow:
    """Holds the frames of the first direction, and the segments of the other one as they are."""
    key = key_of(wire.segments[0])
    flow = Flow(STARTING, (key, turned(key)))
    for said in wire.segments:
        sender = 0 if key_of(said) == key else 1
        made_of = said if sender else (SHAPE, frame_of(said), said.frame_number, said.timestamp_ns)
        flow.held.append(Held(sender, int(said.flags), said.length_octets, len(said.payload), made_of))
    return flow


def test_what_is_held_becomes_segments() -> None:
    wire = Wire()
    wire.connect()
    wire.send(0, bytes(3000))
    wire.send(1, bytes(3000))
    assert list(flow_of(wire).told()) == wire.segments


def test_syns_of_one_end_are_an_attempt() -> None:
    wire = Wire()
    wire.segment(0, flags=SYN)
    assert flow_of(wire).is_attempt()
    wire.segment(1, flags=SYN)
    assert not flow_of(wire).is_attempt()
    assert not Flow(STARTING, (b"", b"")).is_attempt()


@pytest.mark.parametrize("flags", [ACK, ACK | FIN, ACK | SYN, ACK | RST])
def test_a_frame_and_its_segment_are_skipped_alike(flags: int) -> None:
    """Wherever it lies, with and without octets: in the stretch of its own direction, or acknowledging the other's."""
    rng, wire = random.Random(int(flags)), Wire()
    found = []
    for _ in range(300):
        sequence, acknowledgement = rng.randrange(990, 1020), rng.randrange(4990, 5020)
        said = wire.segment(
            rng.randrange(2), bytes(rng.randrange(3)), flags, sequence=sequence, acknowledgement=acknowledgement  # type: ignore[arg-type]
        )
        key = key_of(said)
        flow = Flow(STARTING, (key, turned(key)))
        flow.skips = {key: (1000, 10, 5000, 10)}
        flow.touched = False
        octets = memoryview(frame_of(said) + bytes(100))
        found.append(flow.is_skipped(SHAPE, octets, 0, len(octets) - 100, key))
        assert found[-1] is flow.touched is flow.has_skipped(key, said, int(flags))
        assert not flow.is_skipped(SHAPE, octets, 0, SHAPE.smallest_octets - 1, key)
    assert (0 < sum(found) < 300) if flags == ACK else not any(found)


def test_what_a_frame_tells_is_what_its_segment_says() -> None:
    wire = Wire()
    wire.connect()
    wire.send(0, b"octets")
    for said in wire.segments:
        octets = memoryview(frame_of(said))
        made = segment(SHAPE, octets, 0, len(octets), 1, 2, (said.source, said.destination))
        assert made is not None
        assert told(SHAPE, octets, 0, len(octets)) == (
            made.flags, made.sequence, made.acknowledgement, made.length_octets, made.payload
        )  # fmt: skip
        assert told(SHAPE, octets, 0, SHAPE.smallest_octets - 1) is None
