"""Proves: --table chooses the table, findings come as blocks, and an unknown name is refused with the known ones."""

from __future__ import annotations

import io

import pytest
from report_values import FINDING, article_report, empty_report

from rpctrace.errors import UsageError
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.table import TABLE_NAMES, render
from rpctrace.report import Report


def text_of(report: Report, table: str) -> str:
    out = io.StringIO(newline="")
    render(report, out, RenderOptions(table=table))
    return out.getvalue()


def test_the_names_are_those_of_the_command_line() -> None:
    assert set(TABLE_NAMES) == {"findings", "faults", "calls", "kerberos", "auth", "endpoints", "events", "streams"}


def test_findings_are_blocks_parted_by_an_empty_line() -> None:
    text = text_of(article_report(findings=(FINDING, FINDING)), "findings")
    assert text.startswith(FINDING.title)
    assert text.count(f"\n\n{FINDING.title}") == 1
    assert text_of(empty_report(), "findings") == "No findings.\n"


def test_an_unknown_table_is_refused() -> None:
    with pytest.raises(UsageError, match="streams"):
        text_of(empty_report(), "frames")
