"""Levels that the server does not have, that do not exist, or that a service does not take."""

from __future__ import annotations

from dataclasses import replace

from judging import answered, bound, cause, faulted, findings, has, judged, kerberos, logged_on, only

from rpctrace.diagnosis.rules import authlevel_unsupported as rule

RULE = rule.RULE
TASKS = "86d35949-83c9-4044-b424-db363231fd0c"


def test_a_level_that_does_not_exist() -> None:
    """0x99 in an alter_context of the lab."""
    finding = findings("lab/alter-missing-auth-level.pcap")[RULE.name]
    assert "level 153" in finding.summary
    assert finding.confidence == 0.95


def test_a_service_that_demands_privacy() -> None:
    """Below that level the denial is about the level; at it, it is not."""
    assert cause("authlevel-unsupported")[RULE.name].title == "The service demands packet privacy"
    assert RULE.name not in cause("authlevel-unsupported-not")


def test_the_status_says_so() -> None:
    """In each of its three forms, and whatever the level."""
    for status in (0x1C00001D, 0x71D, 0x6D4):
        assert only(RULE, logged_on(), faulted(status, auth=kerberos())).confidence == 0.95
    assert not judged(RULE, logged_on(), faulted(5, auth=kerberos()))


def test_level_call_and_success_at_the_same_level_speak_against_it() -> None:
    """A bind at level 3; the same request answered later."""
    refused = bound(outcome="rejected", reply="bind_nak", reject_reason=9, auth=kerberos("AP-REQ", level=3))
    assert has(only(RULE, refused), rule.CALL_LEVEL)
    assert not judged(RULE, replace(refused, reject_reason=8))
    first, denied = logged_on(), faulted(5, auth=kerberos())
    tasks = replace(denied.interfaces[0], uuid=TASKS)
    later = answered(3, auth=kerberos(), interfaces=(tasks,))
    weighed = only(RULE, first, replace(denied, interfaces=(tasks,)), later)
    assert has(weighed, rule.BY_THE_LIST)
    assert has(weighed, rule.SAME_ANSWERED)
    assert weighed.hypothesis.severity == "low"
