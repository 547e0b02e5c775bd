"""Every failed call is in a finding, and rules document themselves."""

from __future__ import annotations

from dataclasses import replace

from report_values import full_report

from rpctrace.diagnosis.registry import RULES, diagnose


def test_every_failed_call_is_in_exactly_one_finding() -> None:
    """And no call that did not fail is."""
    calls = full_report().calls
    named = [identity for finding in diagnose(calls) for identity in finding.calls]
    assert sorted(named) == sorted(call.id for call in calls if call.failed)
    assert named


def test_findings_say_what_users_need() -> None:
    """A severity that is known, a confidence over a hypothesis, a filter that names every frame."""
    for finding in diagnose(full_report().calls):
        assert finding.severity == "low"
        assert 0.3 < finding.confidence <= 1
        assert finding.frames
        assert finding.display_filter.startswith("frame.number in {")
        assert finding.evidence


def test_accepted_calls_give_no_finding() -> None:
    """A clean capture is clean."""
    calls = [replace(call, outcome="answered") for call in full_report().calls]
    assert diagnose(calls) == ()


def test_rules_are_documented_under_their_names() -> None:
    """The docstring is what `explain` prints."""
    assert len({rule.name for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.documentation.startswith(f"{rule.name}: ")
        assert "What would refute it" in rule.documentation
