"""The command `check`: captures and the expectations beside them -> a line for each, and an exit status."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence

from rpctrace.console import output_files, streams
from rpctrace.console.exit_status import ExitStatus, strongest
from rpctrace.encoding.text import safe_text
from rpctrace.errors import CaptureError, UsageError
from rpctrace.expectations import MAXIMUM_OCTETS, SUFFIX, Expectation, differences, read_expectation, written
from rpctrace.record import record
from rpctrace.report import Report

CAPTURE_SUFFIXES = (".pcap", ".pcapng", ".cap")
PACKED_SUFFIXES = ("", ".gz", ".bz2", ".xz", ".zst")
_WALKED = tuple(suffix + packed for suffix in CAPTURE_SUFFIXES for packed in PACKED_SUFFIXES)


@record
class Case:
    """A capture and where its expectations are; either may be missing on disk."""

    capture: str
    expectations: str


def check_command(
    paths: Sequence[str], *, update: bool, expect: str | None, allow_missing: bool, quiet: bool
) -> ExitStatus:
    cases = list(_cases(paths, expect))
    if not cases:
        streams.tell("no capture found")
        return ExitStatus.UNREAD
    # A file that cannot be meant stops all before any work; so --update never writes over what is no expectation.
    expected = {case: _expectation(case.expectations) for case in cases}
    if update:
        return strongest(*[_update(case, quiet) for case in cases])
    statuses = [_check(case, expected[case], allow_missing, quiet) for case in cases]
    failed = sum(status is not ExitStatus.DONE for status in statuses)
    captures = f"{len(cases)} capture{'' if len(cases) == 1 else 's'}"
    streams.put(f"{captures}, {failed} not as expected" if failed else f"{captures} as expected")
    return strongest(*statuses)


def _cases(paths: Sequence[str], expect: str | None) -> Iterator[Case]:
    if expect is not None:
        if len(paths) != 1 or os.path.isdir(paths[0]):
            raise UsageError("--expect goes with one capture")
        yield Case(paths[0], expect)
        return
    seen: set[str] = set()
    for path in paths:
        for capture in _captures_in(path) if os.path.isdir(path) else (path.removesuffix(SUFFIX),):
            if capture not in seen:
                seen.add(capture)
                yield Case(capture, capture + SUFFIX)


def _captures_in(folder: str) -> list[str]:
    """Captures below a folder by their suffix, and whatever has expectations beside it, sorted."""
    found: set[str] = set()
    # A folder that cannot be listed is read as a capture: that fails with its name, instead of passing for empty.
    for where, folders, files in os.walk(folder, onerror=lambda error: found.add(str(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.endswith(SUFFIX):
                found.add(os.path.join(where, name.removesuffix(SUFFIX)))
            elif name.lower().endswith(_WALKED):
                found.add(os.path.join(where, name))
    return sorted(found)


def _expectation(path: str) -> Expectation | None:
    """What a file says; None where there is no file. Raises `UsageError`, or `CaptureError` where it cannot be read."""
    try:
        with open(path, "rb") as file:
            octets = file.read(MAXIMUM_OCTETS + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CaptureError(path, (error.strerror or "cannot be read").lower()) from None
    if len(octets) > MAXIMUM_OCTETS:
        raise UsageError(f"{path}: more than {MAXIMUM_OCTETS} octets")
    try:
        return read_expectation(octets.decode("utf-8"), path)
    except UnicodeDecodeError as error:
        line = octets[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}: line {line}: not UTF-8") from None


def _check(case: Case, expected: Expectation | None, allow_missing: bool, quiet: bool) -> ExitStatus:
    from rpctrace.analysis import Options, analyze

    try:
        report = analyze(case.capture, Options(calls="all"))
    except CaptureError as error:
        _put("UNREAD ", case)
        streams.tell(error)
        return ExitStatus.UNREAD
    if not report.captures[0].frames:
        _put("UNREAD ", case)
        streams.tell(f"{case.capture}: holds no frame")
        return ExitStatus.UNREAD
    if expected is None:
        status = _without_expectations(case, allow_missing, quiet)
        return status if report.complete else _in_part(case, report)
    said = [
        f"{difference.text}" + (f" (line {difference.line})" if difference.line is not None else "")
        for difference in differences(report, expected)
    ]
    status = _not_as_expected(case, said) if said else ExitStatus.DONE
    if not report.complete and expected.complete:
        return _in_part(case, report)
    if not said and not quiet:
        _put("ok     ", case)
    return status


def _put(word: str, case: Case) -> None:
    streams.put(f"{word} {safe_text(case.capture)}")


def _without_expectations(case: Case, allow_missing: bool, quiet: bool) -> ExitStatus:
    if not allow_missing:
        return _not_as_expected(case, ["it has no expectations; check --update writes them"])
    if not quiet:
        _put("read   ", case)
    return ExitStatus.DONE


def _in_part(case: Case, report: Report) -> ExitStatus:
    _put("UNREAD ", case)
    where = report.captures[0].stopped_at
    streams.tell(f"{case.capture}: read in part{'' if where is None else f', reading stopped at octet {where}'}")
    return ExitStatus.UNREAD


def _not_as_expected(case: Case, said: Sequence[str]) -> ExitStatus:
    streams.put("\n".join([f"DIFFERS {safe_text(case.capture)}", *(f"        {line}" for line in said)]))
    return ExitStatus.FOUND


def _update(case: Case, quiet: bool) -> ExitStatus:
    from rpctrace.analysis import Options, analyze

    try:
        report = analyze(case.capture, Options(calls="all"))
    except CaptureError as error:
        streams.tell(error)
        return ExitStatus.UNREAD
    if not report.captures[0].frames:
        streams.tell(f"{case.capture}: holds no frame")
        return ExitStatus.UNREAD
    text = written(report, os.path.basename(case.capture))
    output_files.write_whole(case.expectations, lambda out: out.write(text))
    if not quiet:
        streams.put(f"wrote   {safe_text(case.expectations)}")
    return ExitStatus.DONE
