"""A signature that a domain controller found wrong: only its result says so."""

from __future__ import annotations

from dataclasses import replace

import refusal_records as records
from refusal_records import found, sure

from rpctrace.diagnosis import pac
from rpctrace.diagnosis.registry import diagnose
from rpctrace.diagnosis.rules import pac_signature_bad as rule

CALL = records.refused("call-3", 5, records.user_ticket())
LINE = records.line(2, 5, pac.LOGON_FAILURE, calls=("call-3",))


def test_an_unsealed_logon_shows_it() -> None:
    """Status 0xC000006D of the generic logon between AP-REQ and fault."""
    said = records.findings("causes", "pac-signature-bad.pcap")
    assert (said[0].rule, said[0].severity) == ("pac-signature-bad", "high")
    assert said[0].confidence > 0.9


def test_success_is_none() -> None:
    """The same with status 0: neither this nor an unknown domain."""
    said = records.rules(records.findings("causes", "pac-signature-bad-not.pcap"))
    assert not [name for name in said if name.startswith("pac-")]


def test_the_log_shows_it() -> None:
    """Joined by server or time; by the realm alone less; a logon request in between is a clue."""
    certain = sure(rule.RULE, records.report(CALL, log=(LINE,)))
    by_realm = sure(rule.RULE, records.report(CALL, log=(replace(LINE, joined_by=("realm",)),)))
    between = sure(rule.RULE, records.report(CALL, records.logon("call-4", 5.001), log=(LINE,)))
    assert between > certain > by_realm
    assert certain == 0.9
    assert not found(rule.RULE, records.report(CALL))


def test_the_log_alone() -> None:
    """Without a capture of the call."""
    (finding,) = diagnose(records.report(log=(replace(LINE, calls=()),)))
    assert (finding.rule, finding.confidence) == ("pac-signature-bad", 0.6)


def test_a_wrong_password_is_no_wrong_signature() -> None:
    """0xC000006D for a network logon, and for the refusal of a request."""
    assert not found(rule.RULE, records.report(CALL, log=(replace(LINE, kind="Network"),)))
    request = replace(CALL, kind="request", auth=records.auth(None))
    assert not found(rule.RULE, records.report(request, log=(LINE,)))


def test_what_refutes_it() -> None:
    """Another line of this call with another result; an acceptance of the same ticket takes most of it."""
    other = records.line(4, 5, pac.NO_SUCH_USER, calls=("call-3",))
    assert not found(rule.RULE, records.report(CALL, log=(LINE, other)))
    use = records.accepted("call-1", 1, records.user_ticket())
    assert sure(rule.RULE, records.report(use, CALL, log=(LINE,))) < 0.3


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
