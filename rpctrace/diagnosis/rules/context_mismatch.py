"""context-mismatch: the server does not know the handle that the client presents.

What it means: a context handle belongs to the association of connections that it was opened on. The client uses one
that it had closed already, that was run down when its connections ended, or that belongs to another association: after
a reconnect, or after the service was restarted.
How we know: the fault nca_s_fault_context_mismatch, or ERROR_INVALID_HANDLE as a fault; it says so itself.
What would refute it: nothing.
How sure: 0.85, the status has this one meaning for RPC; ERROR_INVALID_HANDLE may be the service's own.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_frame, answer_text, call_items, call_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import Call, EvidenceItem

MISMATCH = 0x1C00001A  # nca_s_fault_context_mismatch, C706 Appendix N
STATUSES = frozenset((MISMATCH, 0x6, 0x6EF))  # ERROR_INVALID_HANDLE, RPC_X_SS_IN_NULL_CONTEXT
_CLOSING = ("Close", "Unbind", "RpcClose")

ANSWERED_BEFORE = Clue(0.2, "handles of this interface had worked on the same connection")
CLOSED_BEFORE = Clue(0.4, "a handle of this interface was closed on the same connection before")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.kind != "request" or call.outcome != "faulted" or call.status not in STATUSES:
            continue
        yield Hypothesis(
            failure,
            f"{call.server.address} does not know the handle in the {call_text(call)} of {call.client.address}:"
            f" {answer_text(call)}",
            call_items(failure),
            found(*_clues(evidence, call)),
        )


def _is_close(call: Call) -> bool:
    return any(word in (call.operation or "") for word in _CLOSING)


def _clues(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    before = evidence.asked_at(call)
    worked = [
        each for each in evidence.on_connection(call)
        if each.kind == "request" and each.outcome == "answered" and each.interfaces[:1] == call.interfaces[:1]
        and evidence.asked_at(each) < before and each.reply_frames
    ]  # fmt: skip
    if worked:
        yield ANSWERED_BEFORE.seen(f"{call_text(worked[-1])} was answered", call.capture, answer_frame(worked[-1]))
    closed = next((each for each in reversed(worked) if _is_close(each)), None)
    if closed is not None:
        yield CLOSED_BEFORE.seen(f"{call_text(closed)} was answered", call.capture, answer_frame(closed))


RULE = Rule(
    name="context-mismatch",
    title="The server does not know the handle that the client uses",
    documentation=__doc__,
    severity="low",
    base=0.85,
    requires=("a fault 0x1C00001A, 6 or 0x6EF to a request",),
    find=find,
    clues=(ANSWERED_BEFORE, CLOSED_BEFORE),
    next_steps=(
        "Look whether the service was restarted or the connection was lost before: rpctrace --table events.",
        "Restart the client's program, so that it opens its handles again.",
    ),
    references=("C706 Appendix N", "[MS-RPCE] 3.3.1.5.8", "[MS-ERREF] 2.2 (0x00000006)"),
)
