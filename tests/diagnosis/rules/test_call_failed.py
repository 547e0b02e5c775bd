"""The catch-all says what is on the wire and what to look up."""

from __future__ import annotations

from dataclasses import replace

from report_values import full_report

from rpctrace.diagnosis.rules.call_failed import RULE

FAULTED = next(call for call in full_report().calls if call.outcome == "faulted")


def test_it_names_the_answer_and_the_next_step() -> None:
    """A fault with its status, repeated failures as one finding with a count."""
    call = replace(FAULTED, status=5, status_hex="0x00000005", status_name="ERROR_ACCESS_DENIED")
    (finding,) = RULE.find([call, replace(call, id="again")])
    assert "ERROR_ACCESS_DENIED" in finding.title
    assert "(2 times)" in finding.summary
    assert finding.next_steps == ("rpctrace explain 0x00000005",)


def test_it_applies_to_failures_only() -> None:
    """Answered calls are none."""
    assert RULE.applies(FAULTED)
    assert not RULE.applies(replace(FAULTED, outcome="answered"))
