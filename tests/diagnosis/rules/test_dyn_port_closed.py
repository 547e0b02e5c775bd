"""A told port that refuses, at the host that told it."""

from __future__ import annotations

from causes import fired, judged, seen, stays_silent
from incident_records import endpoint, event, stream

from rpctrace.diagnosis.rules import dyn_port_closed


def test_a_reset_from_the_port_that_was_told() -> None:
    finding = fired("dyn-port-closed")
    assert finding.severity == "medium"
    assert "had told port 49158" in finding.summary


def test_a_reset_from_a_port_that_nobody_told_is_none() -> None:
    assert stays_silent("dyn-port-closed").findings == ()


def test_a_service_that_ended_meanwhile() -> None:
    """A connection before speaks for it; one after makes it a note."""
    refused = event(10, kind="refused", endpoint="e-1", count=3)
    (finding,) = judged(endpoint("e-1", 0), refused, stream("tcp-0-1", 2), rule="dyn-port-closed")
    assert seen(finding, dyn_port_closed.WORKED_BEFORE.weight)
    assert seen(finding, dyn_port_closed.AGAIN.weight)
    (finding,) = judged(endpoint("e-1", 0), refused, stream("tcp-0-1", 20), rule="dyn-port-closed")
    assert finding.severity == "note"


def test_another_address_is_another_rules() -> None:
    told = endpoint("e-1", 0, teller="10.77.0.90")
    assert judged(told, event(1, kind="refused", endpoint="e-1"), rule="dyn-port-closed") == []
