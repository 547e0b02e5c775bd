"""A domain controller that goes down answers wrongly for some minutes."""

from __future__ import annotations

from dataclasses import replace

import refusal_records as records
from refusal_records import found, sure

from rpctrace.diagnosis import pac
from rpctrace.diagnosis.registry import diagnose
from rpctrace.diagnosis.rules import pac_dc_shutdown as rule

CALL = records.refused("call-3", 5, records.user_ticket())
UNKNOWN = records.line(2, 5, pac.NO_SUCH_USER, calls=("call-3",))
DOWN = records.line(9, 65, pac.INVALID_SERVER_STATE, kind="Transitive Network", package=None, joined_by=())


def test_an_unsealed_logon_shows_it() -> None:
    """Status 0xC00000DC of the generic logon itself; 0xC0000064 without such lines is not it."""
    said = records.findings("causes", "pac-dc-shutdown.pcap")
    assert (said[0].rule, said[0].severity, said[0].confidence) == ("pac-dc-shutdown", "medium", 0.85)
    other = records.findings("causes", "pac-dc-shutdown-not.pcap")
    assert other[0].rule == "pac-xforest-u2u"
    assert "pac-dc-shutdown" not in records.rules(other)


def test_it_outweighs_the_chain_of_trusts_where_logons_around_failed() -> None:
    """0xC0000064 amid 0xC00000DC."""
    report = records.report(CALL, log=(UNKNOWN, DOWN))
    finding = records.first(report)
    assert finding.rule == "pac-dc-shutdown"
    assert "pac-xforest-u2u" in [rival.rule for rival in finding.rivals]


def test_the_lines_must_be_near_and_of_one_log() -> None:
    """Ten minutes, before or after; a log without times has no distance."""
    for second, near in ((604, True), (606, False)):
        later = replace(DOWN, time_ns=second * 10**9)
        assert bool(found(rule.RULE, records.report(CALL, log=(UNKNOWN, later)))) is near
    assert not found(rule.RULE, records.report(CALL, log=(UNKNOWN, replace(DOWN, file="other.log"))))
    timeless = (replace(UNKNOWN, time_ns=None), replace(DOWN, time_ns=None))
    assert found(rule.RULE, records.report(CALL, log=timeless))


def test_the_line_itself_is_surer_than_its_neighbours() -> None:
    """And a line joined by the realm alone less sure than either."""
    itself = replace(UNKNOWN, status=pac.INVALID_SERVER_STATE)
    around = sure(rule.RULE, records.report(CALL, log=(UNKNOWN, DOWN)))
    assert sure(rule.RULE, records.report(CALL, log=(itself,))) > around
    assert sure(rule.RULE, records.report(CALL, log=(replace(UNKNOWN, joined_by=("realm",)), DOWN))) < around


def test_another_result_refutes_it() -> None:
    """The same call's validation was answered otherwise."""
    other = records.line(4, 5, pac.LOGON_FAILURE, calls=("call-3",))
    assert not found(rule.RULE, records.report(CALL, log=(UNKNOWN, DOWN, other)))


def test_the_log_alone() -> None:
    """Both explanations of the same lines are named."""
    said = diagnose(records.report(log=(replace(UNKNOWN, calls=()), DOWN)))
    assert {"pac-dc-shutdown", "pac-xforest-u2u"} <= set(records.rules(said))
    assert all(finding.confidence <= 0.6 for finding in said)


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
