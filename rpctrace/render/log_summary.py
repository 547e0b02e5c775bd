"""LogSummary -> what `rpctrace netlogon` prints: a table, the worst first, and remarks; or one JSON document."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from rpctrace.correlation.log_words import zone_words
from rpctrace.encoding.text import safe_text
from rpctrace.log_summary import SCHEMA, LogRemark, LogRow, LogSummary
from rpctrace.render.color import painted
from rpctrace.render.json import write_document
from rpctrace.render.layout import lay_out, wrapped
from rpctrace.render.log_lines import log_words
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.short_report import limit_words
from rpctrace.render.words import counted, stopped_words
from rpctrace.report import LogFacts

MAXIMUM_SHOWN_ROWS = 50
MAXIMUM_SHOWN_REMARKS = 10
_HEADINGS = ("Times", "Result", "Type", "Who", "From", "Through", "Package", "First", "Last", "Longest")


def render_text(summary: LogSummary, out: TextIO, options: RenderOptions) -> None:
    for line in _lines(summary, options):
        out.write(line + "\n")


def render_json(summary: LogSummary, out: TextIO, options: RenderOptions) -> None:
    write_document(summary, SCHEMA, out, options)


def _lines(summary: LogSummary, options: RenderOptions) -> Iterator[str]:
    for log in summary.logs:
        yield from _log_lines(log, options)
    if not summary.logs:
        yield "No log was read."
        return
    yield ""
    counts = f"{counted(summary.logons, 'logon')}, {summary.failed} failed, {summary.unanswered} without an answer"
    yield painted(counts, "failed" if summary.failed or summary.unanswered else "fine", options)
    shown = summary.rows if options.verbosity > 0 else summary.rows[:MAXIMUM_SHOWN_ROWS]
    if shown:
        yield ""
        yield from lay_out(_HEADINGS, [_cells(row) for row in shown], options.width_columns)
    if len(summary.rows) > len(shown):
        yield f"and {len(summary.rows) - len(shown)} more rows: -v shows all"
    yield from _remark_lines(summary, options)
    if summary.limits:
        yield ""
        yield painted(f"Limits reached ({len(summary.limits)})", "warning", options)
        for limit in summary.limits:
            yield f"  {limit_words(limit)}"


def _log_lines(log: LogFacts, options: RenderOptions) -> Iterator[str]:
    zone = "" if log.utc_offset_minutes is None else f", {zone_words(log.utc_offset_minutes)}"
    yield f"{painted(safe_text(log.path), 'heading', options)}: {log_words(log)}{zone}"
    if not log.complete:
        yield painted(f"  not read to its end: {stopped_words(log.stopped_at)}", "warning", options)
    for note in log.notes:
        yield f"  {safe_text(note)}"


def _cells(row: LogRow) -> tuple[str, ...]:
    return (
        f"{row.count} x" if row.count > 1 else "",
        _result(row),
        safe_text(row.kind or "?"),
        _who(row),
        safe_text(row.workstation or ""),
        safe_text(row.via or ""),
        safe_text(row.package or ""),
        _time(row.first_time),
        _time(row.last_time) if row.count > 1 else "",
        "" if row.longest_s is None else f"{row.longest_s} s",
    )


def _result(row: LogRow) -> str:
    if row.phase == "Entered":
        return "no answer"
    if row.status is None:
        return "line cut"
    return f"{row.status_name}\n{row.status_hex}" if row.status_name else row.status_hex or ""


def _who(row: LogRow) -> str:
    """DOMAIN\\user; of a Generic logon, which has no user, the domain alone."""
    if row.user is None:
        return safe_text(row.domain or "")
    return safe_text(f"{row.domain}\\{row.user}" if row.domain else row.user)


def _time(text: str | None) -> str:
    return "" if text is None else text.replace("T", " ")


def _remark_lines(summary: LogSummary, options: RenderOptions) -> Iterator[str]:
    if not summary.remarks:
        return
    yield ""
    yield painted("Other lines of note", "heading", options)
    shown = summary.remarks if options.verbosity > 0 else summary.remarks[:MAXIMUM_SHOWN_REMARKS]
    for remark in shown:
        yield from wrapped(f"  {_remark_words(remark, summary)}", options.width_columns, "    ")
    if len(summary.remarks) > len(shown):
        yield f"  and {len(summary.remarks) - len(shown)} more kinds: -v shows all"


def _remark_words(remark: LogRemark, summary: LogSummary) -> str:
    where = f"{safe_text(remark.file)} line {remark.line}" if len(summary.logs) > 1 else f"line {remark.line}"
    times = f"{counted(remark.count, 'time')}, first in {where}"
    between = "" if remark.first_time is None else f", {_time(remark.first_time)}"
    if remark.count > 1 and remark.last_time is not None:
        between += f" to {_time(remark.last_time)}"
    flag = f"[{safe_text(remark.flag)}] " if remark.flag else ""
    said = f"{flag}{safe_text(remark.text)}"
    if remark.meaning is None:
        return f"{said} ({times}{between})"
    return f"{remark.meaning} ({times}{between}; see {remark.source}): {said}"
