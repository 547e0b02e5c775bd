"""An authenticator that was seen before."""

from __future__ import annotations

import refusal_records as records
from refusal_records import HOST_TICKET, found, saw

from rpctrace.diagnosis.rules import ap_replay as rule


def test_a_bind_ack_shows_it() -> None:
    """KRB-ERROR 34."""
    (finding,) = records.findings("causes", "ap-replay.pcap")
    assert (finding.rule, finding.severity, finding.confidence) == ("ap-replay", "medium", 0.9)


def test_a_ticket_may_be_used_twice() -> None:
    """With an authenticator of its own each time: what tickets are for."""
    assert records.findings("causes", "ap-replay-not.pcap") == ()


def test_the_first_use_in_the_capture_is_a_clue() -> None:
    """The same ticket accepted before; another error is another rule's."""
    use = records.accepted("call-1", 1, HOST_TICKET)
    (weighed,) = found(rule.RULE, records.report(use, records.told("call-3", 5, 34)))
    assert saw(weighed, rule.SAME_TICKET)
    assert weighed.confidence > rule.RULE.base
    assert not found(rule.RULE, records.report(use, records.told("call-3", 5, 37)))


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
