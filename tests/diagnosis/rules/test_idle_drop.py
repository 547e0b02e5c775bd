"""A silent connection that was dropped, and what the client did next."""

from __future__ import annotations

from causes import fired, judged, seen, stays_silent
from incident_records import event, stream

from rpctrace.diagnosis.rules import idle_drop

DROPPED = event(1000, kind="idle", text="connection dropped after silence by the server")


def test_a_reset_after_a_quarter_of_an_hour() -> None:
    """It is told of the call that waited."""
    finding = fired("idle-drop")
    assert finding.calls
    assert seen(finding, idle_drop.CALL_LOST.weight)


def test_a_reset_in_the_middle_of_talk_is_another_rules() -> None:
    held = stays_silent("idle-drop")
    assert held.findings[0].rule == "connection-reset"


def test_a_new_connection_that_works_is_low_and_surer() -> None:
    alone = judged(DROPPED, rule="idle-drop")[0]
    (finding,) = judged(DROPPED, stream("tcp-0-1", 1001), rule="idle-drop")
    assert finding.severity == "low"
    assert finding.confidence > alone.confidence
    (finding,) = judged(DROPPED, stream("tcp-0-1", 5), rule="idle-drop")
    assert finding.severity == alone.severity


def test_a_server_that_was_restarted_is_another_cause() -> None:
    (finding,) = judged(DROPPED, event(1005, kind="refused"), rule="idle-drop")
    assert seen(finding, idle_drop.SERVER_GONE.weight, supports=False)
