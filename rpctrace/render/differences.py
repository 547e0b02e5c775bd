"""A Comparison -> text, Markdown or JSON: the first difference, then every other."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from typing import Any

from rpctrace.comparison import Changed, Comparison, Difference, Side
from rpctrace.encoding.text import safe_text
from rpctrace.render.layout import lay_out, wrapped
from rpctrace.render.markdown import escaped
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.words import capture_words, counted
from rpctrace.report import Report

SCHEMA = "rpctrace.diff/1"
MAXIMUM_SHOWN = 100
_NOTHING = "-"


def _where(side: Side | None) -> str:
    return "" if side is None else " -> ".join(map(str, side.frames)) or "?"


def _what(changed: Changed) -> str:
    return f"{changed.name}: {safe_text(changed.bad or _NOTHING)} | {safe_text(changed.good or _NOTHING)}"


def _verdict(difference: Difference) -> str:
    """One difference in a line: where, what, how it was in the failing run and in the good one."""
    about = safe_text(difference.about)
    if difference.good is None:
        return f"{about}: only in the failing run (frames {_where(difference.bad)})"
    if difference.bad is None:
        return f"{about}: only in the good run (frames {_where(difference.good)})"
    first = difference.changed[0]
    told = next((each for each in difference.changed if each.name == "status"), first)
    bad, good = (safe_text(each or "nothing") for each in (told.bad or first.bad, told.good or first.good))
    here, there = _where(difference.bad), _where(difference.good)
    return f"{about}: {bad} (frames {here}), in the good run {good} (frames {there})"


def text_lines(comparison: Comparison, bad: Report, good: Report, options: RenderOptions) -> Iterator[str]:
    for word, report in (("failing", bad), ("good", good)):
        for capture in report.captures:
            failed = sum(call.failed for call in report.calls)
            calls = f"{counted(len(report.calls), 'call')}, {failed} failed"
            yield f"{word:<8} {safe_text(capture.path)}: {capture_words(capture)}; {calls}"
    yield ""
    if not comparison.differences:
        yield f"No difference: all {comparison.same} calls and exchanges agree."
        return
    yield "First difference"
    yield from wrapped(f"  {_verdict(comparison.differences[0])}", options.width_columns, "    ")
    yield ""
    many = counted(len(comparison.differences), "difference")
    yield f"{many}, {comparison.same} calls and exchanges agree"
    yield ""
    rows = [_row(difference) for difference in comparison.differences[:MAXIMUM_SHOWN]]
    yield from lay_out(("Failing", "Good", "What", "Failing | good"), rows, options.width_columns)
    if len(comparison.differences) > MAXIMUM_SHOWN:
        yield f"and {len(comparison.differences) - MAXIMUM_SHOWN} more: --json has all"
    for word, rules in (("failing", comparison.findings_bad), ("good", comparison.findings_good)):
        if rules:
            yield ""
            yield f"Findings of the {word} run alone: {', '.join(rules)}"


def _row(difference: Difference) -> tuple[str, str, str, str]:
    alone = "only in the failing run" if difference.good is None else "only in the good run"
    one_sided = difference.good is None or difference.bad is None
    how = alone if one_sided else ";\n".join(map(_what, difference.changed))
    return _where(difference.bad), _where(difference.good), safe_text(difference.about), how


def markdown_lines(comparison: Comparison, bad: Report, good: Report, options: RenderOptions) -> Iterator[str]:  # noqa: ARG001 - as the others
    yield "## Difference of two captures"
    yield ""
    for word, report in (("failing", bad), ("good", good)):
        for capture in report.captures:
            yield f"- {word}: {escaped(safe_text(capture.path))}"
    yield ""
    if not comparison.differences:
        yield f"No difference: all {comparison.same} calls and exchanges agree."
        return
    yield f"**First difference**: {escaped(_verdict(comparison.differences[0]))}"
    yield ""
    yield "| Failing | Good | What | Failing, good |"
    yield "| --- | --- | --- | --- |"
    for difference in comparison.differences[:MAXIMUM_SHOWN]:
        yield f"| {' | '.join(escaped(cell.replace(chr(10), ' ')) for cell in _row(difference))} |"


def json_lines(comparison: Comparison, bad: Report, good: Report, options: RenderOptions) -> Iterator[str]:  # noqa: ARG001 - as the others
    document = {
        "schema": SCHEMA,
        "bad": [safe_text(capture.path) for capture in bad.captures],
        "good": [safe_text(capture.path) for capture in good.captures],
        **_safe(asdict(comparison)),
    }
    yield json.dumps(document, indent=2, ensure_ascii=False)


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return safe_text(value)
    if isinstance(value, dict):
        return {name: _safe(each) for name, each in value.items()}
    return [_safe(each) for each in value] if isinstance(value, list | tuple) else value


RENDERINGS: Mapping[str, Callable[[Comparison, Report, Report, RenderOptions], Iterator[str]]] = {
    "text": text_lines,
    "markdown": markdown_lines,
    "json": json_lines,
}
