"""Proves: a log of any size becomes a table of logons, the worst first, in bounded memory."""

from __future__ import annotations

from pathlib import Path

import pytest
from log_records import logon
from netlogon_lines import EXAMPLES, log

from rpctrace import log_summary as module
from rpctrace.errors import CaptureError
from rpctrace.log_summary import LogSummary, summarise
from rpctrace.report import Limit, Tool

TOOL = Tool("rpctrace", "0")


def summed(folder: Path, *lines: str, year: int | None = None) -> LogSummary:
    path = folder / "netlogon.log"
    path.write_text(log(*lines), encoding="utf-8")
    return summarise([str(path)], TOOL, year=year, unreadable=lambda error: pytest.fail(str(error)))


def test_alike_logons_are_one_row(tmp_path: Path) -> None:
    """Counted, with the first and the last time and the longest wait."""
    summary = summed(tmp_path, *logon(3), *logon(50, took_s=7), *logon(20, took_s=4))
    (row,) = summary.rows
    assert (row.count, row.longest_s, row.status_name) == (3, 7, "STATUS_NO_SUCH_USER")
    assert (row.kind, row.domain, row.user, row.via, row.package) == (
        "Generic", "CHILD.DOMAINA.COM", None, "RESOURCE-WIN73", "Kerberos",
    )  # fmt: skip
    assert (row.first_time, row.last_time) == ("03-14T10:00:03", "03-14T10:00:20")
    assert (summary.logons, summary.failed, summary.unanswered) == (3, 3, 0)


def test_the_worst_first(tmp_path: Path) -> None:
    """What failed, the many before the few and the long before the short; what nothing answered; what went well."""
    lines = [
        *logon(1, 0, via="A"), *logon(2, 0, via="A"), *logon(3, 0, via="A"), *logon(4, None, via="B"),
        *logon(5, via="C"), *logon(6, via="D", took_s=3), *logon(7, via="E"), *logon(8, via="E"),
    ]  # fmt: skip
    summary = summed(tmp_path, *lines)
    assert [(row.via, row.count) for row in summary.rows] == [("E", 2), ("D", 1), ("C", 1), ("B", 1), ("A", 3)]
    assert (summary.logons, summary.failed, summary.unanswered) == (8, 4, 1)
    assert [row.phase for row in summary.rows] == ["Returns", "Returns", "Returns", "Entered", "Returns"]


def test_the_public_examples(tmp_path: Path) -> None:
    """None fails and none is lost."""
    summary = summed(tmp_path, *(example[0] for example in EXAMPLES))
    ended = [example for example in EXAMPLES if not isinstance(example[5], str) and example[5].phase == "Returns"]
    assert summary.logons == len(ended) == sum(row.count for row in summary.rows)
    assert [(remark.count, remark.meaning is not None, remark.line) for remark in summary.remarks] == [
        (2, True, 23), (2, True, 28), (1, True, 44), (1, False, 27),
    ]  # fmt: skip
    assert summary.remarks[0].meaning is not None
    assert "MaxConcurrentApi" in summary.remarks[0].meaning


def test_years_go_on(tmp_path: Path) -> None:
    lines = ["12/31 23:59:59 [CRITICAL] NlX: a", "01/01 00:00:01 [CRITICAL] NlX: b"]
    (remark,) = summed(tmp_path, *lines, year=2011).remarks
    assert (remark.first_time, remark.last_time) == ("2011-12-31T23:59:59", "2012-01-01T00:00:01")
    (remark,) = summed(tmp_path, *lines).remarks
    assert remark.first_time == "12-31T23:59:59"


def test_what_nothing_answered_keeps_its_year(tmp_path: Path) -> None:
    """It is told when the log ends, or when its room is needed: in another year, perhaps."""
    lines = [*logon(3, None), "12/31 23:59:59 [MISC] a", "01/01 00:00:01 [MISC] b"]
    (row,) = summed(tmp_path, *lines, year=2012).rows
    assert (row.phase, row.first_time, row.last_time) == ("Entered", "2012-03-14T10:00:03", "2012-03-14T10:00:03")


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Successes do not displace failures; everything is counted."""
    monkeypatch.setattr(module, "LOG_ROWS", 2)
    monkeypatch.setattr(module, "LOG_REMARKS", 1)
    many = [line for number in range(9) for line in logon(number, 0, via=f"A{number}")]
    failures = [line for number in range(2) for line in logon(number, via=f"B{number}")]
    remarks = [f"[CRITICAL] Nl{number}: x" for number in range(4)]
    summary = summed(tmp_path, *many, *failures, *remarks)
    assert sorted(row.via or "" for row in summary.rows) == ["A0", "A1", "B0", "B1"]
    assert (summary.logons, summary.failed, len(summary.remarks)) == (11, 2, 1)
    assert [(limit.name, limit.reached) for limit in summary.limits] == [("log_remarks", 3), ("log_rows", 7)]
    assert all(isinstance(limit, Limit) for limit in summary.limits)


def test_several_logs(tmp_path: Path) -> None:
    """As one, the older first; what cannot be opened is told and left out."""
    new, old = tmp_path / "netlogon.log", tmp_path / "netlogon.bak"
    new.write_text(log(*logon(500)))
    old.write_text(log(*logon(100)))
    errors: list[CaptureError] = []
    summary = summarise([str(new), str(tmp_path / "no"), str(old)], TOOL, year=2012, utc_offset_minutes=60,
                        unreadable=errors.append)  # fmt: skip
    assert [each.path for each in summary.logs] == [str(old), str(new)]
    assert {each.found for each in summary.logs} == {"given"}
    assert summary.rows[0].first_time == "2012-03-14T10:01:40"
    assert [error.path for error in errors] == [str(tmp_path / "no")]
    assert summary.complete
    assert summarise([str(tmp_path / "no")], TOOL, unreadable=errors.append).logs == ()
