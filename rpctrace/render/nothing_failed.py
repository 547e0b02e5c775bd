"""A Report -> how many calls failed, and of one without a failed call what may be said: how far "nothing failed" goes,
and what else was seen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpctrace.diagnosis.failures import is_failed_result
from rpctrace.encoding.text import safe_text
from rpctrace.record import record
from rpctrace.render.words import counted, unique
from rpctrace.report import Call, Report

_AUTHENTICATIONS = {"smb": ("session setup", " of SMB"), "ldap": ("bind", " of LDAP")}


@record
class Seen:
    """What was seen beside calls, and the table that shows it; `refused`: whether some of it ended so."""

    text: str
    table: str
    refused: bool


def calls_words(calls: Sequence[Call]) -> str:
    """`18 calls, 0 failed, 3 answered with an error`: that is no fault, and the call is no failed one."""
    errors = errors_answered(calls)
    beside = f", {errors} answered with an error" if errors else ""
    return f"{counted(len(calls), 'call')}, {sum(call.failed for call in calls)} failed{beside}"


def errors_answered(calls: Sequence[Call]) -> int:
    """How many answers bring a code that says the operation failed."""
    return sum(map(is_failed_result, calls))


def nothing_failed(report: Report) -> str:
    """Without its full stop."""
    part = "" if report.complete else " in the part that could be read"
    if not report.captures:
        return "No capture was read"
    if not report.calls:
        if report.unfiltered is not None and report.unfiltered.calls:
            return f"The filters leave none of {counted(report.unfiltered.calls, 'call')}"
        return f"No RPC call was found{part}"
    if report.unfiltered is not None:
        among = f"the {len(report.calls)} of {counted(report.unfiltered.calls, 'call')}"
        part = f" among {among} that the filters leave{part}"
    errors = errors_answered(report.calls)
    return f"No failed call{part}{f'; {errors} answered with an error' if errors else ''}"


def seen_beside(report: Report) -> tuple[Seen, ...]:
    """Where there is no call, all that was seen; where no call failed, what was refused beside them."""
    return tuple(each for each in _seen(report) if each.refused or not report.calls)


def _seen(report: Report) -> Iterator[Seen]:
    asked = [each for each in report.kerberos if each.with_kdc]
    if asked:
        refused = sum(each.refused for each in asked)
        unanswered = sum(each.outcome == "unanswered" for each in asked)
        silent = f", {unanswered} unanswered" if unanswered else ""
        text = f"{counted(len(asked), 'exchange')} with a KDC, {refused or 'none'} refused{silent}"
        yield Seen(text, "kerberos", refused > 0)
    for carrier in unique(each.carried_in for each in report.authentications):
        same = [each for each in report.authentications if each.carried_in == carrier]
        refused = sum(each.outcome == "rejected" for each in same)
        noun, of = _AUTHENTICATIONS.get(carrier, ("authentication", f" over {safe_text(carrier).upper()}"))
        yield Seen(f"{counted(len(same), noun)}{of}, {refused or 'none'} refused", "auth", refused > 0)
    if report.events:
        yield Seen(f"{counted(len(report.events), 'event')} of connections", "events", False)
