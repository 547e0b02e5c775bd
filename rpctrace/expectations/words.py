"""Records of a Report on one line, in the words that an entry would use; and the frames in which they are.

`*_identity` is the same without what changes when the same happens again: frames, ids, times.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.encoding.text import safe_text
from rpctrace.knowledge.tables import FEATURE_NEGOTIATION_PREFIX
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Authentication, Call, Finding, KerberosExchange, Report, Ticket

MOST_FRAMES_SHOWN = 12


class Presented(NamedTuple):
    """A ticket, and the call or authentication that presented it."""

    ticket: Ticket
    by: Call | Authentication


def presented(report: Report) -> tuple[Presented, ...]:
    """Each ticket once a leg that showed it, in the order of its frames."""
    found: dict[tuple[object, ...], Presented] = {}
    records: tuple[Call | Authentication, ...] = (*report.calls, *report.authentications)
    for record in records:
        ticket = record.ticket
        if ticket is not None:
            key = record.capture, ticket.frame, ticket.realm, ticket.sname
            found.setdefault(key, Presented(ticket, record))
    return tuple(sorted(found.values(), key=lambda each: (each.by.capture, each.ticket.frame)))


def frames_words(frames: tuple[int, ...]) -> str:
    if not frames:
        return ""
    shown = " ".join(map(str, frames[:MOST_FRAMES_SHOWN]))
    more = len(frames) - MOST_FRAMES_SHOWN
    return f"{'frame' if len(frames) == 1 else 'frames'} {shown}{f' and {more} more' if more > 0 else ''}"


def _line(*parts: str | None) -> str:
    return safe_text(", ".join(filter(None, parts)))


def interface_of(call: Call) -> tuple[str, str]:
    """The interface that an entry names, and its name: the first that is no bind-time feature negotiation."""
    real = [each for each in call.interfaces if not each.uuid.startswith(FEATURE_NEGOTIATION_PREFIX)] or call.interfaces
    return (real[0].uuid, real[0].name or "") if real else ("none", "")


def _call_parts(call: Call) -> Iterator[str | None]:
    yield f"interface {interface_of(call)[0]}"
    yield None if call.opnum is None else f"opnum {call.opnum}"
    yield call.outcome
    yield call.status_hex and f"status {call.status_hex} {call.status_name or ''}".rstrip()
    yield None if call.reject_reason is None else f"reject_reason {call.reject_reason}"
    if call.auth is not None and call.auth.kerberos_error is not None:
        yield f"kerberos_error {call.auth.kerberos_error}"
    if call.ticket is not None:
        yield f"ticket {ticket_name(call.ticket)}"


def call_frames(call: Call) -> tuple[int, ...]:
    return (*call.request_frames, *call.reply_frames)


def call_words(call: Call) -> str:
    known = None if call.call_id is None else f"call_id {call.call_id}"
    return _line(call.kind, known, *_call_parts(call), frames_words(call_frames(call)))


def call_identity(call: Call) -> str:
    return _line(call.kind, *_call_parts(call))


def finding_words(finding: Finding) -> str:
    return _line(
        finding.rule,
        f"severity {finding.severity}",
        f"confidence {finding.confidence:.2f}",
        finding.title,
        frames_words(finding.frames),
    )


def finding_identity(finding: Finding) -> str:
    return _line(finding.rule, f"severity {finding.severity}")


def ticket_name(ticket: Ticket) -> str:
    return f"{'/'.join(ticket.sname) or '?'}@{ticket.realm or '?'}"


def ticket_identity(shown: Presented) -> str:
    ticket = shown.ticket
    kind = "user-to-user" if ticket.user_to_user else None
    return _line(ticket_name(ticket), kind, f"presented_in {ticket.presented_in}")


def ticket_frames(shown: Presented) -> tuple[int, ...]:
    return (shown.ticket.frame,)


def ticket_words(shown: Presented) -> str:
    return _line(ticket_identity(shown), frames_words(ticket_frames(shown)))


def exchange_identity(exchange: KerberosExchange) -> str:
    return _line(
        exchange.kind or "exchange",
        f"cname {'/'.join(exchange.cname)}" if exchange.cname else None,
        f"sname {'/'.join(exchange.sname)}" if exchange.sname else None,
        f"realm {exchange.realm}" if exchange.realm else None,
        exchange.reply or exchange.outcome,
        None if exchange.error is None else f"error {exchange.error} {exchange.error_name or ''}".rstrip(),
        f"referral_to {exchange.referral_to}" if exchange.referral_to else None,
    )


def exchange_frames(exchange: KerberosExchange) -> tuple[int, ...]:
    return tuple(frame for frame in (exchange.request_frame, exchange.reply_frame) if frame is not None)


def exchange_words(exchange: KerberosExchange) -> str:
    return _line(exchange_identity(exchange), frames_words(exchange_frames(exchange)))
