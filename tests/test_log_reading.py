"""Proves: of a log of any size those lines are held that could be about the captures, and all else is counted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from log_records import START_S, incident, logon, refused
from netlogon_lines import log

import rpctrace
from rpctrace import log_reading as module
from rpctrace.correlation.log_lines import join
from rpctrace.errors import CaptureError
from rpctrace.limits import BOUNDS
from rpctrace.log_reading import read_logs
from rpctrace.report import LogEntry, Report

SAMPLES = Path(__file__).parents[1] / "captures" / "remote-assistance"
CAPTURED = replace(incident([refused(1, 500)], []), logs=(), log_entries=())


def read(folder: Path, *lines: str, report: Report = CAPTURED) -> Report:
    path = folder / "netlogon.log"
    path.write_text(log(*lines, end="\n"))
    return read_logs([str(path)], report)


def said(entries: tuple[LogEntry, ...]) -> list[tuple[int, str | None, int | None]]:
    return [(entry.line, entry.phase, entry.partner) for entry in entries]


def test_what_is_held(tmp_path: Path) -> None:
    """Logons that name something of the captures, what failed at any time, what may lie near; in order."""
    month = 30 * 86_400
    report = read(
        tmp_path,
        *logon(-month, 0),  # of another server and time: nothing
        *logon(-month),  # failed
        "",
        *logon(499.9, 0),
        *logon(3, 0, via="OTHER", domain="OTHER.COM"),
        "03/14 09:00:00 [CRITICAL] NlPrintRpcDebug: x",
        "02/14 09:00:00 [CRITICAL] NlPrintRpcDebug: x",
        "[MISC] a line without a time",
        *logon(4, None),
    )
    assert said(report.log_entries) == [
        (3, "Entered", 4), (4, "Returns", 3), (6, "Entered", 7), (7, "Returns", 6), (8, "Entered", 9),
        (9, "Returns", 8), (10, None, None), (12, None, None), (13, "Entered", None),
    ]  # fmt: skip
    (facts,) = report.logs
    assert (facts.lines, facts.entries, facts.encoding, facts.complete, facts.found) == (
        13, 12, "utf-8", True, "unknown"
    )  # fmt: skip
    assert (facts.first_time, facts.last_time, facts.text) == ("02-13T10:00:00", "03-14T10:00:04", "")
    assert report.limits == ()


@pytest.mark.parametrize("year", [1, 9999])
def test_captures_at_the_ends_of_the_calendar(tmp_path: Path, year: int) -> None:
    """Whose clock said so; the hours before the first day and behind the last have no date."""
    month, day = (1, 1) if year == 1 else (12, 31)
    moment_ns = int(datetime(year, month, day, tzinfo=UTC).timestamp()) * 10**9
    ends = replace(CAPTURED, captures=(replace(CAPTURED.captures[0], first_ns=moment_ns, last_ns=moment_ns),))
    lines = [f"{month:02d}/{day:02d} 09:00:00 [MISC] near", "06/15 09:00:00 [MISC] far"]
    report = read(tmp_path, *lines, report=replace(ends, calls=()))
    assert [entry.text for entry in report.log_entries] == ["near"]


def test_room_for_each_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of one kind displaces no other; what meets a call in some zone has its own room."""
    monkeypatch.setattr(module, "LOG_ENTRIES_HELD", 4)
    flood = [line for second in range(10, 20) for line in logon(second)]
    report = read(tmp_path, *flood, *logon(500 + 900 * 7), *logon(3, 0, via="OTHER", domain="OTHER.COM"))
    assert [entry.line for entry in report.log_entries] == [1, 2, 3, 4, 21, 22, 23, 24]
    assert [(limit.name, limit.value, limit.reached) for limit in report.limits] == [
        ("log_entries_held", BOUNDS["log_entries_held"], 16)
    ]


def test_older_logs_first_and_the_unreadable_are_told(tmp_path: Path) -> None:
    new, old = tmp_path / "netlogon.log", tmp_path / "netlogon.bak"
    new.write_text(log(*logon(500)))
    old.write_text(log(*logon(100)))
    errors: list[CaptureError] = []
    report = read_logs([str(new), str(tmp_path / "none"), str(old)], CAPTURED, unreadable=errors.append)
    assert [facts.path for facts in report.logs] == [str(old), str(new)]
    assert [entry.file for entry in report.log_entries] == [str(old)] * 2 + [str(new)] * 2
    assert [error.path for error in errors] == [str(tmp_path / "none")]
    with pytest.raises(CaptureError):
        read_logs([str(tmp_path / "none")], CAPTURED)
    alone: list[CaptureError] = []
    assert read_logs([str(tmp_path / "none")], CAPTURED, unreadable=alone.append).logs == ()
    assert len(alone) == 1


def test_what_is_given_reaches_the_log(tmp_path: Path) -> None:
    (tmp_path / "n").write_text(log(*logon(500)))
    whole = read_logs([str(tmp_path / "n")], CAPTURED, year=2012, utc_offset_minutes=60)
    assert (whole.logs[0].year, whole.logs[0].utc_offset_minutes, whole.logs[0].found) == (2012, 60, "given")
    assert join(whole).log_entries[1].time_ns == (START_S + 500) * 10**9
    own = read_logs([str(tmp_path / "n")], CAPTURED, year={str(tmp_path / "n"): 2012, "": 1999}, utc_offset_minutes=60)
    assert own.logs == whole.logs
    half = read_logs([str(tmp_path / "n")], CAPTURED, year=2012)
    assert (half.logs[0].year, half.logs[0].found) == (2012, "unknown")


def test_the_sample_of_the_article() -> None:
    """From the files to the call: both lines, the fit, and how long it took."""
    report = rpctrace.analyze(
        [SAMPLES / "expert.pcapng", SAMPLES / "novice.pcapng"], netlogon=[SAMPLES / "netlogon.log"]
    )
    (facts,) = report.logs
    assert (facts.year, facts.utc_offset_minutes, facts.found, facts.matched, facts.anchors) == (
        2012, 60, "fitted", 2, 2
    )  # fmt: skip
    (failed,) = [call for call in report.calls if call.failed]
    lines = [entry for entry in report.log_entries if failed.id in entry.calls]
    assert [(entry.phase, entry.status_name) for entry in lines] == [
        ("Entered", None), ("Returns", "STATUS_NO_SUCH_USER"),
    ]  # fmt: skip
    assert all(set(entry.joined_by) == {"server", "realm", "package", "time"} for entry in lines)


@pytest.mark.parametrize(
    "change", [lambda text: text.replace("03/14", "03/16"), lambda text: text.replace("CHILD", "X")]
)
def test_a_log_about_something_else(tmp_path: Path, change: Callable[[str], str]) -> None:
    path = tmp_path / "netlogon.log"
    path.write_text(change((SAMPLES / "netlogon.log").read_text()))
    report = rpctrace.analyze(SAMPLES / "expert.pcapng", netlogon=[path])
    assert not any(entry.calls for entry in report.log_entries)
    assert report.logs[0].found == "unknown"


def test_without_logs_nothing_changes() -> None:
    report = rpctrace.analyze(SAMPLES / "expert.pcapng")
    assert (report.logs, report.log_entries) == ((), ())
