"""Proves: the table of a realistic log reads as a person would want it, and the JSON says the same."""

from __future__ import annotations

import io
import json
from dataclasses import fields
from pathlib import Path

import pytest
from log_records import logon
from netlogon_lines import log
from report_values import HOSTILE_TEXTS

from rpctrace.log_summary import LogRow, LogSummary, summarise
from rpctrace.render.log_summary import MAXIMUM_SHOWN_ROWS, render_json, render_text
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Tool

LOGS = Path(__file__).parents[1] / "logs"


def summary_of(path: Path, year: int | None = None, offset: int | None = None) -> LogSummary:
    return summarise([str(path)], Tool("rpctrace", "0"), year=year, utc_offset_minutes=offset,
                     unreadable=lambda error: pytest.fail(str(error)))  # fmt: skip


def text_of(summary: LogSummary, options: RenderOptions = RenderOptions()) -> str:  # noqa: B008 - frozen
    out = io.StringIO()
    render_text(summary, out, options)
    return out.getvalue()


def test_the_golden_text(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """A morning of a domain controller: domain-controller.log, and what is told of it."""
    monkeypatch.chdir(LOGS)
    told = text_of(summary_of(Path("domain-controller.log"), 2012, 0))
    golden = LOGS / "domain-controller.txt"
    if request.config.getoption("--update-golden"):
        golden.write_text(told, encoding="utf-8")
    assert told == golden.read_text(encoding="utf-8")


def test_the_json_says_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(LOGS)
    out = io.StringIO()
    summary = summary_of(Path("domain-controller.log"))
    render_json(summary, out, RenderOptions())
    document = json.loads(out.getvalue())
    assert document["schema"] == "rpctrace.netlogon/1"
    assert list(document)[1:] == [field.name for field in fields(LogSummary)]
    assert list(document["rows"][0]) == [field.name for field in fields(LogRow)]
    assert (document["logons"], document["failed"], document["unanswered"]) == (26, 10, 1)
    assert [row["status_name"] for row in document["rows"]] == [row.status_name for row in summary.rows]


def test_a_narrow_terminal(tmp_path: Path) -> None:
    path = tmp_path / "n"
    path.write_text(log(*logon(5), *logon(6)))
    assert all(len(line) <= 60 for line in text_of(summary_of(path), RenderOptions(width_columns=60)).splitlines()[3:])


def test_many_rows(tmp_path: Path) -> None:
    path = tmp_path / "n"
    path.write_text(log(*(line for number in range(60) for line in logon(number, via=f"S{number}"))))
    text = text_of(summary_of(path))
    assert text.count("STATUS_NO_SUCH_USER") == MAXIMUM_SHOWN_ROWS
    assert "and 10 more rows: -v shows all" in text
    assert text_of(summary_of(path), RenderOptions(verbosity=1)).count("STATUS_NO_SUCH_USER") == 60


def test_no_logon_and_no_line(tmp_path: Path) -> None:
    path = tmp_path / "n"
    path.write_text("")
    assert text_of(summary_of(path)).splitlines()[1:] == [
        "", "0 logons, 0 failed, 0 without an answer",
    ]  # fmt: skip


def test_a_line_that_was_cut(tmp_path: Path) -> None:
    path = tmp_path / "n"
    path.write_text(logon(5)[1][:80])
    assert "line cut" in text_of(summary_of(path))


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_texts_stay_in_their_cell(tmp_path: Path, text: str) -> None:
    path = tmp_path / "n"
    lines = log(*logon(5, user=f"x{text}x".replace("\n", "")), f"[CRITICAL] Nl: {text}")
    path.write_bytes(lines.encode("utf-8", "surrogatepass"))
    told = text_of(summary_of(path))
    assert all(line.isprintable() for line in told.split("\n"))
    out = io.StringIO()
    render_json(summary_of(path), out, RenderOptions(encoding_is_utf8=False))
    assert out.getvalue().isascii()
    json.loads(out.getvalue())
