"""Paths -> the captures to check and their expectations; one of them, read -> what became of each expectation."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rpctrace.console.exit_status import ExitStatus
from rpctrace.encoding.text import safe_text
from rpctrace.errors import CaptureError, UsageError
from rpctrace.expectations.comparing import outcomes
from rpctrace.expectations.reading import read_expectation
from rpctrace.expectations.values import Difference, Expectation, Outcome
from rpctrace.record import record
from rpctrace.report import Report

SUFFIX = ".expect.toml"
MAXIMUM_OCTETS = 4 * 1024 * 1024
CAPTURE_SUFFIXES = (".pcap", ".pcapng", ".cap", ".etl", ".matp")  # the last two are not read, and told as such
PACKED_SUFFIXES = ("", ".gz", ".bz2", ".xz", ".zst", ".lz4")
_WALKED = tuple(suffix + packed for suffix in CAPTURE_SUFFIXES for packed in PACKED_SUFFIXES)
HAS_EXPECTATIONS = "has expectations"


@record
class Case:
    """A capture and where its expectations are; either may be missing on disk."""

    capture: str
    expectations: str


@record
class Result:
    """What became of a case. `unread`: why the capture could not be read, or only in part; None where it was."""

    case: Case
    outcomes: tuple[Outcome, ...]
    unread: str | None
    has_expectations: bool

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(each for outcome in self.outcomes for each in outcome.differences)

    @property
    def status(self) -> ExitStatus:
        """3 outranks 1: what was not read is no clean pass."""
        if self.unread is not None:
            return ExitStatus.UNREAD
        return ExitStatus.FOUND if self.differences else ExitStatus.DONE


def cases_of(paths: Sequence[str], expect: str | None = None) -> tuple[Case, ...]:
    """Every capture once. A folder stands for what is below it, a file of expectations for its capture."""
    return tuple(_cases(paths, expect))


def _cases(paths: Sequence[str], expect: str | None) -> Iterator[Case]:
    if expect is not None:
        if len(paths) != 1 or os.path.isdir(paths[0]):
            raise UsageError("--expect goes with one capture")
        yield Case(paths[0], expect)
        return
    seen: set[str] = set()
    for path in paths:
        for capture in _captures_in(path) if os.path.isdir(path) else (path.removesuffix(SUFFIX),):
            if (once := os.path.normpath(capture)) not in seen:
                seen.add(once)
                yield Case(capture, capture + SUFFIX)


def _captures_in(folder: str) -> list[str]:
    """Captures below a folder, by their suffix or first octets, and whatever has expectations beside it, sorted."""
    found: set[str] = set()
    # A folder that cannot be listed is read as a capture: that fails with its name, instead of passing for empty.
    for where, folders, files in os.walk(folder, onerror=lambda error: found.add(str(error.filename))):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            if name.endswith(SUFFIX):
                found.add(os.path.join(where, name.removesuffix(SUFFIX)))
            elif _is_to_be_read(os.path.join(where, name)):
                found.add(os.path.join(where, name))
    return sorted(found)


def _is_to_be_read(path: str) -> bool:
    """What is named like a capture or begins like one, or might: what nobody can look into fails with its name then."""
    from rpctrace.capture.recognition import is_capture

    named = path.lower().endswith(_WALKED)
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would be waited for
            return False
        return named or is_capture(path)
    except FileNotFoundError:  # a link that leads nowhere
        return named
    except (OSError, CaptureError):
        return True


def text_of(path: str) -> str | None:
    """A small file of text; None where there is none. Raises `UsageError`, or `CaptureError` if it cannot be read."""
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
        return octets.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = octets[: error.start].count(b"\n") + 1
        raise UsageError(f"{path}: line {line}: not UTF-8") from None


def line_end_of(path: str) -> str:
    """How a file's first line ends, so that the others can be written as it is."""
    try:
        with open(path, "rb") as file:
            return "\r\n" if file.readline(MAXIMUM_OCTETS).endswith(b"\r\n") else "\n"
    except OSError:
        return "\n"


def expectation_at(path: str) -> Expectation | None:
    """What a file says; None where there is none. Raises as `text_of`, and `NotMeant`."""
    text = text_of(path)
    return None if text is None else read_expectation(text, path)


def read_case(case: Case, named: Case | None = None) -> tuple[Report | None, str | None]:
    """The capture's report with every call, and why there is none, said of the files as they are `named`."""
    from rpctrace.analysis import Options, analyze

    told = named or case
    try:
        report = analyze(case.capture, Options(calls="all"))
    except CaptureError as error:
        kept = not os.path.lexists(case.capture) and os.path.exists(case.expectations)
        why = CaptureError(told.capture, error.reason, error.offset)
        return None, f"{why}{f', but there are expectations of it ({told.expectations})' if kept else ''}"
    if not report.captures[0].frames:
        return None, f"{told.capture}: holds no frame"
    return report, None


def result_of(case: Case, expected: Expectation | None, allow_missing: bool = False) -> Result:
    """Reads the capture and compares it."""
    return judged(case, *read_case(case), expected, allow_missing)


def judged(
    case: Case,
    report: Report | None,
    unread: str | None,
    expected: Expectation | None,
    allow_missing: bool = False,
    shown: Callable[[Any], Any] | None = None,
) -> Result:
    """What was read of a case, compared. What has no expectations is not as expected, unless that is allowed. `shown`:
    as in `outcomes`."""
    if report is None:
        return Result(case, (), unread, expected is not None)
    if expected is None:
        text = f"it has no expectations ({safe_text(case.expectations)}); check --update writes them"
        missing = Difference(None, text, "no-expectations", "")
        found: tuple[Outcome, ...] = (Outcome(HAS_EXPECTATIONS, None, () if allow_missing else (missing,)),)
    else:
        found = outcomes(report, expected) if shown is None else outcomes(report, expected, shown)
    if not report.complete and (expected is None or expected.complete):
        where = report.captures[0].stopped_at
        unread = f"{case.capture}: read in part{'' if where is None else f', reading stopped at octet {where}'}"
    return Result(case, found, unread, expected is not None)
