"""A Finding -> the lines that a person reads: verdict, what was seen, for and against, missing, next steps, filter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain

from rpctrace.encoding.text import safe_text
from rpctrace.render.color import painted
from rpctrace.render.layout import wrapped
from rpctrace.render.places import both_frames, listed, place_words
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.words import Signs, confidence_words, unique
from rpctrace.report import Authentication, Call, EvidenceItem, Finding, KerberosExchange, Report

_LABEL_COLUMNS = 9  # the longest label, `missing` or `against`, and two blanks

_Record = Call | KerberosExchange | Authentication
Records = Mapping[str, _Record]


def evidence_words(item: EvidenceItem, report: Report) -> str:
    where = ""
    if item.frame is not None:
        capture = f"capture {item.capture + 1}, " if item.capture is not None and len(report.captures) > 1 else ""
        where = f" ({capture}frame {item.frame})"
    elif item.log_line is not None:
        where = f" ({safe_text(item.log_line.file)}:{item.log_line.line})"
    return f"{safe_text(item.text)}{where}"


def records_by_id(report: Report) -> Records:
    """What findings are about."""
    every = chain[_Record](report.calls, report.kerberos, report.authentications)
    return {record.id: record for record in every}


def more_seen(finding: Finding, report: Report, records: Records, signs: Signs) -> str:
    """`and 2 more like these: frames 41 -> 42, 51 -> 52`, of what a finding is about and its evidence shows no more of;
    "" where that shows all, or shows none and something else."""
    about = [records[each] for each in (*finding.calls, *finding.concerns) if each in records]
    shown = {(item.capture, item.frame) for item in finding.evidence if item.frame is not None}
    untold = [each for each in about if shown.isdisjoint(_places(each))]
    if len(untold) == len(about):
        return ""
    places = {
        place_words(capture, report): unique(
            both_frames(each.request_frame, each.reply_frame, signs) for each in untold if each.capture == capture
        )
        for capture in sorted({each.capture for each in untold})
    }
    many = sum(map(len, places.values()))
    where = "; ".join(f"{listed(frames)}{place}" for place, frames in places.items() if frames)
    return f"and {many} more like these: frames {where}" if many else ""


def _places(record: _Record) -> tuple[tuple[int, int | None], ...]:
    return (record.capture, record.request_frame), (record.capture, record.reply_frame)


def sure_words(finding: Finding) -> str:
    """`likely (0.65)`."""
    return f"{confidence_words(finding.confidence)} ({finding.confidence:.2f})"


def _evidence(finding: Finding, report: Report, weights: bool) -> Iterator[tuple[str, str]]:
    for item in finding.evidence:
        weight = f", weight {item.weight:.2f}" if weights and item.side != "seen" and item.weight else ""
        yield item.side, f"{evidence_words(item, report)}{weight}"


def _labelled(
    finding: Finding, report: Report, options: RenderOptions, records: Records
) -> Iterator[tuple[str, str]]:
    order = ("seen", "fits", "against")
    lines = [*_evidence(finding, report, options.verbosity > 0)]
    if more := more_seen(finding, report, records, options.signs):
        lines.append(("seen", more))
    yield from sorted(lines, key=lambda line: order.index(line[0]))
    yield from (("limit", safe_text(text)) for text in finding.limited_by)
    yield from (("missing", safe_text(text)) for text in finding.missing)
    yield from (("next", safe_text(text)) for text in finding.next_steps)
    for rival in finding.rivals:
        yield "weighed", f"{safe_text(rival.title)} [{safe_text(rival.rule)}], {rival.confidence:.2f}"
    if options.verbosity > 0:
        yield from (("see", safe_text(text)) for text in finding.references)


def finding_lines(
    finding: Finding, report: Report, options: RenderOptions, records: Records, number: int | None = None
) -> Iterator[str]:
    """The finding as a block, with an empty line before it. A label stands once for lines of one kind."""
    yield ""
    verdict = f"{f'{number}. ' if number is not None else ''}{safe_text(finding.title)}"
    first, *rest = wrapped(verdict, options.width_columns, "   ")
    yield painted(first, finding.severity, options)
    yield from rest
    yield f"  {safe_text(finding.severity)}, {sure_words(finding)}, {safe_text(finding.rule)}"
    yield from wrapped(f"  {safe_text(finding.summary)}", options.width_columns, "  ")
    before = ""
    for label, text in _labelled(finding, report, options, records):
        line = f"  {label if label != before else '':<{_LABEL_COLUMNS}}{text}"
        yield from wrapped(line, options.width_columns, " " * (_LABEL_COLUMNS + 4))
        before = label
    if finding.display_filter:  # stays on one line: it is there to be copied
        where = f"capture {finding.capture + 1}: " if len(report.captures) > 1 and finding.capture is not None else ""
        yield f"  {'filter':<{_LABEL_COLUMNS}}{where}{safe_text(finding.display_filter)}"


def finding_line(finding: Finding, number: int, options: RenderOptions) -> Iterator[str]:
    """The verdict alone."""
    judged = f"{finding.severity}, {sure_words(finding)}, {finding.rule}"
    yield from wrapped(f"{number}. {safe_text(finding.title)} ({safe_text(judged)})", options.width_columns, "   ")
