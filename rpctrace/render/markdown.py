"""Report -> a short report in Markdown, to paste into a ticket.

What came from a capture stands in code spans, where nothing is a link, a mention, a tag or an emphasis; sentences that
may quote a capture are escaped. Links are made only of references that are plain https addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TextIO

from rpctrace.encoding.text import safe_text
from rpctrace.render.beside import beside_lines
from rpctrace.render.finding_text import Records, evidence_words, more_seen, records_by_id, sure_words
from rpctrace.render.grouping import Failure, failures, group_frames_words
from rpctrace.render.links import is_plain_link
from rpctrace.render.log_lines import log_lines
from rpctrace.render.nothing_failed import nothing_failed, seen_beside
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.render.short_report import (
    MAXIMUM_SHOWN_BESIDE,
    MAXIMUM_SHOWN_LOG_LINES,
    limit_words,
    problem_words,
)
from rpctrace.render.words import (
    Signs,
    capture_words,
    counted,
    hosts_words,
    interface_words,
    pipe_words,
    presented_words,
    result_words,
)
from rpctrace.report import Finding, Report

MAXIMUM_SHOWN_FAILURES = 50
MAXIMUM_SHOWN_PROBLEMS = 10

_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
_SPECIAL = re.compile(r"[\\`*\[\]#|~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_AUTOLINK = re.compile(r"(?i)(www)(\.)|(:)(?=//)")  # what GitHub's Markdown makes a link without being asked
_LIST_START = re.compile(r"^( *)([-+=]|\d+(?=[.)]))(.?)")
_BACKTICKS = re.compile("`+")


def _unlisted(match: re.Match[str]) -> str:
    """What would begin a list or a heading's underline, with its mark escaped."""
    mark, after = match[2], match[3]
    return f"{mark}\\{after}" if mark.isdigit() else f"\\{mark}{after}"


def escaped(text: str) -> str:
    """`text` as a sentence of Markdown that shows it literally, in a table cell too."""
    text = _SPECIAL.sub(lambda match: "\\" + match[0], safe_text(text)).translate(_ENTITIES)
    text = _AUTOLINK.sub(lambda match: f"{match[1]}\\." if match[1] else "\\:", text)
    return _LIST_START.sub(_unlisted, text)


def code(text: str) -> str:
    """`text` in a code span, whose fence is longer than any run of backticks inside."""
    text = safe_text(text)
    if not text:
        return ""
    fence = "`" * (1 + max((len(run) for run in _BACKTICKS.findall(text)), default=0))
    padding = " " if text[0] in "` " or text[-1] in "` " else ""
    return f"{fence}{padding}{text}{padding}{fence}"


def _cell(text: str) -> str:
    # A bar would end the cell: `\|` is no way out, because a backslash before it would take the escape away.
    return code(text.replace("\n", " ")).replace("|", "\\x7c")


def link(reference: str) -> str:
    return f"<{reference}>" if is_plain_link(reference) else escaped(reference)


def _row(number: int, group: Failure, signs: Signs, several: bool) -> str:
    first = group.first
    cells = (
        str(number),
        str(len(group.calls)),
        _cell((f"[{first.capture + 1}] " if several else "") + group_frames_words(group, signs)),
        _cell(first.kind),
        _cell(interface_words(first)),
        _cell(hosts_words(first.client, first.server, signs, pipe_words(first))),
        _cell(result_words(first)),
        _cell(presented_words(first)),
    )
    return "| " + " | ".join(cells) + " |"


def _failed(report: Report, options: RenderOptions) -> Iterator[str]:
    groups = failures(report.calls)
    failed = sum(len(group.calls) for group in groups)
    if not failed:
        yield f"{nothing_failed(report)}."
        beside = seen_beside(report)
        yield from ("", *(f"- {each.text}" for each in beside)) if beside else ()
        return
    shown, signs = groups[:MAXIMUM_SHOWN_FAILURES], options.signs
    several = len(report.captures) > 1
    yield f"**{counted(failed, 'failed call')}**"
    yield ""
    yield "| # | Times | Frames | Call | Interface | Hosts | Result | Ticket presented |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for number, group in enumerate(shown, 1):
        yield _row(number, group, signs, several)
    if len(groups) > len(shown):
        yield ""
        yield f"{len(groups) - len(shown)} more kinds of failure are not shown here."
    yield ""
    yield "Wireshark display filters:"
    yield ""
    for number, group in enumerate(shown, 1):
        where = f" (capture {group.first.capture + 1})" if several else ""
        shows = code(group.display_filter) if group.display_filter else f"{len(group.frames)} frames, too many to list"
        yield f"- {number}{where}: {shows}"


def _finding(finding: Finding, report: Report, records: Records, signs: Signs) -> Iterator[str]:
    judged = f"{escaped(finding.severity)}, {sure_words(finding)}, {code(finding.rule)}"
    yield f"- **{escaped(finding.title)}** ({judged})"
    if finding.summary:
        yield f"  - {escaped(finding.summary)}"
    if finding.display_filter:
        yield f"  - filter: {code(finding.display_filter)}"
    for item in finding.evidence:
        yield f"  - {'for' if item.supports else 'against'}: {escaped(evidence_words(item, report))}"
    if more := more_seen(finding, report, records, signs):
        yield f"  - {escaped(more)}"
    for text in finding.limited_by:
        yield f"  - {escaped(text)}"
    for text in finding.missing:
        yield f"  - missing: {escaped(text)}"
    for text in finding.next_steps:
        yield f"  - next: {escaped(text)}"
    for rival in finding.rivals:
        yield f"  - also weighed: {escaped(rival.title)}, {code(rival.rule)}, {rival.confidence:.2f}"
    for text in finding.references:
        yield f"  - see: {link(text)}"


def _lines(report: Report, options: RenderOptions) -> Iterator[str]:
    yield "## RPC failures"
    yield ""
    for place, capture in enumerate(report.captures, 1):
        number = f"[{place}] " if len(report.captures) > 1 else ""
        incomplete = "" if capture.complete else "; **not read to its end**"
        yield f"- {number}{code(capture.path)}: {escaped(capture_words(capture))}{incomplete}"
    if report.captures:
        yield ""
    yield from _failed(report, options)
    beside = list(beside_lines(report, options.signs))
    if beside:
        yield ""
        yield "### Before and beside the calls"
        yield ""
        for line in beside[:MAXIMUM_SHOWN_BESIDE]:
            yield f"- {escaped(line)}"
        if len(beside) > MAXIMUM_SHOWN_BESIDE:
            yield f"- and {len(beside) - MAXIMUM_SHOWN_BESIDE} more"
    if report.logs:
        yield ""
        yield "### Logs"
        yield ""
        lines = list(log_lines(report, options.signs))
        for line in lines[:MAXIMUM_SHOWN_LOG_LINES]:
            yield f"- {escaped(line)}"
        if len(lines) > MAXIMUM_SHOWN_LOG_LINES:
            yield f"- and {len(lines) - MAXIMUM_SHOWN_LOG_LINES} more"
    if report.findings:
        yield ""
        yield "### Findings"
        yield ""
        records = records_by_id(report)
        for finding in report.findings:
            yield from _finding(finding, report, records, options.signs)
    if report.problems or report.limits:
        yield ""
        yield "### What could not be read"
        yield ""
        for problem in report.problems[:MAXIMUM_SHOWN_PROBLEMS]:
            yield f"- {escaped(problem_words(problem, report))}"
        if len(report.problems) > MAXIMUM_SHOWN_PROBLEMS:
            yield f"- and {len(report.problems) - MAXIMUM_SHOWN_PROBLEMS} more"
        for limit in report.limits:
            yield f"- limit {escaped(limit_words(limit))}"
    yield ""
    yield escaped(f"{report.tool.name} {report.tool.version}")


def render(report: Report, out: TextIO, options: RenderOptions) -> None:
    for line in _lines(report, options):
        out.write(line + "\n")


RENDERING = Rendering("markdown", (".md", ".markdown"), "a short report to paste into a ticket", render)
