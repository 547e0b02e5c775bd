"""A call that was left without an answer because the server had refused the connection just before.

A server that refuses a token, a signature or the protocol itself ends the connection as a rule ([MS-RPCE] 3.3.1.5.2,
C706 12.6.3.15): what was still open on it got no answer for that reason. The refusal is told by itself; what follows
from it is no second trouble.
"""

from __future__ import annotations

from collections.abc import Mapping

from rpctrace.correlation.timeline import Position
from rpctrace.diagnosis import contexts, tokens
from rpctrace.diagnosis.endings import ending_of
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure
from rpctrace.diagnosis.observed import answer_frame, answer_text, call_text
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import Call, EvidenceItem

# A server ends a connection that it has refused at once, or when the client asks the next thing, which it does within
# seconds; after minutes the connection had gone on, and what ended it is something else.
JUST_BEFORE_NS = 30 * NS_PER_SECOND
# What a server answers to a request and then ends the connection; after other faults it goes on.
_ENDING_FAULTS = frozenset((tokens.SEC_PKG_ERROR, tokens.PROTOCOL_ERROR))


def refusal_before(evidence: Evidence, call: Call) -> Call | None:
    """The refusal with which the answers of the connection stopped, where this call was asked, or the connection ended,
    about that time; of a call that itself got no answer."""
    if call.outcome != "unanswered" or ending_of(evidence, call) is None:
        return None
    last = evidence.once(_last_refusals).get(call.connection)
    if last is None:
        return None
    (refused, _), refusal = last
    moments = evidence.asked_at(call), evidence.ended_at(evidence.streams[call.connection])
    return refusal if any(abs(moment - refused) <= JUST_BEFORE_NS for moment, _ in moments) else None


def _last_refusals(evidence: Evidence) -> Mapping[str, tuple[Position, Call]]:
    """Connection -> the last answer that the server gave on it, and when, if it is a refusal."""
    last: dict[str, tuple[Position, Call]] = {}
    for call in evidence.report.calls:
        answered = evidence.answered_at(call)
        if answered is not None and (call.connection not in last or answered >= last[call.connection][0]):
            last[call.connection] = answered, call
    return {connection: each for connection, each in last.items() if _ends_connections(evidence, each[1])}


def refusal_behind(evidence: Evidence, failure: Failure) -> Call | None:
    """The refusal that left the first of these calls without an answer, if one did so to each of them."""
    refusals = [refusal_before(evidence, call) for call in failure.calls]
    return refusals[0] if refusals and None not in refusals else None


def follows_text(refusal: Call) -> str:
    """` after the server had answered the alter_context of lsarpc with fault 0x00000721`."""
    return f" after the server had answered the {call_text(refusal)} with {answer_text(refusal)}"


def begin_with(refusal: Call) -> str:
    """What to do about what follows from it."""
    return f"Begin with the refusal in frame {answer_frame(refusal)}: this call was lost by it."


def refusal_item(refusal: Call) -> EvidenceItem:
    """The refusal, where it stands."""
    text = f"the {call_text(refusal)} had got {answer_text(refusal)}"
    return EvidenceItem(True, text, refusal.capture, answer_frame(refusal), None, 1.0)


def _ends_connections(evidence: Evidence, call: Call) -> bool:
    if call.outcome == "rejected":
        return _refuses_token(call)
    if call.outcome != "faulted":
        return False
    if call.kind == "request" and call.status == tokens.ACCESS_DENIED:
        # The logon of an auth3 is refused; to who was let in one operation is denied, and others are not
        return call.auth is not None and contexts.acceptance(evidence, call) is None
    return call.kind != "request" or call.status in _ENDING_FAULTS


def _refuses_token(call: Call) -> bool:
    """A bind_nak, a KRB-ERROR, or a reject of SPNEGO: that shows where a context was accepted all the same. An
    interface or a transfer syntax that is not there is no reason to end a connection."""
    if call.reply == "bind_nak" or (call.auth is not None and call.auth.reply_token == "KRB-ERROR"):
        return True
    results = [each.result for each in call.interfaces if each.result is not None]
    return not results or 0 in results
