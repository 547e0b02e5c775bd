"""A Report without a failed call -> what may be said of it: how far "nothing failed" goes, and what else was seen."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.encoding.text import safe_text
from rpctrace.record import record
from rpctrace.render.words import counted, unique
from rpctrace.report import Report

_AUTHENTICATIONS = {"smb": ("session setup", " of SMB"), "ldap": ("bind", " of LDAP")}


@record
class Seen:
    """What was seen beside calls, and the table that shows it; `refused`: whether some of it ended so."""

    text: str
    table: str
    refused: bool


def nothing_failed(report: Report, unfiltered_calls: int | None = None) -> str:
    """Without its full stop. `unfiltered_calls`: how many there were before a filter; None where there was none."""
    part = "" if report.complete else " in the part that could be read"
    if not report.captures:
        return "No capture was read"
    if not report.calls:
        if unfiltered_calls:
            return f"The filters leave none of {counted(unfiltered_calls, 'call')}"
        return f"No RPC call was found{part}"
    if unfiltered_calls is not None:
        part = f" among the {len(report.calls)} of {counted(unfiltered_calls, 'call')} that the filters leave{part}"
    return f"No failed call{part}"


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
