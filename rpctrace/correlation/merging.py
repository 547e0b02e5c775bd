"""Records of one thing, seen in several captures -> one record, and what the others saw of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import cache
from typing import Any

from rpctrace.report import (
    Auth,
    Authentication,
    Call,
    Event,
    Host,
    KerberosExchange,
    Ntlm,
    Sighting,
    Ticket,
    TicketName,
)

Record = Call | KerberosExchange | Authentication | Event

ANSWER_LOST = "a capture of this incident shows no answer, though it goes on: the answer did not reach that place"
# Values that say more in one capture than in another, member by member.
_NESTED = (Auth, Host, Ntlm, Ticket, TicketName)
# Members that are of one capture, or that other joins fill.
_OWN = frozenset(
    (
        *("id", "capture", "connection", "call", "path", "hop", "copies", "notes", "also_seen"),
        *("request_frame", "request_frames", "request_ns", "request_time"),
        *("reply_frame", "reply_frames", "reply_ns", "reply_time"),
        *("frame", "frames", "count", "octets", "first_ns", "first_time", "last_ns", "last_time"),
    )
)
_OUTCOMES = {"not captured": 0, "unanswered": 1}
_KNOWN = 2


def merged(records: Sequence[Record]) -> Record:
    """The most complete of `records`, each of another capture (of equal ones that of the first), with what it lacks
    filled in from the others; frames and times stay its own."""
    ordered = sorted(records, key=lambda record: (*_lacks(record), record.capture))
    kept, others = ordered[0], ordered[1:]
    for other in others:
        kept = _filled(kept, other)
    seen = sorted((*kept.also_seen, *(each for other in others for each in sightings(other))), key=_capture)
    return replace(kept, also_seen=tuple(seen))


def sightings(record: Record) -> tuple[Sighting, ...]:
    """What the captures hold of a record: its own first."""
    if isinstance(record, Event):
        own = Sighting(record.capture, record.frames, record.first_ns, (), None)
    else:
        own = Sighting(
            record.capture, record.request_frames, record.request_ns, record.reply_frames, record.reply_ns
        )
    return (own, *record.also_seen)


def _capture(sighting: Sighting) -> int:
    return sighting.capture


def _lacks(record: Record) -> tuple[int, ...]:
    """What a record does not know, weightiest first."""
    if isinstance(record, Event):
        return (-record.count,)
    (own, *_) = sightings(record)
    ticket = record.presented if isinstance(record, KerberosExchange) else record.ticket
    return (
        not (own.request_frames and own.reply_frames),
        not own.request_frames,
        -_OUTCOMES.get(record.outcome, _KNOWN),
        ticket is None,
        ticket is None or ticket.fingerprint is None,
        isinstance(record, Call) and record.partial,
        isinstance(record, Call) and not record.interfaces,
    )


def _filled(kept: Record, other: Record) -> Record:
    changes = _lacking(kept, other)
    if isinstance(kept, Event) or isinstance(other, Event):
        return replace(kept, **changes) if changes else kept
    rank, found = _OUTCOMES.get(kept.outcome, _KNOWN), _OUTCOMES.get(other.outcome, _KNOWN)
    if found > rank:
        changes["outcome"] = other.outcome
    elif found == _OUTCOMES["unanswered"] and rank == _KNOWN and ANSWER_LOST not in kept.notes:
        changes["notes"] = (*kept.notes, ANSWER_LOST)
    if isinstance(kept, Call) and isinstance(other, Call) and "ticket" in changes:
        changes["ticket"] = _ticket_shown(kept, other)
    return replace(kept, **changes) if changes else kept


def _lacking(kept: Any, other: Any) -> dict[str, Any]:
    """Members of `kept` that are empty, as `other` has them."""
    changes: dict[str, Any] = {}
    for name in _members(kept.__class__):
        mine, yours = getattr(kept, name), getattr(other, name)
        if mine is yours or yours is None or yours == ():
            continue
        if mine is None or mine == ():
            changes[name] = yours
        elif isinstance(mine, _NESTED) and type(mine) is type(yours):
            inner = _lacking(mine, yours)
            if inner:
                changes[name] = replace(mine, **inner)
    return changes


@cache
def _members(record_type: type) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record_type) if field.name not in _OWN)


def _ticket_shown(kept: Call, other: Call) -> Ticket | None:
    """A ticket names its frame: what another capture shows is taken over where the call itself presented it."""
    if kept.ticket is not None or other.ticket is None:
        mine = kept.ticket
        return mine and replace(mine, **_lacking(mine, other.ticket))
    if kept.request_frames and other.ticket.frame in other.request_frames:
        return replace(other.ticket, frame=kept.request_frames[-1])
    return None
