"""Proves: an older log of the same name gets the year and offset of the newer one, and no other log does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from log_records import entries_of, incident, logon, refused

from rpctrace.correlation.log_lines import join
from rpctrace.correlation.log_neighbours import neighbour
from rpctrace.report import LogFacts

PLAIN, _ = entries_of(logon(5))
FITTED = replace(PLAIN, year=2012, utc_offset_minutes=60, found="fitted")


def log(path: str, first: str, last: str, fitted: bool = False) -> LogFacts:
    return replace(FITTED if fitted else PLAIN, path=path, first_time=f"{first}T00:00:00", last_time=f"{last}T00:00:00")


@pytest.mark.parametrize(
    ("old", "new", "turns", "year"),
    [
        (("03-01", "03-10"), ("03-10", "03-14"), 0, 2012),
        (("12-01", "12-30"), ("01-01", "01-14"), 0, 2011),
        (("11-01", "01-02"), ("01-02", "01-14"), 1, 2011),
        (("03-01", "03-20"), ("03-10", "03-14"), 0, 2011),
    ],
)
def test_an_older_log(old: tuple[str, str], new: tuple[str, str], turns: int, year: int) -> None:
    """The year is that of its own first line: the latest in which it ends before the newer one begins."""
    logs = (log("a/netlogon.bak", *old), log("a/netlogon.log", *new, fitted=True))
    found = neighbour(logs, 0, {"a/netlogon.bak": turns})
    assert found is not None
    assert (found.year, found.utc_offset_minutes, found.found) == (year, 60, "fitted")
    assert found.text == f"{year}, UTC+01:00, as the log before which it comes: a/netlogon.log"


def test_a_newer_log() -> None:
    logs = (log("netlogon.bak", "12-01", "12-31", fitted=True), log("netlogon.log.gz", "01-01", "01-02"))
    found = neighbour(logs, 1, {})
    assert found is not None
    assert (found.year, found.text) == (2013, "2013, UTC+01:00, as the log behind which it comes: netlogon.bak")


@pytest.mark.parametrize(
    ("log_changes", "other_changes"),
    [
        ({"path": "b/netlogon.bak"}, {}),
        ({"path": "other.bak"}, {}),
        ({"first_time": None}, {}),
        ({"year": 2010}, {}),
        ({}, {"found": "unknown"}),
        ({}, {"year": None}),
    ],
    ids=str,
)
def test_no_neighbour(log_changes: dict[str, object], other_changes: dict[str, object]) -> None:
    """Of another host or name, without times, given by hand, or itself unknown."""
    logs = (
        replace(log("netlogon.bak", "03-01", "03-10"), **log_changes),  # type: ignore[arg-type]
        replace(log("netlogon.log", "03-10", "03-14", fitted=True), **other_changes),  # type: ignore[arg-type]
    )
    assert neighbour(logs, 0, {}) is None


def test_its_lines_have_their_time() -> None:
    """And stay what they were: a line hours before the capture is joined to nothing."""
    made = incident([refused(1, 500)], logon(500))
    old, entries = entries_of(logon(-9000), "netlogon.bak")
    report = join(replace(made, logs=(old, *made.logs), log_entries=(*entries, *made.log_entries)))
    assert [each.utc_offset_minutes for each in report.logs] == [60, 60]
    assert [entry.time_ns is not None for entry in report.log_entries] == [True] * 3
    assert [entry.calls for entry in report.log_entries] == [(), ("call-1",), ("call-1",)]
    assert join(report) == report
