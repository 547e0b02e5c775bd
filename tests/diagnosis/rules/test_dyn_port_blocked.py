"""A told port that is silent, at the host that told it."""

from __future__ import annotations

from causes import fired, judged, named, seen, stays_silent
from incident_records import SERVER, endpoint, event, stream

from rpctrace.diagnosis.rules import dyn_port_blocked
from rpctrace.report import Event, Host


def silent(second: float, port: int = 49154, told: str | None = "e-1", count: int = 3) -> Event:
    return event(second, kind="no_answer", server=Host(SERVER, port, None), endpoint=told, count=count)


def test_the_answer_that_told_the_port_is_in_the_evidence() -> None:
    finding = fired("dyn-port-blocked")
    assert finding.severity == "high"
    assert "ept_map" in finding.evidence[0].text
    assert finding.evidence[0].frame is not None


def test_a_reset_is_another_rules() -> None:
    held = stays_silent("dyn-port-blocked")
    assert named(held.findings, "dyn-port-blocked") == []
    assert held.findings[0].rule == "dyn-port-closed"


def test_a_port_that_nobody_told_is_none() -> None:
    assert judged(silent(1, told=None), rule="dyn-port-blocked") == []


def test_several_silent_ports_make_it_surer() -> None:
    alone = judged(endpoint("e-1", 0), silent(1), rule="dyn-port-blocked")[0]
    told = endpoint("e-1", 0), endpoint("e-2", 0, port=49155)
    both = judged(*told, silent(1), silent(2, 49155, "e-2"), rule="dyn-port-blocked")
    assert [finding.confidence > alone.confidence for finding in both] == [True, True]
    assert seen(both[0], dyn_port_blocked.OTHERS_TOO.weight)


def test_a_connection_that_was_made_speaks_against_it() -> None:
    (finding,) = judged(endpoint("e-1", 0), silent(1), stream("tcp-0-1", 5), rule="dyn-port-blocked")
    assert seen(finding, dyn_port_blocked.WORKS_OTHERWISE.weight, supports=False)
    assert finding.severity in ("low", "note")


def test_one_syn_alone_may_have_been_lost() -> None:
    sure = judged(endpoint("e-1", 0), silent(1), rule="dyn-port-blocked")[0]
    unsure = judged(endpoint("e-1", 0), silent(1, count=1), rule="dyn-port-blocked")[0]
    assert unsure.confidence < sure.confidence
