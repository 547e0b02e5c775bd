"""Kerberos over UDP: requests sent again are one exchange; what is open is bounded in number and age."""

from __future__ import annotations

import pytest
from authentication_tokens import mutants
from builders import kerberos
from protocols.kerberos.kdc_talk import (
    AS_BODY,
    AS_REP,
    AS_REQ,
    EVERY_MESSAGE,
    KPASSWD_REP,
    KPASSWD_REQ,
    PREAUTH_REQUIRED,
    TGS_REP,
    TGS_REQ,
)

from rpctrace.network.flow import Endpoint, Segment, Transport
from rpctrace.protocols.dissector import Problems
from rpctrace.protocols.kerberos.datagrams import (
    MAXIMUM_EARLY_REPLIES,
    MAXIMUM_IDLE_NS,
    REORDERING_NS,
    REPLY_FIRST,
    DatagramExchange,
    KdcDatagrams,
)
from rpctrace.protocols.kerberos.exchange import GIVEN_UP, KdcOutcome

CLIENT, OTHER_CLIENT = Endpoint("10.77.0.50", 50_001), Endpoint("10.77.0.51", 50_002)
KDC, OTHER_KDC, PASSWORDS = Endpoint("10.77.0.11", 88), Endpoint("10.77.0.12", 88), Endpoint("10.77.0.11", 464)
SECOND = 10**9


class Wire:
    """Datagrams a frame and a second each."""

    def __init__(self, datagrams: KdcDatagrams | None = None) -> None:
        self.datagrams = datagrams or KdcDatagrams(Problems())
        self.frame = 0

    def send(
        self, source: Endpoint, destination: Endpoint, octets: bytes, *, length: int | None = None,
        at_ns: int | None = -1, tunnel: tuple[int, ...] = (), transport: Transport = Transport.UDP,
    ) -> list[DatagramExchange]:  # fmt: skip
        self.frame += 1
        time_ns = self.frame * SECOND if at_ns == -1 else at_ns
        segment = Segment(self.frame, time_ns, transport, source, destination, 0, 0, 0, memoryview(octets),
                          len(octets) if length is None else length, tunnel)  # fmt: skip
        return list(self.datagrams.feed(segment))


def test_a_request_and_its_reply_with_their_ends() -> None:
    """Whichever end sorts first; 464 too."""
    for client in (CLIENT, Endpoint("10.1.1.1", 50_001)):
        wire = Wire()
        assert wire.send(client, KDC, AS_REQ) == []
        (told,) = wire.send(KDC, client, AS_REP)
        assert (told.client, told.server, told.tunnel) == (client, KDC, ())
        exchange = told.exchange
        assert (exchange.kind, exchange.carried_in, exchange.client_direction) == ("AS", "kdc_udp", 0)
        assert exchange.request_seen is not None
        assert exchange.reply_seen is not None
        assert (exchange.request_seen.frames, exchange.reply_seen.frames) == ((1,), (2,))
        assert exchange.reply_seen.timestamp_ns == 2 * SECOND
        assert wire.datagrams.close() == []
    wire.send(CLIENT, PASSWORDS, KPASSWD_REQ)
    (told,) = wire.send(PASSWORDS, CLIENT, KPASSWD_REP)
    assert (told.exchange.kind, told.exchange.outcome) == ("KPASSWD", KdcOutcome.ANSWERED)


def test_a_request_sent_again_is_the_same_exchange() -> None:
    wire = Wire()
    for _ in range(3):
        assert wire.send(CLIENT, KDC, AS_REQ) == []
    (told,) = wire.send(KDC, CLIENT, AS_REP)
    assert [seen.frames for seen in told.exchange.copies] == [(2,), (3,)]
    assert told.exchange.request_seen is not None
    assert told.exchange.request_seen.frames == (1,)


def test_late_copies_of_what_was_told_are_no_news() -> None:
    """Sent again though the reply was on its way, or captured on two interfaces."""
    wire = Wire()
    wire.send(CLIENT, KDC, AS_REQ)
    assert len(wire.send(KDC, CLIENT, AS_REP)) == 1
    assert wire.send(CLIENT, KDC, AS_REQ) == wire.send(KDC, CLIENT, AS_REP) == []
    assert wire.datagrams.late_copies == 2
    assert wire.datagrams.close() == []


def test_other_ends_and_tunnels_are_apart() -> None:
    wire = Wire()
    wire.send(CLIENT, KDC, AS_REQ)
    wire.send(OTHER_CLIENT, KDC, AS_REQ)
    wire.send(CLIENT, KDC, AS_REQ, tunnel=(7,))
    (told,) = wire.send(KDC, CLIENT, AS_REP, tunnel=(7,))
    assert told.tunnel == (7,)
    (told,) = wire.send(KDC, OTHER_CLIENT, AS_REP)
    assert told.client == OTHER_CLIENT
    assert [left.client for left in wire.datagrams.close()] == [CLIENT]


def test_a_reply_without_its_request() -> None:
    """It waits a moment for it, since a capture's order is not always that of the wire."""
    wire = Wire()
    assert wire.send(KDC, CLIENT, TGS_REP) == []
    (told,) = wire.datagrams.close()
    assert (told.client, told.server) == (CLIENT, KDC)
    assert told.exchange.request is None


def test_a_reply_captured_before_its_request() -> None:
    for delay, notes in ((0, (REPLY_FIRST,)), (REORDERING_NS, (REPLY_FIRST,)), (REORDERING_NS + 1, None)):
        wire = Wire()
        assert wire.send(KDC, CLIENT, AS_REP, at_ns=SECOND) == []
        told = wire.send(CLIENT, KDC, AS_REQ, at_ns=SECOND + delay)
        assert len(told) == 1
        assert (told[0].exchange.request is None) == (notes is None)
        assert told[0].exchange.notes == (notes or ())
        assert len(wire.datagrams.close()) == (notes is None)


def test_a_reply_of_another_kind_goes_on_waiting() -> None:
    wire = Wire()
    wire.send(KDC, CLIENT, TGS_REP, at_ns=1)
    assert wire.send(CLIENT, KDC, AS_REQ, at_ns=2) == []
    assert wire.send(KDC, CLIENT, AS_REP, at_ns=3)[0].exchange.kind == "AS"
    assert wire.send(CLIENT, KDC, TGS_REQ, at_ns=4)[0].exchange.notes == (REPLY_FIRST,)
    assert wire.datagrams.close() == []


def test_few_replies_wait() -> None:
    wire = Wire()
    replies = [kerberos.tgs_rep("R", kerberos.principal(f"user{number}"), b"") for number in range(12)]
    told = [each for reply in replies for each in wire.send(KDC, CLIENT, reply, at_ns=1)]
    assert len(told) == 12 - MAXIMUM_EARLY_REPLIES
    assert [each.exchange.reply_seen and each.exchange.reply_seen.frame for each in told] == [1, 2, 3, 4]


@pytest.mark.parametrize(("told_by", "outcome"), [
    ("nothing", KdcOutcome.NOT_CAPTURED),
    ("a copy", KdcOutcome.UNANSWERED),
    ("the server's other traffic", KdcOutcome.UNANSWERED),
    ("another server's traffic", KdcOutcome.NOT_CAPTURED),
])  # fmt: skip
def test_a_request_without_reply(told_by: str, outcome: KdcOutcome) -> None:
    wire = Wire()
    wire.send(CLIENT, KDC, TGS_REQ)
    if told_by == "a copy":
        wire.send(CLIENT, KDC, TGS_REQ)
    elif told_by != "nothing":
        wire.send(OTHER_KDC if "another" in told_by else KDC, OTHER_CLIENT, AS_REP)
    told = wire.datagrams.close()[0]
    assert (told.exchange.reply, told.exchange.outcome) == (None, outcome)


def test_idle_requests_are_given_out() -> None:
    """In the order in which they were touched last; without times only the bound of their number does it."""
    wire = Wire()
    wire.send(CLIENT, KDC, AS_REQ, at_ns=0)
    wire.send(OTHER_CLIENT, KDC, AS_REQ, at_ns=SECOND)
    assert wire.send(CLIENT, OTHER_KDC, AS_REQ, at_ns=MAXIMUM_IDLE_NS) == []
    (told,) = wire.send(CLIENT, OTHER_KDC, TGS_REQ, at_ns=MAXIMUM_IDLE_NS + 1)
    assert (told.client, told.server) == (CLIENT, KDC)
    assert wire.send(KDC, CLIENT, AS_REP, at_ns=MAXIMUM_IDLE_NS + 2) == []
    assert [each.exchange.request is None for each in wire.datagrams.close()].count(True) == 1
    timeless = Wire()
    timeless.send(CLIENT, KDC, AS_REQ, at_ns=None)
    assert timeless.send(OTHER_CLIENT, KDC, AS_REQ, at_ns=MAXIMUM_IDLE_NS * 9) == []


def test_the_table_is_bounded() -> None:
    wire = Wire(KdcDatagrams(Problems(), maximum_pairs_of_ends=10))
    told = [each for port in range(50_000, 50_025) for each in wire.send(Endpoint("10.0.0.1", port), KDC, AS_REQ)]
    assert [each.client.port for each in told] == list(range(50_000, 50_015))
    assert {each.exchange.notes for each in told} == {(GIVEN_UP,)}
    assert wire.datagrams.limits == {"pairs_of_ends": 15}
    assert len(wire.datagrams.close()) == 10


def test_answered_ends_make_room_quietly() -> None:
    wire = Wire(KdcDatagrams(Problems(), maximum_pairs_of_ends=10))
    for port in range(50_000, 50_025):
        wire.send(Endpoint("10.0.0.1", port), KDC, AS_REQ)
        assert len(wire.send(KDC, Endpoint("10.0.0.1", port), PREAUTH_REQUIRED)) == 1
    assert wire.datagrams.limits == {}


def test_datagrams_cut_by_the_snapshot_length() -> None:
    """What is there is read, and is no problem; equal heads are not known to be copies once answered."""
    problems = Problems()
    wire = Wire(KdcDatagrams(problems))
    wire.send(CLIENT, KDC, AS_REQ[:300], length=len(AS_REQ))
    (told,) = wire.send(KDC, CLIENT, AS_REP[:40], length=len(AS_REP))
    assert told.exchange.reply is not None
    assert not told.exchange.reply.complete
    assert wire.send(CLIENT, KDC, AS_REQ[:300], length=len(AS_REQ)) == []
    assert len(wire.send(KDC, CLIENT, AS_REP[:40], length=len(AS_REP))) == 1
    assert (len(problems), wire.datagrams.late_copies) == (0, 0)


def test_what_is_not_for_it() -> None:
    wire = Wire()
    assert wire.send(CLIENT, Endpoint("10.77.0.11", 53), AS_REQ) == []
    assert wire.send(CLIENT, KDC, AS_REQ, transport=Transport.TCP) == []
    assert wire.send(CLIENT, KDC, b"\x6a") == []
    assert wire.datagrams.close() == []


def test_a_whole_datagram_that_does_not_read_is_a_problem() -> None:
    problems = Problems()
    wire = Wire(KdcDatagrams(problems))
    damaged = AS_REQ.replace(bytes.fromhex("a20302010a"), bytes.fromhex("a20302010c"), 1)
    wire.send(CLIENT, KDC, damaged)
    assert [problem.frame_number for problem in problems] == [1]


def test_hostile_datagrams() -> None:
    """Damaged ones of every kind in both ways: exchanges or problems, and nothing is kept twice."""
    problems = Problems()
    wire = Wire(KdcDatagrams(problems))
    told = 0
    for name, octets in EVERY_MESSAGE.items():
        ends = (CLIENT, KDC) if name.endswith(("REQ", "kpasswd", "user")) else (KDC, CLIENT)
        for mutant in mutants(octets, seed=len(name), count=200):
            told += len(wire.send(*ends, mutant))
    told += len(wire.datagrams.close())
    assert told > 500
    assert len(problems) > 100


def test_different_requests_of_one_port_are_answered_in_turn() -> None:
    wire = Wire()
    second = kerberos.as_req(AS_BODY)
    wire.send(CLIENT, KDC, AS_REQ)
    wire.send(CLIENT, KDC, second)
    first_told = wire.send(KDC, CLIENT, PREAUTH_REQUIRED)
    second_told = wire.send(KDC, CLIENT, AS_REP)
    frames = [told.exchange.request_seen and told.exchange.request_seen.frame for told in (*first_told, *second_told)]
    assert frames == [1, 2]
