"""A Comparison -> text, Markdown or JSON: the first difference, then every other."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TextIO

from rpctrace.comparison import Changed, Comparison, Difference, Side
from rpctrace.encoding.text import safe_text
from rpctrace.render.json import write_document
from rpctrace.render.layout import lay_out, wrapped
from rpctrace.render.markdown import escaped
from rpctrace.render.nothing_failed import calls_words
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.words import Signs, capture_words, counted
from rpctrace.report import Report

SCHEMA = "rpctrace.diff/1"
MAXIMUM_SHOWN = 100
_NOTHING = "-"
_Lines = Callable[[Comparison, Report, Report, RenderOptions], Iterator[str]]


def _where(side: Side | None, signs: Signs) -> str:
    return "" if side is None else f" {signs.arrow} ".join(map(str, side.frames)) or "?"


def _what(changed: Changed) -> str:
    return f"{changed.name}: {safe_text(changed.bad or _NOTHING)} | {safe_text(changed.good or _NOTHING)}"


def _verdict(difference: Difference, signs: Signs) -> str:
    """One difference in a line: where, what, how it was in the failing run and in the good one."""
    about = safe_text(difference.about)
    here, there = _where(difference.bad, signs), _where(difference.good, signs)
    if difference.good is None:
        return f"{about}: only in the failing run (frames {here})"
    if difference.bad is None:
        return f"{about}: only in the good run (frames {there})"
    first = difference.changed[0]
    told = next((each for each in difference.changed if each.name == "status"), first)
    bad, good = (safe_text(each or "nothing") for each in (told.bad or first.bad, told.good or first.good))
    return f"{about}: {bad} (frames {here}), in the good run {good} (frames {there})"


def _agreement(comparison: Comparison) -> str:
    if comparison.same == 1:
        return "1 call or exchange agrees"
    return f"{comparison.same or 'no'} calls and exchanges agree"


def _sameness(comparison: Comparison) -> str:
    """Where nothing differs."""
    if not comparison.same:
        return "No difference: neither holds a call or an exchange."
    every = "all " if comparison.same > 1 else "the only "
    return f"No difference: {every}{_agreement(comparison).removeprefix('1 ')}."


def _hints(comparison: Comparison, bad: Report, good: Report) -> Iterator[str]:
    """Where the difference is rather one of what was captured."""
    if not any(call.failed for call in bad.calls) and any(call.failed for call in good.calls):
        yield "Only in the second capture did calls fail: the failing one is given first, rpctrace diff BAD GOOD."
    if not comparison.same:
        yield "Nothing agrees: the two captures may not show the same scenario, or not the same part of it."


def text_lines(comparison: Comparison, bad: Report, good: Report, options: RenderOptions) -> Iterator[str]:
    signs = options.signs
    for word, report in (("failing", bad), ("good", good)):
        for capture in report.captures:
            words = f"{capture_words(capture)}; {calls_words(report.calls)}"
            yield f"{word:<8} {safe_text(capture.path)}: {words}"
    yield ""
    if not comparison.differences:
        yield _sameness(comparison)
        return
    yield "First difference"
    yield from wrapped(f"  {_verdict(comparison.differences[0], signs)}", options.width_columns, "    ")
    yield ""
    yield f"{counted(len(comparison.differences), 'difference')}, {_agreement(comparison)}"
    for hint in _hints(comparison, bad, good):
        yield from wrapped(hint, options.width_columns, "  ")
    yield ""
    rows = [_row(difference, signs) for difference in comparison.differences[:MAXIMUM_SHOWN]]
    yield from lay_out(("Failing", "Good", "What", "Failing | good"), rows, options.width_columns)
    if len(comparison.differences) > MAXIMUM_SHOWN:
        yield f"and {len(comparison.differences) - MAXIMUM_SHOWN} more: --json has all"
    for word, rules in (("failing", comparison.findings_bad), ("good", comparison.findings_good)):
        if rules:
            yield ""
            yield f"Findings of the {word} run alone: {', '.join(rules)}"


def _row(difference: Difference, signs: Signs) -> tuple[str, str, str, str]:
    alone = "only in the failing run" if difference.good is None else "only in the good run"
    one_sided = difference.good is None or difference.bad is None
    how = alone if one_sided else ";\n".join(map(_what, difference.changed))
    return _where(difference.bad, signs), _where(difference.good, signs), safe_text(difference.about), how


def markdown_lines(comparison: Comparison, bad: Report, good: Report, options: RenderOptions) -> Iterator[str]:
    signs = options.signs
    yield "## Difference of two captures"
    yield ""
    for word, paths in (("failing", comparison.bad), ("good", comparison.good)):
        for path in paths:
            yield f"- {word}: {escaped(safe_text(path))}"
    yield ""
    if not comparison.differences:
        yield _sameness(comparison)
        return
    yield f"**First difference**: {escaped(_verdict(comparison.differences[0], signs))}"
    for hint in _hints(comparison, bad, good):
        yield ""
        yield escaped(hint)
    yield ""
    yield "| Failing | Good | What | Failing, good |"
    yield "| --- | --- | --- | --- |"
    for difference in comparison.differences[:MAXIMUM_SHOWN]:
        yield f"| {' | '.join(escaped(cell.replace(chr(10), ' ')) for cell in _row(difference, signs))} |"


def render(
    form: str, comparison: Comparison, bad: Report, good: Report, out: TextIO, options: RenderOptions
) -> None:
    """`form`: text, markdown or json."""
    if form == "json":
        write_document(comparison, SCHEMA, out, options)
        return
    for line in _LINES[form](comparison, bad, good, options):
        out.write(f"{line}\n")


_LINES: Mapping[str, _Lines] = {"text": text_lines, "markdown": markdown_lines}
