"""Segments find their connection: who is the client, when a port is reused, when it is over; its bounds."""

from __future__ import annotations

import pytest
from tcp_wire import ACK, CLIENT, RST, SERVER, STEP_NS, SYN, Wire, captured, reassemble

from rpctrace.network.flow import Endpoint, Segment, TcpFlags, Transport
from rpctrace.stream import reassembly
from rpctrace.stream.reassembly import Reassembler
from rpctrace.stream.stream import Chunk, Close, Connection


def dialogue(initial: tuple[int, int] = (1000, 5000)) -> Wire:
    wire = Wire(initial)
    wire.connect()
    wire.send(0, b"request")
    wire.send(1, b"reply")
    return wire


def test_the_sender_of_the_syn_is_the_client_whatever_the_ports() -> None:
    wire = Wire(ends=(SERVER, CLIENT))
    wire.connect()
    wire.send(0, b"request")
    told = reassemble(wire.segments)
    assert told.connections == [Connection(0, SERVER, CLIENT, False)]
    assert told.octets(0) == b"request"


@pytest.mark.parametrize("ends", [(CLIENT, SERVER), (SERVER, CLIENT)])
def test_the_receiver_of_syn_and_ack_is_the_client(ends: tuple[Endpoint, Endpoint]) -> None:
    wire = Wire(ends=ends)
    wire.connect()
    wire.send(0, b"request")
    wire.send(1, b"reply")
    told = reassemble(wire.segments[1:])
    assert told.connections == [Connection(0, *ends, False)]
    assert told.turns() == [(0, b"request"), (1, b"reply")]


def test_joined_in_the_middle_the_higher_port_is_guessed() -> None:
    wire = Wire()
    wire.send(1, b"reply")
    wire.send(0, b"request")
    assert reassemble(wire.segments).connections == [Connection(0, CLIENT, SERVER, True)]


def test_a_syn_captured_late_corrects_the_guess() -> None:
    wire = Wire(ends=(SERVER, CLIENT))
    wire.connect()
    wire.send(0, b"request")
    syn, syn_ack, ack, request = wire.segments
    for order in ([request, syn, syn_ack, ack], [ack, request, syn_ack, syn]):
        told = reassemble(captured(order))
        assert told.connections == [Connection(0, SERVER, CLIENT, False)]
        assert told.turns() == [(0, b"request")]


def test_a_repeated_syn_is_the_same_connection_and_another_one_is_not() -> None:
    first, second = dialogue(), dialogue((70_000, 90_000))
    same = reassemble(captured([first.segments[0], *first.segments, first.segments[0], first.segments[1]]))
    assert len(same.connections) == 1
    both = reassemble(captured([*first.segments, *second.segments]))
    assert [connection.number for connection in both.connections] == [0, 1]
    assert [(c.number, bytes(e.octets)) for c, e in both.pairs if isinstance(e, Chunk)] == [
        (0, b"request"), (0, b"reply"), (1, b"request"), (1, b"reply"),
    ]  # fmt: skip
    assert both.closes() == [(None, False), (None, False)]


def test_a_reused_port_whose_syn_was_not_captured_begins_with_syn_and_ack() -> None:
    first, second = dialogue(), dialogue((70_000, 90_000))
    told = reassemble(captured([*first.segments, *second.segments[1:]]))
    assert [(c.number, bytes(e.octets)) for c, e in told.pairs if isinstance(e, Chunk)][2:] == [
        (1, b"request"), (1, b"reply"),
    ]  # fmt: skip


@pytest.mark.parametrize("end", ["fin", "reset"])
def test_late_copies_of_a_closed_connection_are_ignored(end: str) -> None:
    wire = dialogue()
    if end == "fin":
        wire.close()
    else:
        wire.segment(0, flags=RST | ACK)
    once = reassemble(captured(wire.segments))
    twice = reassemble(captured([*wire.segments, *wire.segments]))
    assert twice.pairs == once.pairs
    assert once.closes() == ([(0, False), (1, False)] if end == "fin" else [(0, True)])


def test_after_its_end_the_same_addresses_make_a_new_connection() -> None:
    first = dialogue()
    first.close()
    with_syn = reassemble(captured([*first.segments, *dialogue((2000, 6000)).segments]))
    assert [connection.number for connection in with_syn.connections] == [0, 1]
    far = Wire((2**30, 2**31))
    far.send(0, b"another, joined in the middle")
    without = reassemble(captured([*first.segments, *far.segments]))
    assert [connection.guessed for connection in without.connections] == [False, True]
    near = [one._replace(timestamp_ns=reassembly.LATE_SEGMENT_NS * 2) for one in dialogue().segments[3:]]
    assert len(reassemble([*captured(first.segments), *near]).connections) == 2


def test_a_refused_attempt_that_is_repeated_and_accepted_is_followed() -> None:
    wire = dialogue()
    refusal = wire.segments[1]._replace(flags=RST | ACK, sequence=0)
    told = reassemble(captured([wire.segments[0], refusal, *wire.segments]))
    assert told.turns() == [(0, b"request"), (1, b"reply")]
    assert len(told.connections) == 2


def test_a_stray_reset_and_datagrams_are_nothing() -> None:
    wire = Wire()
    wire.segment(0, flags=RST)
    wire.segment(0, b"datagram", transport=Transport.UDP)
    assert reassemble(wire.segments).pairs == []


def test_two_tunnels_are_two_connections() -> None:
    wire = dialogue()
    told = reassemble([*wire.segments, *[one._replace(tunnel=(42,)) for one in wire.segments]])
    assert [connection.tunnel for connection in told.connections] == [(), (42,)]


def _one(at: int, flags: TcpFlags, octets: bytes = b"", *, sequence: int = 1000, time_ns: int | None = None) -> Segment:
    return Segment(
        at, at * STEP_NS if time_ns is None else time_ns, Transport.TCP, Endpoint("10.1.0.1", at), SERVER, sequence, 0,
        flags, memoryview(octets), len(octets),
    )  # fmt: skip


def test_a_flood_of_syns_drives_out_syns_and_not_who_speaks() -> None:
    reassembler = Reassembler(maximum_connections=100)
    wire = dialogue()
    pairs = [pair for one in wire.segments for pair in reassembler.feed(one)]
    for at in range(1, 1001):
        pairs += reassembler.feed(_one(at, SYN))
    wire.send(0, b" and more")
    pairs += reassembler.feed(wire.segments[-1])
    connection, event = pairs[-1]
    assert connection.number == 0
    assert isinstance(event, Chunk)
    assert reassembler.limits == {"connections": 901}
    assert sum(isinstance(event, Close) for _connection, event in pairs) == 901


def test_at_the_bound_the_longest_untouched_goes_with_its_octets_told() -> None:
    reassembler = Reassembler(maximum_connections=4)
    pairs = []
    for at in range(1, 9):
        pairs += reassembler.feed(_one(at, SYN, sequence=999))
        pairs += reassembler.feed(_one(at, ACK, b"behind a hole", sequence=1005))
    told = [(connection.client.port, bytes(event.octets)) for connection, event in pairs if isinstance(event, Chunk)]
    assert told == [(at, b"behind a hole") for at in range(1, 5)]
    assert reassembler.limits == {"connections": 4}


def test_the_longest_untouched_goes_also_when_it_was_touched_before_the_table_filled() -> None:
    reassembler = Reassembler(maximum_connections=8)
    wires = [Wire(ends=(Endpoint("10.1.0.1", 1000 + at), SERVER)) for at in range(11)]
    segments = []
    for at in [0, 1, 2, 0, 3, 1, 4, 5, 6, 7, 8, 9, 10]:  # the fifth connection finds it crowded, the ninth full
        if not wires[at].segments:
            wires[at].connect()
        wires[at].send(0, b"request")
        wires[at].send(1, b"reply")
        segments += wires[at].segments[-5 if len(wires[at].segments) == 5 else -2 :]
    pairs = [pair for one in captured(segments) for pair in reassembler.feed(one)]
    assert [connection.number for connection, event in pairs if isinstance(event, Close)] == [2, 0, 3]


def test_idle_connections_go_first() -> None:
    reassembler = Reassembler(maximum_connections=4, maximum_idle_ns=10)
    for at in range(1, 4):
        list(reassembler.feed(_one(at, SYN, time_ns=at)))
    pairs = list(reassembler.feed(_one(9, SYN, time_ns=12)))
    assert [connection.client.port for connection, event in pairs if isinstance(event, Close)] == [1, 2]
    assert reassembler.limits == {"connections_idle": 2}


def test_the_octets_that_all_connections_hold_are_bounded() -> None:
    reassembler = Reassembler(maximum_parked_octets=5000)
    pairs = []
    for at in range(1, 11):
        pairs += reassembler.feed(_one(at, SYN, sequence=999))
        pairs += reassembler.feed(_one(at, ACK, bytes(1000), sequence=1005))
    assert reassembler.limits["parked_octets"] == sum(isinstance(event, Chunk) for _connection, event in pairs) > 0
    pairs += reassembler.close()
    assert sum(isinstance(event, Chunk) for _connection, event in pairs) == 10


def test_what_is_remembered_for_comparison_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "MAXIMUM_REMEMBERED_OCTETS", 10_000)
    wire = Wire()
    wire.connect()
    wire.send(0, bytes(50_000))
    told = reassemble(wire.segments)
    assert told.octets(0) == bytes(50_000)
    assert told.limits["remembered_octets"] > 0


def test_closing_tells_every_connection_once_in_order() -> None:
    reassembler = Reassembler()
    for at in (3, 1, 2):
        list(reassembler.feed(_one(at, SYN)))
    assert [(connection.number, event) for connection, event in reassembler.close()] == [
        (number, Close(None, False, None, None)) for number in range(3)
    ]
    assert list(reassembler.close()) == []
