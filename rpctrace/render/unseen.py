"""A Report -> what it cannot know, and why: what was not captured, not readable, sealed or cut by a bound."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.encoding.text import safe_text
from rpctrace.named_tuple import NamedTuple
from rpctrace.render.short_report import limit_words, problem_words
from rpctrace.render.words import counted, stopped_words
from rpctrace.report import Report

MOST_PROBLEMS = 8
MOST_SERVERS = 4
_PKT_PRIVACY = 6  # [MS-RPCE] 2.2.1.1.8


class Unseen(NamedTuple):
    """One thing, under the heading that it belongs to."""

    topic: str
    text: str


def unseen(report: Report) -> Iterator[Unseen]:
    """Damage and bounds first, then what the captures do not hold, then what nobody can read."""
    yield from _damage(report)
    yield from _not_captured(report)
    yield from _logs(report)
    yield from _encrypted(report)


def _damage(report: Report) -> Iterator[Unseen]:
    for place, capture in enumerate(report.captures, 1):
        if not capture.complete:
            which = f"Capture {place}" if len(report.captures) > 1 else "The capture"
            yield Unseen("Not read", f"{which} was not read to its end: {stopped_words(capture.stopped_at)}.")
    for limit in report.limits:
        yield Unseen("Limit", limit_words(limit))
    for problem in report.problems[:MOST_PROBLEMS]:
        yield Unseen("Damaged", problem_words(problem, report))
    if len(report.problems) > MOST_PROBLEMS:
        yield Unseen("Damaged", f"and {len(report.problems) - MOST_PROBLEMS} more problems; the JSON report has all")


def _not_captured(report: Report) -> Iterator[Unseen]:
    unknown = sum(call.end_unknown for call in report.calls)
    if unknown:
        yield Unseen("Not captured", f"How {counted(unknown, 'call')} ended: request or answer is not in the capture.")
    late = sum(stream.joined_late for stream in report.streams)
    if late:
        yield Unseen("Not captured", f"The beginning of {counted(late, 'connection')} that were open already.")
    gaps = [stream for stream in report.streams if stream.gaps]
    if gaps:
        missing = sum(stream.missing_octets for stream in gaps)
        yield Unseen("Not captured", f"{missing} octets in {counted(sum(s.gaps for s in gaps), 'gap')} of "
                     f"{counted(len(gaps), 'connection')}.")  # fmt: skip
    if not any(each.with_kdc for each in report.kerberos):
        yield Unseen("Not captured", "Exchanges with a KDC: there is none, so where tickets came from is open.")
    elif cached := sum(path.from_cache for path in report.referral_paths):
        yield Unseen("Not captured", f"The logon behind {counted(cached, 'referral path')}: the first ticket was older "
                     "than the capture.")  # fmt: skip
    servers = sorted({call.server.address for call in report.calls if call.failed and call.ticket is not None})
    asking = {call.client.address for call in report.calls if call.secure_channel is not None}
    silent = [safe_text(server) for server in servers if server not in asking]
    if silent:
        more = f" and {len(silent) - MOST_SERVERS} more" if len(silent) > MOST_SERVERS else ""
        who = f"{', '.join(silent[:MOST_SERVERS])}{more}"
        yield Unseen("Not captured", f"What {who} asked a domain controller while a ticket was judged; a capture "
                     "taken on the server would show it.")  # fmt: skip
    references = {clock.reference for clock in report.clocks}
    if len(references) > 1:
        yield Unseen("Clocks", "Not all captures share frames, so times of one do not compare with those of another.")


def _logs(report: Report) -> Iterator[Unseen]:
    if not report.logs and any(call.failed and call.ticket is not None for call in report.calls):
        yield Unseen("Logs", "No netlogon.log was given; what a domain controller decided stands there and not on the "
                     "wire.")  # fmt: skip


def _encrypted(report: Report) -> Iterator[Unseen]:
    requests = [call for call in report.calls if call.kind == "request"]
    sealed = sum(call.auth is not None and call.auth.level == _PKT_PRIVACY for call in requests)
    if sealed:
        yield Unseen("Encrypted", f"Arguments and results of {sealed} of {counted(len(requests), 'request')}: they are "
                     "sealed, headers and times are all that shows.")  # fmt: skip
    if any(call.ticket is not None for call in report.calls):
        yield Unseen("Encrypted", "The inside of tickets: PAC, groups, flags and times. Realm and service name are in "
                     "clear, and nothing protects them there.")  # fmt: skip
