"""The logs of a Report -> sentences: how each was read and fitted, and what its lines say of the calls that failed."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.encoding.text import safe_text
from rpctrace.encoding.times import iso_8601
from rpctrace.render.places import place_words
from rpctrace.render.words import Signs, counted, frames_words, stopped_words
from rpctrace.report import Call, LogEntry, LogFacts, Report

MAXIMUM_NAMED_CALLS = 3


def log_lines(report: Report, signs: Signs) -> Iterator[str]:
    for log in report.logs:
        fit = f"; {safe_text(log.text)}" if log.text else ""
        yield f"{safe_text(log.path)}: {log_words(log)}{fit}"
        if not log.complete:
            yield f"{safe_text(log.path)}: not read to its end, {stopped_words(log.stopped_at)}"
    failed = {call.id: call for call in report.calls if call.failed}
    several = len(report.logs) > 1
    for entry in report.log_entries:
        calls = [failed[identity] for identity in entry.calls if identity in failed]
        if calls and (entry.phase != "Entered" or entry.partner is None):
            yield f"{_calls_words(calls, report, signs)}: {_entry_words(entry, several)}"


def log_words(log: LogFacts) -> str:
    """`3 lines, utf-8 (gzip), 03-14 09:26:11 to 03-14 09:26:50` of a log."""
    encoding = safe_text(log.encoding)
    if log.compression:
        encoding = f"{encoding} ({safe_text(log.compression)})"
    span = ""
    if log.first_time and log.last_time:
        span = f"{safe_text(log.first_time)} to {safe_text(log.last_time)}".replace("T", " ")
    return ", ".join(filter(None, (counted(log.lines, "line"), encoding, span)))


def _calls_words(calls: list[Call], report: Report, signs: Signs) -> str:
    named = [f"{frames_words(call, signs)}{place_words(call.capture, report)}" for call in calls[:MAXIMUM_NAMED_CALLS]]
    more = f" and {len(calls) - len(named)} more calls" if len(calls) > len(named) else ""
    return f"frames {', '.join(named)}{more}"


def _entry_words(entry: LogEntry, several: bool) -> str:
    """What the log says of one logon, in which line, and why that is about the call."""
    where = f"{safe_text(entry.file)} line {entry.line}" if several else f"log line {entry.line}"
    who = safe_text("\\".join(filter(None, (entry.domain, entry.user))))
    said = f"{safe_text(entry.kind or 'some')} logon" + (f" of {who}" if who else "")
    if entry.via:
        said += f" through {safe_text(entry.via)}"
    if entry.package:
        said += f", package {safe_text(entry.package)}"
    agree = ", ".join(map(safe_text, entry.joined_by))
    return f"{where}, {_time_words(entry)}: {said}, {_result_words(entry)} (the same {agree})"


def _time_words(entry: LogEntry) -> str:
    """In UTC where that is known, to the second, else as the log has it."""
    known = iso_8601(entry.time_ns)
    if known is not None:
        return f"{known[:19].replace('T', ' ')} UTC"
    return safe_text(entry.time.replace("T", " ")) if entry.time else "without a time"


def _result_words(entry: LogEntry) -> str:
    if entry.phase == "Entered":
        return "entered and without an answer in the log"
    if entry.status is None:
        return "result not in the log"
    name = f"{safe_text(entry.status_name)} " if entry.status_name else ""
    lasted = f" after {entry.duration_s} s" if entry.duration_s else ""
    return f"{name}{entry.status_hex}{lasted}"
