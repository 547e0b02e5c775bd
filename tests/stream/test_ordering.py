"""A reply comes after the request it acknowledges, in any order of capture; what is missing becomes a gap in time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tcp_wire import ACK, CLIENT, FIN, RST, STEP_NS, SYN, Wire, captured, reassemble

from rpctrace.network.flow import Segment, TcpFlags
from rpctrace.stream import ordering
from rpctrace.stream.direction import WINDOW_OCTETS
from rpctrace.stream.reassembly import Reassembler
from rpctrace.stream.stream import Chunk, Close, Gap, Seen, StreamEvent


def dialogue(turns: int = 1) -> Wire:
    """Segments 0 to 2: handshake; then a request and its reply, again and again."""
    wire = Wire()
    wire.connect()
    for turn in range(turns):
        wire.send(0, b"request %d " % turn)
        wire.send(1, b"reply %d " % turn)
    return wire


def steps(segments: list[Segment]) -> list[list[StreamEvent]]:
    """The events that each segment sets free, and last those of the end."""
    reassembler = Reassembler()
    told = [[event for _connection, event in reassembler.feed(segment)] for segment in segments]
    return [*told, [event for _connection, event in reassembler.close()]]


def short(events: list[StreamEvent]) -> list[object]:
    said: list[object] = []
    for event in events:
        if isinstance(event, Chunk):
            said.append((event.direction, bytes(event.octets), event.frame_number))
        elif isinstance(event, Gap):
            said.append(("gap", event.direction, event.length_octets))
        elif isinstance(event, Close):
            said.append(("reset" if event.reset else "close", event.direction))
    return said


def test_in_order_every_segment_is_told_at_once() -> None:
    told = steps(dialogue().segments)
    assert told[:3] == [[Seen(0, 1, STEP_NS)], [Seen(1, 2, 2 * STEP_NS)], [Seen(0, 3, 3 * STEP_NS)]]
    assert [short(one) for one in told[3:]] == [[(0, b"request 0 ", 4)], [(1, b"reply 0 ", 5)], [("close", None)]]


STEPS = st.tuples(
    st.sampled_from((0, 1)),
    st.sampled_from((ACK, ACK | TcpFlags.PSH, FIN | ACK, RST | ACK, SYN, TcpFlags(0))) | st.just(ACK),
    st.binary(max_size=4),
    st.sampled_from((-4, -1, 0, 1, 3, WINDOW_OCTETS + 1)) | st.just(0),  # beside the number that comes next
    st.sampled_from((-3, 0, 1, 2**31)) | st.just(0),  # beside the acknowledgement of all that was sent
    st.sampled_from((0, 0, 0, 2)),  # octets cut off
)


@given(st.lists(STEPS, min_size=4, max_size=40), st.sampled_from([(1000, 5000), (2**32 - 9, 2**31 - 3)]))
def test_what_the_short_way_tells_the_long_way_tells_too(
    rows: list[tuple[int, TcpFlags, bytes, int, int, int]], initial: tuple[int, int]
) -> None:
    wire = Wire(initial)
    wire.connect()
    wire.send(0, b"request")
    for direction, flags, octets, ahead, acknowledged, cut in rows:
        wire.segment(
            direction, octets, flags, length_octets=len(octets) + cut,
            sequence=(wire.following[direction] + ahead) & 0xFFFF_FFFF,
            acknowledgement=(wire.following[1 - direction] + acknowledged) & 0xFFFF_FFFF,
        )  # fmt: skip
    short_way = reassemble(wire.segments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering.OrderedConnection, "next_in_order", lambda *_: None)
        long_way = reassemble(wire.segments)
    assert short_way == long_way


def test_the_next_octets_of_an_established_connection_go_the_short_way(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = dialogue(3)
    reassembler = Reassembler()
    for segment in wire.segments[:4]:
        reassembler.feed(segment)
    monkeypatch.setattr(ordering.OrderedConnection, "accept", None)
    assert [type(event) for one in wire.segments[4:] for _, event in reassembler.feed(one)] == [Chunk] * 5


def test_a_reply_captured_first_waits_for_its_request() -> None:
    syn, syn_ack, ack, request, reply = dialogue().segments
    told = steps(captured([syn, syn_ack, ack, reply, request]))
    assert [short(one) for one in told[3:]] == [[], [(0, b"request 0 ", 5), (1, b"reply 0 ", 4)], [("close", None)]]


@pytest.mark.parametrize("reordered", [False, True])
def test_the_copy_that_was_repeated_after_the_reply_is_still_the_request(reordered: bool) -> None:
    """The request's first copy is not captured; the second acknowledges the reply, which acknowledges the request."""
    wire = dialogue()
    wire.segment(0, b"request 0 ", sequence=1001)
    syn, syn_ack, ack, request, reply, repeated = wire.segments
    order = [repeated, reply, request] if reordered else [reply, repeated]
    assert reassemble(captured([syn, syn_ack, ack, *order])).turns() == [(0, b"request 0 "), (1, b"reply 0 ")]


def test_a_request_that_was_not_captured_becomes_a_gap_after_so_many_segments() -> None:
    wire = dialogue()
    for _ in range(ordering.SEGMENTS):
        wire.segment(0)
    segments = [one._replace(timestamp_ns=None) for at, one in enumerate(wire.segments) if at != 3]
    told = steps(segments)
    assert all(not short(one) for one in told[:-2])
    assert short(told[-2]) == [("gap", 0, 10), (1, b"reply 0 ", 5)]


def test_a_request_that_was_not_captured_becomes_a_gap_after_a_time() -> None:
    wire = dialogue()
    wire.segment(0)
    _syn, _syn_ack, _ack, _request, reply, last = wire.segments
    for wait_ns, expected in ((ordering.TIME_NS - 1, []), (ordering.TIME_NS, [("gap", 0, 10), (1, b"reply 0 ", 5)])):
        late = last._replace(timestamp_ns=(reply.timestamp_ns or 0) + wait_ns)
        assert short(steps([*wire.segments[:3], reply, late])[4]) == expected


def test_each_of_many_lost_requests_is_waited_for_once_and_all_replies_come() -> None:
    wire = dialogue(500)
    kept = [one for one in wire.segments if not one.payload or one.source != CLIENT]
    told = reassemble(captured(kept))
    assert told.octets(1) == b"".join(b"reply %d " % turn for turn in range(500))
    assert len(told.gaps()) == 500
    assert not told.limits


def test_a_hole_that_nobody_acknowledged_waits_longer_for_its_repetition() -> None:
    wire = Wire()
    wire.connect()
    wire.send(0, b"lost ")
    for at in range(300):
        wire.send(0, b"%d " % at)
    wire.segment(0, b"lost ", sequence=1001)
    told = reassemble(captured([one for at, one in enumerate(wire.segments) if at != 3]))
    assert told.gaps() == []
    assert told.octets(0).startswith(b"lost 0 1 2")


def test_a_hole_ends_at_its_patience() -> None:
    wire = Wire()
    wire.connect()
    wire.send(0, b"lost ")
    wire.send(0, b"kept ")
    for _ in range(ordering.UNACKNOWLEDGED_SEGMENTS):
        wire.segment(1, acknowledgement=1001)
    told = steps([one._replace(timestamp_ns=None) for at, one in enumerate(wire.segments) if at != 3])
    assert [short(one) for one in told[-2:]] == [[("gap", 0, 5), (0, b"kept ", 5)], [("close", None)]]


@pytest.mark.parametrize("acknowledgement", [1001 + WINDOW_OCTETS + 1, 1, 2**31 + 1001])
def test_acknowledgements_that_make_no_sense_hold_nothing_up(acknowledgement: int) -> None:
    wire = Wire()
    wire.connect()
    wire.segment(1, b"banner", acknowledgement=acknowledgement)
    told = steps(wire.segments)
    assert short(told[3]) == [(1, b"banner", 4)]
    assert short(told[4]) == [("close", None)]


def test_a_direction_that_is_not_captured_holds_nothing_up_and_has_no_gap() -> None:
    wire = dialogue(30)
    told = reassemble([one for one in wire.segments if one.source != CLIENT])
    assert told.octets(1) == b"".join(b"reply %d " % turn for turn in range(30))
    assert told.gaps() == []


def test_octets_that_the_snapshot_length_cut_are_a_gap_at_once() -> None:
    wire = Wire()
    wire.connect()
    wire.segment(0, b"head", length_octets=100)
    wire.following[0] += 96
    wire.segment(0, b"next")
    told = steps(wire.segments)
    assert short(told[3]) == [(0, b"head", 4), ("gap", 0, 96)]
    assert short(told[4]) == [(0, b"next", 5)]


def test_cut_octets_that_another_copy_holds_are_no_gap() -> None:
    wire = Wire()
    wire.connect()
    first = wire.following[0]
    wire.segment(0, b"cdefgh", sequence=first + 2)
    wire.segment(0, b"abc", sequence=first, length_octets=12)
    told = steps(wire.segments)
    assert short(told[4]) == [(0, b"ab", 5), (0, b"cdefgh", 4), ("gap", 0, 4)]


def test_a_frame_cut_before_its_first_octet() -> None:
    wire = Wire()
    wire.connect()
    wire.segment(0, b"", length_octets=50)
    assert short(steps(wire.segments)[3]) == [("gap", 0, 50)]


@pytest.mark.parametrize("octets", [b"", b"\0", b"x"])
def test_keep_alives_bring_nothing(octets: bytes) -> None:
    wire = dialogue()
    wire.segment(0, octets, sequence=wire.following[0] - 1)
    told = steps(wire.segments)
    assert told[5] == [Seen(0, 6, 6 * STEP_NS)]
    assert short(told[6]) == [("close", None)]


def test_repeated_octets_bring_nothing() -> None:
    wire = dialogue()
    told = steps(captured([*wire.segments, *wire.segments]))
    assert [short(one) for one in told[5:]] == [[], [], [], [], [], [("close", None)]]
    assert [type(event) for one in told[5:10] for event in one] == [Seen] * 5


def test_an_acknowledgement_captured_early_is_seen_late() -> None:
    wire = Wire()
    wire.connect()
    wire.send(0, b"request")
    wire.segment(1)
    *handshake, request, acknowledgement = wire.segments
    told = steps([*handshake, acknowledgement, request])
    assert told[3] == []
    assert [type(event) for event in told[4]] == [Chunk, Seen]


def test_a_fin_waits_for_the_octets_before_it() -> None:
    wire = dialogue()
    wire.close()
    order = [0, 1, 2, 4, 6, 5, 7, 3]
    told = reassemble(captured([wire.segments[at] for at in order]))
    assert [one for one in short(told.events) if one] == [
        (0, b"request 0 ", 8), (1, b"reply 0 ", 4), ("close", 0), ("close", 1),
    ]  # fmt: skip


def test_octets_behind_a_fin_are_not_believed() -> None:
    wire = dialogue()
    wire.segment(0, flags=FIN | ACK)
    wire.segment(0, b"behind")
    told = reassemble(wire.segments)
    assert told.octets(0) == b"request 0 "
    assert told.closes() == [(0, False), (None, False)]


def test_a_lost_fin_is_no_gap() -> None:
    wire = dialogue()
    wire.close()
    told = reassemble(captured([one for at, one in enumerate(wire.segments) if at != 5]))
    assert told.gaps() == []
    assert told.closes() == [(1, False), (None, False)]


def test_acknowledged_octets_that_never_came_are_a_gap_at_the_end() -> None:
    wire = Wire()
    wire.connect()
    wire.send(0, b"request")
    wire.segment(1)
    told = reassemble([one for at, one in enumerate(wire.segments) if at != 3])
    assert told.gaps() == [Gap(0, 0, 7, 5)]


def test_a_reset_ends_both_directions_after_what_it_acknowledges() -> None:
    wire = dialogue()
    wire.segment(1, flags=RST | ACK)
    wire.send(0, b"too late")
    *early, request, reply, reset, late = wire.segments
    told = reassemble(captured([*early, reset, reply, request, late]))
    assert short(told.events) == [(0, b"request 0 ", 6), (1, b"reply 0 ", 5), ("reset", 1)]


def test_a_reset_with_octets_missing_is_told_at_the_end() -> None:
    wire = dialogue()
    wire.segment(1, flags=RST | ACK)
    told = reassemble([one for at, one in enumerate(wire.segments) if at != 3])
    assert short(told.events) == [("gap", 0, 10), (1, b"reply 0 ", 5), ("reset", 1)]


def test_a_refused_connection() -> None:
    wire = Wire()
    wire.segment(0, flags=SYN)
    wire.segment(1, flags=RST | ACK, sequence=0)
    told = reassemble(wire.segments)
    assert told.closes() == [(1, True)]


def test_a_reset_far_from_the_window_is_not_believed() -> None:
    wire = dialogue()
    wire.segment(1, flags=RST, sequence=5001 + 2 * WINDOW_OCTETS)
    wire.send(0, b"goes on")
    told = reassemble(wire.segments)
    assert told.octets(0) == b"request 0 goes on"
    assert told.limits == {"resets_beyond_window": 1}


def test_a_lost_stretch_of_the_capture_is_a_gap_and_the_stream_goes_on() -> None:
    wire = dialogue()
    wire.following[0] += 3 * WINDOW_OCTETS
    wire.following[1] += 2 * WINDOW_OCTETS
    for turn in range(6):
        wire.send(0, b"again %d " % turn)
        wire.send(1, b"reply %d " % turn)
    told = reassemble(wire.segments)
    assert told.octets(0) == b"request 0 " + b"".join(b"again %d " % turn for turn in range(6))
    assert told.octets(1) == b"reply 0 " + b"".join(b"reply %d " % turn for turn in range(6))
    assert [gap.length_octets for gap in told.gaps()] == [3 * WINDOW_OCTETS, 2 * WINDOW_OCTETS]
