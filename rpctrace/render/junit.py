"""Report -> JUnit XML, the form in which CI servers show tests: a test case for each capture and each finding.

A finding above a note is a failed test case, a note a skipped one, a capture that was read only in part an error. The
form is the one that Jenkins, GitLab and GitHub actions read; it has no official schema. There are no times in it, so
the same captures give the same file.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TextIO

from rpctrace.encoding.text import safe_text
from rpctrace.named_tuple import NamedTuple
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.render.words import stopped_words
from rpctrace.report import CaptureFacts, Finding, Report

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\n": "&#10;"}


class JunitCase(NamedTuple):
    """One test case. `verdict` is passed, failure, error or skipped; `kind` and `text` say why (lines of any text)."""

    group: str
    name: str
    verdict: str = "passed"
    kind: str = ""
    text: str = ""


def _escaped(text: str, ascii_only: bool, keep_lines: bool = False) -> str:
    """Text from anywhere for an attribute or an element. Controls and surrogates, which XML 1.0 2.2 forbids, are shown
    as escapes by `safe_text`; what is printable is allowed."""
    safe = "\n".join(map(safe_text, text.split("\n"))) if keep_lines else safe_text(text)
    for character, entity in _ENTITIES.items():
        if character != "\n" or not keep_lines:
            safe = safe.replace(character, entity)
    return safe.encode("ascii", "xmlcharrefreplace").decode("ascii") if ascii_only else safe


def write_junit(suite: str, cases: Sequence[JunitCase], out: TextIO, ascii_only: bool = False) -> None:
    """One test suite."""
    counts = {verdict: sum(case.verdict == verdict for case in cases) for verdict in ("failure", "error", "skipped")}
    totals = (
        f'tests="{len(cases)}" failures="{counts["failure"]}" errors="{counts["error"]}" skipped="{counts["skipped"]}"'
    )
    name = _escaped(suite, ascii_only)
    out.write(f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites name="{name}" {totals}>\n')
    out.write(f'<testsuite name="{name}" {totals}>\n')
    for case in cases:
        head = f'<testcase classname="{_escaped(case.group, ascii_only)}" name="{_escaped(case.name, ascii_only)}"'
        if case.verdict == "passed":
            out.write(f"{head}/>\n")
            continue
        message = _escaped(case.text.split("\n")[0], ascii_only)
        kind = "" if case.verdict == "skipped" else f' type="{_escaped(case.kind, ascii_only)}"'
        text = _escaped(case.text, ascii_only, keep_lines=True)
        out.write(f'{head}>\n<{case.verdict} message="{message}"{kind}>{text}</{case.verdict}>\n</testcase>\n')
    out.write("</testsuite>\n</testsuites>\n")


def _capture_case(capture: CaptureFacts) -> JunitCase:
    name = "is read to its end"
    if not capture.frames:
        return JunitCase(capture.path, name, "error", "unread", "holds no frame")
    if not capture.complete:
        return JunitCase(capture.path, name, "error", "unread", f"read in part, {stopped_words(capture.stopped_at)}")
    return JunitCase(capture.path, name)


def _finding_case(finding: Finding, report: Report) -> JunitCase:
    place = finding.capture
    group = report.captures[place].path if place is not None and place < len(report.captures) else "logs"
    lines = [
        f"{finding.rule}, severity {finding.severity}, confidence {finding.confidence:.2f}",
        finding.summary,
        *(f"{'for' if item.supports else 'against'}: {item.text}" for item in finding.evidence),
        *(f"missing: {text}" for text in finding.missing),
        *(f"next: {text}" for text in finding.next_steps),
        finding.display_filter,
    ]
    verdict = "skipped" if finding.severity == "note" else "failure"
    text = "\n".join(safe_text(line) for line in lines if line)
    return JunitCase(group, f"{finding.rule}: {finding.title}", verdict, finding.rule, text)


def _cases(report: Report) -> Iterator[JunitCase]:
    for capture in report.captures:
        yield _capture_case(capture)
    for finding in report.findings:
        yield _finding_case(finding, report)


def render(report: Report, out: TextIO, options: RenderOptions) -> None:
    write_junit("rpctrace analyze", list(_cases(report)), out, ascii_only=not options.encoding_is_utf8)


RENDERING = Rendering("junit", (".junit.xml",), "findings as failed test cases, for CI servers", render)
