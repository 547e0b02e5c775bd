"""One capture's Report and its Expectation -> outcomes: each expectation, and in what it is not met."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from rpctrace.expectations.described import Described
from rpctrace.expectations.keys import CALL, FINDING, KINDS, TICKET
from rpctrace.expectations.values import Difference, Entry, Expectation, Kind, Outcome
from rpctrace.expectations.words import call_frames, frames_words
from rpctrace.report import Report

MOST_SHOWN = 20  # differences of one expectation
_Shown = Callable[[Any], Any]  # a record -> the one whose words are said in its place: the same with other names


def _itself(record: Any) -> Any:
    return record


def differences(report: Report, expected: Expectation) -> tuple[Difference, ...]:
    """Everything in which a report is not as expected, in the order of the expectations."""
    return tuple(each for outcome in outcomes(report, expected) for each in outcome.differences)


def outcomes(report: Report, expected: Expectation, shown: _Shown = _itself) -> tuple[Outcome, ...]:
    """Every expectation with its differences; what nothing describes at the end. Compared are the records of the
    report; what is said of one is said of what it is `shown` as."""
    return tuple(_outcomes(report, expected, shown))


def _outcomes(report: Report, expected: Expectation, shown: _Shown) -> Iterator[Outcome]:
    yield from _counts(report, expected)
    kinds = {kind.table: Described(kind, report) for kind in KINDS.values()}
    described: dict[str, set[int]] = defaultdict(set)
    for entry in expected.entries:
        ours = kinds[entry.kind.table]
        found = ours.places_of(entry)
        if not entry.forbidden:
            described[entry.kind.table].update(found)
        name = f"{'no ' if entry.forbidden else ''}{entry.kind.table}: {entry.words}"
        yield Outcome(name, entry.line, _of_entry(entry, ours, [ours.records[place] for place in found], shown))
    if expected.exact:
        for kind in KINDS.values():
            others = _beside(kinds[kind.table].records, described[kind.table])
            extra = [record for record in others if kind.is_demanded(record)]
            yield Outcome(f"no other {kind.table}", None, _extra(kind, extra, shown))
    elif not expected.tolerate_extra:
        extra = [call for call in _beside(report.calls, described["call"]) if call.failed]
        yield Outcome("no other failed call", None, _extra(CALL, extra, shown))


def _counts(report: Report, expected: Expectation) -> Iterator[Outcome]:
    if not expected.complete:
        ends = "expected a capture that ends early; it was read to its end"
        said = (Difference(expected.lines.get("complete"), ends, "complete", "complete = false"),)
        yield Outcome("complete = false", expected.lines.get("complete"), said if report.complete else ())
    if expected.calls is not None:
        yield _count("calls", expected.calls, len(report.calls), (), expected.lines.get("calls"))
    if expected.failed is not None:
        failed = [call for call in report.calls if call.failed]
        frames = tuple(call_frames(call)[-1] for call in failed if call_frames(call))
        yield _count("failed", expected.failed, len(failed), frames, expected.lines.get("failed"))


def _count(key: str, wanted: int, came: int, frames: tuple[int, ...], line: int | None) -> Outcome:
    name = f"{key} = {wanted}"
    if wanted == came:
        return Outcome(name, line, ())
    noun = "failed calls" if key == "failed" else "calls"
    where = f" ({frames_words(frames)})" if frames else ""
    text = f"expected {wanted} {noun}, found {came}{where}"
    return Outcome(name, line, (Difference(line, text, key, f"{name}, found {came}", frames),))


def _beside(records: Sequence[Any], described: set[int]) -> list[Any]:
    return [record for place, record in enumerate(records) if place not in described]


def _of_entry(entry: Entry, described: Described, found: Sequence[Any], shown: _Shown) -> tuple[Difference, ...]:
    kind = entry.kind
    if entry.forbidden:
        start = f"must not be there ({entry.words}): "
        return _each(kind, found, shown, entry.line, start, "forbidden", f"{kind.table}, {entry.words}: ")
    about = f"{kind.table}, {entry.words}"
    if entry.count is not None and entry.count != len(found) and (found or entry.count):
        if found:
            frames = tuple(frame for record in found for frame in kind.frames(record)[-1:])
            where = f" ({frames_words(frames)})" if frames else ""
            text = f"expected {entry.count} of these, found {len(found)}{where}: {entry.words}"
            return (Difference(entry.line, text, "count", f"{about}, found {len(found)}", frames),)
    elif found or entry.count == 0:
        return ()
    noun = "" if kind is CALL else f"{kind.noun} with "
    near, frames = _nearest(described, entry, shown)
    return (Difference(entry.line, f"expected and not found: {noun}{entry.words}{near}", "missing", about, frames),)


def _each(
    kind: Kind, records: Sequence[Any], shown: _Shown, line: int | None, start: str, code: str, about: str
) -> tuple[Difference, ...]:
    """One difference a record; past the first few they are only counted."""
    said = [
        Difference(line, f"{start}{kind.words(record)}", code, f"{about}{kind.identity(record)}", kind.frames(record))
        for record in map(shown, records[:MOST_SHOWN])
    ]
    if len(records) > MOST_SHOWN:
        more = f"{len(records) - MOST_SHOWN} more"
        said.append(Difference(line, f"{start}{more}", code, f"{about}more than {MOST_SHOWN}"))
    return tuple(said)


def _extra(kind: Kind, records: Sequence[Any], shown: _Shown) -> tuple[Difference, ...]:
    noun = "" if kind is CALL else f"{kind.noun} "
    return _each(kind, records, shown, None, f"found and not expected: {noun}", "extra", f"{kind.table}, ")


def _nearest(described: Described, entry: Entry, shown: _Shown) -> tuple[str, tuple[int, ...]]:
    """The record that agrees with most keys, where it agrees with some, and what the other keys are there."""
    records = described.records
    agreeing = described.agreeing(entry)
    most = max(agreeing, default=-1)
    best = records[agreeing.index(most)] if agreeing else None
    needed = 0 if entry.kind in (FINDING, TICKET) else len(entry.checks)  # of these there are few
    if best is None or not entry.checks or most * 2 < needed or not (most or needed == 0):
        return _failed_instead(records, shown) if entry.kind is CALL else ("", ())
    wrong, nearest = [check for check in entry.checks if not check.agrees(best)], shown(best)
    came = ", ".join(f"{check.name} is {check.shown(nearest)}, not {check.wanted}" for check in wrong)
    return f"; nearest: {entry.kind.words(nearest)} ({came})", entry.kind.frames(nearest)


def _failed_instead(calls: Sequence[Any], shown: _Shown) -> tuple[str, tuple[int, ...]]:
    """Where no call is like the one that is missing: what failed."""
    failed = [call for call in calls if call.failed]
    if not failed:
        return f"; of {len(calls)} calls none failed", ()
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return f"; failed instead: {CALL.words(shown(failed[0]))}{more}", call_frames(failed[0])
