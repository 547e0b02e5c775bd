"""TCP port 135 that nobody reaches; not where the same client did."""

from __future__ import annotations

from causes import fired, judged, seen, stays_silent
from incident_records import SERVER, event, stream

from rpctrace.diagnosis import network
from rpctrace.diagnosis.rules import epm_blocked
from rpctrace.report import Host

MAPPER = Host(SERVER, 135, None)


def test_syns_without_an_answer() -> None:
    finding = fired("epm-blocked")
    assert finding.severity == "high"
    assert seen(finding, epm_blocked.AGAIN.weight)


def test_an_endpoint_mapper_that_answers_is_none() -> None:
    assert stays_silent("epm-blocked").findings == ()


def test_a_reset_is_an_answer_too() -> None:
    (finding,) = judged(event(1, kind="refused", server=MAPPER), rule="epm-blocked")
    assert seen(finding, epm_blocked.WAS_REFUSED.weight)
    assert judged(event(1, kind="refused", server=Host(SERVER, 445, None)), rule="epm-blocked") == []


def test_another_connection_of_the_client_speaks_against_it() -> None:
    made = stream("tcp-0-1", 5, server=MAPPER)
    (finding,) = judged(event(1, kind="no_answer", server=MAPPER), made, rule="epm-blocked")
    assert seen(finding, epm_blocked.WORKS_OTHERWISE.weight, supports=False)
    assert finding.severity in ("low", "note")


def test_the_end_of_the_capture_is_no_silence() -> None:
    (finding,) = judged(event(1, kind="no_answer", server=MAPPER), rule="epm-blocked", until=2)
    assert seen(finding, network.ENDS_SOON.weight, supports=False)
    assert finding.severity == "note"
