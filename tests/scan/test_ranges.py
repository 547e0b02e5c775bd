"""Who reads a range decides of connections that begin in it, and only that they are none of ours."""

from __future__ import annotations

from collections.abc import Sequence

from builders.network import TCP, Host, TimedFrame, ipv4_fragments, udp_frame
from builders.tcp import CLIENT, SERVER, TcpConversation
from scan_talk import BIND, START_NS, talk, tcp_key

from rpctrace.capture.frame import LinkType
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan.collector import Layout
from rpctrace.scan.ranges import Index, Indexer, unpacked

LAYOUT = Layout(LinkType.ETHERNET, 0, lambda seconds, fraction: seconds * 10**9 + fraction)
HERE, THERE = Host("10.0.0.1"), Host("10.0.0.2", "02:00:00:00:00:02")


def indexed(frames: Sequence[TimedFrame | bytes]) -> Index:
    indexer = Indexer(RECOGNISERS)
    for number, frame in enumerate(frames):
        octets = frame if isinstance(frame, bytes) else frame.octets
        buffer = bytearray(octets + bytes(256))
        shape = indexer.begin(buffer, 0, LAYOUT)
        key, flags = tcp_key(shape, memoryview(buffer), 0)
        note = indexer.passing.get(key) if key is not None else None
        if note is not None and not flags & 2:
            note(number)
        else:
            indexer.record(number, 0, key, flags, 1, number, len(octets), len(octets))
    return indexer.index(24, 99, [0] * len(frames), ((1, 0), (1, 0), (1, 0)))


def web(port: int = 50_000) -> TcpConversation:
    return talk(port, b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n")


def test_another_protocol_from_its_start() -> None:
    frames = web().frames
    (pair,) = indexed(frames).pairs
    assert (pair.birth, pair.began, pair.is_other) == (0, True, True)
    assert list(unpacked(pair.numbers)) == list(range(len(frames)))


def test_one_of_ours_is_left_to_who_knows_the_file() -> None:
    (pair,) = indexed(talk(50_000, BIND, b"answer").frames).pairs
    assert (pair.birth, pair.is_other) == (0, False)


def test_one_that_was_met_before_its_start() -> None:
    """Whether it was passed over until then is not known here."""
    late = web().frames[4:6]
    (pair,) = indexed([*late, *web().frames]).pairs
    assert (pair.birth, pair.began, pair.is_other) == (2, False, True)


def test_one_without_a_start() -> None:
    (pair,) = indexed(web().frames[3:]).pairs
    assert (pair.birth, pair.is_other) == (None, False)


def test_an_undecided_one() -> None:
    (pair,) = indexed(web().frames[:4]).pairs
    assert (pair.birth, pair.is_other) == (0, False)
    assert indexed(web().frames[:4]).held_octets > 4 * 512


def test_a_second_start() -> None:
    """The first connection was another protocol, the second one is ours: so both have to be looked at."""
    again = talk(50_000, BIND, b"answer", START_NS)
    again.sequence = [5, 6]
    index = indexed([*web().frames, *again.frames])
    assert [pair.is_other for pair in index.pairs] == [False]
    assert len(unpacked(index.syns)) == 4


def test_frames_of_no_connection() -> None:
    """UDP is passed over, fragments and damage are for the one decoder, of the rest it knows where it was last."""
    fragments = ipv4_fragments(HERE, THERE, TCP, bytes(40), 24)
    arp = bytes(12) + bytes.fromhex("0806") + bytes(28)
    index = indexed([udp_frame((HERE, 53), (THERE, 53), b"?"), arp, *fragments, arp, bytes(5)])
    assert index.pairs == []
    assert index.has_fragments
    assert list(unpacked(index.odd)) == [2, 3, 5]
    assert index.last_decoded == 4


def test_lengths_that_the_plain_reading_judges() -> None:
    """A TCP header longer than the packet: such a connection is read by who knows the file."""
    said = web()
    octets = bytearray(said.frames[3].octets)
    octets[14 + 20 + 12] = 0xF0
    said.frames[3] = said.frames[3]._replace(octets=bytes(octets))
    said.send(SERVER, b"x")
    said.send(CLIENT, b"y")
    (pair,) = indexed(said.frames).pairs
    assert not pair.is_other


def test_what_is_heard_is_heard_of_segments() -> None:
    """A frame that was cut before its flags: what stands in their place are octets of the record behind it."""
    answer = web().frames[1].octets
    assert indexed([answer]).heard == {bytes([10, 0, 0, 1])}
    octets = answer[:46]
    indexer = Indexer(RECOGNISERS)
    buffer = bytearray(octets + b"\x12" * 256)
    key, flags = tcp_key(indexer.begin(buffer, 0, LAYOUT), memoryview(buffer), 0)
    assert flags == 0x12
    indexer.record(0, 0, key, flags, 1, 0, len(octets), len(answer))
    assert indexer.index(24, 99, [0], ((1, 0), (1, 0), (1, 0))).heard == frozenset()
