"""call-failed: a call was refused, faulted or never answered, and no more special rule applies.

What it means: exactly what the frames show, no more: the PDU, and what came back for it.
How we know: the answer is paired with the call by connection, call id, kind and order.
What would refute it: nothing; it states what is on the wire. Whether it matters is for the reader to judge, since some
failures are part of normal work (an interface that is probed for, an operation number out of range).
What to do: look the status up with `rpctrace explain`, and look at the frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpctrace.diagnosis.rule import Rule, alike, answer_text, finding
from rpctrace.report import Call, Finding

NAME = "call-failed"


def find(calls: Sequence[Call]) -> Iterator[Finding]:
    for group in alike(calls):
        call = group[0]
        interface = next((each.name or each.uuid for each in call.interfaces), None)
        to = f" on {interface}" if interface else ""
        said = answer_text(call)
        yield finding(
            NAME,
            group,
            f"{call.kind}{to}: {said}",
            f"The {call.kind} of {call.client.address} to {call.server.address}{to} got {said}",
            next_steps=(_explain(call),) if _explain(call) else (),
            references=("[MS-RPCE] 3.3.1.5",),
        )


def _explain(call: Call) -> str:
    code = call.status_hex or call.reject_reason_name or (call.auth.kerberos_error_name if call.auth else None)
    return f"rpctrace explain {code}" if code else ""


RULE = Rule(NAME, __doc__, lambda call: call.failed, find)
