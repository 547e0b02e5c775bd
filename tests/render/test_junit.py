"""JUnit XML: well-formed whatever the text, counts that agree, a case for each capture and finding."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import pytest
from report_values import (
    FINDING,
    HOSTILE_TEXTS,
    article_report,
    capture,
    empty_report,
    full_report,
    hostile_report,
)

from rpctrace.render.junit import JunitCase, render, write_junit
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Report


def suite(report: Report) -> ElementTree.Element:
    out = io.StringIO(newline="")
    render(report, out, RenderOptions())
    (found,) = ElementTree.fromstring(out.getvalue())
    return found


@pytest.mark.parametrize(
    "report", [empty_report(), article_report(), full_report(), *map(hostile_report, HOSTILE_TEXTS)]
)
def test_the_counts_are_those_of_the_cases(report: Report) -> None:
    found = suite(report)
    assert found.get("tests") == str(len(found)) == str(len(report.captures) + len(report.findings))
    for attribute, tag in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        assert found.get(attribute) == str(len(found.findall(f"testcase/{tag}")))


def test_a_finding_and_a_note() -> None:
    report = replace(article_report(), findings=(FINDING, replace(FINDING, severity="note")))
    read, failed, note = suite(report)
    assert (read.get("name"), len(read)) == ("is read to its end", 0)
    assert failed.get("classname") == "expert.cap"
    assert failed[0].tag == "failure"
    assert "frame.number in {22, 23}" in (failed[0].text or "")
    assert note[0].tag == "skipped"


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"complete": False, "stopped_at": 44}, "read in part, reading stopped at octet 44"), ({"frames": 0}, "no frame")],
)
def test_what_was_not_read_is_an_error(changes: dict[str, object], said: str) -> None:
    case = suite(replace(article_report(), captures=(capture(**changes),)))[0]
    assert case[0].tag == "error"
    assert said in (case[0].get("message") or "")


@pytest.mark.parametrize("text", [*HOSTILE_TEXTS, "]]>", "<x/>&amp;'\"", "two\nlines", "\ufffe\uffff\x00"])
def test_any_text_is_well_formed(text: str) -> None:
    """Controls, surrogates and noncharacters are escapes; markup is text; ASCII where that is all there is."""
    cases = [JunitCase(text, text, "failure", text, text), JunitCase(text, text, "skipped", text, text)]
    for ascii_only in (False, True):
        out = io.StringIO(newline="")
        write_junit(text, cases, out, ascii_only)
        (found,) = ElementTree.fromstring(out.getvalue())
        assert len(found) == 2
        assert out.getvalue().isascii() or not ascii_only
    assert found[0][0].text is not None
    assert "<" not in text or "<" in found[0][0].text
