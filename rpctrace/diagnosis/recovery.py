"""What failed and then worked: it is told of, but it is no trouble any more."""

from __future__ import annotations

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.report import Authentication, Call, EvidenceItem


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
    after = evidence.asked_at(said)
    for each in evidence.successes.sessions(said, said.carried_in):
        if each.outcome == "accepted" and evidence.asked_at(each) > after:
            text = "the same client was accepted there later"
            return (EvidenceItem(False, text, each.capture, each.reply_frame, None, 0.0),)
    return ()


def recovered_severity(later: tuple[EvidenceItem, ...], worst: str | None = None) -> str | None:
    """`low` for what was made good, else `worst` (None: the rule's own)."""
    return "low" if later else worst
