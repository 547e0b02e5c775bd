"""Report -> the lines of the short report: what was read, why it failed, what failed with which ticket, where to look.

Failures that read the same are one row; every frame of them is in the display filter below the table. Nothing is cut:
where a list is long the line says how much more there is and how to see it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpctrace.encoding.text import safe_text
from rpctrace.render.beside import beside_lines
from rpctrace.render.color import painted
from rpctrace.render.finding_text import finding_line, finding_lines, records_by_id
from rpctrace.render.grouping import Failure, failures, group_frames_words
from rpctrace.render.layout import lay_out, wrapped
from rpctrace.render.log_lines import log_lines
from rpctrace.render.nothing_failed import calls_words, errors_answered, nothing_failed, seen_beside
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.words import (
    capture_words,
    clock_words,
    counted,
    duration_words,
    extended_error_words,
    hosts_words,
    interface_words,
    pipe_words,
    presented_words,
    result_words,
    stopped_words,
    time_words,
)
from rpctrace.report import Call, CaptureFacts, Limit, ProblemEntry, Report

MAXIMUM_SHOWN_FAILURES = 50
MAXIMUM_SHOWN_PROBLEMS = 5
MAXIMUM_SHOWN_BESIDE = 20
FINDINGS_WITH_REASONS = 3
MAXIMUM_SHOWN_FINDINGS = 20
MAXIMUM_SHOWN_LOG_LINES = 20


def _headline(report: Report, place: int, capture: CaptureFacts, options: RenderOptions) -> Iterator[str]:
    calls = [
        call
        for call in report.calls
        if call.capture == place or any(each.capture == place for each in call.also_seen)
    ]
    number = f"[{place + 1}] " if len(report.captures) > 1 else ""
    name = painted(f"{number}{safe_text(capture.path)}", "heading", options)
    at_least = "at least " if any(limit.name == "calls_kept" for limit in report.limits) else ""
    yield f"{name}: {capture_words(capture)}; {at_least}{calls_words(calls)}"
    for clock in report.clocks:
        if clock.capture == place and clock.capture != clock.reference:
            yield f"  {clock_words(clock)}"
    if not capture.complete:
        text = f"  not read to its end: {stopped_words(capture.stopped_at)}; what follows is not in this report"
        yield painted(text, "warning", options)


def _failure_table(groups: Sequence[Failure], report: Report, options: RenderOptions) -> list[str]:
    signs = options.signs
    hosts = f"Client {signs.arrow} server"
    headings = ("#", "Times", "Capture", "Frames", "Call", "Interface", hosts, "Result", "Ticket presented")
    rows = [
        (
            str(number) if len(groups) > 1 else "",
            f"{len(group.calls)} x" if len(group.calls) > 1 else "",
            f"[{group.first.capture + 1}]" if len(report.captures) > 1 else "",
            group_frames_words(group, signs),
            safe_text(group.first.kind),
            interface_words(group.first),
            hosts_words(group.first.client, group.first.server, signs, pipe_words(group.first)),
            result_words(group.first),
            presented_words(group.first),
        )
        for number, group in enumerate(groups, 1)
    ]
    return lay_out(headings, rows, options.width_columns)


def _security_words(call: Call) -> str:
    parts: list[str | None] = []
    if (auth := call.auth) is not None:
        parts += [auth.mechanism, auth.level_name or f"level {auth.level}", f"context {auth.context_id}"]
        parts += [auth.token and f"sent {auth.token}", auth.reply_token and f"got {auth.reply_token}"]
    if (ticket := call.ticket) is not None:
        etype = ticket.etype_name or ticket.etype
        parts += [
            None if etype is None else f"ticket {etype}",
            None if ticket.kvno is None else f"kvno {ticket.kvno}",
            " ".join(ticket.ap_options),
        ]
    return safe_text(", ".join(filter(None, parts)))


def call_details(call: Call) -> Iterator[str]:
    """What -v adds for one call: its times, its security context, extended error records and notes."""
    took = ""
    if call.request_ns is not None and call.reply_ns is not None:
        took = f", answered after {duration_words(call.reply_ns - call.request_ns)}"
    yield f"time: {time_words(call.request_time or call.reply_time)}{took}"
    if security := _security_words(call):
        yield f"security: {security}"
    for record in call.extended_error or ():
        yield f"extended error: {extended_error_words(record)}"
    if call.partial:
        yield "partial: the capture does not hold all of this call"
    for note in call.notes:
        yield f"note: {safe_text(note)}"


def _failure_section(report: Report, options: RenderOptions) -> Iterator[str]:
    groups = failures(report.calls)
    failed = sum(len(group.calls) for group in groups)
    if not failed:
        yield from _nothing_failed(report, options)
        return
    shown = groups[:MAXIMUM_SHOWN_FAILURES]
    yield painted(f"{counted(failed, 'failed call')}", "failed", options)
    yield ""
    yield from _failure_table(shown, report, options)
    yield ""
    for number, group in enumerate(shown, 1):
        which = f" {number}" if len(groups) > 1 else ""
        where = f" (capture {group.first.capture + 1})" if len(report.captures) > 1 else ""
        shows = group.display_filter or f"{len(group.frames)} frames, too many to paste: --table findings has it"
        yield f"Wireshark filter{which}{where}: {shows}"
        if options.verbosity > 0:
            for line in call_details(group.first):
                yield from wrapped(f"  {line}", options.width_columns, "    ")
    if len(groups) > len(shown):
        yield f"and {len(groups) - len(shown)} more kinds of failure: --table faults shows every failed call"


def _nothing_failed(report: Report, options: RenderOptions) -> Iterator[str]:
    beside = seen_beside(report)
    fine = report.calls and report.complete and not beside and not errors_answered(report.calls)
    yield painted(f"{nothing_failed(report)}.", "fine" if fine else "warning", options)
    for each in beside:
        yield f"  {each.text}: --table {each.table}"


def _uncertain_section(report: Report) -> Iterator[str]:
    unseen = sum(call.end_unknown for call in report.calls)
    if unseen:
        what = "1 call was" if unseen == 1 else f"{unseen} calls were"
        yield f"{what} not captured whole, so how that ended is unknown (--table calls: outcome 'not captured')."


def _beside_section(report: Report, options: RenderOptions) -> Iterator[str]:
    lines = list(beside_lines(report, options.signs))
    if not lines:
        return
    yield painted("Before and beside the calls", "heading", options)
    shown = lines if options.verbosity > 0 else lines[:MAXIMUM_SHOWN_BESIDE]
    for line in shown:
        yield from wrapped(f"  {line}", options.width_columns, "    ")
    if len(lines) > len(shown):
        yield f"  and {len(lines) - len(shown)} more: -v shows all"


def _log_section(report: Report, options: RenderOptions) -> Iterator[str]:
    if not report.logs:
        return
    yield painted("Logs", "heading", options)
    lines = list(log_lines(report, options.signs))
    shown = lines if options.verbosity > 0 else lines[:MAXIMUM_SHOWN_LOG_LINES]
    for line in shown:
        yield from wrapped(f"  {line}", options.width_columns, "    ")
    if len(lines) > len(shown):
        yield f"  and {len(lines) - len(shown)} more lines of calls that failed: -v shows all"


def _finding_section(report: Report, options: RenderOptions) -> Iterator[str]:
    """The verdicts, worst first: the first few with their reasons, more by a line; -v shows all that was weighed."""
    if not report.findings:
        return
    verbose = options.verbosity > 0
    told = [each for each in report.findings if verbose or each.severity != "note"]
    notes = len(report.findings) - len(told)
    if told:
        yield painted("Why" if len(told) == 1 else f"Why: {len(told)} findings", "heading", options)
    records = records_by_id(report)
    for number, finding in enumerate(told, 1):
        which = number if len(told) > 1 else None
        if verbose or number <= FINDINGS_WITH_REASONS:
            yield from finding_lines(finding, report, options, records, which)
        elif number <= MAXIMUM_SHOWN_FINDINGS:
            yield from [""] if number == FINDINGS_WITH_REASONS + 1 else []
            yield from finding_line(finding, number, options)
    if len(told) > FINDINGS_WITH_REASONS and not verbose:
        more = len(told) - MAXIMUM_SHOWN_FINDINGS
        yield f"{f'and {more} more; ' if more > 0 else ''}the reasons of each: --table findings"
    if notes:
        yield "" if told else painted("Why", "heading", options)
        yield f"{counted(notes, 'note')} (weaker hypotheses, remarks): -v shows {'each' if notes > 1 else 'it'}"


def problem_words(problem: ProblemEntry, report: Report) -> str:
    place = f"capture {problem.capture + 1}, " if len(report.captures) > 1 else ""
    frame = "" if problem.frame is None else f"frame {problem.frame}"
    times = f"{problem.count} times" if problem.count > 1 else ""
    where = ", ".join(filter(None, (place.rstrip(", "), frame, times)))
    return f"{safe_text(problem.layer)}: {safe_text(problem.text)}" + (f" ({where})" if where else "")


def limit_words(limit: Limit) -> str:
    return f"{safe_text(limit.name)}: {limit.value}, reached {counted(limit.reached, 'time')}"


def _problem_section(report: Report, options: RenderOptions) -> Iterator[str]:
    if report.problems:
        shown = report.problems if options.verbosity > 0 else report.problems[:MAXIMUM_SHOWN_PROBLEMS]
        yield painted(f"Could not be read ({len(report.problems)})", "warning", options)
        for problem in shown:
            yield from wrapped(f"  {problem_words(problem, report)}", options.width_columns, "    ")
        if len(report.problems) > len(shown):
            yield f"  and {len(report.problems) - len(shown)} more: -v or --json shows all"
    if report.limits:
        yield painted(f"Limits reached ({len(report.limits)})", "warning", options)
        for limit in report.limits:
            yield f"  {limit_words(limit)}"


def short_report_lines(report: Report, options: RenderOptions) -> Iterator[str]:
    for place, capture in enumerate(report.captures):
        yield from _headline(report, place, capture, options)
    sections = (
        _finding_section(report, options),
        _failure_section(report, options),
        _uncertain_section(report),
        _beside_section(report, options),
        _log_section(report, options),
        _problem_section(report, options),
    )
    begun = bool(report.captures)
    for section in sections:
        for place, line in enumerate(section):
            if place == 0 and begun:
                yield ""
            begun = True
            yield line
