"""Datagrams that matter come out of a scan as the plain reading gives them; the others are passed over."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import pytest
from builders import files
from builders.network import UDP, Host, TimedFrame, ip_frame, udp_datagram, udp_frame
from builders.tcp import cut
from range_reading import DATAGRAMS, babel
from scan_talk import START_NS, listed

from rpctrace.capture.frame import Frame, LinkType
from rpctrace.capture.storage import open_capture
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Endpoint, Segment, TcpFlags, Transport
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan.candidates import DatagramRecogniser
from rpctrace.scan.datagrams import NO_DATAGRAMS, Datagrams
from rpctrace.scan.flows import FlowTable

HERE, THERE = Host("10.0.0.1"), Host("10.0.0.2", "02:00:00:00:00:02")


def datagram(source: int, destination: int, octets: bytes) -> Segment:
    ends = Endpoint("10.0.0.1", source), Endpoint("10.0.0.2", destination)
    return Segment(1, 1, Transport.UDP, *ends, 0, 0, TcpFlags(0), memoryview(octets), len(octets))


@pytest.mark.parametrize(
    ("source", "destination", "octets", "matters"),
    [
        (50_000, 88, b"", True),
        (464, 50_000, b"whatever", True),
        (50_000, 50_001, b"whatever", False),
        (50_000, 50_001, b"\4" + bytes(7), True),
        (50_000, 50_001, b"\4" + bytes(6), False),
        (50_000, 50_001, b"\4\xff" + bytes(6), False),
        (50_000, 50_001, b"", False),
    ],
)
def test_by_ports_or_by_the_first_octets(source: int, destination: int, octets: bytes, matters: bool) -> None:
    assert DATAGRAMS.matters(datagram(source, destination, octets)) is matters
    ports = source.to_bytes(2, "big") + destination.to_bytes(2, "big")
    assert DATAGRAMS.may_matter(ports, octets) is matters
    assert DATAGRAMS.may_matter(ports, memoryview(octets + b"padding")) >= matters
    assert not NO_DATAGRAMS.matters(datagram(source, destination, octets))


def test_what_goes_into_a_tunnel_has_to_be_read() -> None:
    assert NO_DATAGRAMS.may_matter(bytes.fromhex("c350 12b5"), b"")
    assert not NO_DATAGRAMS.may_matter(bytes.fromhex("12b5 c350"), b"")


def test_two_protocols_may_begin_with_the_same_octet() -> None:
    told: list[bytes] = []

    def listens(octets: bytes) -> bool:
        told.append(octets)
        return False

    made = Datagrams([DatagramRecogniser("one", frozenset(), 4, 2, listens)] * 2)
    assert not made.matters(datagram(1, 2, b"\4\5\6"))
    assert told == [b"\4\5"] * 2


def both(octets: bytes, window_octets: int) -> tuple[list[Segment], list[Segment]]:
    """The datagrams of a scan, and those of the plain reading that matter."""
    with open_capture(io.BytesIO(octets), window_octets=window_octets) as capture:
        scanned = listed(capture, Decoder(), FlowTable(RECOGNISERS), None, DATAGRAMS)
    decoder = Decoder()
    with open_capture(io.BytesIO(octets)) as capture:
        decoded = [segment for frame in capture if (segment := decoder.decode(frame)) is not None]
    return (
        [each for each in scanned if each.transport is Transport.UDP],
        [each for each in decoded if each.transport is Transport.UDP and DATAGRAMS.matters(each)],
    )


def all_kinds(rng: random.Random) -> list[TimedFrame]:
    """Datagrams of all shapes, some in tunnels, cut, or with a length that is not their own."""
    frames = []
    for number in range(60):
        ends = rng.choice(((HERE, THERE), (Host("fd77::1"), Host("fd77::2"))))
        ports = rng.choice((5353, 88, 464)), rng.choice((5353, 5353, 88, 4789))
        octets = rng.choice((b"", b"\4", b"\4" + bytes(7), b"\5")) + rng.randbytes(rng.choice((0, 1, 40)))
        if ports[1] == 4789:
            octets = bytes.fromhex("08000000 00002a00") + udp_frame((HERE, 7), (THERE, rng.choice((7, 88))), octets)
        told = bytearray(udp_datagram((ends[0], ports[0]), (ends[1], ports[1]), octets))
        if rng.random() < 0.2:
            told[4:6] = rng.choice((0, 7, 8, 9, 15, 16, 9000)).to_bytes(2, "big")
        vlans = rng.choice(((), (7,)))
        frames.append(
            TimedFrame(START_NS + number, ip_frame(*ends, UDP, bytes(told), vlans=vlans, padded=rng.random() < 0.5))
        )
        if rng.random() < 0.2:
            frames.extend(cut([frames.pop()], rng.choice((34, 42, 43, 48, 49, 50, 62, 70))))
    return frames


@pytest.mark.parametrize("form", [files.pcap, files.pcapng], ids=["pcap", "pcapng"])
@pytest.mark.parametrize("seed", range(12))
def test_those_of_the_plain_reading(form: Callable[[list[TimedFrame]], bytes], seed: int) -> None:
    rng = random.Random(seed)
    frames = all_kinds(rng) if seed % 2 else babel(rng, 40)
    for window_octets in (5_000, 1 << 18):
        scanned, decoded = both(form(frames), window_octets)
        assert scanned == decoded
        assert decoded


class Reads(Decoder):
    """Counts the frames that it is asked about."""

    def __init__(self) -> None:
        super().__init__()
        self.frames: list[int] = []

    def decode(self, frame: Frame) -> Segment | None:
        assert frame.link_type is LinkType.ETHERNET
        self.frames.append(frame.number)
        return super().decode(frame)


@pytest.mark.parametrize("address", ["10.0.0.1", "2001:db8::1"])
def test_others_are_not_read(address: str) -> None:
    """Whatever the shape; the same first octet alone is not enough."""
    ends = (Host(address), 50_000), (Host(address), 50_001)
    octets = [b"\5" + bytes(20), b"\4\xff" + bytes(20), b"\4" + bytes(20), b"\4"]
    frames = [TimedFrame(START_NS, udp_frame(*ends, each)) for each in octets]
    decoder = Reads()
    with open_capture(io.BytesIO(files.pcap(frames * 20))) as capture:
        listed(capture, decoder, FlowTable(RECOGNISERS), None, DATAGRAMS)
    expected = [number for number in range(1, 81) if number % 4 == 3]
    assert [number for number in decoder.frames if number < 80] == expected
