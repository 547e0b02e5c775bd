"""IP headers give addresses and a payload bounded by what they state; cut ones raise `ParseError` and nothing else."""

from __future__ import annotations

import random
from struct import pack

import pytest
from builders.network import Host, ipv4, ipv6

from rpctrace.errors import Malformed, ParseError
from rpctrace.network import ip
from rpctrace.network.ip import Fragment, Packet

A4, B4 = Host("10.0.0.1"), Host("10.0.0.2")
A6, B6 = Host("fd77::50"), Host("fd77::11")
PAYLOAD = bytes(range(40))


def _read(octets: bytes, length: int | None = None) -> Packet:
    reader = ip.ipv4 if octets[:1] < b"\x60" else ip.ipv6
    return reader(memoryview(octets), len(octets) if length is None else length)


def test_ipv4_with_options_ends_at_its_total_length() -> None:
    packet = _read(ipv4(A4, B4, 6, PAYLOAD, options=b"\x01" * 8) + b"padding and FCS")
    assert packet == Packet(6, A4.packed_address, B4.packed_address, memoryview(PAYLOAD), 40, None)


def test_a_cut_packet_keeps_its_length_on_the_wire() -> None:
    packet = _read(ipv4(A4, B4, 6, PAYLOAD)[:30], 60)
    assert packet.payload == PAYLOAD[:10]
    assert packet.length_octets == 40


@pytest.mark.parametrize(
    ("field", "fragment"),
    [
        (0x4000, None),
        (0x2000, Fragment(7, 0, True)),
        (0x2005, Fragment(7, 40, True)),
        (0x0005, Fragment(7, 40, False)),
        (0x8000, None),
    ],
)
def test_ipv4_fragment_field(field: int, fragment: Fragment | None) -> None:
    assert _read(ipv4(A4, B4, 6, PAYLOAD, identification=7, flags_and_offset=field)).fragment == fragment


def _without_length(packet: bytes) -> bytes:
    return packet[:2] + b"\0\0" + packet[4:]


@pytest.mark.parametrize(
    ("payload", "padding", "length_octets"),
    [
        (bytes(20) + b"data", b"", 24),
        (bytes(20), bytes(6), 20),  # a bare TCP header in a minimum frame: the zeros are padding
        (bytes(20) + b"\x01", b"\0\0\0\0\0", 26),  # not all zeros: octets that may be data
        (bytes(60), b"", 60),
    ],
)
def test_total_length_0_means_as_long_as_the_frame(payload: bytes, padding: bytes, length_octets: int) -> None:
    packet = _read(_without_length(ipv4(A4, B4, 6, payload)) + padding)
    assert packet.length_octets == length_octets
    assert len(packet.payload) == length_octets


def test_ipv6_payload_length_0_means_as_long_as_the_frame() -> None:
    octets = ipv6(A6, B6, 6, PAYLOAD)
    packet = _read(octets[:4] + b"\0\0" + octets[6:])
    assert packet == Packet(6, A6.packed_address, B6.packed_address, memoryview(PAYLOAD), 40, None)


def test_ipv6_extension_headers() -> None:
    chain = b"".join((
        bytes([43, 0]) + bytes(6),  # hop-by-hop options
        bytes([51, 1]) + bytes(14),  # routing, 16 octets
        bytes([60, 4]) + bytes(22),  # authentication, 24 octets
        bytes([44, 0]) + bytes(6),  # destination options
        bytes([6, 0]) + pack(">HI", 0, 9),  # an atomic fragment
    ))  # fmt: skip
    packet = _read(ipv6(A6, B6, 0, chain + PAYLOAD) + b"trailer")
    assert packet == Packet(6, A6.packed_address, B6.packed_address, memoryview(PAYLOAD), 40, None)


def test_ipv6_fragment_and_the_headers_behind_it() -> None:
    packet = _read(ipv6(A6, B6, 44, bytes([60, 0]) + pack(">HI", 0x0019, 77) + PAYLOAD))
    assert packet.fragment == Fragment(77, 24, True)
    assert packet.protocol == 60
    whole = packet._replace(payload=memoryview(bytes([6, 0]) + bytes(6) + PAYLOAD), length_octets=48, fragment=None)
    assert ip.without_extensions(whole)[0] == 6
    assert ip.without_extensions(whole).payload == PAYLOAD
    assert ip.without_extensions(whole).length_octets == 40
    nested = whole._replace(protocol=44, payload=memoryview(bytes([6, 0]) + pack(">HI", 1, 1) + PAYLOAD))
    with pytest.raises(Malformed):
        ip.without_extensions(nested)


@pytest.mark.parametrize(
    "octets",
    [
        b"\x44" + ipv4(A4, B4, 6, PAYLOAD)[1:],  # a header of 16 octets
        b"\x55" + ipv4(A4, B4, 6, PAYLOAD)[1:],
        ipv4(A4, B4, 6, PAYLOAD)[:2] + b"\0\x13" + ipv4(A4, B4, 6, PAYLOAD)[4:],  # total length 19
        b"\x70" + ipv6(A6, B6, 6, PAYLOAD)[1:],
    ],
)
def test_headers_that_cannot_be_right(octets: bytes) -> None:
    with pytest.raises(Malformed):
        _read(octets)


def test_truncations_and_mutations_give_a_packet_or_parse_error() -> None:
    chain = bytes([43, 0]) + bytes(6) + bytes([44, 0]) + bytes(6) + bytes([6, 0]) + pack(">HI", 9, 9)
    samples = [ipv4(A4, B4, 6, PAYLOAD, options=bytes(4)), ipv6(A6, B6, 0, chain + PAYLOAD)]
    chance = random.Random(1)
    for sample in samples:
        variants = [sample[:length] for length in range(len(sample))]
        for _ in range(2000):
            mutant = bytearray(sample)
            for _ in range(chance.randint(1, 4)):
                mutant[chance.randrange(len(mutant))] = chance.randrange(256)
            variants.append(bytes(mutant))
        for variant in variants:
            for reader in (ip.ipv4, ip.ipv6):
                try:
                    packet = reader(memoryview(variant), len(sample))
                except ParseError:
                    continue
                assert 0 <= len(packet.payload) <= max(packet.length_octets, 0)


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        ("0a4d000b", "10.77.0.11"),
        ("ffffffff", "255.255.255.255"),
        ("20010db8000000000000000000000001", "2001:db8::1"),
        ("20010db8000000010001000100010001", "2001:db8:0:1:1:1:1:1"),  # one zero group is not shortened
        ("20010db8000000000001000000000001", "2001:db8::1:0:0:1"),
        ("fe800000000000000ABC00000000000D", "fe80::abc:0:0:d"),
        ("00000000000000000000ffff0a4d000b", "::ffff:10.77.0.11"),
        ("00" * 16, "::"),
    ],
)
def test_address_text(octets: str, text: str) -> None:
    assert ip.address_text(bytes.fromhex(octets)) == text


def test_an_address_of_another_length_is_none() -> None:
    with pytest.raises(ParseError):
        ip.address_text(b"12345")
