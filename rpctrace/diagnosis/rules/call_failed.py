"""call-failed: a call was refused, faulted or never answered, and no more special rule applies.

What it means: exactly what the frames show, no more: the PDU, and what came back for it.
How we know: the answer is paired with the call by connection, call id, kind and order.
What would refute it: nothing; it states what is on the wire. Whether it matters is for the reader to judge, since some
failures are part of normal work (an interface that is probed for, an operation number out of range).
What to do: look the status up with `rpctrace explain`, and look at the frames.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rpctrace.diagnosis.rule import Rule, alike, answer_text, frames_of, observed
from rpctrace.report import Call, Finding, display_filter

NAME = "call-failed"
CONFIDENCE = 0.5


def find(calls: Sequence[Call]) -> Iterator[Finding]:
    for group in alike(calls):
        call = group[0]
        frames = frames_of(group)
        interface = next((each.name or each.uuid for each in call.interfaces), None)
        to = f" on {interface}" if interface else ""
        count = f" ({len(group)} times)" if len(group) > 1 else ""
        yield Finding(
            rule=NAME,
            title=f"{call.kind}{to}: {answer_text(call)}",
            severity="low",
            confidence=CONFIDENCE,
            summary=f"The {call.kind} of {call.client.address} to {call.server.address}{to} got {answer_text(call)}"
            f"{count}.",
            calls=tuple(each.id for each in group),
            capture=call.capture,
            frames=frames,
            display_filter=display_filter(frames),
            evidence=observed(group),
            missing=(),
            next_steps=(_explain(call),) if _explain(call) else (),
            references=("[MS-RPCE] 3.3.1.5",),
        )


def _explain(call: Call) -> str:
    code = call.status_hex or call.reject_reason_name or (call.auth.kerberos_error_name if call.auth else None)
    return f"rpctrace explain {code}" if code else ""


RULE = Rule(NAME, __doc__, lambda call: call.failed, find)
