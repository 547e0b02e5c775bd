"""TCP and UDP headers give ports, numbers and a payload; a cut fixed header is `Truncated`, cut options are not."""

from __future__ import annotations

from struct import pack

import pytest
from builders.network import Host, tcp_segment, udp_datagram

from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.network.flow import TcpFlags
from rpctrace.network.transport import tcp, udp

A, B = (Host("10.0.0.1"), 49_700), (Host("10.0.0.2"), 135)


def test_tcp() -> None:
    octets = tcp_segment(A, B, b"payload", sequence=2**32 - 1, acknowledgement=7, flags=0xD8, options=bytes(12))
    header = tcp(memoryview(octets), len(octets))
    assert header[:4] == (49_700, 135, 2**32 - 1, 7)
    assert header.flags == TcpFlags.PSH | TcpFlags.ACK  # ECE and CWR are left out
    assert header.payload == b"payload"
    assert header.length_octets == 7


@pytest.mark.parametrize(("captured", "payload"), [(39, b"paylo"), (34, b"pa"), (32, b""), (21, b""), (20, b"")])
def test_tcp_cut_behind_its_fixed_header_still_tells(captured: int, payload: bytes) -> None:
    octets = tcp_segment(A, B, b"payload", sequence=5, options=bytes(12))
    header = tcp(memoryview(octets)[:captured], len(octets))
    assert (bytes(header.payload[:5]), header.length_octets, header.sequence) == (payload, 7, 5)


@pytest.mark.parametrize("captured", range(20))
def test_tcp_cut_within_its_fixed_header(captured: int) -> None:
    with pytest.raises(Truncated) as caught:
        tcp(memoryview(bytes(captured)), 60)
    assert (caught.value.needed, caught.value.available) == (20, captured)


@pytest.mark.parametrize(("offset_octet", "length"), [(0x40, 60), (0xF0, 59)])
def test_tcp_data_offsets_that_cannot_be_right(offset_octet: int, length: int) -> None:
    with pytest.raises(Malformed):
        tcp(memoryview(bytes(12) + bytes([offset_octet]) + bytes(47)), length)


def test_udp_ends_at_its_length() -> None:
    octets = udp_datagram(A, B, b"payload") + b"trailer"
    header = udp(memoryview(octets), len(octets))
    assert (header.source_port, header.destination_port, bytes(header.payload)) == (49_700, 135, b"payload")
    assert header.length_octets == 7
    assert header.flags == TcpFlags(0)
    assert udp(memoryview(octets)[:10], len(octets)).length_octets == 7


@pytest.mark.parametrize(("stated", "length_octets"), [(0, 12), (200, 12), (8, 0), (20, 12)])
def test_udp_lengths(stated: int, length_octets: int) -> None:
    header = udp(memoryview(pack(">HHHH", 1, 2, stated, 0) + bytes(12)), 20)
    assert header.length_octets == length_octets == len(header.payload)


def test_udp_that_cannot_be_right_or_is_cut() -> None:
    with pytest.raises(Malformed):
        udp(memoryview(pack(">HHHH", 1, 2, 7, 0)), 20)
    for length in range(8):
        with pytest.raises(ParseError):
            udp(memoryview(bytes(length)), 20)
