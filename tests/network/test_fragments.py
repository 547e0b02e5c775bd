"""Fragments give their datagram once, in any order, whatever overlaps; the table stays within its bounds."""

from __future__ import annotations

from itertools import permutations

import pytest

from rpctrace.errors import Malformed
from rpctrace.network import fragments
from rpctrace.network.flow import CompletingFrame
from rpctrace.network.fragments import FragmentTable
from rpctrace.network.ip import Fragment, Packet

A, B = b"\x0a\0\0\x01", b"\x0a\0\0\x02"
WHOLE = bytes(range(256)) * 2
SECOND = 1_000_000_000


def part(start: int, end: int, octets: bytes = WHOLE, *, identification: int = 7, protocol: int = 6) -> Packet:
    fragment = Fragment(identification, start, end < len(octets))
    return Packet(protocol, A, B, memoryview(octets[start:end]), end - start, fragment)


def add(
    table: FragmentTable, packet: Packet, timestamp_ns: int | None = 0, *, tunnel: tuple[int, ...] = (), frame: int = 1
) -> Packet | None:
    assert packet.fragment is not None
    whole = table.add(packet, packet.fragment, tunnel, timestamp_ns, frame)
    return None if whole is None else whole.packet


def feed(parts: list[Packet]) -> list[Packet]:
    table = FragmentTable()
    whole = [packet for one in parts if (packet := add(table, one, None)) is not None]
    assert len(table) == 0 or not whole
    return whole


PARTS = [part(0, 128), part(128, 256), part(256, 384), part(384, 512)]


@pytest.mark.parametrize("order", list(permutations(range(4))))
def test_any_order_gives_the_datagram_with_its_last_fragment(order: tuple[int, ...]) -> None:
    table = FragmentTable()
    results = [add(table, PARTS[at]) for at in order]
    assert results[:3] == [None] * 3
    assert results[3] == Packet(6, A, B, memoryview(WHOLE), 512, None)


def test_copies_and_overlaps_the_first_copy_wins() -> None:
    other = bytes(512)
    parts = [part(128, 264), part(128, 264, other), part(0, 512, other)]
    assert [bytes(packet.payload) for packet in feed(parts)] == [other[:128] + WHOLE[128:264] + other[264:]]
    small = [part(at, at + 8) for at in range(0, 512, 16)]
    assert [bytes(packet.payload) for packet in feed([*small, part(0, 512)])] == [WHOLE]


def test_a_cut_fragment_counts_with_its_length_on_the_wire() -> None:
    cut = PARTS[1]._replace(payload=PARTS[1].payload[:10])
    assert feed([PARTS[0], cut, *PARTS[2:]]) == [Packet(6, A, B, memoryview(WHOLE[:138]), 512, None)]
    last = PARTS[3]._replace(payload=PARTS[3].payload[:1])
    assert feed([*PARTS[:3], last]) == [Packet(6, A, B, memoryview(WHOLE[:385]), 512, None)]


def test_the_frames_of_a_datagram_are_known() -> None:
    """Those that brought octets of it, and of no other datagram; copies brought none."""
    table = FragmentTable()
    for number, piece in enumerate((PARTS[2], PARTS[2], part(0, 8, identification=8), PARTS[0], PARTS[1]), start=1):
        assert add(table, piece, frame=number) is None
    assert frames(table, PARTS[3], CompletingFrame((7, 8))) == (1, 4, 5, 7, 8)
    assert frames(table, part(8, 512, identification=8), 9) == (3, 9)
    assert table._held_octets == 0


def test_the_frame_that_tells_the_length_counts_although_its_octets_were_there() -> None:
    table = FragmentTable()
    add(table, part(0, 512, bytes(600)), frame=4)
    assert frames(table, part(504, 512), 5) == (4, 5)


def frames(table: FragmentTable, packet: Packet, frame: int) -> tuple[int, ...]:
    """Of the datagram that a fragment completes."""
    assert packet.fragment is not None
    whole = table.add(packet, packet.fragment, (), 0, frame)
    assert whole is not None
    assert whole.frame == frame
    return whole.frame.frames


def test_frame_numbers_count_for_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fragment inside a fragmented tunnel comes in many frames."""
    monkeypatch.setattr(fragments, "MAXIMUM_HELD_OCTETS", 10_000)
    table = FragmentTable()
    add(table, part(0, 8), frame=CompletingFrame(tuple(range(1000))))
    assert (len(table), table.given_up) == (0, 1)


def test_what_differs_in_any_part_of_the_key_is_another_datagram() -> None:
    table = FragmentTable()
    add(table, PARTS[0])
    add(table, part(128, 512, identification=8))
    add(table, part(128, 512, protocol=17))
    add(table, part(128, 512)._replace(source=B))
    assert add(table, part(128, 512), tunnel=(42,)) is None
    assert add(table, part(128, 512)) is not None


def test_ipv6_takes_the_protocol_of_the_first_fragment() -> None:
    sixteen = b"\xfd" * 16
    later = part(256, 512, protocol=99)._replace(source=sixteen)
    first = part(0, 256, protocol=6)._replace(source=sixteen)
    assert [packet.protocol for packet in feed([later, first])] == [6]


@pytest.mark.parametrize(
    "bad",
    [
        part(128, 250),  # more to follow, not a multiple of 8 octets
        part(128, 128),  # no octets
        Packet(6, A, B, memoryview(WHOLE), 512, Fragment(7, 65_528, False)),  # past the longest datagram
    ],
)
def test_fragments_that_cannot_be(bad: Packet) -> None:
    with pytest.raises(Malformed):
        add(FragmentTable(), bad)


def test_two_ends_of_a_datagram_the_first_one_counts() -> None:
    table = FragmentTable()
    add(table, PARTS[3])
    with pytest.raises(Malformed):
        add(table, Packet(6, A, B, memoryview(bytes(8)), 8, Fragment(7, 512, False)))
    with pytest.raises(Malformed):
        add(table_with(PARTS[2]), Packet(6, A, B, memoryview(bytes(8)), 8, Fragment(7, 8, False)))
    assert [add(table, one) is not None for one in PARTS[:3]] == [False, False, True]


def table_with(packet: Packet) -> FragmentTable:
    table = FragmentTable()
    add(table, packet)
    return table


def test_old_fragments_do_not_meet_a_later_datagram_of_the_same_number() -> None:
    table = table_with(part(0, 256, bytes(512)))
    assert add(table, PARTS[0], fragments.MAXIMUM_AGE_NS + 1) is None
    assert table.given_up == 1
    assert add(table, part(128, 512), fragments.MAXIMUM_AGE_NS + SECOND) is not None


def test_a_flood_stays_within_the_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    table = FragmentTable()
    for number in range(fragments.MAXIMUM_DATAGRAMS + 100):
        add(table, part(0, 8, identification=number), None)
    assert len(table) == fragments.MAXIMUM_DATAGRAMS
    assert table.given_up == 100
    monkeypatch.setattr(fragments, "MAXIMUM_HELD_OCTETS", 100_000)
    small = FragmentTable()
    for number in range(1000):
        add(small, part(0, 256, identification=number), None)
    assert len(small) <= 100_000 // 256
    assert small.given_up + len(small) == 1000
