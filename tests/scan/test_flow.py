"""What a flow holds says what it may be, and its keys lead to both directions."""

from __future__ import annotations

from tcp_wire import ACK, RST, SYN, Wire

from rpctrace.network.flow import Segment
from rpctrace.scan.collector import key_of
from rpctrace.scan.flow import LIVE, SEARCHED, STARTING, Flow, Stage, has_octets, is_attempt, is_in_doubt, turned


def flow(stage: Stage, held: list[Segment]) -> Flow:
    source, destination = Wire().ends
    key = key_of(Wire().segment(0))
    made = Flow(stage, (key, turned(key)), ((source, destination), (destination, source)))
    made.held = held
    return made


def test_the_key_of_the_other_direction() -> None:
    wire = Wire()
    key, other = key_of(wire.segment(0)), key_of(wire.segment(1))
    assert (turned(key), turned(other)) == (other, key)
    assert turned((key, (7,))) == (other, (7,)) if isinstance(key, bytes) else False


def test_an_attempt_is_a_syn_and_nothing_else() -> None:
    wire = Wire()
    syn, answer, octets = wire.segment(0, flags=SYN), wire.segment(1, flags=SYN | ACK), wire.segment(0, b"x")
    assert is_attempt(flow(STARTING, [syn, syn]))
    assert not any(is_attempt(flow(STARTING, held)) for held in ([], [syn, answer], [syn, octets]))
    assert not is_attempt(flow(SEARCHED, [syn]))


def test_octets_count_until_their_direction_is_another_protocol() -> None:
    wire = Wire()
    known = flow(STARTING, [wire.segment(0, flags=SYN), wire.segment(0, b"x")])
    assert has_octets(known)
    known.directions[0].is_other = True
    assert not has_octets(known)


def test_a_syn_behind_a_reset_is_in_doubt() -> None:
    wire = Wire()
    syn, reset = wire.segment(0, flags=SYN), wire.segment(1, flags=RST)
    first = syn.sequence + 1
    for held, doubt in (([syn], False), ([syn, reset], True)):
        known = flow(STARTING, held)
        assert is_in_doubt(known, known.directions[0], syn, first) is doubt


def test_flows_that_are_decided_share_what_they_need_no_more() -> None:
    one, two = flow(SEARCHED, []), flow(SEARCHED, [])
    assert one.directions is not two.directions
    one.decide()
    two.decide()
    assert one.stage is LIVE
    assert one.directions is two.directions
    assert one.held is two.held
