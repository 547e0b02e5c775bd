"""A call that was left without an answer because the server had refused the connection just before.

A server that refuses a token, a signature or the protocol itself ends the connection as a rule ([MS-RPCE] 3.3.1.5.2,
C706 12.6.3.15): what was still open on it got no answer for that reason. The refusal is told by itself; what follows
from it is no second trouble.
"""

from __future__ import annotations

from rpctrace.diagnosis import contexts, tokens
from rpctrace.diagnosis.endings import ending_of
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, is_unknown_interface
from rpctrace.diagnosis.observed import answer_frame, answer_text, call_text
from rpctrace.report import Call, EvidenceItem

# What a server answers to a request and then ends the connection; after other faults it goes on.
_ENDING_FAULTS = frozenset((tokens.SEC_PKG_ERROR, tokens.PROTOCOL_ERROR))


def refusal_before(evidence: Evidence, call: Call) -> Call | None:
    """The refusal on the same connection after which nothing was answered any more until it ended; of a call that
    itself got no answer."""
    if call.outcome != "unanswered" or ending_of(evidence, call) is None:
        return None
    last = None
    for each in evidence.on_connection(call):
        if each.id != call.id and each.reply_frames:
            last = each
    return last if last is not None and _ends_connections(evidence, last) else None


def refusal_behind(evidence: Evidence, failure: Failure) -> Call | None:
    """The refusal that left the first of these calls without an answer, if one did so to each of them."""
    refusals = [refusal_before(evidence, failure.call)]
    for call in failure.calls[1:]:
        if refusals[-1] is None:
            return None
        refusals.append(refusal_before(evidence, call))
    return refusals[0] if refusals[-1] is not None else None


def follows_text(refusal: Call) -> str:
    """` after the server had answered the alter_context of lsarpc with fault 0x00000721`."""
    return f" after the server had answered the {call_text(refusal)} with {answer_text(refusal)}"


def refusal_item(refusal: Call) -> EvidenceItem:
    """The refusal, where it stands."""
    text = f"the {call_text(refusal)} had got {answer_text(refusal)}"
    return EvidenceItem(True, text, refusal.capture, answer_frame(refusal), None, 1.0)


def _ends_connections(evidence: Evidence, call: Call) -> bool:
    # An interface that is not there is no reason, and who misses none is told so in a note
    if not call.failed or is_unknown_interface(call):
        return False
    if call.kind == "request" and call.status == tokens.ACCESS_DENIED:
        # The logon of an auth3 is refused; to who was let in one operation is denied, and others are not
        return call.auth is not None and contexts.acceptance(evidence, call) is None
    return call.kind != "request" or call.status in _ENDING_FAULTS
