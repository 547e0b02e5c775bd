"""op-range: the server's version of the interface does not have this operation.

What it means: the operation number is beyond the last one that the server knows. Newer clients try newer operations
first and fall back when a server does not know them; programs that look at what a server offers do so too.
How we know: the fault nca_op_rng_error, or RPC_S_PROCNUM_OUT_OF_RANGE; it has one meaning.
What would refute it: nothing.
How sure: 0.95, the server says so. That it seldom matters is why it is told as low.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_text, call_items, call_text
from rpctrace.diagnosis.rule import Hypothesis, Rule
from rpctrace.report import Call

STATUSES = frozenset((0x1C010002, 0x6D1))  # nca_op_rng_error, RPC_S_PROCNUM_OUT_OF_RANGE
PROBES = 4  # different operations tried one after another: a search


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.outcome != "faulted" or call.status not in STATUSES:
            continue
        opnums = sorted({each.opnum for each in failure.calls if each.opnum is not None})
        searching = len(opnums) >= PROBES
        went_on = any(each.kind == "request" and _worked(each) for each in evidence.later_on_connection(call))
        what = f"{len(opnums)} operations from {opnums[0]} to {opnums[-1]}" if searching else f"the {call_text(call)}"
        yield Hypothesis(
            failure,
            f"{call.server.address} does not have {what} that {call.client.address} asked for: {answer_text(call)}"
            f"{'; the client went on with others' if went_on else ''}"
            f"{'; so many look like a search for what is there' if searching else ''}",
            call_items(failure),
        )


def _worked(call: Call) -> bool:
    return call.outcome == "answered" or call.status in STATUSES


RULE = Rule(
    name="op-range",
    title="The server does not have this operation",
    documentation=__doc__,
    severity="low",
    base=0.95,
    requires=("a fault nca_op_rng_error (0x1C010002) or RPC_S_PROCNUM_OUT_OF_RANGE (0x6D1)",),
    find=find,
    next_steps=(
        "If a function of the client is missing: compare the versions of client and server; else do nothing.",
    ),
    references=("C706 Appendix N", "[MS-RPCE] 3.1.1.5.5", "[MS-ERREF] 2.2 (0x000006D1)"),
)
