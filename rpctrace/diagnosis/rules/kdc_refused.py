"""kdc-refused: a KDC or password server refused something, and no special rule explains it.

What it means: exactly what the KDC's error says, no more.
How we know: the KRB-ERROR is clear text, and is paired with its request. `rpctrace explain <name of the error>` tells
what is usually behind it.
What would refute it: nothing; it states what is on the wire. What the client got later, with the same or another
question, is not told here: it was no failure.
How sure: that it was refused is certain; the cause behind it is open.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import exchange_answer
from rpctrace.diagnosis.rule import Hypothesis, Rule
from rpctrace.knowledge import tables
from rpctrace.report import RESPONSE_TOO_BIG, KerberosExchange


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.KDC):
        exchange = failure.exchange
        if exchange.error is None and exchange.outcome != "rejected":
            continue
        if exchange.error == RESPONSE_TOO_BIG or kdc.went_on(evidence, failure) is not None:
            continue
        said = exchange_answer(exchange) if exchange.error is not None else "; ".join(exchange.notes) or "refused"
        yield Hypothesis(
            failure,
            f"{kdc.capital(kdc.refusal_text(exchange))}{_usual_cause(exchange)}",
            kdc.refusal_items(evidence, failure),
            title=f"{exchange.kind or 'Kerberos'} request refused: {said}",
            next_steps=(f"rpctrace explain {exchange.error_name}",) if exchange.error_name else (),
        )


def _usual_cause(exchange: KerberosExchange) -> str:
    known = tables.kerberos_error(exchange.error) if exchange.error is not None else None
    return f". {(known.cause or known.meaning).rstrip('.')}" if known is not None else ""


RULE = Rule(
    name="kdc-refused",
    title="A KDC refused a request in a way that no rule explains",
    documentation=__doc__,
    severity="low",
    base=0.5,  # the statement is what the frames show; the cause behind it is open
    requires=("an error of a KDC or password server that is no ordinary step, and that was not made good",),
    find=find,
    next_steps=("Look the error up with rpctrace explain, and look at the frames.",),
    references=("RFC 4120 7.5.9", "[MS-KILE] 2.2.1"),
    last_resort=True,
)
