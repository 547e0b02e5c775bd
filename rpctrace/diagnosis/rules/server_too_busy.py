"""server-too-busy: the server refuses the call because it has too much to do.

What it means: the queue of calls of the server program, its connections or its memory are used up. Later attempts may
succeed; if it lasts, the program hangs or something floods it.
How we know: the server's own words: nca_server_too_busy, RPC_S_SERVER_TOO_BUSY, out of memory, or a bind_nak for
congestion or a local limit.
What would refute it: nothing; a later success shows that it passed.
How to tell it from its neighbours: out of memory as the answer to an auth3 means a malformed trailer (protocol-error).
How sure: 0.9, the server says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_text, call_items, call_text
from rpctrace.diagnosis.recovery import recovered, recovered_severity
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import Call, EvidenceItem

# nca_server_too_busy, RPC_S_SERVER_TOO_BUSY, nca_s_fault_remote_no_memory, RPC_S_OUT_OF_RESOURCES (C706 Appendix N)
STATUSES = frozenset((0x1C010014, 0x6BB, 0x1C00001B, 0x6B9, 0xE))
REASONS = frozenset((1, 2))  # bind_nak: temporary_congestion, local_limit_exceeded
_LOCAL_LIMIT = (2, 3)  # result and reason of a presentation context
MANY = 3

REPEATED = Clue(0.4, "the server refused several calls so")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if not _is_busy(call):
            continue
        later = recovered(evidence, call)
        yield Hypothesis(
            failure,
            f"{call.server.address} has no room for the {call_text(call)} of {call.client.address}:"
            f" {answer_text(call)}",
            (*call_items(failure), *later),
            found(_repeated(failure.count, call)),
            severity=recovered_severity(later),
        )


def _is_busy(call: Call) -> bool:
    if call.outcome == "faulted":
        return call.status in STATUSES and call.kind != "auth3"
    limits = any((each.result, each.reason) == _LOCAL_LIMIT for each in call.interfaces)
    return call.outcome == "rejected" and (call.reject_reason in REASONS or limits)


def _repeated(count: int, call: Call) -> EvidenceItem | None:
    return REPEATED.seen(f"{count} times", call.capture) if count >= MANY else None


RULE = Rule(
    name="server-too-busy",
    title="The server has no room for the call",
    documentation=__doc__,
    severity="medium",
    base=0.9,
    requires=(
        "a fault 0x1C010014, 0x6BB, 0x1C00001B, 0x6B9 or 14 to anything but an auth3; a bind_nak with reason 1 or 2; "
        "or a presentation context refused for a local limit",
    ),
    find=find,
    clues=(REPEATED,),
    next_steps=(
        "Look at processor, memory and handles of the server process; take a dump if it hangs: procdump -ma PID.",
        "Look who sends most: rpctrace --table summary.",
    ),
    references=("C706 Appendix N", "[MS-RPCE] 2.2.2.5", "[MS-ERREF] 2.2 (0x000006BB)"),
)
