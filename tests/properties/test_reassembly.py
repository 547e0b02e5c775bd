"""Whatever a capture does to the order, number and size of TCP segments, the octets and their order stay the same."""

from __future__ import annotations

import sys
from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from tcp_wire import FIN, SYN, Wire, captured, reassemble, shuffled

from rpctrace.network.flow import Segment, TcpFlags
from rpctrace.stream.stream import Chunk, Gap

MESSAGES = st.lists(st.binary(min_size=1, max_size=40), min_size=1, max_size=12)
SIZES = st.lists(st.integers(1, 50), min_size=1, max_size=6)
DELAYS = st.lists(st.integers(0, 12), min_size=1, max_size=40)
NUMBERS = st.integers(990, 1100) | st.integers(0, 2**32 - 1)
INITIAL = st.sampled_from([(1000, 5000), (2**32 - 5, 2**32 - 17), (2**31 - 3, 0), (0, 2**31 + 9)])


def conversation(
    messages: list[bytes], sizes: list[int], initial: tuple[int, int], *, with_syn: bool = True, with_fin: bool = True
) -> Wire:
    """Client and server speak in turns."""
    wire = Wire(initial)
    if with_syn:
        wire.connect()
    for turn, message in enumerate(messages):
        wire.send(turn % 2, message, sizes)
    if with_fin:
        wire.close()
    return wire


@settings(max_examples=150, deadline=None)
@given(MESSAGES, SIZES, INITIAL, DELAYS, st.sets(st.integers(0, 60)), st.booleans())
def test_any_segmentation_order_and_duplicates_tell_the_same(
    messages: list[bytes], sizes: list[int], initial: tuple[int, int], delays: list[int], twice: set[int], fin: bool
) -> None:
    wire = conversation(messages, sizes, initial, with_fin=fin)
    copies = [one for at, one in enumerate(wire.segments) for one in [one] * (1 + (at in twice))]
    told = reassemble(captured(shuffled(copies, delays)))
    assert told.turns() == [(turn % 2, message) for turn, message in enumerate(messages)]
    assert not told.gaps()
    assert not told.conflicts()
    assert not told.limits
    assert told.closes() == ([(0, False), (1, False)] if fin else [(None, False)])
    assert len(told.connections) == 1
    assert not told.connections[0].guessed


@settings(max_examples=100, deadline=None)
@given(MESSAGES, st.lists(st.integers(2, 50), min_size=1, max_size=6), INITIAL, st.lists(st.integers(0, 4), min_size=1))
def test_joined_in_the_middle_tells_the_same(
    messages: list[bytes], sizes: list[int], initial: tuple[int, int], delays: list[int]
) -> None:
    messages = [message + b"\x05\x00" for message in messages]  # a lone octet would read as a keep-alive
    wire = conversation(messages, sizes, initial, with_syn=False)
    told = reassemble(captured(shuffled(wire.segments, delays)))
    assert told.turns() == [(turn % 2, message) for turn, message in enumerate(messages)]
    assert not told.gaps()


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=1, max_size=300), st.lists(st.tuples(st.integers(0, 299), st.integers(1, 80)), max_size=30))
def test_overlapping_copies_give_each_octet_once(octets: bytes, copies: list[tuple[int, int]]) -> None:
    wire = Wire()
    wire.connect()
    first = wire.following[0]
    for start, length in copies:
        part = octets[start : start + length]
        wire.segment(0, part, sequence=first + start)
    wire.segment(0, octets, sequence=first)
    told = reassemble(captured(wire.segments))
    assert told.octets(0) == octets
    assert not told.gaps()
    assert not told.conflicts()


@settings(max_examples=100, deadline=None)
@given(
    st.binary(min_size=2, max_size=200),
    st.lists(st.tuples(st.integers(0, 199), st.integers(1, 80), st.integers(0, 255)), max_size=20),
    st.booleans(),
)
def test_of_two_different_copies_the_first_one_wins(
    octets: bytes, forged: list[tuple[int, int, int]], in_order: bool
) -> None:
    wire = Wire()
    wire.connect()
    first = wire.following[0]
    winner: dict[int, int] = {}
    differs = False
    if not in_order:  # a hole before everything keeps all copies in the buffer
        first += 1
    for start, length, filler in forged:
        part = bytes([filler]) * len(octets[start : start + length])
        if len(part) == 1:  # one octet just before the next is a keep-alive's, which may be any
            continue
        wire.segment(0, part, sequence=first + start)
        differs |= any(winner.get(start + at, filler) != filler for at in range(len(part)))
        for at in range(len(part)):
            winner.setdefault(start + at, filler)
    differs |= any(octets[at] != value for at, value in winner.items())
    wire.segment(0, octets, sequence=first)
    if not in_order:
        wire.segment(0, b"\x77", sequence=first - 1)
    told = reassemble(captured(wire.segments))
    expected = bytes(winner.get(at, value) for at, value in enumerate(octets))
    assert told.octets(0) == (expected if in_order else b"\x77" + expected)
    assert bool(told.conflicts()) == differs or "conflicts_not_told" in told.limits


@settings(max_examples=150, deadline=None)
@given(MESSAGES, SIZES, INITIAL, DELAYS, st.sets(st.integers(3, 60)))
def test_lost_segments_become_gaps_that_add_up(
    messages: list[bytes], sizes: list[int], initial: tuple[int, int], delays: list[int], lost: set[int]
) -> None:
    wire = conversation(messages, sizes, initial)
    kept = [one for at, one in enumerate(wire.segments) if at not in lost or one.flags & FIN]
    arrived = captured(shuffled(kept, delays))
    told = reassemble(arrived)
    frames = {one.frame_number: one for one in arrived}
    for direction in (0, 1):
        whole = b"".join(messages[direction::2])
        offset = 0
        for event in told.events:
            if isinstance(event, Chunk | Gap) and event.direction == direction:
                assert event.offset == offset
                if isinstance(event, Chunk):
                    assert whole[offset : offset + len(event.octets)] == event.octets
                    assert bytes(event.octets) in bytes(frames[event.frame_number].payload)
                    offset += len(event.octets)
                else:
                    offset += event.length_octets
        assert offset == len(whole)
        sent = [one if one.source == wire.ends[direction] else None for one in wire.segments]
        lost_octets = sum(len(one.payload) for at, one in enumerate(sent) if at in lost and one is not None)
        assert sum(gap.length_octets for gap in told.gaps() if gap.direction == direction) == lost_octets


@settings(max_examples=150, deadline=None)
@given(MESSAGES, SIZES, DELAYS, st.sets(st.integers(3, 60)))
def test_what_was_acknowledged_comes_before_who_acknowledges(
    messages: list[bytes], sizes: list[int], delays: list[int], lost: set[int]
) -> None:
    """Also with losses: before a chunk, the other direction (chunks and gaps) has come as far as its frame says."""
    wire = conversation(messages, sizes, (1000, 5000))
    kept = [one for at, one in enumerate(wire.segments) if at not in lost]
    arrived = captured(shuffled(kept, delays))
    frames = {one.frame_number: one for one in arrived}
    reached = [0, 0]
    for event in reassemble(arrived).events:
        if isinstance(event, Chunk):
            acknowledged = frames[event.frame_number].acknowledgement - (5001, 1001)[event.direction]
            assert reached[1 - event.direction] >= acknowledged - 1  # a lone lost octet at the end may be a FIN
            reached[event.direction] = event.offset + len(event.octets)
        elif isinstance(event, Gap):
            reached[event.direction] = event.offset + event.length_octets


@settings(max_examples=60, deadline=None)
@given(MESSAGES, SIZES, DELAYS, st.sampled_from([0, 1]))
def test_one_direction_alone_has_its_octets_and_no_gap(
    messages: list[bytes], sizes: list[int], delays: list[int], direction: int
) -> None:
    wire = conversation(messages, sizes, (2**32 - 9, 7))
    told = reassemble(captured(shuffled([s for s in wire.segments if s.source == wire.ends[direction]], delays)))
    assert told.octets(direction) == b"".join(messages[direction::2])
    assert not told.gaps()


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1), NUMBERS, NUMBERS, st.integers(0, 63) | st.just(16), st.binary(max_size=9),
            st.integers(0, 40) | st.just(0), st.sampled_from((0, 1_000_000, 300_000_000, 3_000_000_000)),
        ),
        max_size=120,
    )
)  # fmt: skip
def test_no_segments_at_all_break_it(rows: list[tuple[int, int, int, int, bytes, int, int]]) -> None:
    wire = Wire()
    now_ns = 0
    for direction, sequence, acknowledgement, flags, octets, cut, pause_ns in rows:
        now_ns += pause_ns
        wire.segment(
            direction, octets, TcpFlags(flags), sequence=sequence, acknowledgement=acknowledgement,
            length_octets=len(octets) + cut, timestamp_ns=now_ns,
        )  # fmt: skip
    reached: dict[tuple[int, int], int] = {}
    for connection, event in reassemble(wire.segments).pairs:
        if isinstance(event, Chunk | Gap):
            way = connection.number, event.direction
            length = len(event.octets) if isinstance(event, Chunk) else event.length_octets
            assert event.offset == reached.get(way, 0)
            assert length > 0
            reached[way] = event.offset + length


def _steps(run: Callable[[], object]) -> int:
    """Python and C calls while `run` runs: a measure of work that no other process disturbs."""
    count = 0

    def step(_frame: object, event: str, _argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(step)
    try:
        run()
    finally:
        sys.setprofile(None)
    return count


def _reversed(count: int) -> list[Segment]:
    wire = Wire()
    wire.connect()
    wire.send(0, bytes(count), (1,))
    return captured(wire.segments[:3] + wire.segments[:2:-1])


def _alternating_holes(count: int) -> list[Segment]:
    wire = Wire()
    wire.connect()
    wire.send(0, bytes(2 * count), (1,))
    return captured([*wire.segments[:3], *wire.segments[4::2], *wire.segments[3::2]])


def _held_replies(count: int) -> list[Segment]:
    """Every request is lost: each reply waits, and runs out of patience."""
    wire = Wire()
    wire.connect()
    for _ in range(count):
        wire.send(0, b"request")
        wire.send(1, b"reply")
    return captured([one for one in wire.segments if not one.payload or one.source == wire.ends[1]])


def _same_octets_again(count: int) -> list[Segment]:
    wire = Wire()
    wire.connect()
    first = wire.following[0]
    for at in range(count):
        wire.segment(0, bytes([at & 1]) * 64, sequence=first + 1 + at % 64)
    return captured(wire.segments)


def _flood(count: int) -> list[Segment]:
    wire = Wire()
    return captured(wire.segment(0, flags=SYN, source=wire.ends[0]._replace(port=at)) for at in range(count))


def test_work_grows_with_the_input_and_no_faster() -> None:
    """Twice the segments, at most 2.3 times the calls: reversed, with holes, held, repeated, and a flood of SYNs."""
    for make in (_reversed, _alternating_holes, _held_replies, _same_octets_again, _flood):
        once, twice = make(1500), make(3000)
        one, two = _steps(lambda once=once: reassemble(once)), _steps(lambda twice=twice: reassemble(twice))
        assert two <= 2.3 * one, (make.__name__, one, two)
