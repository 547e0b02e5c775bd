"""call-failed: a call was refused, faulted or never answered, and no special rule explains it.

What it means: exactly what the frames show, no more: the PDU, and what came back for it.
How we know: the answer is paired with the call by connection, call id, kind and order.
What would refute it: nothing; it states what is on the wire. Whether it matters is for the reader to judge, since some
failures are part of normal work (an interface that is probed for, an operation number out of range). A call that got
no answer because the server had refused the connection before is a note that names the refusal.
How sure: the answer is certain; the cause behind it is open, so it claims half.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.consequences import follows_text, refusal_behind, refusal_item
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_text, call_items, call_text
from rpctrace.diagnosis.rule import Hypothesis, Rule
from rpctrace.report import Call


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call, said = failure.call, answer_text(failure.call)
        refusal = refusal_behind(evidence, failure)
        yield Hypothesis(
            failure,
            f"The {call_text(call)} of {call.client.address} to {call.server.address} got {said}"
            f"{follows_text(refusal) if refusal is not None else ''}",
            (*call_items(failure), *((refusal_item(refusal),) if refusal is not None else ())),
            title=f"{call_text(call)}: {said}",
            next_steps=_explain(call),
            severity="note" if refusal is not None else None,
        )


def _explain(call: Call) -> tuple[str, ...]:
    code = call.status_hex or call.reject_reason_name or (call.auth.kerberos_error_name if call.auth else None)
    return (f"rpctrace explain {code}",) if code else ()


RULE = Rule(
    name="call-failed",
    title="A call failed in a way that no rule explains",
    documentation=__doc__,
    severity="low",
    base=0.5,  # the statement is what the frames show; the cause behind it is open
    requires=("a call with a fault, a bind_nak, an answer that accepts nothing, or no answer",),
    find=find,
    next_steps=("Look the status up with rpctrace explain, and look at the frames.",),
    references=("[MS-RPCE] 3.3.1.5",),
    last_resort=True,
)
