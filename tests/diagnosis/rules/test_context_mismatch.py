"""Handles that the server does not know."""

from __future__ import annotations

from judging import answered, cause, faulted, findings, has, judged, only

from rpctrace.diagnosis.rules import context_mismatch as rule

RULE = rule.RULE


def test_it_fires_on_a_closed_handle() -> None:
    """What had closed it is shown; another fault is none of it."""
    finding = cause("context-mismatch")[RULE.name]
    assert finding.severity == "low"
    assert any("SamrCloseHandle" in item.text for item in finding.evidence)
    assert RULE.name not in findings("lab/ndr-bad-stub.pcap")


def test_clues() -> None:
    """Handles had worked, one was closed; and only requests have handles."""
    worked = answered(1, operation="SamrConnect5")
    assert has(only(RULE, worked, faulted(6)), rule.ANSWERED_BEFORE)
    closed = answered(1.5, "closed", operation="SamrCloseHandle")
    assert has(only(RULE, worked, closed, faulted(6)), rule.CLOSED_BEFORE)
    assert not judged(RULE, faulted(6, kind="alter_context"))
