"""Proves: every line is one object with its type, in the promised order, and the last one counts them."""

from __future__ import annotations

import io
import json

import pytest
from report_json import document
from report_values import HOSTILE_TEXTS, article_report, empty_report, full_report, hostile_report

from rpctrace.render.jsonl import LINE_TYPES, render
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Report


def lines(report: Report) -> list[dict[str, object]]:
    out = io.StringIO(newline="")
    render(report, out, RenderOptions())
    text = out.getvalue()
    assert text.endswith("\n")
    return [json.loads(line) for line in text[:-1].split("\n")]


def test_the_types_of_a_full_report_in_order() -> None:
    assert [line["type"] for line in lines(full_report())] == [
        "tool",
        *["capture"] * 2,
        *["call"] * 4,
        "kerberos",
        "referral_path",
        "authentication",
        "endpoint",
        "event",
        "clock",
        "host_clock",
        "log",
        "log_entry",
        "summary",
        *["stream"] * 2,
        "finding",
        "problem",
        "limit",
        "end",
    ]


@pytest.mark.parametrize(
    "report", [empty_report(), article_report(), full_report(), *map(hostile_report, HOSTILE_TEXTS)]
)
def test_the_lines_hold_what_the_document_holds(report: Report) -> None:
    whole = document(report)
    found = lines(report)
    for line_type, attribute in LINE_TYPES:
        records = [
            {name: value for name, value in line.items() if name != "type"}
            for line in found
            if line["type"] == line_type
        ]
        assert records == whole[attribute]


def test_the_first_line_names_the_format_and_the_last_counts() -> None:
    first, *_, last = lines(full_report())
    assert first == {"type": "tool", "schema": "rpctrace.report/1", "name": "rpctrace", "version": "0.1.0"}
    assert last["complete"] is False
    assert (last["captures"], last["calls"], last["findings"]) == (2, 4, 1)
    assert last["unfiltered"] == document(full_report())["unfiltered"]
    assert last["unfiltered"] is not None
    assert (lines(empty_report())[-1]["calls"], lines(empty_report())[-1]["unfiltered"]) == (0, None)
