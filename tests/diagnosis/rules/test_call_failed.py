"""The last resort says what is on the wire and what to look up."""

from __future__ import annotations

from dataclasses import replace

from judging import findings
from report_values import answered_call, article_report, refused_call

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rules.call_failed import RULE

DENIED = refused_call(status=5, status_hex="0x00000005", status_name="ERROR_ACCESS_DENIED")


def test_it_names_the_answer_and_the_next_step() -> None:
    """A fault with its status, like failures as one."""
    again = replace(DENIED, id="again", client=replace(DENIED.client, port=1))
    (said,) = RULE.find(Evidence(article_report(calls=(DENIED, again))))
    assert "ERROR_ACCESS_DENIED" in (said.title or "")
    assert [call.id for call in said.about.calls] == ["call-3", "again"]
    assert said.next_steps == ("rpctrace explain 0x00000005",)


def test_what_a_refusal_left_without_an_answer_is_a_note() -> None:
    """Where octets of the connection are missing it is told here, and names the refusal as call-unanswered does."""
    finding = findings("lab/snaplen-200.pcap")["call-failed"]
    assert finding.severity == "note"
    assert "after the server had answered the alter_context" in finding.summary


def test_it_is_about_failures_only() -> None:
    """Answered calls are none."""
    assert not list(RULE.find(Evidence(article_report(calls=(answered_call(),)))))
    assert RULE.last_resort
