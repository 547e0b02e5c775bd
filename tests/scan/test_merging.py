"""A file read by ranges is the file read in one go: the same segments at the same times, the same table of flows."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import pytest
from builders import dcerpc as write
from builders import files
from builders.network import TCP, Host, TimedFrame, ipv4_fragments, tcp_segment
from builders.tcp import CLIENT, SERVER, duplicated, reordered
from range_reading import babel, outcome, same_by_ranges
from scan_talk import BIND, START_NS, mixture, talk

from rpctrace.network.flow import Segment

Write = Callable[[list[TimedFrame]], bytes]
BOTH = pytest.mark.parametrize("form", [files.pcap, files.pcapng], ids=["pcap", "pcapng"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "capture"


def some(rng: random.Random) -> Callable[[Segment], bool]:
    """Which segments show that their flow is another protocol."""
    salt = rng.random()
    return lambda segment: crc32(repr((salt, segment.frame_number)).encode()) % 7 == 0


def written(rng: random.Random, frames: list[TimedFrame]) -> bytes:
    kind = rng.randrange(4)
    if kind == 0:
        return files.pcap(frames)
    if kind == 1:
        return files.pcap(frames, little_endian=False, nanoseconds=True)
    if kind == 2:
        return files.pcapng(frames, little_endian=False)
    told = [frame._replace(interface=rng.choice((0, 1)), comments=("said",)) for frame in frames]
    return files.pcapng(told, interfaces=(files.Interface(), files.Interface(resolution=rng.choice((6, 9)))))


@pytest.mark.parametrize("seed", range(80))
def test_whatever_a_capture_holds(path: Path, seed: int) -> None:
    """Ports met again, segments out of order, twice, lost and cut, fragments, octets changed, files in a row; flows
    that turn out to be another protocol, octets that nobody will look at; a table that is too small."""
    rng = random.Random(seed)
    octets = bytearray(written(rng, babel(rng, rng.choice((4, 12, 40)))))
    for _ in range(rng.choice((0, 0, 0, 1, 5))):
        octets[rng.randrange(40, len(octets))] = rng.randrange(256)
    if rng.random() < 0.1:
        octets += octets[: rng.randrange(len(octets))]
    path.write_bytes(octets)
    same_by_ranges(
        path,
        rng.choice((800, 3_000, 10_000, 40_000)),
        reads=rng.choice((lambda _number: True, lambda number: number % 2 == 0, lambda number: number % 3 > 0)),
        window_octets=rng.choice((200, 3_000, 20_000, 1 << 18)),
        ignores=rng.choice((some(rng), lambda _segment: False)),
        maximum_keys=rng.choice((8, 30, 1 << 17, 1 << 17)),
        skipped_octets=rng.choice((0, 100, 10_000)),
    )


@BOTH
def test_a_border_at_every_octet(path: Path, form: Write) -> None:
    """So that handshake, header and payload, and every PDU are cut somewhere."""
    said = talk(50_000, BIND, write.bind_ack([write.Result()]))
    path.write_bytes(form(said.frames + talk(50_001, b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK", START_NS).frames))
    used = 0
    for border in range(100, path.stat().st_size):
        used += len(same_by_ranges(path, border, reads=lambda number: number == 1))
    assert used > path.stat().st_size // 5  # blocks of pcapng stand at multiples of 4, and are looked for there


@BOTH
def test_a_range_is_used(path: Path, form: Write) -> None:
    """Most of them, else all of this proves nothing."""
    path.write_bytes(form(mixture(200)))
    ranges = path.stat().st_size // 20_000
    assert len(same_by_ranges(path, 20_000, window_octets=5_000)) >= ranges - 1


def test_a_pdu_out_of_order_across_a_border(path: Path) -> None:
    said = talk(50_000, BIND, b"")
    said.send(CLIENT, write.request(bytes(2_000)), 300)
    frames = duplicated(reordered(said.frames, [0, 1, 3, 2, *range(4, len(said.frames))]), [3, 5])
    path.write_bytes(files.pcap(frames))
    for border in range(200, 2_000, 50):
        same_by_ranges(path, border)


def test_a_new_connection_of_a_flow_that_is_followed(path: Path) -> None:
    """Its SYN changes nothing for whom the flow is live; and it is another protocol this time."""
    ours = talk(50_000, BIND, write.bind_ack([write.Result()]))
    again = talk(50_000, b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK" * 99, START_NS + 10**9)
    path.write_bytes(files.pcap([*ours.frames, *mixture(9), *again.frames]))
    for border in range(700, 9_000, 100):
        same_by_ranges(path, border)
    assert [segment.source.port for segment in outcome(path).segments].count(50_000) > 6


def test_a_fragment_completed_in_the_next_range(path: Path) -> None:
    """What it completes belongs to a connection that begins there, and decides for it."""
    here, there = Host("10.0.0.1"), Host("10.0.0.2", "02:00:00:00:00:02")
    said = talk(50_000, b"", b"HTTP/1.1 200 OK")
    first = said.sequence[CLIENT]
    del said.frames[3:]
    told = tcp_segment((here, 50_000), (there, 49_154), BIND, sequence=first - 1, acknowledgement=1, flags=16)
    one, two = (TimedFrame(START_NS, each) for each in ipv4_fragments(here, there, TCP, told, 56)[:2])
    rest = [TimedFrame(START_NS, each) for each in ipv4_fragments(here, there, TCP, told, 56)[2:]]
    path.write_bytes(files.pcap([one, *mixture(4), *said.frames, two, *rest, *mixture(3)]))
    for border in range(200, path.stat().st_size, 100):
        same_by_ranges(path, border)


def test_damage_in_the_middle_of_a_range(path: Path) -> None:
    octets = bytearray(files.pcap(mixture(60)))
    octets[30_000:30_400] = bytes(400)
    path.write_bytes(octets)
    assert outcome(path).facts[4]
    for range_octets in (7_000, 20_000):
        assert same_by_ranges(path, range_octets)


def test_another_interface_in_the_middle(path: Path) -> None:
    """Described behind the first packets, with another clock; then a section in which nothing is as before."""
    frames = mixture(40)
    both = (files.Interface(), files.Interface(resolution=9))
    late = [frame._replace(interface=1) for frame in frames]
    middle = files.pcapng(late, interfaces=both)
    plain = files.pcapng([], interfaces=both)
    described = plain[len(files.pcapng([])) :]
    section = files.pcapng(late, interfaces=both[::-1])
    path.write_bytes(files.pcapng(frames) + described + middle[len(plain) :] + section)
    for range_octets in (4_000, 11_000):
        assert same_by_ranges(path, range_octets, window_octets=3_000)


def test_held_octets_that_may_reach_their_bound(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then nobody else's word is taken."""
    monkeypatch.setattr("rpctrace.scan.flows.MAXIMUM_HELD_OCTETS", 20_000)
    monkeypatch.setattr("rpctrace.scan.merging.MAXIMUM_HELD_OCTETS", 20_000)
    waiting = [talk(50_000 + n, b"", b"", START_NS + n).frames[:3] for n in range(30)]
    path.write_bytes(files.pcap([frame for frames in waiting for frame in frames] + mixture(40)))
    same_by_ranges(path, 3_000)
    assert outcome(path).facts[6]["held_octets"] > 0


def test_server_speaks_first(path: Path) -> None:
    said = talk(50_000, b"", b"")
    said.send(SERVER, b"220 ready\r\n")
    said.send(CLIENT, BIND)
    path.write_bytes(files.pcap(said.frames + mixture(9)))
    for border in range(100, 1_000, 30):
        same_by_ranges(path, border)


@pytest.mark.parametrize("damage", [(16, b"\0\0"), (46, b"\xf0")], ids=["no length", "long header"])
def test_a_start_that_only_the_plain_reading_reads(path: Path, damage: tuple[int, bytes]) -> None:
    """Of a flow that was passed over: a SYN without a stated length, as an offload leaves it, is one all the same; and
    of damage the problem is told."""
    web = talk(50_000, b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK").frames
    again = talk(50_000, BIND, write.bind_ack([write.Result()]), START_NS + 10**9)
    place, octets = damage
    start = bytearray(again.frames[0].octets)
    start[place : place + len(octets)] = octets
    frames = [*web, *mixture(3), again.frames[0]._replace(octets=bytes(start)), *again.frames[1:], *mixture(2)]
    path.write_bytes(files.pcap(frames))
    assert any(segment.source.port == 50_000 for segment in outcome(path).segments) or outcome(path).facts[5]
    for border in range(1_000, 9_000, 100):
        same_by_ranges(path, border)
