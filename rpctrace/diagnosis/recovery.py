"""What failed and then worked, or had worked before: it is told of, but it is no trouble any more."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure
from rpctrace.report import Authentication, Call, EvidenceItem, KerberosExchange

Success = Call | KerberosExchange | Authentication


def recovered(evidence: Evidence, call: Call) -> tuple[EvidenceItem, ...]:
    """The first call of the same client at the same server that later did what this one had failed to do."""
    later = evidence.successes.worked_later(call)
    if later is None:
        return ()
    frames = later.reply_frames or later.request_frames
    text = "the same client later got the same through"
    return (EvidenceItem(False, text, later.capture, frames[-1] if frames else None, None, 0.0),)


def recovered_logon(evidence: Evidence, said: Authentication) -> tuple[EvidenceItem, ...]:
    """The first authentication of the same client at the same server, over the same protocol, that later succeeded."""
    later = _accepted_later(evidence, said)
    if later is None:
        return ()
    text = "the same client was accepted there later"
    return (EvidenceItem(False, text, later.capture, later.reply_frame, None, 0.0),)


def _accepted_later(evidence: Evidence, said: Authentication) -> Authentication | None:
    after = evidence.asked_at(said)
    sessions = evidence.successes.sessions(said, said.carried_in)
    return next((each for each in sessions if each.outcome == "accepted" and evidence.asked_at(each) > after), None)


def recovered_severity(later: tuple[EvidenceItem, ...], worst: str | None = None) -> str | None:
    """`low` for what was made good, else `worst` (None: the rule's own)."""
    return "low" if later else worst


def successes_beside(evidence: Evidence, failure: Failure) -> Iterator[Success]:
    """What the same client got later, or had got before, where this failed, and of a referral path the logon that it
    began with. Rules think less of a failure for it, and not every one of them names it."""
    found: list[Success | None] = []
    if failure.calls:
        found += evidence.successes.worked_later(failure.call), evidence.tickets.accepted_later(failure.calls[-1])
    if failure.authentications:
        found.append(_accepted_later(evidence, failure.authentication))
        found.append(evidence.tickets.accepted_later(failure.authentications[-1]))
    if failure.exchanges:
        settled = kdc.went_on(evidence, failure)
        path = evidence.path_of(failure.exchange)
        found.append(settled.exchange if settled is not None else evidence.earlier_answer(failure.exchange))
        found.append(evidence.exchanges.get(path.as_exchange or "") if path is not None else None)
    return (each for each in found if each is not None)
