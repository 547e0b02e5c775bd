"""Full packets that are lost while small ones arrive."""

from __future__ import annotations

from causes import fired, judged, named, seen, stays_silent
from incident_records import call, event

from rpctrace.diagnosis.rules import mtu_blackhole
from rpctrace.report import Event, Host


def lost(second: float, octets: int | None, port: int = 49834) -> Event:
    client = Host("10.77.0.50", port, None)
    text = "same octets sent again and again, never acknowledged by the client"
    return event(second, kind="retransmitted", octets=octets, count=4, client=client, text=text)


def test_a_token_that_fills_a_packet() -> None:
    finding = fired("mtu-blackhole")
    assert finding.severity == "high"
    assert seen(finding, mtu_blackhole.FULL_PACKETS.weight)
    assert seen(finding, mtu_blackhole.TOKEN_LOST.weight)


def test_small_packets_are_no_question_of_size() -> None:
    assert named(stays_silent("mtu-blackhole").findings, "mtu-blackhole") == []
    for octets in (None, 0, mtu_blackhole.LARGE_OCTETS - 1):
        assert judged(lost(1, octets), rule="mtu-blackhole") == []


def test_several_connections_of_two_hosts_make_it_surer() -> None:
    alone = judged(lost(1, 1300), rule="mtu-blackhole")[0].confidence
    (finding,) = judged(lost(1, 1300), lost(2, 1300, 49835), rule="mtu-blackhole")
    assert finding.confidence > alone
    assert seen(finding, mtu_blackhole.OTHERS_TOO.weight)


def test_a_host_that_went_down_is_another_cause() -> None:
    gone = event(60, kind="no_answer", count=3)
    (finding,) = judged(lost(1, 1460), gone, rule="mtu-blackhole")
    assert seen(finding, mtu_blackhole.HOST_GONE.weight, supports=False)


def test_the_call_that_waited_is_what_it_is_about() -> None:
    waiting = call("call-1", 0.5, outcome="unanswered", reply=None, reply_frames=(), reply_ns=None)
    (finding,) = judged(lost(1, 1460), waiting, rule="mtu-blackhole")
    assert finding.calls == ("call-1",)
