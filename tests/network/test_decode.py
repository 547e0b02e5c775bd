"""A frame gives the segment it carries, through every encapsulation; what cannot be read is None and counted, never
an exception. Samples: one DCOM conversation in every encapsulation and link type (shared captures, krb135_*)."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from builders.network import TCP, UDP, Host, ethernet, ip_frame, ipv4, ipv4_fragments, tcp_segment, udp_frame
from shared_captures import SHARED, needs_shared

from rpctrace.capture.frame import Frame, LinkType
from rpctrace.capture.storage import open_capture
from rpctrace.network import decode
from rpctrace.network.decode import Decoder, endpoint
from rpctrace.network.flow import Endpoint, Segment, TcpFlags, Transport

A, B = (Host("10.0.0.1"), 49_700), (Host("10.0.0.2", "02:00:00:00:00:02"), 135)
TCP_OCTETS = tcp_segment(A, B, b"payload", sequence=7, acknowledgement=9)
FRAME_OCTETS = ip_frame(A[0], B[0], TCP, TCP_OCTETS, padded=True)


def frame(octets: bytes, link_type: LinkType = LinkType.ETHERNET, number: int = 1, wire: int | None = None) -> Frame:
    return Frame(number, 1000 * number, link_type, memoryview(octets), len(octets) if wire is None else wire, 0)


def test_a_plain_frame() -> None:
    assert Decoder().decode(frame(FRAME_OCTETS + b"FCS!", number=5)) == Segment(
        5, 5000, Transport.TCP, Endpoint("10.0.0.1", 49_700), Endpoint("10.0.0.2", 135), 7, 9,
        TcpFlags.PSH | TcpFlags.ACK, memoryview(b"payload"), 7,
    )  # fmt: skip


def test_a_datagram_over_ipv6() -> None:
    segment = Decoder().decode(frame(udp_frame((Host("fd77::50"), 88), (Host("fd77::11"), 49_700), b"reply")))
    assert segment is not None
    assert segment.transport is Transport.UDP
    assert segment.payload == b"reply"
    assert (segment.source, segment.destination) == (Endpoint("fd77::50", 88), Endpoint("fd77::11", 49_700))


def test_the_snapshot_length_cuts_payload_and_not_the_length() -> None:
    decoder = Decoder()
    for captured in range(len(FRAME_OCTETS)):
        segment = decoder.decode(frame(FRAME_OCTETS[:captured], wire=len(FRAME_OCTETS)))
        assert (segment is not None) == (captured >= 54), captured
        if segment is not None:
            assert segment.length_octets == 7
            assert segment.payload == b"payload"[: captured - 54]
    assert decoder.problems == ()  # the snapshot length is no fault of a frame


def test_fragments_count_for_the_frame_that_completes_them() -> None:
    pieces = ipv4_fragments(A[0], B[0], TCP, tcp_segment(A, B, bytes(100), sequence=3), 40)
    decoder = Decoder()
    told = [decoder.decode(frame(octets, number=at)) for at, octets in enumerate(reversed(pieces), start=1)]
    assert told[:-1] == [None] * (len(pieces) - 1)
    last = told[-1]
    assert last is not None
    assert last.frame_number == len(pieces)
    assert last.timestamp_ns == 1000 * len(pieces)
    assert last.payload == bytes(100)
    assert last.sequence == 3
    assert last.frames == tuple(range(1, len(pieces) + 1))


def test_fragments_inside_fragments_count_for_all_their_frames() -> None:
    """A tunnel whose packets are cut, and in it a datagram that was cut before."""
    inner = ipv4_fragments(A[0], B[0], TCP, tcp_segment(A, B, bytes(100), sequence=3), 64)
    outer = [piece for each in inner for piece in ipv4_fragments(A[0], B[0], 4, each[14:], 48)]
    decoder = Decoder()
    *early, last = [decoder.decode(frame(octets, number=at)) for at, octets in enumerate(outer, start=1)]
    assert early == [None] * (len(outer) - 1)
    assert last is not None
    assert last.frames == tuple(range(1, len(outer) + 1))


def _nested(depth: int) -> bytes:
    packet = ipv4(A[0], B[0], TCP, TCP_OCTETS)
    for _ in range(depth - 1):
        packet = ipv4(A[0], B[0], 4, packet)
    return ethernet(A[0], B[0], 0x0800, packet)


def test_nesting_ends_at_its_limit_and_is_told() -> None:
    decoder = Decoder()
    assert decoder.decode(frame(_nested(decode.MAXIMUM_NESTING))) is not None
    assert decoder.problems == ()
    assert decoder.decode(frame(_nested(decode.MAXIMUM_NESTING + 1))) is None
    assert [problem.layer for problem in decoder.problems] == ["ip"]


def test_octets_on_a_tunnel_port_that_are_no_tunnel_are_a_datagram() -> None:
    segment = Decoder().decode(frame(udp_frame((A[0], 53), (B[0], 4789), b"\0\0 no VXLAN here")))
    assert segment is not None
    assert segment.payload == b"\0\0 no VXLAN here"


def test_virtual_networks_stay_apart() -> None:
    inner = ip_frame(A[0], B[0], TCP, TCP_OCTETS)
    decoder = Decoder()
    flows = set()
    for network in (5, 6):
        header = b"\x08\0\0\0" + network.to_bytes(3, "big") + b"\0"
        segment = decoder.decode(frame(udp_frame((Host("10.9.9.1"), 55_555), (Host("10.9.9.2"), 4789), header + inner)))
        assert segment is not None
        assert segment.tunnel == (network,)
        assert segment.payload == b"payload"
        flows.add(segment.flow)
    assert len(flows) == 2


@pytest.mark.parametrize(
    "octets",
    [
        ethernet(A[0], B[0], 0x0806, bytes(28)),  # ARP
        ip_frame(A[0], B[0], 1, b"\x03\x03" + bytes(6) + ipv4(A[0], B[0], TCP, TCP_OCTETS)),  # an ICMP error
        ip_frame(A[0], B[0], 50, bytes(40)),  # encrypted
    ],
)
def test_what_is_not_ours_is_neither_segment_nor_problem(octets: bytes) -> None:
    decoder = Decoder()
    assert decoder.decode(frame(octets)) is None
    assert decoder.problems == ()


def test_problems_are_told_once_a_kind_with_a_count() -> None:
    decoder = Decoder()
    for number in range(1, 4):
        assert decoder.decode(frame(b"", LinkType(147), number)) is None
    assert decoder.decode(frame(FRAME_OCTETS[:20], number=4)) is None  # cut, and not by the snapshot length
    assert decoder.decode(frame(b"", LinkType.NOT_A_PACKET, 5)) is None
    assert [(problem.layer, problem.frame_number, problem.count) for problem in decoder.problems] == [
        ("link_type_147", 1, 3),
        ("ipv4", 4, 1),
    ]
    for link_type in range(1000, 1200):
        decoder.decode(frame(b"", LinkType(link_type)))
    assert len(decoder.problems) == decode.MAXIMUM_PROBLEM_KINDS


def test_given_up_fragments_are_a_problem() -> None:
    decoder = Decoder()
    first = ipv4_fragments(A[0], B[0], UDP, bytes(100), 40)[0]
    decoder.decode(frame(first)._replace(timestamp_ns=0))
    decoder.decode(frame(first)._replace(timestamp_ns=10**12))
    assert [(problem.layer, problem.count) for problem in decoder.problems] == [("ip.fragment", 1)]


def test_endpoints_are_shared() -> None:
    assert endpoint(b"\x0a\0\0\x01", 135) is endpoint(b"\x0a\0\0\x01", 135)


def frames(path: Path) -> list[Frame]:
    with open_capture(path) as capture:
        return list(capture)


def _told(path: Path) -> list[tuple[object, ...]]:
    decoder = Decoder()
    segments = [segment for one in frames(path) if (segment := decoder.decode(one)) is not None]
    assert decoder.problems == ()
    return [(one.source, one.destination, one.sequence, one.flags, bytes(one.payload)) for one in segments]


KRB135 = [
    *sorted((SHARED / "formats" / "encap").glob("krb135_*.pcapng")),
    *sorted((SHARED / "formats" / "pcap").glob("krb135*.pcap")),
    SHARED / "formats" / "netmon-made" / "krb135_mixed_eth_fddi_src.pcapng",
]


@needs_shared
@pytest.mark.parametrize("path", KRB135, ids=lambda path: path.stem)
def test_one_conversation_in_every_encapsulation(path: Path) -> None:
    expected = _told(SHARED / "formats" / "pcapng" / "krb135.pcapng")
    assert len(expected) == 17
    assert _told(path) == expected


@needs_shared
def test_mutations_of_every_encapsulation_raise_nothing() -> None:
    chance = random.Random(3)
    decoder = Decoder()
    for path in KRB135:
        for one in frames(path)[:6]:
            for _ in range(30):
                mutant = bytearray(one.octets)
                for _ in range(chance.randint(1, 5)):
                    mutant[chance.randrange(min(len(mutant), 140))] = chance.randrange(256)
                segment = decoder.decode(one._replace(octets=memoryview(mutant)))
                assert segment is None or len(segment.payload) <= segment.length_octets
            for length in range(min(len(one.octets), 140)):
                decoder.decode(one._replace(octets=one.octets[:length]))
