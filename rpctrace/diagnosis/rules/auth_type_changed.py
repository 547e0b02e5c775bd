"""auth-type-changed: a later PDU names another type or level of authentication than its security context has.

What it means: type and level of a security context are those of its first leg. An alter_context or request whose
security trailer names others, or a context that was never set up on this connection, is refused: with 0x721 or 5,
sometimes as a protocol error. That is a fault of the client's program or runtime, or of something between that rewrites
PDUs, not of an account.
How we know: the trailers are clear text; the first leg of the same auth context id is in the capture.
What would refute it: an earlier PDU of the same context with the new type or level that was accepted.
How to tell it from its neighbours: a trailer that fits its context and a signature that does not is
sec-pkg-request-integrity; a level that does not exist at all is authlevel-unsupported.
How sure: 0.85: Samba, whose tests follow Windows, refuses so in all ten captures of the lab; a refusal for another
reason in the same PDU is possible.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import contexts, tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_frame, answer_text, asked_frame, call_items, call_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found, required
from rpctrace.report import Call, EvidenceItem

_STATUSES = tokens.REFUSALS | {tokens.PROTOCOL_ERROR}

UNKNOWN_TYPE = Clue(0.3, "the type in the trailer is none that Windows knows")
PROTOCOL_ERROR = Clue(0.3, "the server calls it a protocol error, which has many other reasons", against=True)
SAME_ACCEPTED = Clue(1.0, "the same context had been answered with the new type and level before", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.kind not in ("alter_context", "request") or call.status not in _STATUSES or call.auth is None:
            continue
        change = contexts.changed(evidence, call)
        first = contexts.first_leg(evidence, call) or _bind(evidence, call)
        if change is None and (first is None or contexts.first_leg(evidence, call) or call.kind != "request"):
            continue
        if first is None:
            continue
        what = change or f"security context {call.auth.context_id}, which was never set up"
        yield Hypothesis(
            failure,
            f"The {call_text(call)} of {call.client.address} names {what}; {call.server.address} refused it with"
            f" {answer_text(call)}",
            (_begin(first), *call_items(failure)),
            found(*_clues(evidence, call)),
        )


def _bind(evidence: Evidence, call: Call) -> Call | None:
    """The bind of the connection, where the context of the call has no leg at all in a capture that has it whole."""
    stream = evidence.streams.get(call.connection)
    if stream is not None and (stream.joined_late or stream.gaps):
        return None
    first = evidence.on_connection(call)[0]
    return first if first.kind == "bind" and first.id != call.id else None


def _begin(first: Call) -> EvidenceItem:
    said = first.auth
    text = (
        f"{first.kind} with auth type {said.auth_type}, {contexts.level_text(first)}"
        if said
        else "an unauthenticated bind"
    )
    return required(text, first.capture, asked_frame(first))


def _clues(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    said = call.auth
    if said is None:
        return
    frame = asked_frame(call)
    if said.auth_type_name is None:
        yield UNKNOWN_TYPE.seen(f"auth type {said.auth_type}", call.capture, frame)
    if call.status == tokens.PROTOCOL_ERROR:
        yield PROTOCOL_ERROR.seen("nca_proto_error", call.capture, answer_frame(call))
    before = contexts.answered_before(evidence, call)
    agreed = (before.auth.auth_type, before.auth.level) if before is not None and before.auth is not None else None
    if before is not None and agreed == (said.auth_type, said.level):
        yield SAME_ACCEPTED.seen("a request like it was answered", before.capture, answer_frame(before))


RULE = Rule(
    name="auth-type-changed",
    title="A PDU names another type or level of authentication than its security context has",
    documentation=__doc__,
    severity="medium",
    base=0.85,
    requires=(
        "a fault 5, 0x721 or nca_proto_error to an alter_context or request",
        "a trailer with another auth type or level than the first leg of its context, or of a context without any leg",
    ),
    find=find,
    clues=(UNKNOWN_TYPE, PROTOCOL_ERROR, SAME_ACCEPTED),
    next_steps=(
        "Look which program makes the call (netstat -ano on the client, by the port) and update it.",
        "Capture at the server and at the client, and compare the trailers: something between may rewrite RPC.",
    ),
    references=("[MS-RPCE] 2.2.2.11", "[MS-RPCE] 3.3.1.5.2"),
)
