"""Results of `check` -> JUnit XML, SARIF 2.1.0, and the lines that GitHub shows beside a file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TextIO

from rpctrace.console.cases import Result
from rpctrace.encoding.text import safe_text
from rpctrace.errors import UsageError
from rpctrace.expectations.values import Difference, Outcome
from rpctrace.render.junit import JunitCase, write_junit
from rpctrace.render.sarif import SarifResult, SarifRule, sarif_log, write_sarif

SUFFIXES = (".junit.xml", ".sarif")
KNOWN = "a known failure (of the baseline)"
# What kinds of difference there are, and what each means.
CODES = {
    "missing": "Something that must be there is not: no record agrees with every key of the entry.",
    "forbidden": "Something that must not be there is: a record agrees with every key of the entry.",
    "count": "Another number of records than the entry says agrees with it.",
    "extra": "Something is there that no entry describes, and exact or tolerate_extra = false allows no such thing.",
    "failed": "Another number of calls failed than the expectations say.",
    "calls": "Another number of calls was found than the expectations say.",
    "complete": "The capture was read to its end, and the expectations say that it ends early.",
    "no-expectations": "The capture has no file of expectations beside it; check --update writes one.",
}
Known = Mapping[Result, frozenset[Difference]]  # what the baseline knows of each result


def written_into(path: str) -> str:
    """The suffix of a file that `check -o` can write. Raises `UsageError`."""
    for suffix in SUFFIXES:
        if path.lower().endswith(suffix):
            return suffix
    raise UsageError(f"no form of check for the suffix of {path!r}; there are: {' '.join(SUFFIXES)}")


def write_report(path: str, results: Sequence[Result], known: Known, out: TextIO) -> None:
    if written_into(path) == ".sarif":
        _write_sarif(results, known, out)
    else:
        cases = [case for result in results for case in _junit_cases(result, known.get(result, frozenset()))]
        write_junit("rpctrace check", cases, out)


def _junit_cases(result: Result, known: frozenset[Difference]) -> Iterator[JunitCase]:
    """The capture itself, and each of its expectations."""
    group = result.case.capture
    read = "is read"
    yield JunitCase(group, read, "error", "unread", result.unread) if result.unread else JunitCase(group, read)
    for outcome in result.outcomes:
        yield _junit_case(group, outcome, known)


def _junit_case(group: str, outcome: Outcome, known: frozenset[Difference]) -> JunitCase:
    where = "" if outcome.line is None else f"line {outcome.line}: "
    fresh = [each for each in outcome.differences if each not in known]
    text = "\n".join(safe_text(f"{where}{each.text}") for each in fresh or outcome.differences)
    if fresh:
        return JunitCase(group, outcome.name, "failure", fresh[0].code, text)
    return JunitCase(group, outcome.name, "skipped", "known", f"{KNOWN}: {text}") if text else JunitCase(
        group, outcome.name
    )


def _write_sarif(results: Sequence[Result], known: Known, out: TextIO) -> None:
    found = [
        SarifResult(
            each.code,
            "error",
            f"{result.case.capture}: {each.text}",
            result.case.expectations if result.has_expectations else result.case.capture,
            (each.code, each.about),
            each.line,
            {"capture": safe_text(result.case.capture), "frames": list(each.frames)},
            KNOWN if each in known.get(result, frozenset()) else None,
        )
        for result in results
        for each in result.differences
    ]
    used = {each.rule for each in found}
    rules = [SarifRule(code, text.split(":")[0], text, "error") for code, text in CODES.items() if code in used]
    unread = [result.unread for result in results if result.unread is not None]
    write_sarif(sarif_log(rules, found, not unread, unread), out)


def github_lines(results: Sequence[Result], known: Known) -> Iterator[str]:
    """Workflow commands, a line each; their text is escaped as GitHub's own toolkit does it."""
    for result in results:
        if result.unread is not None:
            yield _command("error", result.case.capture, None, "capture not read", result.unread)
        file = result.case.expectations if result.has_expectations else result.case.capture
        for each in result.differences:
            level = "notice" if each in known.get(result, frozenset()) else "error"
            title = f"rpctrace check: {result.case.capture}"
            yield _command(level, file, each.line, title, each.text)


def _command(level: str, file: str, line: int | None, title: str, text: str) -> str:
    where = "" if line is None else f",line={line}"
    return f"::{level} file={_property(file)}{where},title={_property(title)}::{_data(text)}"


def _data(text: str) -> str:
    return safe_text(text).replace("%", "%25")  # line ends are escapes by now


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
