"""Media types become link types, and Wi-Fi metadata and capture events are unwrapped."""

from __future__ import annotations

import random
import struct
from uuid import UUID

import pytest

from rpctrace.capture.frame import LinkType
from rpctrace.capture.netmon_media import NET_EVENT, WIFI, Packet, media_is_plausible, packet

NDIS = UUID("2ed6006e-4729-4609-b423-3ee7bcd678ef")
PKTMON = UUID("4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac")
START_AND_END = 0xC000_0000
FRAME = bytes(range(64))


def event(provider: UUID, event_id: int, user_data: bytes, keyword: int = START_AND_END | 1) -> bytes:
    head = bytes(24) + provider.bytes_le + struct.pack("<HBBBBHQ", event_id, 0, 0, 4, 0, 0, keyword)
    return head.ljust(86, b"\0") + struct.pack("<HB", len(user_data), 0) + user_data


def ndis(frame: bytes, size: int | None = None) -> bytes:
    return struct.pack("<III", 5, 5, len(frame) if size is None else size) + frame


def pktmon(frame: bytes, kind: int = 1, original: int = 100) -> bytes:
    return struct.pack("<QHHHHHHHIIHH", 1, 1, 1, 1, kind, 0, 0, 0, 0, 0, original, len(frame)) + frame


@pytest.mark.parametrize(
    ("media", "link_type", "is_read"),
    [
        (0, LinkType.ETHERNET, True),
        (1, LinkType.ETHERNET, True),
        (2, LinkType.TOKEN_RING, True),
        (3, LinkType.FDDI, True),
        (4, LinkType.NOT_A_PACKET, False),
        (5, LinkType.NOT_A_PACKET, False),
        (7, LinkType.RAW, True),
        (8, LinkType.RAW, True),
        (9, LinkType.RAW, True),
        (0xE001, LinkType.ETHERNET, True),
        (0xE071, LinkType.LINUX_SLL, True),
        (0xE114, LinkType.LINUX_SLL2, True),
        (0xEFFF, LinkType(0xFFF), False),
        (0xE080, LinkType.NOT_A_PACKET, False),
        (0xE088, LinkType.NOT_A_PACKET, False),
        (0xFFFB, LinkType.NOT_A_PACKET, True),
        (0xFFFF, LinkType.NOT_A_PACKET, True),
        (0x7777, LinkType.NOT_A_PACKET, False),
    ],
)
def test_media_types(media: int, link_type: LinkType, is_read: bool) -> None:
    found = packet(media, FRAME, 1500)
    assert found[:3] == (link_type, FRAME, 1500)
    assert (found.unread == "") is is_read


def test_the_length_on_the_wire_is_never_less_than_what_was_captured() -> None:
    assert packet(1, FRAME, 3).original_length_octets == len(FRAME)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"\x02\x20\x00".ljust(32, b"\0") + FRAME, Packet(LinkType.IEEE802_11, FRAME, 1468)),
        (b"\x02\x20", None),
        (b"\x02\x02\x00" + FRAME, None),  # metadata shorter than its own length field
        (b"\x02\xff\x00" + FRAME, None),
    ],
)
def test_wifi_metadata_is_taken_off(octets: bytes, expected: Packet | None) -> None:
    found = packet(WIFI, octets, 1500)
    assert found == (expected or Packet(LinkType.NOT_A_PACKET, octets, 1500, "Wi-Fi metadata is cut or damaged"))


DEAUTHENTICATED = b"\x88\x42" + FRAME  # Protected bit set
CLEARED = b"\x88\x02" + FRAME


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (event(NDIS, 1001, ndis(FRAME)), Packet(LinkType.ETHERNET, FRAME, 64)),
        (event(NDIS, 1001, ndis(FRAME) + bytes(16)), Packet(LinkType.ETHERNET, FRAME, 64)),  # newer: fields behind it
        (event(NDIS, 1001, ndis(FRAME, 90)), Packet(LinkType.ETHERNET, FRAME, 90)),
        (event(NDIS, 1001, ndis(FRAME, 0x7FFFFFFF)), Packet(LinkType.ETHERNET, FRAME, 64)),
        (event(NDIS, 1001, ndis(FRAME), START_AND_END | 0x200), Packet(LinkType.RAW, FRAME, 64)),
        (event(NDIS, 1001, ndis(DEAUTHENTICATED), START_AND_END | 0x10000), Packet(LinkType.IEEE802_11, CLEARED, 66)),
        (event(PKTMON, 160, pktmon(FRAME)), Packet(LinkType.ETHERNET, FRAME, 100)),
        (event(PKTMON, 160, pktmon(FRAME, kind=3)), Packet(LinkType.RAW, FRAME, 100)),
        (event(PKTMON, 160, pktmon(DEAUTHENTICATED, kind=2)), Packet(LinkType.IEEE802_11, CLEARED, 100)),
    ],
)
def test_capture_events_give_their_packet(octets: bytes, expected: Packet) -> None:
    assert packet(NET_EVENT, octets, len(octets)) == expected


@pytest.mark.parametrize(
    "octets",
    [
        event(NDIS, 1002, ndis(FRAME)),
        event(PKTMON, 170, pktmon(FRAME)),  # a packet that was dropped
        event(UUID(int=7), 1001, ndis(FRAME)),
        event(NDIS, 1001, b"\0" * 11),
        event(PKTMON, 160, b"\0" * 33),
        b"\0" * 88,
        b"",
    ],
)
def test_other_events_are_no_packets(octets: bytes) -> None:
    assert packet(NET_EVENT, octets, len(octets)) == Packet(LinkType.NOT_A_PACKET, octets, len(octets))


def test_a_later_part_of_a_split_packet_is_no_packet() -> None:
    found = packet(NET_EVENT, event(NDIS, 1001, ndis(FRAME), 0x8000_0001), 200)
    assert found.link_type is LinkType.NOT_A_PACKET
    assert "not joined" in found.unread


def test_every_truncation_and_any_octets_give_a_packet_no_larger_than_what_was_there() -> None:
    rng = random.Random(0)
    for whole in (event(NDIS, 1001, ndis(FRAME)), event(PKTMON, 160, pktmon(FRAME)), b"\x02\x20\x00" + bytes(90)):
        for cut in range(len(whole)):
            changed = bytearray(whole[:cut])
            if cut:
                changed[rng.randrange(cut)] = rng.randrange(256)
            for media in (NET_EVENT, WIFI):
                found = packet(media, bytes(changed), cut)
                assert len(found.octets) <= cut
                assert found.original_length_octets >= len(found.octets)


def test_media_types_that_no_version_writes_are_implausible() -> None:
    assert [media_is_plausible(media) for media in (0, 11, 12, 0x7777, 0xE071, NET_EVENT, 0xFFFA, 0xFFFF)] == [
        True, True, False, False, True, True, False, True,
    ]  # fmt: skip
