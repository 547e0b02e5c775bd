"""A Finding -> the lines that a person reads: claim, frames, for and against, missing, next steps."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.encoding.text import safe_text
from rpctrace.render.color import painted
from rpctrace.render.layout import wrapped
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.words import confidence_words
from rpctrace.report import EvidenceItem, Finding, Report


def evidence_words(item: EvidenceItem, report: Report) -> str:
    where = ""
    if item.frame is not None:
        capture = f"capture {item.capture + 1}, " if item.capture is not None and len(report.captures) > 1 else ""
        where = f" ({capture}frame {item.frame})"
    elif item.log_line is not None:
        where = f" ({safe_text(item.log_line.file)}:{item.log_line.line})"
    return f"{safe_text(item.text)}{where}"


def _labelled(finding: Finding, report: Report) -> Iterator[tuple[str, str]]:
    yield "", safe_text(finding.summary)
    if finding.display_filter:
        where = f" (capture {finding.capture + 1})" if len(report.captures) > 1 and finding.capture is not None else ""
        yield f"Wireshark filter{where}", safe_text(finding.display_filter)
    for item in finding.evidence:
        yield "for" if item.supports else "against", evidence_words(item, report)
    for text in finding.missing:
        yield "missing", safe_text(text)
    for text in finding.next_steps:
        yield "next", safe_text(text)
    for text in finding.references:
        yield "see", safe_text(text)


def finding_lines(finding: Finding, report: Report, options: RenderOptions) -> Iterator[str]:
    """The finding as a block, with an empty line before it."""
    yield ""
    severity = painted(safe_text(finding.severity), finding.severity, options)
    sure = f"{confidence_words(finding.confidence)} ({finding.confidence:.2f})"
    yield f"{safe_text(finding.title)} [{safe_text(finding.rule)}]"
    yield f"  {severity}, {sure}"
    for label, text in _labelled(finding, report):
        if not text:
            continue
        line = f"  {label}: {text}" if label else f"  {text}"
        if label.startswith("Wireshark"):  # stays on one line: it is there to be copied
            yield line
        else:
            yield from wrapped(line, options.width_columns, "    ")
