"""A record becomes a segment by its shape, or by the plain reading; the shape that most frames have is expected."""

from __future__ import annotations

import pytest
from builders.network import Host, TimedFrame, udp_frame
from scan_talk import BIND, START_NS, mixture, talk, tcp_key

from rpctrace.capture.frame import Frame, LinkType
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Endpoint, Segment, TcpFlags, Transport
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan.collector import Collector, Layout, key_of
from rpctrace.scan.flows import FlowTable
from rpctrace.scan.headers import SHAPES

LAYOUT = Layout(LinkType.ETHERNET, 4, lambda high, low: high + low)


def collected(frames: list[TimedFrame], *, by_shape: bool) -> list[Segment]:
    segments: list[Segment] = []
    collector = Collector(Decoder(), FlowTable(RECOGNISERS), segments.append)
    for number, frame in enumerate(frames, 1):
        buffer = bytearray(4) + frame.octets + bytes(100)
        shape = collector.begin(buffer, 0, LAYOUT)
        key, flags = tcp_key(shape, memoryview(buffer), 4) if by_shape else (None, 0)
        size = len(frame.octets)
        collector.record(number, 0, key, flags, frame.timestamp_ns, 0, size, size)
    return segments


def test_by_shape_or_by_search_or_by_decode() -> None:
    """All three ways to a segment give the same ones."""
    frames = mixture(5)
    segments: list[Segment] = []
    collector = Collector(Decoder(), FlowTable(RECOGNISERS), segments.append)
    for number, frame in enumerate(frames, 1):
        octets = memoryview(frame.octets)
        collector.frame(Frame(number, frame.timestamp_ns, LinkType.ETHERNET, octets, len(octets), 0))
    assert len(segments) == 8
    for by_shape in (True, False):
        assert collected(frames, by_shape=by_shape) == segments


def test_what_lies_behind_a_packet_is_not_held() -> None:
    """Only what the bounds of the table count."""
    frames = [each._replace(octets=each.octets + bytes(60_000)) for each in talk(50_000, BIND, b"").frames[:2]]
    table = FlowTable(RECOGNISERS)
    collector = Collector(Decoder(), table, lambda _segment: None)
    for number, frame in enumerate(frames, 1):
        buffer = bytearray(4) + frame.octets + bytes(100)
        key, flags = tcp_key(collector.begin(buffer, 0, LAYOUT), memoryview(buffer), 4)
        collector.record(number, 0, key, flags, frame.timestamp_ns, 0, len(frame.octets), len(frame.octets))
    held = [each.made_of for flow in set(table.flows.values()) for each in flow.held]
    assert len(held) == 2
    assert all(len(made_of[1]) < 200 for made_of in held if not isinstance(made_of, Segment))


def test_the_shape_of_most_frames_is_expected_next() -> None:
    """A capture of tagged frames: after the first window they have the expected shape."""
    tagged = [
        frame._replace(octets=frame.octets[:12] + bytes.fromhex("81000064") + frame.octets[12:])
        for frame in mixture(3)
    ]
    collector = Collector(Decoder(), FlowTable(RECOGNISERS), [].append)
    frame = tagged[0]
    buffer = bytearray(4) + frame.octets + bytes(100)
    assert collector.begin(buffer, 0, LAYOUT) == SHAPES[0]
    collector.record(1, 0, None, 0, START_NS, 0, len(frame.octets), len(frame.octets))
    collector.end(1)
    assert collector.begin(buffer, 0, LAYOUT).name == "vlan ipv4"
    collector.end(1)
    assert collector.begin(buffer, 0, LAYOUT._replace(link_type=LinkType.RAW)).name == "raw ipv4"


@pytest.mark.parametrize(
    ("source", "destination", "octets"),
    [
        ("10.0.0.1", "10.0.0.2", "0a000001 0a000002 c224 0087"),
        ("fd77::1", "::ffff:10.0.0.2", "fd770000000000000000000000000001 00000000000000000000ffff0a000002 c224 0087"),
    ],
)
def test_keys_of_segments(source: str, destination: str, octets: str) -> None:
    """A segment that the plain reading gave has the key that a frame of a common shape holds."""
    ends = Endpoint(source, 49_700), Endpoint(destination, 135)
    made = Segment(1, 1, Transport.TCP, *ends, 1, 1, TcpFlags.ACK, memoryview(b""), 0)
    assert key_of(made) == bytes.fromhex(octets)
    assert key_of(made._replace(tunnel=(5,))) == (bytes.fromhex(octets), (5,))


@pytest.mark.parametrize("address", ["10.0.0.1", "2001:db8::1"])
def test_udp_of_any_shape_is_passed_over(address: str) -> None:
    """Also where another one is expected: what the decoder is asked about does not depend on where windows begin."""
    decoder = Decoder()
    collector = Collector(decoder, FlowTable(RECOGNISERS), [].append)
    frame = udp_frame((Host(address), 53), (Host(address), 53), b"?")
    for expected in SHAPES[:2]:
        collector._shape = expected
        buffer = bytearray(4) + frame[:44] + bytes(100)
        collector.begin(buffer, 0, LAYOUT)
        if collector._shape.name.endswith("ipv6") != (":" in address):
            collector.record(1, 0, None, 0, START_NS, 0, 44, 44)
    assert decoder.problems == ()
