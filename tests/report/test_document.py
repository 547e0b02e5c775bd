"""The report's own small logic: what failed, what is complete, the filter."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import full_report

from rpctrace.report import UNREAD_LIMITS, Limit, Report, display_filter


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        ((), ""),
        ((22,), "frame.number in {22}"),
        ((22, 23), "frame.number in {22, 23}"),
        ((9, 3, 4, 5, 9, 11), "frame.number in {3..5, 9, 11}"),
    ],
)
def test_display_filter(frames: tuple[int, ...], expected: str) -> None:
    """Each frame once, runs of three and more as a range."""
    assert display_filter(frames) == expected


def test_what_failed() -> None:
    """Faulted, rejected, unanswered; not a call that expects no answer, nor one that was not captured."""
    call = full_report().calls[0]
    outcomes = ("answered", "accepted", "rejected", "faulted", "unanswered", "not captured")
    assert [replace(call, outcome=outcome).failed for outcome in outcomes] == [False, False, True, True, True, False]
    assert not replace(call, outcome="unanswered", answer_expected=False).failed
    assert replace(call, outcome="faulted", answer_expected=False).failed


def test_complete() -> None:
    """One capture that was not wholly read makes the report incomplete."""
    report: Report = full_report()
    good, bad = replace(report.captures[0], complete=True), replace(report.captures[0], complete=False)
    assert replace(report, captures=(good, good)).complete
    assert not replace(report, captures=(good, bad)).complete
    unread = Limit(next(iter(UNREAD_LIMITS)), 1, 1)
    assert not replace(report, captures=(good,), limits=(unread,)).complete
    assert replace(report, captures=(good,), limits=(Limit("calls_kept", 1, 1),)).complete
