"""Proves: an older log of the same name gets the year and offset of the newer one, and no other log does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from log_records import entries_of, incident, logon, refused

from rpctrace.correlation.log_lines import join
from rpctrace.correlation.log_neighbours import with_neighbours
from rpctrace.report import LogFacts

PLAIN, _ = entries_of(logon(5))
FITTED = replace(PLAIN, year=2012, utc_offset_minutes=60, found="fitted")


def log(path: str, first: str, last: str, turns: int = 0, *, fitted: bool = False) -> LogFacts:
    return replace(
        FITTED if fitted else PLAIN,
        path=path, first_time=f"{first}T00:00:00", last_time=f"{last}T00:00:00", year_turns=turns,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "turns", "year"),
    [
        (("03-01", "03-10"), ("03-10", "03-14"), 0, 2012),
        (("12-01", "12-30"), ("01-01", "01-14"), 0, 2011),
        (("11-01", "01-02"), ("01-02", "01-14"), 1, 2011),
        (("03-01", "03-20"), ("03-10", "03-14"), 0, 2011),
        (("01-01", "02-29"), ("02-01", "03-14"), 0, 2008),
    ],
)
def test_an_older_log(old: tuple[str, str], new: tuple[str, str], turns: int, year: int) -> None:
    """The year is that of its own first line: the latest in which it ends before the newer one begins, and has its
    days."""
    logs = (log("a/netlogon.bak", *old, turns), log("a/netlogon.log", *new, fitted=True))
    found, same = with_neighbours(logs)
    assert (found.year, found.utc_offset_minutes, found.found) == (year, 60, "fitted")
    assert found.text == f"{year}, UTC+01:00, as the log before which it comes: a/netlogon.log"
    assert same is logs[1]


@pytest.mark.parametrize(("first", "last", "turns"), [("12-01", "12-31", 0), ("11-01", "01-01", 1)])
def test_a_newer_log(first: str, last: str, turns: int) -> None:
    """Of the year in which the older one ends, or the next."""
    logs = (log("netlogon.bak", first, last, turns, fitted=True), log("netlogon.log.gz", "01-01", "01-02"))
    _, found = with_neighbours(logs)
    assert (found.year, found.text) == (2013, "2013, UTC+01:00, as the log behind which it comes: netlogon.bak")


def test_the_nearest_log_tells() -> None:
    """Of several known ones; and a log that got its year so tells the next one's."""
    logs = (
        log("netlogon.2", "03-01", "06-30", fitted=True),
        log("netlogon.1", "08-01", "12-30"),
        log("netlogon.0", "12-01", "02-10", 1),
        replace(log("netlogon.log", "02-10", "02-20", fitted=True), year=2014),
        log("netlogon.new", "01-01", "02-01"),
    )
    assert [(each.year, each.text.split(" ")[-1]) for each in with_neighbours(logs)] == [
        (2012, ""), (2012, "netlogon.0"), (2013, "netlogon.log"), (2014, ""), (2015, "netlogon.log"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("log_changes", "other_changes"),
    [
        ({"path": "b/netlogon.bak"}, {}),
        ({"path": "other.bak"}, {}),
        ({"first_time": None}, {}),
        ({"year": 2010}, {}),
        ({}, {"found": "unknown"}),
        ({}, {"year": None}),
        ({}, {"first_time": None, "last_time": None}),
    ],
    ids=str,
)
def test_no_neighbour(log_changes: dict[str, object], other_changes: dict[str, object]) -> None:
    """Of another host or name, without times, given by hand, or itself unknown."""
    logs = (
        replace(log("netlogon.bak", "03-01", "03-10"), **log_changes),  # type: ignore[arg-type]
        replace(log("netlogon.log", "03-10", "03-14", fitted=True), **other_changes),  # type: ignore[arg-type]
    )
    assert with_neighbours(logs)[0] is logs[0]


def test_the_whole_log_tells_how_often_the_year_turned() -> None:
    """Of a log that crosses New Year only lines of December are held: it began in the year before all the same."""
    made = incident([refused(1, 500)], logon(500))
    whole, lines = entries_of(["12/20 10:00:00 [LOGON] SamLogon: Network logon of A\\b from C Returns 0xC000006A",
                               "01/05 10:00:00 [MISC] x"], "netlogon.bak")  # fmt: skip
    report = join(replace(made, logs=(whole, *made.logs), log_entries=(lines[0], *made.log_entries)))
    assert [each.year for each in report.logs] == [2011, 2012]


def test_its_lines_have_their_time() -> None:
    """And stay what they were: a line hours before the capture is joined to nothing."""
    made = incident([refused(1, 500)], logon(500))
    old, entries = entries_of(logon(-9000), "netlogon.bak")
    report = join(replace(made, logs=(old, *made.logs), log_entries=(*entries, *made.log_entries)))
    assert [each.utc_offset_minutes for each in report.logs] == [60, 60]
    assert [entry.time_ns is not None for entry in report.log_entries] == [True] * 3
    assert [entry.calls for entry in report.log_entries] == [(), ("call-1",), ("call-1",)]
    assert join(report) == report
