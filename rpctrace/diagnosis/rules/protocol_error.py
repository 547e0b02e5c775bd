"""protocol-error: the server's RPC runtime says that a PDU breaks the protocol.

What it means: the runtime found the PDU against the rules before it looked at an account or a parameter: a second bind,
a presentation context that is used for another interface, a request while the authentication is unfinished, fragments
that do not fit, a version that it does not speak. The client's program or runtime is at fault, or something that
rewrites PDUs.
How we know: nca_proto_error, RPC_S_PROTOCOL_ERROR, bind_nak for the version, or a bind_nak without a reason to a bind
without a token; what exactly is wrong is read from the PDUs before.
What would refute it: a token in the refused bind, which a server may have refused without naming a reason.
How to tell it from its neighbours: a trailer that names another type or level than its context is auth-type-changed.
How sure: 0.55: that the runtime complains is certain, the reason is not in its answer; more where a breach is seen.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import contexts, tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_text, asked_frame, call_items, call_text
from rpctrace.diagnosis.recovery import recovered, recovered_severity
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import Call, EvidenceItem

# nca_proto_error, nca_rpc_version_mismatch, RPC_S_PROTOCOL_ERROR (C706 Appendix N)
STATUSES = frozenset((tokens.PROTOCOL_ERROR, 0x1C000008, 0x6C0))
NO_MEMORY = 0x1C00001B  # to an auth3: a trailer whose lengths do not fit
VERSION, NO_REASON = 4, 0  # bind_nak, [MS-RPCE] 2.2.2.5
_OTHER_REASONS = frozenset((5, 6, 7))

VERSION_REFUSED = Clue(0.7, "the server refuses the version of the protocol")
SECOND_BIND = Clue(0.7, "the connection had been bound before")
CONTEXT_REUSED = Clue(0.7, "the presentation context id stands for another interface")
NO_CONTEXTS = Clue(0.7, "the PDU offers no presentation context")
UNFINISHED = Clue(0.7, "the authentication of the security context was not finished")
INTERLEAVED = Clue(0.6, "another request of the connection was open at the same time")
UNKNOWN_GROUP = Clue(0.6, "the bind names an association group that the capture does not show")
SECOND_LOGON = Clue(0.6, "the security context had been accepted, and another token came for it")
BAD_TRAILER = Clue(0.7, "the answer to an auth3: its trailer is malformed")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if not _is_breach(call):
            continue
        clues = found(*_clues(evidence, call))
        why = f": {clues[0].text}" if clues else "; the frames do not show which rule is broken"
        later = recovered(evidence, call)
        yield Hypothesis(
            failure,
            f"{call.server.address} says that the {call_text(call)} of {call.client.address} breaks the protocol"
            f" ({answer_text(call)}){why}",
            (*call_items(failure), *later),
            clues,
            severity=recovered_severity(later),
        )


def _is_breach(call: Call) -> bool:
    if call.outcome == "faulted":
        return call.status in STATUSES or (call.kind == "auth3" and call.status == NO_MEMORY)
    if call.reply != "bind_nak":
        return False
    bare = call.auth is None or call.auth.token is None
    return (
        call.reject_reason == VERSION
        or call.reject_reason in _OTHER_REASONS
        or (call.reject_reason == NO_REASON and bare)
    )


def _clues(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    frame = asked_frame(call)
    if call.reject_reason == VERSION:
        yield VERSION_REFUSED.seen("the version of the PDU is refused", call.capture, frame)
    if call.kind == "auth3" and call.status == NO_MEMORY:
        yield BAD_TRAILER.seen("the security trailer of the auth3 is malformed", call.capture, frame)
    if call.kind in ("bind", "alter_context") and not call.interfaces:
        yield NO_CONTEXTS.seen("it offers no presentation context", call.capture, frame)
    before = evidence.asked_at(call)
    earlier = [each for each in evidence.on_connection(call) if evidence.asked_at(each) < before]
    bound = next((each for each in earlier if each.kind == "bind" and each.outcome == "accepted"), None)
    if call.kind == "bind" and bound is not None:
        yield SECOND_BIND.seen("the connection was bound before", call.capture, asked_frame(bound))
    elif call.kind == "bind" and call.association_group:
        yield UNKNOWN_GROUP.seen(
            f"association group 0x{call.association_group:x} is not known there", call.capture, frame
        )
    yield _reused(call, earlier)
    yield _unfinished(evidence, call)
    yield _interleaved(evidence, call)


def _reused(call: Call, earlier: list[Call]) -> EvidenceItem | None:
    known = {
        each.context_id: each.uuid
        for one in earlier if one.kind != "request" and one.outcome == "accepted"
        for each in one.interfaces if each.result == 0
    }  # fmt: skip
    for each in call.interfaces if call.kind == "alter_context" else ():
        if known.get(each.context_id, each.uuid) != each.uuid:
            text = f"presentation context {each.context_id} stands for another interface already"
            return CONTEXT_REUSED.seen(text, call.capture, asked_frame(call))
    return None


def _unfinished(evidence: Evidence, call: Call) -> EvidenceItem | None:
    """A request in the middle of a logon, or a further token after its end."""
    if call.auth is None:
        return None
    legs = [leg for leg in evidence.context_legs(call) if leg.id != call.id and leg.auth is not None]
    last = legs[-1].auth if legs else None
    if last is None or not legs[-1].request_frames:
        return None
    if call.kind == "request" and last.reply_token == "CHALLENGE":
        return UNFINISHED.seen("the logon was not finished", call.capture, asked_frame(legs[-1]))
    if call.kind != "request" and contexts.answered_before(evidence, call) is not None:
        return SECOND_LOGON.seen("the security context was in use already", call.capture, asked_frame(legs[-1]))
    return None


def _interleaved(evidence: Evidence, call: Call) -> EvidenceItem | None:
    if call.kind != "request":
        return None
    start, end = evidence.asked_at(call), evidence.answered_at(call)
    for each in evidence.on_connection(call):
        asked, answered = evidence.asked_at(each), evidence.answered_at(each)
        if each.id == call.id or each.kind != "request" or not each.request_frames:
            continue
        open_before = asked < start and (answered is None or answered > start)
        if open_before or (end is not None and start < asked < end):
            return INTERLEAVED.seen("another request was open at the same time", call.capture, asked_frame(each))
    return None


RULE = Rule(
    name="protocol-error",
    title="The server says that a PDU breaks the RPC protocol",
    documentation=__doc__,
    severity="medium",
    base=0.55,
    requires=(
        "a fault 0x1C01000B, 0x1C000008 or 0x6C0, or 0x1C00001B to an auth3; a bind_nak with reason 4 to 7, or 0 where "
        "the bind had no token",
    ),
    find=find,
    clues=(
        VERSION_REFUSED, SECOND_BIND, CONTEXT_REUSED, NO_CONTEXTS, UNFINISHED, INTERLEAVED, UNKNOWN_GROUP, SECOND_LOGON,
        BAD_TRAILER,
    ),
    next_steps=(
        "Find the client's program (netstat -ano, by the port) and update it or its RPC library.",
        "Capture at both ends and compare the PDU: a firewall that knows RPC may change it.",
    ),
    references=("C706 12.6.3", "C706 Appendix N", "[MS-RPCE] 2.2.2.5", "[MS-RPCE] 3.3.1.5"),
)  # fmt: skip
