"""Failures below the octets are told when the capture proves them, and only then; by `scan` as by the plain path."""

from __future__ import annotations

import io
import random
from collections.abc import Iterable

import pytest
from builders import files
from builders.network import Host, TimedFrame
from builders.tcp import CLIENT as TO_SERVER
from builders.tcp import SERVER as TO_CLIENT
from builders.tcp import TcpConversation
from scan_talk import BIND, START_NS, listed, talk
from tcp_wire import ACK, CLIENT, FIN, RST, SERVER, STEP_NS, SYN, Wire, captured

from rpctrace.capture.storage import open_capture
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan.flows import FlowTable
from rpctrace.stream import incidents as module
from rpctrace.stream import reassembly
from rpctrace.stream.reassembly import Reassembler
from rpctrace.stream.stream import Incident, IncidentKind

MINUTES_NS = module.SILENCE_NS
REFUSED, NO_ANSWER = IncidentKind.REFUSED, IncidentKind.NO_ANSWER
RESET, IDLE, RETRANSMITTED = IncidentKind.RESET, IncidentKind.IDLE, IncidentKind.RETRANSMITTED


def incidents(segments: Iterable[Segment], end_ns: int | None = None, heard: tuple[str, ...] = ()) -> list[Incident]:
    reassembler = Reassembler()
    for segment in segments:
        reassembler.feed(segment)
    reassembler.close(end_ns=end_ns, heard=heard)
    return [incident for _connection, incident in reassembler.incidents]


def dialogue() -> Wire:
    wire = Wire()
    wire.connect()
    wire.send(0, b"request")
    wire.send(1, b"reply")
    wire.segment(0)
    return wire


def later(segments: list[Segment], by_ns: int) -> list[Segment]:
    return [one._replace(timestamp_ns=(one.timestamp_ns or 0) + by_ns) for one in segments]


# ---- attempts


def refusal(wire: Wire, syns: int = 1) -> None:
    for _ in range(syns):
        wire.segment(0, flags=SYN, sequence=wire.following[0])
        wire.following[0] -= 1
    wire.segment(1, flags=RST | ACK, sequence=0, acknowledgement=wire.following[0] + 1)


def test_a_refused_attempt_and_those_that_repeat_it() -> None:
    wire = Wire()
    for _ in range(3):
        refusal(wire)
    other = Wire(ends=(CLIENT._replace(port=49_701), SERVER))
    refusal(other)
    told = incidents(captured([*wire.segments, *other.segments]))
    assert told == [Incident(REFUSED, 1, (1, 2, 3, 4, 5, 6, 7, 8), 4, 0, STEP_NS, 8 * STEP_NS)]
    elsewhere = Wire(ends=(CLIENT, SERVER._replace(port=136)))
    refusal(elsewhere, 2)
    assert [each.frames for each in incidents(captured([*wire.segments, *elsewhere.segments]))] == [
        (1, 2, 3, 4, 5, 6), (7, 8, 9),
    ]  # fmt: skip


def test_a_reset_that_does_not_acknowledge_the_syn_refuses_nothing() -> None:
    wire = Wire()
    syn = wire.segment(0, flags=SYN)
    for changed in (
        {"acknowledgement": 7}, {"flags": RST},
    ):  # fmt: skip
        answer = wire.segment(1, flags=RST | ACK)._replace(**changed)  # type: ignore[arg-type]
        assert incidents([syn, answer]) == []
    wire = dialogue()
    wire.segment(1, flags=RST | ACK)
    assert incidents(wire.segments) == []


def test_nobody_answers() -> None:
    wire = Wire()
    syn = wire.segment(0, flags=SYN)
    again = syn._replace(frame_number=2, timestamp_ns=3 * STEP_NS)
    heard = (CLIENT.address,)
    told = [Incident(NO_ANSWER, 0, (1, 2), 2, 0, STEP_NS, 3 * STEP_NS)]
    assert incidents([syn, again], heard=heard) == told
    assert incidents([syn, again]) == []  # a capture of one direction
    lively = Wire(ends=(CLIENT._replace(port=50_000), SERVER))
    lively.connect()
    assert incidents([syn, again, *lively.segments]) == told
    assert incidents([syn, again, *lively.segments[::2]]) == []


def test_a_syn_that_ends_something_too_is_no_attempt() -> None:
    syn = Wire().segment(0, flags=SYN | FIN)
    assert incidents([syn, syn._replace(frame_number=2)], heard=(CLIENT.address,)) == []


@pytest.mark.parametrize(("wait_ns", "count"), [(None, 0), (module.WAIT_NS - 1, 0), (module.WAIT_NS, 1)])
def test_a_lone_syn_is_not_answered_once_there_was_time(wait_ns: int | None, count: int) -> None:
    syn = Wire().segment(0, flags=SYN)
    end_ns = None if wait_ns is None else STEP_NS + wait_ns
    assert len(incidents([syn], end_ns, (CLIENT.address,))) == count


def test_one_direction_alone_claims_nothing() -> None:
    wire = dialogue()
    wire.segment(1, flags=RST | ACK)
    for source in (CLIENT, SERVER):
        alone = [one for one in wire.segments if one.source == source]
        assert incidents(alone, 1 << 60, (CLIENT.address, SERVER.address)) == []


def test_attempts_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAXIMUM_ATTEMPTS", 10)
    reassembler = Reassembler()
    for port in range(1, 31):
        wire = Wire(ends=(CLIENT, SERVER._replace(port=port)))
        refusal(wire)
        for one in wire.segments:
            reassembler.feed(one)
    reassembler.close()
    assert len(reassembler.incidents) == 10
    assert reassembler.limits == {"attempts": 20}


# ---- connections that came about


def test_a_reset_with_octets_outstanding() -> None:
    """With and without the number that tells what the one who resets has."""
    for flags in (RST, RST | ACK):
        wire = dialogue()
        wire.segment(0, b"a long request")
        wire.segment(0, b"and more")
        wire.segment(1, flags=flags, acknowledgement=wire.following[0] - 22)
        assert incidents(wire.segments) == [Incident(RESET, 1, (7, 8, 9), 2, 14, 7 * STEP_NS, 9 * STEP_NS)]


def test_a_reset_of_what_was_acknowledged_is_only_a_close() -> None:
    wire = dialogue()
    wire.segment(0, b"a long request")
    acknowledged = wire.segment(1)
    reset = wire.segment(1, flags=RST | ACK)
    assert incidents(wire.segments) == []
    assert incidents([each for each in wire.segments if each != acknowledged]) == []
    far = reset._replace(sequence=(reset.sequence + (1 << 30)) & 0xFFFF_FFFF, acknowledgement=1)
    assert incidents([*wire.segments[:-2], far]) == []


def test_who_closed_may_reset_what_comes_later() -> None:
    wire = dialogue()
    wire.segment(0, flags=FIN | ACK)
    wire.segment(1, b"answer to nobody")
    wire.segment(0, flags=RST)
    assert incidents(wire.segments) == []


@pytest.mark.parametrize(("copies", "kind"), [(1, None), (2, RETRANSMITTED), (5, RETRANSMITTED), (12, RETRANSMITTED)])
def test_the_same_octets_again_and_again(copies: int, kind: IncidentKind | None) -> None:
    wire = dialogue()
    large = wire.segment(0, bytes(1400))
    wire.segment(0, b"tail")
    for _ in range(copies):
        wire.segment(0, bytes(1400), sequence=large.sequence)
    frames = (7, *range(9, 9 + copies))
    expected = [Incident(RETRANSMITTED, 0, frames[:8], 1 + copies, 1400, 7 * STEP_NS, (8 + copies) * STEP_NS)]
    assert incidents(wire.segments) == (expected if kind else [])
    wire.segment(1, acknowledgement=large.sequence + 1400)
    assert incidents(wire.segments) == []


def test_octets_of_the_other_side_say_that_it_lives() -> None:
    wire = dialogue()
    large = wire.segment(0, bytes(1400))
    for _ in range(4):
        wire.segment(0, bytes(1400), sequence=large.sequence)
    wire.send(1, b"reply")
    assert incidents(wire.segments) == []


@pytest.mark.parametrize("answers", [True, False])
def test_dropped_while_idle(answers: bool) -> None:
    """After a silence: a reset, or copies into the void."""
    wire = dialogue()
    lively = len(wire.segments)
    request = wire.segment(0, b"request")
    if answers:
        wire.segment(1, flags=RST, sequence=request.acknowledgement)
    else:
        for _ in range(3):
            wire.segment(0, b"request", sequence=request.sequence)
    silent = [*wire.segments[:lively], *later(wire.segments[lively:], MINUTES_NS)]
    (told,) = incidents(silent)
    assert (told.kind, told.direction, told.times, told.octets) == (IDLE, 1 if answers else 0, 1 if answers else 4, 7)
    (told,) = incidents(wire.segments)
    assert told.kind is (RESET if answers else RETRANSMITTED)


def test_keep_alives_are_no_silence() -> None:
    wire = dialogue()
    probe = wire.segment(0, b"\0", sequence=wire.following[0] - 1)
    wire.following[0] -= 1
    request = wire.segment(0, b"request")
    wire.segment(1, flags=RST, sequence=request.acknowledgement)
    *lively, _probe, request, reset = wire.segments
    (told,) = incidents([*lively, *later([probe], MINUTES_NS - 1), *later([request, reset], MINUTES_NS)])
    assert told.kind is RESET


def test_a_stretch_stepped_over_is_no_silence() -> None:
    wire = dialogue()
    request = wire.segment(0, b"request")
    wire.segment(1, flags=RST, sequence=request.acknowledgement)
    *lively, request, reset = wire.segments
    reassembler = Reassembler()
    told = [pair for one in lively for pair in reassembler.feed(one)]
    connection = told[0][0]
    assert reassembler.skip(connection, 0, 1000) is not None
    for one in (request._replace(sequence=request.sequence + 1000), reset):
        reassembler.feed(later([one], MINUTES_NS)[0])
    assert [each.kind for _connection, each in reassembler.incidents] == [RESET]


def test_incidents_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reassembly, "MAXIMUM_INCIDENTS", 2)
    reassembler = Reassembler()
    for port in range(1, 6):
        wire = Wire(ends=(CLIENT._replace(port=port), SERVER))
        wire.connect()
        wire.send(0, b"request")
        wire.send(1, b"reply")
        wire.send(0, b"request")
        wire.segment(1, flags=RST)
        for one in wire.segments:
            reassembler.feed(one)
    assert len(reassembler.incidents) == 2
    assert reassembler.limits == {"incidents": 3}


# ---- the fast path


def both(octets: bytes) -> tuple[list[Incident], list[Incident]]:
    """Of `scan` and of the plain path: those of attempts, which are told of all connections."""
    told = []
    for plain in (False, True):
        table, reassembler, decoder = FlowTable(RECOGNISERS), Reassembler(), Decoder()
        with open_capture(io.BytesIO(octets), window_octets=5_000) as capture:
            if plain:
                segments = (one for frame in capture if (one := decoder.decode(frame)) is not None)
            else:
                segments = iter(listed(capture, decoder, table))
            for segment in segments:
                reassembler.feed(segment)
            reassembler.close(heard=table.heard, end_ns=capture.last_ns)
        kinds = (REFUSED, NO_ANSWER)
        told.append([incident for _connection, incident in reassembler.incidents if incident.kind in kinds])
    return told[0], told[1]


def attempts(rng: random.Random) -> list[TimedFrame]:
    """Among web talks: refused, not answered, repeated, in any order; and then a talk on the same ports."""
    frames: list[TimedFrame] = []
    for number in range(12):
        server = Host("10.0.0.2", "02:00:00:00:00:02"), rng.choice((135, 49_154))
        said = TcpConversation((Host("10.0.0.1"), 50_000 + number % 5), server, START_NS + number * 1_000_000_000)
        said.sequence = [rng.getrandbits(31), 0]
        for _ in range(rng.randrange(4)):
            said.segment(TO_SERVER, flags=int(SYN))
            for _ in range(rng.choice((0, 0, 1, 1, 2))):
                said.segment(TO_CLIENT, flags=int(RST | ACK))
            said.sequence[0] += rng.choice((-1, 7))
        if rng.random() < 0.3:
            rng.shuffle(said.frames)
        frames += said.frames
        if rng.random() < 0.5:
            octets = rng.choice((BIND, b"GET / HTTP/1.1\r\n\r\n"))
            spoken = talk(50_000 + number % 5, octets, b"HTTP/1.1 200 OK\r\n\r\n", said.now_ns)
            frames += spoken.frames
    return frames


@pytest.mark.parametrize("seed", range(30))
def test_the_fast_path_tells_the_same_attempts(seed: int) -> None:
    scanned, plain = both(files.pcap(attempts(random.Random(seed))))
    assert scanned == plain
    assert plain


def test_a_scan_of_ports_gives_so_many_attempts_and_counts_the_others() -> None:
    frames = [
        TcpConversation((Host("10.0.0.1"), 50_000), (Host("10.0.0.2"), port), START_NS + port).segment(
            TO_SERVER, flags=int(SYN)
        )
        for port in range(1, 2_001)
    ]
    table = FlowTable(RECOGNISERS)
    with open_capture(io.BytesIO(files.pcap(frames))) as capture:
        assert len(listed(capture, Decoder(), table)) == 1_000
    assert table.limits == {"attempts_given": 1_000}
