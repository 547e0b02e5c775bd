"""Octets that nobody looks at are stepped over: everything else is told as without, by the plain path and by `scan`."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable

import pytest
from builders import dcerpc as write
from builders import files
from builders.network import Host, TimedFrame, udp_frame
from builders.tcp import CLIENT, SERVER, TcpConversation, merged
from hypothesis import given, settings
from hypothesis import strategies as st
from scan_talk import BIND, START_NS
from tcp_wire import ACK, FIN, Wire, captured, shuffled

from rpctrace.capture.pcap import RUN_OCTETS
from rpctrace.capture.storage import open_capture
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan.flows import FlowTable
from rpctrace.scan.scan import scan
from rpctrace.stream.reassembly import Reassembler
from rpctrace.stream.stream import Chunk, Close, Conflict, Connection, Direction, Gap, Seen, StreamEvent

MESSAGES = st.lists(st.binary(min_size=1, max_size=90), min_size=2, max_size=8)
SIZES = st.lists(st.integers(2, 40), min_size=1, max_size=5)
DELAYS = st.lists(st.integers(0, 8), min_size=1, max_size=30)
SKIPS = st.lists(st.tuples(st.integers(3, 40), st.sampled_from((0, 1)), st.integers(1, 120)), min_size=1, max_size=3)

Octets = dict[tuple[int, int], tuple[int, int]]  # (direction, offset) -> octet, frame


class Listener:
    """A reassembly whose events are taken down; `reached` is how far each direction has come."""

    def __init__(self) -> None:
        self.reassembler = Reassembler()
        self.connection: Connection | None = None
        self.events: list[StreamEvent] = []
        self.octets: Octets = {}
        self.reached = [0, 0]
        self.skipped: list[tuple[int, range]] = []

    def hear(self, told: Iterable[tuple[Connection, StreamEvent]]) -> None:
        for connection, event in told:
            self.connection = connection
            self.events.append(event)
            if isinstance(event, Gap):
                assert event.offset == self.reached[event.direction]
                self.reached[event.direction] += event.length_octets
            elif isinstance(event, Chunk):
                assert event.offset == self.reached[event.direction]
                for at, octet in enumerate(event.octets, event.offset):
                    self.octets[event.direction, at] = octet, event.frame_number
                self.reached[event.direction] += len(event.octets)

    def skip(self, direction: Direction, length_octets: int) -> None:
        if self.connection is None:
            return
        stretch = self.reassembler.skip(self.connection, direction, length_octets)
        if stretch is not None:
            start = self.reached[direction]
            self.reached[direction] += stretch.length_octets
            self.skipped.append((direction, range(start, self.reached[direction])))

    def has_skipped(self, direction: int, at: int) -> bool:
        return any(way == direction and at in stretch for way, stretch in self.skipped)


def heard(segments: list[Segment], skips: list[tuple[int, Direction, int]]) -> Listener:
    listener = Listener()
    for number, segment in enumerate(segments):
        listener.hear(listener.reassembler.feed(segment))
        for at, direction, length in skips:
            if at == number:
                listener.skip(direction, length)
    listener.hear(listener.reassembler.close())
    return listener


@settings(max_examples=400, deadline=None)
@given(
    MESSAGES, SIZES, st.sampled_from([(1000, 5000), (2**32 - 50, 2**32 - 17)]), DELAYS, st.sets(st.integers(3, 40)),
    st.sets(st.integers(3, 40), max_size=4), SKIPS, st.booleans(),
)  # fmt: skip
def test_octets_outside_are_told_as_without(
    messages: list[bytes], sizes: list[int], initial: tuple[int, int], delays: list[int], twice: set[int],
    lost: set[int], skips: list[tuple[int, Direction, int]], fin: bool,
) -> None:  # fmt: skip
    wire = Wire(initial)
    wire.connect()
    for turn, message in enumerate(messages):
        wire.send(turn % 2, message, sizes)
    if fin:
        wire.close()
    kept = [
        one
        for at, one in enumerate(wire.segments)
        for one in [one] * (1 + (at in twice))
        if at not in lost or one.flags & FIN
    ]
    segments = captured(shuffled(kept, delays))
    without, listener = heard(segments, []), heard(segments, skips)
    assert listener.octets == {at: octet for at, octet in without.octets.items() if not listener.has_skipped(*at)}
    assert not any(isinstance(event, Conflict) for event in listener.events)
    closes = [(event.direction, event.reset) for event in without.events if isinstance(event, Close)]
    assert sorted((e.direction or 0, e.reset) for e in listener.events if isinstance(e, Close)) == sorted(
        (direction or 0, reset) for direction, reset in closes
    )
    acknowledges = {one.frame_number: one.acknowledgement for one in segments}
    reached = [0, 0]
    for event in listener.events:  # a reply still comes after what it answers, as far as that is told at all
        if isinstance(event, Chunk) and not lost:
            other = 1 - event.direction
            before = (acknowledges[event.frame_number] - initial[other] - 1) & 0xFFFF_FFFF
            assert all(at < reached[other] or listener.has_skipped(other, at) for at in range(before))
            reached[event.direction] = event.offset + len(event.octets)


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 16 << 20), st.lists(st.integers(-3000, 3000), max_size=12), st.sampled_from((7, 2**32 - 1000)))
def test_a_long_stretch_and_what_stands_around_it(
    length: int, places: list[int], first: int
) -> None:
    """Segments near both ends of it, in any order, and the window of what may come is that behind it."""
    wire = Wire((first, 5000))
    wire.connect()
    wire.send(0, b"head")
    following = wire.following[0]
    for place in places:
        wire.segment(0, b"\0" * 100, sequence=(following + max(0, length + place)) & 0xFFFF_FFFF)
    start = max(0, length - 3000)
    wire.segment(0, bytes(length + 6000 - start), sequence=(following + start) & 0xFFFF_FFFF)
    listener = heard(captured(wire.segments), [(3, 0, length)])
    assert listener.reached[0] == 4 + length + 6000
    assert listener.skipped == [(0, range(4, 4 + length))]
    told = {at for _direction, at in listener.octets}
    assert told == {*range(4), *range(4 + length, listener.reached[0])}
    assert not any(isinstance(event, Gap | Conflict) for event in listener.events)
    assert not listener.reassembler.limits


# ---- the fast path


def filled(frames: list[TimedFrame]) -> list[TimedFrame]:
    """Behind as many octets as a reader of pcap looks at before it begins."""
    filler = udp_frame((Host("10.0.0.1"), 5353), (Host("10.0.0.2"), 5353), bytes(1400))
    return [*[TimedFrame(START_NS, filler)] * (RUN_OCTETS // 1400), *frames]


def downloads(rng: random.Random) -> list[TimedFrame]:
    """Connections that are followed, with long runs of octets in both directions, on few ports, some joined late."""
    spoken = []
    for number in range(6):
        server = Host("10.0.0.2" if number % 2 else "2001:db8::2", "02:00:00:00:00:02"), 135
        client = Host("10.0.0.1" if number % 2 else "2001:db8::1"), 50_000 + rng.randrange(3)
        said = TcpConversation(client, server, START_NS + number * rng.randrange(40_000_000))
        said.sequence = [rng.getrandbits(32), rng.choice((rng.getrandbits(32), 2**32 - 9000))]
        said.connect()
        said.send(CLIENT, BIND)
        said.send(SERVER, write.bind_ack([write.Result()]))
        for _ in range(rng.randrange(2, 6)):
            direction = rng.choice((CLIENT, SERVER))
            said.send(direction, rng.randbytes(rng.randrange(12_000)), rng.choice((300, 1460)), acknowledge=True)
        if rng.random() < 0.7:
            said.close()
        spoken.append(said.frames)
    frames = merged(*spoken)
    starts = [frame for said in spoken for frame in said[:5]]
    for _ in range(len(frames) // 8):
        at = rng.randrange(len(frames))
        kind = rng.randrange(4)
        if frames[at] in starts:  # by which the connection is known
            continue
        if kind == 0:
            frames.insert(min(len(frames), at + rng.randrange(9)), frames.pop(at))
        elif kind == 1:
            frames.insert(min(len(frames), at + rng.randrange(60)), frames[at])
        elif kind == 2:
            del frames[at]
        else:
            octets = frames[at].octets
            cut = octets[: rng.choice((60, 70, 200))]
            frames[at] = frames[at]._replace(octets=cut, original_length_octets=len(octets))
    return frames


def told_of(octets: bytes, *, window_octets: int | None) -> tuple[list[tuple[object, StreamEvent]], int]:
    """What a reassembly tells that is asked to skip now and then; and of how many segments. `None`: the plain path."""
    table, reassembler = FlowTable(RECOGNISERS), Reassembler()
    told: list[tuple[object, StreamEvent]] = []
    heard: dict[tuple[int, int], int] = {}
    fed = 0
    with open_capture(io.BytesIO(octets), window_octets=window_octets or 1 << 18) as capture:

        def take(segment: Segment) -> None:
            nonlocal fed
            fed += 1
            events = reassembler.feed(segment)
            wanted: list[tuple[Connection, Direction, int]] = []
            for connection, event in events:
                told.append((connection.client, event))
                if isinstance(event, Chunk):
                    place = connection.number, event.direction
                    heard[place] = heard.get(place, 0) + 1
                    if heard[place] % 4 == 3:
                        wanted = [(connection, event.direction, 100 + event.offset * 7919 % 9000)]
            for connection, direction, length in wanted:
                stretch = reassembler.skip(connection, direction, length)
                if stretch is not None:
                    table.skip(stretch)

        if window_octets is None:
            decoder = Decoder()
            for frame in capture:
                if (segment := decoder.decode(frame)) is not None:
                    take(segment)
        else:
            scan(capture, Decoder(), table, take)
        told += [(connection.client, event) for connection, event in reassembler.close()]
    return sorted(told, key=lambda each: str(each[0])), fed


@pytest.mark.parametrize("seed", range(20))
def test_the_fast_path_tells_the_same(seed: int) -> None:
    frames = downloads(random.Random(seed))
    for write_file in (files.pcap, files.pcapng):
        octets = write_file(filled(frames))
        plain, all_of_them = told_of(octets, window_octets=None)
        fed = {window: told_of(octets, window_octets=window) for window in (2_000, 1 << 18)}
        for told, _count in fed.values():
            assert told == plain
        assert fed[2_000][1] < all_of_them - 10
        assert any(isinstance(event, Chunk) for _client, event in plain)


def test_acknowledgements_of_skipped_octets_become_no_segment() -> None:
    """Half the records of a download are those."""
    said = TcpConversation((Host("10.0.0.1"), 50_000), (Host("10.0.0.2", "02:00:00:00:00:02"), 135), START_NS)
    said.connect()
    said.send(CLIENT, BIND)
    for _ in range(4):
        said.send(SERVER, write.bind_ack([write.Result()]))
    said.send(SERVER, bytes(100_000), 1000, acknowledge=True)
    octets = files.pcap(filled(said.frames))
    assert len(said.frames) > 105
    told, fed = told_of(octets, window_octets=2_000)
    assert told == told_of(octets, window_octets=None)[0]
    assert fed < len(said.frames) - 8
    assert sum(isinstance(event, Seen) for _client, event in told) < 102


def test_a_flag_ends_what_is_skipped() -> None:
    """A FIN or RST inside the stretch ends the direction there."""
    for flags, ending in ((FIN | ACK, (0, False)), (ACK | 4, (0, True))):
        wire = Wire()
        wire.connect()
        wire.send(0, b"head")
        wire.send(1, b"reply")
        wire.send(0, bytes(5000))
        wire.segment(0, b"last", flags=flags)  # type: ignore[arg-type]
        listener = heard(captured(wire.segments), [(4, 0, 1 << 20)])
        closes = [(event.direction, event.reset) for event in listener.events if isinstance(event, Close)]
        assert closes[0] == ending
        assert listener.skipped == [(0, range(4, 4 + (1 << 20)))]
