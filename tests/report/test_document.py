"""Whether everything was read."""

from __future__ import annotations

from dataclasses import replace

from report_values import full_report

from rpctrace.report import UNREAD_LIMITS, Limit, Report


def test_complete() -> None:
    """One capture that was not wholly read makes the report incomplete."""
    report: Report = full_report()
    good, bad = replace(report.captures[0], complete=True), replace(report.captures[0], complete=False)
    assert replace(report, captures=(good, good)).complete
    assert not replace(report, captures=(good, bad)).complete
    unread = Limit(next(iter(UNREAD_LIMITS)), 1, 1)
    assert not replace(report, captures=(good,), limits=(unread,)).complete
    assert replace(report, captures=(good,), limits=(Limit("calls_kept", 1, 1),)).complete


def test_a_log_that_was_not_wholly_read() -> None:
    report = full_report()
    good, log = replace(report.captures[0], complete=True), replace(report.logs[0], complete=False)
    assert not replace(report, captures=(good,), logs=(log,)).complete
