"""The contract of a rule, and how findings are made of groups of like calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from rpctrace.report import Call, EvidenceItem, Finding, display_filter

CONFIDENCE = 0.5  # the statement is what the frames show; the cause behind it is open
CONTESTED = "the capture holds two differing copies of octets of this connection; the first one was read"
EVIDENCE_SHOWN = 8  # evidence lines of one finding; `frames` still names every frame


class Rule(NamedTuple):
    """`name` is what reports and `explain` use; `applies` picks failed calls; `find` makes findings of them."""

    name: str
    documentation: str
    applies: Callable[[Call], bool]
    find: Callable[[Sequence[Call]], Iterator[Finding]]


def alike(calls: Iterable[Call]) -> list[list[Call]]:
    """Groups of calls that failed in the same way: same capture, hosts, kind, interface, answer and ticket."""
    groups: dict[tuple[object, ...], list[Call]] = {}
    for call in calls:
        interface = call.interfaces[0].uuid if call.interfaces else None
        ticket = (call.ticket.realm, call.ticket.sname) if call.ticket else None
        error = call.auth.kerberos_error if call.auth else None
        hosts = (call.client.address, call.server.address, call.server.port)
        answer = (call.outcome, call.status, call.reject_reason, error)
        groups.setdefault((call.capture, *hosts, call.kind, interface, *answer, ticket), []).append(call)
    return list(groups.values())


def finding(
    rule: str,
    calls: Sequence[Call],
    title: str,
    summary: str,
    *,
    against: Iterable[EvidenceItem] = (),
    missing: tuple[str, ...] = (),
    next_steps: tuple[str, ...] = (),
    references: tuple[str, ...] = (),
) -> Finding:
    """What a rule says of a group of like calls: the group's frames, what they show, and what speaks against it."""
    frames = frames_of(calls)
    contested = any(note.startswith("contested") for call in calls for note in call.notes)
    doubt = (EvidenceItem(False, CONTESTED, calls[0].capture, None, None, 0.5),) if contested else ()
    return Finding(
        rule=rule,
        title=title,
        severity="low",
        confidence=CONFIDENCE,
        summary=f"{summary} ({len(calls)} times)." if len(calls) > 1 else f"{summary}.",
        calls=tuple(call.id for call in calls),
        capture=calls[0].capture,
        frames=frames,
        display_filter=display_filter(frames),
        evidence=(*observed(calls), *against, *doubt),
        missing=missing,
        next_steps=next_steps,
        references=references,
    )


def frames_of(calls: Sequence[Call]) -> tuple[int, ...]:
    """Every frame of the failures: requests, answers, and where the ticket was presented."""
    frames: set[int] = set()
    for call in calls:
        frames.update(call.request_frames, call.reply_frames)
        if call.ticket is not None:
            frames.add(call.ticket.frame)
    return tuple(sorted(frames))


def observed(calls: Sequence[Call]) -> tuple[EvidenceItem, ...]:
    """What the capture shows of these calls, a line each for the first few."""
    items: list[EvidenceItem] = []
    for call in calls[:EVIDENCE_SHOWN]:
        if call.ticket is not None and call.ticket.frame not in call.request_frames:
            text = f"the security context had presented a ticket for {ticket_text(call)}"
            items.append(_item(call, text, call.ticket.frame))
        if call.request_frames:
            with_ticket = call.ticket is not None and call.ticket.frame in call.request_frames
            text = f"{call.kind}{f' with a ticket for {ticket_text(call)}' if with_ticket else ''}"
            items.append(_item(call, text, call.request_frames[-1]))
        items.append(_item(call, answer_text(call), call.reply_frames[-1] if call.reply_frames else None))
    return tuple(items)


def _item(call: Call, text: str, frame: int | None) -> EvidenceItem:
    return EvidenceItem(True, text, call.capture, frame, None, 1.0)


def ticket_text(call: Call) -> str:
    """`service/host@REALM` as presented, `?` for what a cut left out."""
    if call.ticket is None:
        return "none"
    return f"{'/'.join(call.ticket.sname) or '?'}@{call.ticket.realm or '?'}"


def answer_text(call: Call) -> str:
    """What came back, in the words of the protocol."""
    if call.outcome == "faulted":
        return f"fault {call.status_hex or 'of unknown status'} {call.status_name or ''}".rstrip()
    if call.auth is not None and call.auth.kerberos_error is not None:
        return f"{call.reply} with KRB-ERROR {call.auth.kerberos_error} {call.auth.kerberos_error_name or ''}".rstrip()
    if call.outcome == "rejected" and call.reject_reason is not None:
        return f"{call.reply}, reason {call.reject_reason} {call.reject_reason_name or ''}".rstrip()
    if call.outcome == "rejected":
        return f"{call.reply} that accepts nothing"
    return "no answer"
