"""Which lines are about a call, the other half of a pair, and what a log covers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from incident_records import at, call, report
from report_values import full_report

from rpctrace.diagnosis.log_evidence import LOGONS_LOOKED_THROUGH, LogEvidence
from rpctrace.report import LogEntry

LINE = replace(full_report().log_entries[0], time_ns=None, partner=None, calls=(), joined_by=())
FAILED = call("call-1", 10)


def entry(**changes: Any) -> LogEntry:
    return replace(LINE, **changes)


def evidence(*entries: LogEntry) -> LogEvidence:
    return LogEvidence(report(FAILED, log_entries=entries))


def test_results_are_those_of_joined_lines_and_their_halves() -> None:
    """An Entered line that was joined brings its Returns, whatever domain that names."""
    entered = entry(line=1, phase="Entered", status=None, partner=2, calls=("call-1",))
    returns = entry(line=2, phase="Returns", partner=1, domain="EMEACHILD.LINDOM.COM")
    held = evidence(entered, returns, entry(line=3, phase="Returns"))
    assert [each.line for each in held.log_entries(FAILED)] == [1]
    assert [each.line for each in held.log_results(FAILED)] == [2]
    assert held.is_about_a_call(returns)
    assert [each.id for each in held.calls_of_line(returns)] == ["call-1"]
    assert not held.is_about_a_call(entry(line=3))
    assert held.has_logs
    assert not evidence().has_logs


def test_a_log_covers_a_call_by_its_own_fitted_clock() -> None:
    """From its first line to its last; a log of unknown time covers nothing."""
    held = evidence(entry(line=1, time_ns=at(5)), entry(line=2, time_ns=at(20)))
    assert held.log_covers(FAILED)
    assert not held.log_covers(call("call-2", 30))
    assert not evidence(entry(line=1)).log_covers(FAILED)


def test_refused_logons_of_a_user_are_those_of_the_time_and_those_without() -> None:
    """By the account, however its domain is written; neither a success nor a validation of a PAC."""
    said = {"kind": "Network", "user": "Alice", "phase": "Returns", "status": 7}
    then, later, timeless = (entry(line=at_line, time_ns=time, **said) for at_line, time in
                             ((1, at(5)), (2, at(60)), (3, None)))  # fmt: skip
    others = (
        entry(line=4, **{**said, "user": "bob"}), entry(line=5, **{**said, "status": 0}),
        entry(line=6, **{**said, "kind": "Generic"}),
    )  # fmt: skip
    held = evidence(later, timeless, then, *others)
    assert [each.line for each in held.refused_logons("alice@domain.org", at(4), at(6))] == [1, 3]
    assert [each.line for each in held.refused_logons("ALICE", None, None)] == [3]
    assert list(held.refused_logons("carol", at(4), at(6))) == []
    many = evidence(*(entry(line=number, time_ns=at(5), **said) for number in range(LOGONS_LOOKED_THROUGH + 9)))
    assert len(list(many.refused_logons("alice", at(4), at(6)))) == LOGONS_LOOKED_THROUGH


def test_a_line_near_another_has_its_status_and_its_time() -> None:
    """Within the distance given; in a log without times, anywhere."""
    one, near, far = entry(line=1, time_ns=at(5)), entry(line=2, status=7, time_ns=at(6)), entry(line=3, status=8)
    held = evidence(one, near, far)
    assert held.log_near(one, 7, 2_000_000_000) is near
    assert held.log_near(one, 7, 500_000_000) is None
    assert held.log_near(entry(line=9), 8, 1) is far
