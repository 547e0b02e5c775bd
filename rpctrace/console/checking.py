"""The command `check`: captures and the expectations beside them -> a line for each, and an exit status."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from rpctrace.console import output_files, streams
from rpctrace.console.cases import Case, Result, cases_of, expectation_at, judged, line_end_of, read_case, text_of
from rpctrace.console.exit_status import ExitStatus, strongest
from rpctrace.console.redact_key import key_of
from rpctrace.encoding.text import safe_text
from rpctrace.errors import CaptureError, UsageError
from rpctrace.expectations.baseline import Known, baseline_text, read_baseline
from rpctrace.expectations.comparing import differences
from rpctrace.expectations.reading import read_expectation
from rpctrace.expectations.values import Difference, Expectation, NotMeant
from rpctrace.expectations.writing import written
from rpctrace.pseudonyms import Pseudonyms
from rpctrace.record import record


@record
class CheckChoices:
    """What the command line asked for."""

    paths: tuple[str, ...]
    update: bool = False
    expect: str | None = None
    allow_missing: bool = False
    baseline: str | None = None
    update_baseline: bool = False
    outputs: tuple[str, ...] = ()
    github: bool = False
    force: bool = False
    redact: bool = False
    redact_key: str | None = None
    quiet: bool = False


def check_command(choices: CheckChoices) -> ExitStatus:
    _refuse_what_does_not_fit(choices)
    cases = cases_of(choices.paths, choices.expect)
    _tell_of_empty_folders(cases, choices)
    if not cases:
        return ExitStatus.UNREAD
    inputs = [path for case in cases for path in (case.capture, case.expectations)]
    for path in choices.outputs:
        output_files.check_output(path, inputs, choices.force)
    key = key_of(choices.redact, choices.redact_key)
    names = None if key is None else Pseudonyms(key)
    # A file that cannot be meant stops all before any work; so --update never writes over what is no expectation.
    expected, unreadable = _expectations_of(cases, names)
    if choices.update:
        for case in expected:
            output_files.check_folder(case.expectations)
        return strongest(*[_update(case, unreadable.get(case), choices.quiet) for case in cases])
    known = _Baseline(choices.baseline, choices.update_baseline)
    shown: dict[Result, Result] = {}
    for case in cases:
        named = _named(case, names)
        report, unread = (None, unreadable[case]) if case in unreadable else read_case(case, named)
        result = judged(case, report, unread, expected.get(case), choices.allow_missing)
        shown[result] = result
        if names is not None:
            from rpctrace.console.redacting import judged_redacted

            shown[result] = judged_redacted(names, named, report, unread, expected.get(case), choices.allow_missing)
        _tell(shown[result], _known_of(shown[result], result, known), choices.quiet)
    results = tuple(shown)
    if choices.update_baseline:
        known.write(results, choices.quiet)
    known.tell_what_is_over(results, named=names is None)
    _write_reports({told: _known_of(told, result, known) for result, told in shown.items()}, choices)
    statuses = [_status(result, known) for result in results]
    streams.put(_in_all(statuses) or f"{_captures(len(cases))} as expected{known.words(results)}")
    return strongest(*statuses)


def _named(case: Case, names: Pseudonyms | None) -> Case:
    if names is None:
        return case
    from rpctrace.redaction import path_of

    return Case(path_of(names, case.capture), path_of(names, case.expectations))


def _expectations_of(
    cases: Sequence[Case], names: Pseudonyms | None
) -> tuple[dict[Case, Expectation | None], dict[Case, str]]:
    """What is expected of each, and of which that cannot be read, with why. Raises `UsageError` as `expectation_at`:
    with other names only where, for what cannot be meant may be a name."""
    expected: dict[Case, Expectation | None] = {}
    unreadable: dict[Case, str] = {}
    for case in cases:
        try:
            expected[case] = expectation_at(case.expectations)
        except CaptureError as error:
            unreadable[case] = str(CaptureError(_named(case, names).expectations, error.reason, error.offset))
        except UsageError as error:
            if names is None:
                raise
            where = f"{error.where}: " if isinstance(error, NotMeant) and error.where else ""
            withheld = "says what cannot be meant; check without --redact says why"
            raise UsageError(f"{_named(case, names).expectations}: {where}{withheld}") from None
    return expected, unreadable


def _captures(count: int) -> str:
    return f"{count} capture{'' if count == 1 else 's'}"


def _in_all(statuses: Sequence[ExitStatus]) -> str | None:
    """None where there is nothing to tell."""
    differ = sum(status is ExitStatus.FOUND for status in statuses)
    unread = sum(status is ExitStatus.UNREAD for status in statuses)
    parts = [f"{differ} not as expected" if differ else "", f"{unread} not read to the end" if unread else ""]
    return ", ".join([_captures(len(statuses)), *filter(None, parts)]) if differ or unread else None


def _tell_of_empty_folders(cases: Sequence[Case], choices: CheckChoices) -> None:
    """A folder that is named and holds nothing to check is a slip, perhaps of one who gets an empty artifact."""
    captures = [os.path.join(os.path.abspath(case.capture), "") for case in cases]
    for path in choices.paths:
        folder = os.path.join(os.path.abspath(path), "")
        if os.path.isdir(path) and not any(each.startswith(folder) for each in captures):
            name = path if choices.redact_key is None and not choices.redact else "FOLDER"
            streams.tell(f"{name}: no capture found in this folder or below it (folders named .* are passed over)")


def _refuse_what_does_not_fit(choices: CheckChoices) -> None:
    from rpctrace.console.check_reports import written_into

    if choices.update_baseline and choices.baseline is None:
        raise UsageError("--update-baseline goes with --baseline FILE")
    if choices.update and (choices.baseline is not None or choices.outputs or choices.github):
        raise UsageError("--update compares nothing, so it goes with no --baseline, -o or --github")
    if choices.expect is None and "-" in choices.paths and not choices.allow_missing:
        raise UsageError("standard input (-) has no expectations beside it: --expect FILE names them")
    if choices.update and (choices.redact or choices.redact_key is not None):
        raise UsageError("--update writes what captures hold, so it goes with no --redact")
    for path in choices.outputs:
        written_into(path)
    if choices.baseline is not None and choices.update_baseline:
        output_files.check_folder(choices.baseline)


def _known_of(shown: Result, result: Result, known: _Baseline) -> frozenset[Difference]:
    """A baseline knows true names; the differences with other names are the same ones in the same order."""
    ours = known.of(result)
    pairs = zip(result.differences, shown.differences, strict=True)
    return frozenset(told for true, told in pairs if true in ours)


class _Baseline:
    """The known failures of a file; its captures are named from the file's folder."""

    def __init__(self, path: str | None, may_be_missing: bool) -> None:
        self._path = path
        text = None if path is None else text_of(path)
        if path is not None and text is None and not may_be_missing:
            raise UsageError(f"{path}: no such file; --update-baseline writes it")
        self._known: frozenset[Known] = read_baseline(text, str(path)) if text is not None else frozenset()

    def _known_as(self, result: Result, difference: Difference) -> Known:
        return Known(self._name(result), difference.code, difference.about)

    def _name(self, result: Result) -> str:
        folder = os.path.dirname(self._path or "") or "."
        try:
            name = os.path.relpath(result.case.capture, folder)
        except ValueError:  # another drive of Windows
            name = os.path.abspath(result.case.capture)
        return safe_text(name.replace(os.sep, "/"))

    def of(self, result: Result) -> frozenset[Difference]:
        if not self._known:
            return frozenset()
        return frozenset(each for each in result.differences if self._known_as(result, each) in self._known)

    def write(self, results: Sequence[Result], quiet: bool) -> None:
        """The failures of these results, and what was known of captures that were not checked now."""
        assert self._path is not None
        checked = {self._name(result) for result in results}
        now = {self._known_as(result, each) for result in results for each in result.differences}
        self._known = frozenset(now | {each for each in self._known if each.capture not in checked})
        text = baseline_text(self._known)
        output_files.write_whole(self._path, lambda out: out.write(text))
        if not quiet:
            streams.put(f"wrote   {safe_text(self._path)}")

    def tell_what_is_over(self, results: Sequence[Result], named: bool) -> None:
        """`named`: with the words of what it was about, and the names in these."""
        checked = {self._name(result) for result in results if result.unread is None}
        now = {self._known_as(result, each) for result in results for each in result.differences}
        for each in sorted(self._known - now):
            if each.capture in checked:
                about = f"{each.capture}: {each.code}: {each.about}" if named else each.code
                streams.tell(f"{self._path}: no longer fails: {about}")

    def words(self, results: Sequence[Result]) -> str:
        count = sum(len(self.of(result)) for result in results)
        return f", apart from {count} known failure{'' if count == 1 else 's'}" if count else ""


def _status(result: Result, known: _Baseline) -> ExitStatus:
    if result.status is ExitStatus.FOUND and known.of(result).issuperset(result.differences):
        return ExitStatus.DONE
    return result.status


def _tell(result: Result, known: frozenset[Difference], quiet: bool) -> None:
    name = safe_text(result.case.capture)
    fresh = [each for each in result.differences if each not in known]
    if fresh:
        streams.put("\n".join([f"DIFFERS {name}", *(f"        {_difference_words(each)}" for each in fresh)]))
    if known and not quiet:
        streams.put("\n".join([f"known   {name}", *(f"        {_difference_words(each)}" for each in _ordered(known))]))
    if result.unread is not None:
        streams.put(f"UNREAD  {name}")
        streams.tell(result.unread)
    elif not result.differences and not quiet:
        streams.put(f"{'ok   ' if result.has_expectations else 'read '}   {name}")


def _ordered(known: frozenset[Difference]) -> list[Difference]:
    return sorted(known, key=lambda each: (each.line or 0, each.text))


def _difference_words(difference: Difference) -> str:
    return difference.text + (f" (line {difference.line})" if difference.line is not None else "")


def _write_reports(known: Mapping[Result, frozenset[Difference]], choices: CheckChoices) -> None:
    if not choices.outputs and not choices.github:
        return
    from rpctrace.console.check_reports import github_lines, write_report

    results = tuple(known)
    for path in choices.outputs:
        output_files.write_whole(path, lambda out, path=path: write_report(path, results, known, out))  # type: ignore[misc]
        if not choices.quiet:
            streams.tell(f"wrote {path}")
    if choices.github:
        for line in github_lines(results, known):
            streams.put(line)


def _update(case: Case, unreadable: str | None, quiet: bool) -> ExitStatus:
    report, unread = read_case(case) if unreadable is None else (None, unreadable)
    if report is None:
        streams.tell(unread)
        return ExitStatus.UNREAD
    before = text_of(case.expectations)
    line_end = line_end_of(case.expectations)
    try:
        text = written(report, os.path.basename(case.capture), before)
    except UsageError as error:
        streams.tell(f"{case.expectations} is left as it is: {error}")
        return ExitStatus.FOUND
    if text != before:
        output_files.write_whole(case.expectations, lambda out: out.write(text.replace("\n", line_end)))
    if not quiet:
        streams.put(f"{'wrote' if text != before else 'same '}   {safe_text(case.expectations)}")
    left = differences(report, read_expectation(text, case.expectations))
    for each in left:
        streams.tell(f"{case.expectations}: is left to you: {_difference_words(each)}")
    return ExitStatus.FOUND if left else ExitStatus.DONE
