"""Every link header and tag leads to the IP packet behind it; a cut header raises `Truncated` and nothing else."""

from __future__ import annotations

from contextlib import suppress

import pytest

from rpctrace.capture.frame import LinkType
from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.network.link import ENCAPSULATIONS, IPV4, IPV6, LINKS, LLC, NOTHING, Step, ethernet, find_ip

MACS = bytes.fromhex("02000000000202000000000 1".replace(" ", ""))
PACKET = bytes.fromhex("4500 0014 0001 0000 4006 0000 0a000001 0a000002".replace(" ", ""))
SNAP = bytes.fromhex("aaaa03000000")
WIRELESS = "020000000001" * 3 + "0000"
RADIOTAP = "0000080000000000"

# link type, header in hexadecimal, protocol behind it
HEADERS = [
    (LinkType.ETHERNET, MACS.hex() + "0800", IPV4),
    (LinkType.ETHERNET, MACS.hex() + "86dd", IPV6),
    (LinkType.ETHERNET, MACS.hex() + "8100 0005 0800", IPV4),
    (LinkType.ETHERNET, MACS.hex() + "88a8 0005 8100 0006 86dd", IPV6),
    (LinkType.ETHERNET, MACS.hex() + "9100 0005 8100 0006 8100 0007 8100 0008 0800", IPV4),
    (LinkType.ETHERNET, MACS.hex() + "0030 aaaa03 000000 0800", IPV4),
    (LinkType.ETHERNET, MACS.hex() + "05e4 aaaa03 000000 0800", IPV4),  # a length over 1500 is still no EtherType
    (LinkType.ETHERNET, MACS.hex() + "0030 aaaa03 0000f8 86dd", IPV6),
    (LinkType.ETHERNET, MACS.hex() + "0030 060603", IPV4),
    (LinkType.ETHERNET, MACS.hex() + "0030 424203", NOTHING),  # spanning tree
    (LinkType.ETHERNET, MACS.hex() + "0030 aaaa03 00000c 2000", NOTHING),  # Cisco discovery
    (LinkType.ETHERNET, MACS.hex() + "8864 1100 0001 0016 0021", IPV4),
    (LinkType.ETHERNET, MACS.hex() + "8864 1100 0001 0016 c021", NOTHING),  # link control
    (LinkType.ETHERNET, MACS.hex() + "8864 1109 0001 0016", NOTHING),  # discovery code
    (LinkType.ETHERNET, MACS.hex() + "8847 00064140", IPV4),
    (LinkType.ETHERNET, MACS.hex() + "8848 00064040 00064140", IPV4),
    (LinkType.ETHERNET, MACS.hex() + "8847 00064140 00000000" + MACS.hex() + "0800", IPV4),  # control word
    (LinkType.ETHERNET, MACS.hex() + "8847 00064140" + MACS.hex() + "0800", IPV4),  # and without
    (LinkType.ETHERNET, MACS.hex() + "8909 0101 0001 00c8 0800", IPV4),
    (LinkType.ETHERNET, MACS.hex() + "88e7 00000001" + MACS.hex() + "0800", IPV4),
    (LinkType.ETHERNET, MACS.hex() + "0806", 0x0806),
    (LinkType.LINUX_SLL, "0000 0001 0006 020000000001 0000 0800", IPV4),
    (LinkType.LINUX_SLL, "0000 0001 0006 020000000001 0000 0004 aaaa03 000000 0800", IPV4),
    (LinkType.LINUX_SLL2, "0800 0000 00000002 0001 00 06 0200000000010000", IPV4),
    (LinkType.RAW, "", IPV4),
    (LinkType.RAW_BSD, "", IPV4),
    (LinkType.RAW_OPENBSD, "", IPV4),
    (LinkType.IPV4, "", IPV4),
    (LinkType.NULL, "02000000", IPV4),
    (LinkType.NULL, "00000002", IPV4),
    (LinkType.NULL, "0a000000", IPV6),
    (LinkType.LOOP, "00000018", IPV6),
    (LinkType.LOOP, "0000001c", IPV6),
    (LinkType.NULL, "1e000000", IPV6),
    (LinkType.NULL, "07000000", NOTHING),
    (LinkType.PPP, "ff03 0021", IPV4),
    (LinkType.PPP, "0057", IPV6),
    (LinkType.PPP, "21", IPV4),  # the protocol's first octet left out
    (LinkType.PPP_HDLC, "ff03 0021", IPV4),
    (LinkType.PPP_HDLC, "0f00 0800", IPV4),
    (LinkType.PPP_HDLC, "ff03 0281 00064140", IPV4),
    (LinkType.PPP_ETHER, "1100 0001 0016 0021", IPV4),
    (LinkType.FDDI, "54" + MACS.hex() + SNAP.hex() + "0800", IPV4),
    (LinkType.TOKEN_RING, "1040" + MACS.hex() + SNAP.hex() + "0800", IPV4),
    (LinkType.TOKEN_RING, "1040 020000000002 820000000001 0630 0011 0020" + SNAP.hex() + "0800", IPV4),
    (LinkType.IEEE802_11, "0801 0000" + WIRELESS + SNAP.hex() + "0800", IPV4),
    (LinkType.IEEE802_11, "8802 0000" + WIRELESS + "0000" + SNAP.hex() + "0800", IPV4),  # QoS
    (LinkType.IEEE802_11, "8883 0000" + WIRELESS + "020000000001 0000 00000000" + SNAP.hex() + "0800", IPV4),
    (LinkType.IEEE802_11, "0841 0000" + WIRELESS, NOTHING),  # protected
    (LinkType.IEEE802_11, "4801 0000" + WIRELESS, NOTHING),  # null function
    (LinkType.IEEE802_11, "8000 0000" + WIRELESS, NOTHING),  # beacon
    (LinkType.IEEE802_11_RADIOTAP, RADIOTAP + "0801 0000" + WIRELESS + SNAP.hex() + "0800", IPV4),
    (LinkType.PPI, "0000 0800 69000000 0801 0000" + WIRELESS + SNAP.hex() + "0800", IPV4),
]  # fmt: skip


@pytest.mark.parametrize(("link_type", "header", "protocol"), HEADERS)
def test_headers(link_type: LinkType, header: str, protocol: int) -> None:
    octets = bytes.fromhex(header.replace(" ", "")) + PACKET
    step = find_ip(LINKS[link_type](memoryview(octets), 0), memoryview(octets))
    assert step.protocol == protocol
    if protocol in (IPV4, IPV6):
        assert octets[step.offset :] == PACKET


@pytest.mark.parametrize(("link_type", "header", "_protocol"), HEADERS)
def test_every_truncation_is_a_step_or_truncated(link_type: LinkType, header: str, _protocol: int) -> None:
    octets = memoryview(bytes.fromhex(header.replace(" ", "")) + PACKET)
    whole = find_ip(LINKS[link_type](octets, 0), octets)
    for length in range(len(octets)):
        with suppress(Truncated):
            step = find_ip(LINKS[link_type](octets[:length], 0), octets[:length])
            assert length >= whole.offset or step != whole or whole.protocol not in (IPV4, IPV6)


def test_raw_frames_of_another_version_carry_nothing() -> None:
    assert LINKS[LinkType.RAW](memoryview(b"\x00"), 0).protocol == NOTHING
    assert LINKS[LinkType.RAW](memoryview(b"\x60"), 0).protocol == IPV6


@pytest.mark.parametrize("inner", [192, 0x7FFF_FFFF])
def test_per_packet_information_does_not_nest_and_knows_its_link_types(inner: int) -> None:
    octets = memoryview(b"\0\0\x08\0" + inner.to_bytes(4, "little") + bytes(40))
    with pytest.raises(Malformed):
        LINKS[LinkType.PPI](octets, 0)


def test_a_frame_of_tags_alone_ends() -> None:
    octets = memoryview(MACS + b"\x81\x00\x00\x01" * 20_000)
    with pytest.raises(Truncated):
        find_ip(ethernet(octets, 0), octets)


def test_every_encapsulation_moves_forward() -> None:
    octets = memoryview(bytes(200))
    for protocol, walk in ENCAPSULATIONS.items():
        try:
            step = walk(octets, 0)
        except ParseError:
            continue
        assert step.offset > 0 or step.protocol == NOTHING, protocol
    assert find_ip(Step(LLC, 0), octets).protocol == NOTHING
