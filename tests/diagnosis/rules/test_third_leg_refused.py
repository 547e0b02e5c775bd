"""The client's own AP-REP refused: the ticket was accepted before."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import refusal_records as records
from refusal_records import HOST_TICKET, found, saw, sure
from shared_captures import needs_shared

from rpctrace.diagnosis.rules import third_leg_refused as rule
from rpctrace.report import Call

FIRST = records.accepted("call-1", 1, HOST_TICKET, connection="tcp-0-0")


def third(**changes: Any) -> Call:
    return records.refused("call-2", 2, HOST_TICKET, **{"auth": records.auth("AP-REP"), **changes})


@needs_shared
def test_the_lab_capture_of_it() -> None:
    """First and nearly certain; no rule about the ticket speaks."""
    said = records.lab_findings("lab/b1-0x721/alter-third-leg-bad.pcap")
    assert (said[0].rule, said[0].severity, said[0].confidence) == ("third-leg-refused", "medium", 0.9)
    assert "ap-modified" not in records.rules(said)


def test_the_samples_of_it() -> None:
    """A refused AP-REQ beside it is none."""
    assert records.rules(records.findings("built", "third-leg-refused.pcap")) == ["third-leg-refused"]
    assert "third-leg-refused" not in records.rules(records.findings("built", "second-context-refused.pcap"))


def test_the_acceptance_must_have_been_seen() -> None:
    """Without the server's AP-REP it is doubtful; header signing that changed is a clue."""
    assert sure(rule.RULE, records.report(FIRST, third())) == 0.9
    (weighed,) = found(rule.RULE, records.report(third()))
    assert saw(weighed, rule.NOT_ACCEPTED)
    assert weighed.confidence < 0.5
    (signing,) = found(rule.RULE, records.report(FIRST, third(header_signing=False)))
    assert saw(signing, rule.HEADER_SIGNING)


def test_what_is_none() -> None:
    """A protocol error, an AP-REQ, a request, an answer."""
    calls = (
        third(status=0x1C01000B),
        third(auth=records.auth("AP-REQ")),
        third(kind="request", auth=records.auth(None)),
        third(outcome="accepted", status=None),
    )
    for call in calls:
        assert not found(rule.RULE, records.report(FIRST, call)), call.kind


def test_what_worked_later_is_low() -> None:
    """A second try."""
    again = records.accepted("call-9", 9, replace(HOST_TICKET, fingerprint="h9"))
    assert found(rule.RULE, records.report(FIRST, third(), again))[0].hypothesis.severity == "low"


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
