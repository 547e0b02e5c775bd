"""The summary counted anew from calls is the one that was counted while they were read."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import answered_call, full_report
from shared_captures import OWN, captures_in, name_of

from rpctrace.analysis import analyze
from rpctrace.recounting import recounted
from rpctrace.report import Sighting, Summary


@pytest.mark.parametrize("path", captures_in(OWN)[::7], ids=name_of)
def test_all_calls_give_the_same_rows(path: object) -> None:
    """Every row, with its durations, in the same order."""
    report = analyze(path)  # type: ignore[arg-type]
    assert recounted(report, report.calls, lambda _row: False) == report.summary


def test_a_call_is_in_a_row_of_each_capture_that_holds_it() -> None:
    call = answered_call(also_seen=(Sighting(1, (7,), 100, (8,), 350),))
    rows = tuple(
        Summary(capture, "10.2.0.21", "10.3.0.33", "IClassFactory", "RemoteCreateInstance", 1, 0, took_ns, took_ns)
        for capture, took_ns in ((0, 42_000_000), (1, 250))
    )
    report = replace(full_report(), calls=(call,), summary=rows)
    assert recounted(report, (call,), lambda _row: False) == rows
    assert recounted(report, (), lambda _row: True) == ()


def test_what_was_only_counted() -> None:
    """Stays whole where that is wanted; its calls are counted where they are kept."""
    report = full_report()
    assert recounted(report, (), lambda _row: True) == report.summary
    assert recounted(report, (), lambda _row: False) == ()
