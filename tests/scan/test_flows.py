"""A flow is followed from its first octets on, searched where those are not captured, and passed over at no cost."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from builders import dcerpc as write
from builders.smb import Head, packet, read_request
from tcp_wire import ACK, FIN, RST, SYN, Wire

from rpctrace.network.flow import Endpoint, Segment, Stretch
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan import flows
from rpctrace.scan.collector import key_of
from rpctrace.scan.flow import MAXIMUM_IDLE_NS, OTHER
from rpctrace.scan.flows import FlowTable

BIND = write.bind([write.Context(0, write.ICLASSFACTORY)])
REQUEST = write.request(b"stub" * 100)
HTTP = b"GET / HTTP/1.1\r\nHost: www.example.com\r\n\r\n"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def taken(table: FlowTable, segments: Sequence[Segment]) -> list[Segment]:
    return [given for segment in segments for given in table.take(key_of(segment), segment)]


@pytest.fixture
def table() -> FlowTable:
    return FlowTable(RECOGNISERS)


@pytest.fixture
def wire() -> Wire:
    wire = Wire()
    wire.connect()
    return wire


def test_a_connection_from_its_start(table: FlowTable, wire: Wire) -> None:
    """The handshake is held until the first octets tell, then given with them; all that follows is given at once."""
    assert taken(table, wire.segments) == []
    bind = wire.segment(0, BIND)
    assert taken(table, [bind]) == wire.segments
    following = [wire.segment(1), wire.segment(1, b"whatever"), wire.segment(0, flags=FIN | ACK)]
    assert taken(table, following) == following


def test_of_much_that_is_held_the_handshake_stays(table: FlowTable, wire: Wire) -> None:
    """It tells who is the client and where the directions start."""
    for _ in range(3 * flows.MAXIMUM_HELD_SEGMENTS):
        wire.segment(1)
    wire.segment(0, BIND)
    given = taken(table, wire.segments)
    assert len(given) == flows.MAXIMUM_HELD_SEGMENTS
    assert given[:2] == wire.segments[:2]
    assert given[2:] == wire.segments[2 - flows.MAXIMUM_HELD_SEGMENTS :]


@pytest.mark.parametrize("first", [BIND[:1], BIND[:9], BIND[:15]])
def test_too_few_octets_to_tell_are_given(table: FlowTable, wire: Wire, first: bytes) -> None:
    wire.segment(0, first)
    assert taken(table, wire.segments) == wire.segments


def test_another_protocol_is_passed_over(table: FlowTable, wire: Wire) -> None:
    """Once both directions began as something else; until then the other one may still be ours."""
    wire.segment(0, HTTP)
    assert taken(table, wire.segments) == []
    assert OTHER not in table.flows.values()
    assert taken(table, [wire.segment(1, ANSWER)]) == []
    assert set(table.flows.values()) == {OTHER}
    assert taken(table, [wire.segment(1, BIND)]) == []


def test_a_client_that_begins_as_something_else_and_a_server_that_is_ours(table: FlowTable, wire: Wire) -> None:
    wire.segment(0, HTTP)
    wire.segment(1, BIND)
    assert taken(table, wire.segments) == wire.segments


def test_a_new_connection_of_a_flow_that_was_passed_over(table: FlowTable, wire: Wire) -> None:
    wire.segment(0, HTTP)
    wire.segment(1, ANSWER)
    taken(table, wire.segments)
    again = Wire((900_000, 800_000))
    again.connect()
    again.segment(0, BIND)
    assert taken(table, again.segments) == again.segments


def test_the_second_segment_first(table: FlowTable, wire: Wire) -> None:
    """Octets that are not the first ones decide nothing."""
    wire.send(0, BIND, (40,))
    first, second = wire.segments[3], wire.segments[4]
    assert taken(table, [*wire.segments[:3], second]) == []
    assert taken(table, [first]) == [*wire.segments[:3], second, first]


def test_the_first_octets_are_lost(table: FlowTable, wire: Wire) -> None:
    """Then the reassembly finds out: at the latest at the end of the capture."""
    wire.segment(0, BIND)
    del wire.segments[-1]
    wire.segment(1, b"answer")
    wire.segments[-1] = wire.segments[-1]._replace(sequence=wire.segments[-1].sequence + 7)
    assert taken(table, wire.segments) == []
    assert table.close() == wire.segments


def test_joined_in_the_middle(table: FlowTable) -> None:
    """The header may stand anywhere in a segment, across two of them too; what was held before it is given."""
    wire = Wire()
    wire.segment(0, b"\xee" * 100)
    wire.segment(0, b"\xee" * 50 + REQUEST[:1])
    assert taken(table, wire.segments) == []
    assert taken(table, [wire.segment(0, REQUEST[1:])]) == wire.segments


def test_joined_in_the_middle_of_something_else(table: FlowTable) -> None:
    """Each direction is searched as far as any protocol wants; then the flow is passed over."""
    wire = Wire()
    most = max(each.search_octets for each in RECOGNISERS)
    for direction in (0, 1):
        for _ in range(most // 1000 + 1):
            wire.segment(direction, b"\xee" * 1000)
    *before, last = wire.segments
    assert taken(table, before) == []
    assert set(table.flows.values()) != {OTHER}
    assert taken(table, [last]) == []
    assert set(table.flows.values()) == {OTHER}


@pytest.mark.parametrize("port", [139, 445])
def test_smb_joined_in_the_middle(table: FlowTable, port: int) -> None:
    """Its ports are searched for its own messages. Bare PDUs are those of a pipe or a file, and octets that would give
    another connection up are those of a file."""
    wire = Wire(ends=(Endpoint("10.0.0.1", 49_700), Endpoint("10.0.0.2", port)))
    wire.segment(1, REQUEST)
    wire.segment(1, HTTP)
    assert taken(table, wire.segments) == []
    message = wire.segment(0, packet(read_request(Head())))
    assert taken(table, [message]) == wire.segments


def test_a_stray_reset_is_nothing(table: FlowTable, wire: Wire) -> None:
    assert taken(table, [wire.segment(0, flags=RST)]) == []


def test_what_turned_out_to_be_something_else(table: FlowTable, wire: Wire) -> None:
    wire.segment(0, BIND[:9])
    taken(table, wire.segments)
    table.ignore(*wire.ends[::-1], ())
    assert taken(table, [wire.segment(0, BIND[9:])]) == []


def test_held_octets_are_bounded(table: FlowTable, wire: Wire, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of one flow that goes on in one direction only: the handshake; of all: the limit says so."""
    wire.segment(0, HTTP)
    for _ in range(100):
        wire.segment(0, b"x" * 1000)
    assert taken(table, wire.segments) == []
    assert table.flows[key_of(wire.segments[0])] is OTHER
    answer = wire.segment(1, BIND)
    assert taken(table, [answer]) == [*wire.segments[:2], answer]

    monkeypatch.setattr(flows, "MAXIMUM_HELD_OCTETS", 5_000)
    for port in range(1000, 1020):
        other = Wire(ends=(Endpoint("10.0.0.1", port), Endpoint("10.0.0.2", 135)))
        other.connect()
        taken(table, other.segments)
    assert table.limits["held_octets"] > 0


def talk(port: int) -> Wire:
    wire = Wire(ends=(Endpoint("10.0.0.1", port), Endpoint("10.0.0.2", 135)))
    wire.connect()
    return wire


def test_flows_that_ended_make_room_first() -> None:
    """A table of eight flows: those that are passed over, or ended, go before one that lasts."""
    table = FlowTable(RECOGNISERS, maximum_keys=16)
    lasting = talk(1000)
    lasting.segment(0, BIND)
    taken(table, lasting.segments)
    for port in range(2000, 2030):
        wire = talk(port)
        if port % 2:
            wire.segment(0, HTTP)
            wire.segment(1, ANSWER)
        else:
            wire.segment(0, BIND)
            wire.close()
        taken(table, wire.segments)
        assert len(table.flows) <= 16
        more = lasting.segment(0, REQUEST)
        assert taken(table, [more]) == [more]
    assert table.limits == {}


def test_flows_that_last_are_forgotten_at_the_bound() -> None:
    """And counted; what comes of one later is searched."""
    table = FlowTable(RECOGNISERS, maximum_keys=16)
    wires = [talk(port) for port in range(1000, 1030)]
    for wire in wires:
        wire.segment(0, BIND)
        taken(table, wire.segments)
        assert len(table.flows) <= 16
    assert table.limits["flows"] > 0
    late = wires[0].segment(0, REQUEST)
    assert taken(table, [late]) == [late]


def test_idle_flows_are_forgotten_without_a_word() -> None:
    table = FlowTable(RECOGNISERS, maximum_keys=16)
    for turn, port in enumerate(range(1000, 1030)):
        later_ns = turn * MAXIMUM_IDLE_NS
        wire = talk(port)
        wire.segment(0, BIND)
        taken(table, [each._replace(timestamp_ns=(each.timestamp_ns or 0) + later_ns) for each in wire.segments])
    assert table.limits == {}


def test_a_flow_of_which_one_direction_is_passed_over_makes_room() -> None:
    """Both of its keys go at once, the one that leads to it and the one that leads to nothing any more."""
    table = FlowTable(RECOGNISERS, maximum_keys=16)
    wire = Wire()
    taken(table, [wire.segment(0)])
    taken(table, [wire.segment(1, b"\xee" * 1400) for _ in range(200)])
    assert list(table.flows.values()).count(OTHER) == 1
    taken(table, [wire.segment(0, flags=RST)])
    for port in range(1000, 1030):
        taken(table, talk(port).segments)
        assert len(table.flows) <= 16
    assert key_of(wire.segments[0]) not in table.flows
    assert key_of(wire.segments[1]) not in table.flows


def test_syn_again(table: FlowTable) -> None:
    """A repeated SYN is the same connection; one with another number before any octets is the next one."""
    wire = Wire()
    first = wire.segment(0, flags=SYN)
    again = first._replace(frame_number=2)
    other = first._replace(frame_number=3, sequence=first.sequence + 5_000)
    bind = wire.segment(0, BIND)._replace(frame_number=4, sequence=other.sequence + 1)
    assert taken(table, [first, again]) == []
    assert taken(table, [other]) == [first, again]  # nobody answered these
    assert taken(table, [bind]) == [other, bind]


def test_a_refusal_ends_a_flow(table: FlowTable) -> None:
    """So another copy of the reset is nothing, and the same SYN is the next attempt."""
    wire = Wire()
    syn = wire.segment(0, flags=SYN)
    reset = wire.segment(1, flags=RST | ACK, sequence=0)
    for _ in range(2):
        assert taken(table, [syn, reset, reset]) == [syn, reset]
    assert not table.flows
    assert table.held_octets == 0


def test_a_reset_that_may_have_ended_something(table: FlowTable) -> None:
    """What a SYN behind it belongs to shows in the reassembly."""
    wire = Wire()
    syn = wire.segment(0, flags=SYN)
    reset = wire.segment(1, flags=RST)
    assert taken(table, [syn, reset]) == []
    assert taken(table, [syn]) == [syn, reset, syn]


def test_an_attempt_between_two_others(table: FlowTable) -> None:
    """The reassembly has the one before it, so it must see that something else came."""
    wire = Wire()
    syn = wire.segment(0, flags=SYN)
    other = syn._replace(sequence=syn.sequence + 5_000)
    acknowledgement = wire.segment(0)
    assert taken(table, [syn, other, acknowledgement]) == [syn]
    assert taken(table, [syn]) == [other, acknowledgement, syn]


def test_what_somebody_else_saw_to_be_none_of_ours(table: FlowTable, wire: Wire) -> None:
    """Entered by either key, until a SYN begins another connection."""
    wire.segment(0, REQUEST)
    key = key_of(wire.segments[0])
    table.pass_over(key)
    assert [*table.flows] == [key, key_of(wire.segments[1])]
    assert taken(table, wire.segments[3:]) == []
    assert table.held_octets == 0
    assert taken(table, wire.segments) == wire.segments
    assert table.maximum_keys == flows.MAXIMUM_KEYS


def stretch(segment: Segment, length_octets: int) -> Stretch:
    """The octets behind a segment's."""
    sequence = (segment.sequence + segment.length_octets) & 0xFFFF_FFFF
    return Stretch(segment.source, segment.destination, (), sequence, length_octets, segment.frame_number)


def test_what_is_skipped_is_known_by_direction(table: FlowTable, wire: Wire) -> None:
    bind, answer = wire.segment(0, BIND), wire.segment(1, b"whatever")
    taken(table, wire.segments)
    flow = table.flows[key_of(bind)]
    table.skip(stretch(answer, 1000))
    client, server = key_of(bind), key_of(answer)
    assert flow.skips == {client: (0, 0, 5009, 1000), server: (5009, 1000, 0, 0)}
    table.skip(stretch(bind, 70))
    table.skip(stretch(answer, 2000))
    expected = {client: (1001 + len(BIND), 70, 5009, 2000), server: (5009, 2000, 1001 + len(BIND), 70)}
    assert flow.skips == expected
    table.skip(stretch(answer._replace(source=answer.destination, destination=Endpoint("10.0.0.9", 1)), 3))
    assert flow.skips == expected


@pytest.mark.parametrize("flags", [SYN, RST | ACK])
def test_a_stretch_of_the_connection_before_is_none_of_the_next(table: FlowTable, wire: Wire, flags: int) -> None:
    """The numbers of the next one may be the same; and who decides to skip has not come to it yet."""
    bind = wire.segment(0, BIND)
    taken(table, wire.segments)
    flow = table.flows[key_of(bind)]
    table.skip(stretch(bind, 1000))
    taken(table, [wire.segment(0, flags=flags)])  # type: ignore[arg-type]
    assert flow.skips is None
    table.skip(stretch(bind, 1000))
    assert flow.skips is None


def test_of_a_flow_that_is_not_followed_nothing_is_skipped(table: FlowTable, wire: Wire) -> None:
    http, answer = wire.segment(0, HTTP), wire.segment(1, ANSWER)
    taken(table, wire.segments[:4])
    table.skip(stretch(http, 1000))
    taken(table, [answer])
    table.skip(stretch(http, 1000))
    assert OTHER.skips is None
