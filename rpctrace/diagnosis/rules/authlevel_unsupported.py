"""authlevel-unsupported: the server does not accept the level of authentication of the call.

What it means: the level says what is protected: 2 the first PDUs, 4 every packet's origin, 5 its integrity, 6 its
secrecy. The server answers that it does not have the level, or the number is none of 1 to 6, or the service is one that
demands packet privacy and says "access denied" to everything below.
How we know: the status, or the level in the trailer; for services that demand privacy a short list of documented ones.
What would refute it: the same operation answered at the same level on the same server.
How to tell it from its neighbours: a denial at a level that is high enough is rpc-authz-denied; a level that differs
from that of its own security context is auth-type-changed.
How sure: 0.95 where the status says so or the level does not exist. Where only the list of services speaks, a missing
permission is a third of the cases (judgement).
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import contexts, tokens
from rpctrace.diagnosis.demands import PRIVACY_DEMANDED
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.observed import answer_frame, answer_text, asked_frame, call_items, call_text
from rpctrace.diagnosis.recovery import recovered, recovered_severity
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import Call, EvidenceItem

# nca_unsupported_authn_level, RPC_S_UNSUPPORTED_AUTHN_LEVEL, RPC_S_UNKNOWN_AUTHN_LEVEL
STATUSES = frozenset((0x1C00001D, 0x71D, 0x6D4))
_TYPE_REASON, _VERSION_REASON = 8, 4  # bind_nak: about something else
_CALL_LEVEL = 3  # not used over connections: [MS-RPCE] 2.2.1.1.8
_USUAL_LEVELS = frozenset((0, 2, 4, 5, 6))

CALL_LEVEL = Clue(0.35, "level CALL exists, though connections do not use it", against=True)
BY_THE_LIST = Clue(
    0.35, "the status is an ordinary denial; that the service demands privacy is all there is", against=True
)
SAME_ANSWERED = Clue(0.9, "the same operation was answered at the same level", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.status in STATUSES:
            yield _hypothesis(evidence, failure, f"does not accept {contexts.level_text(call)}")
        elif _has_odd_level(call):
            yield _hypothesis(evidence, failure, f"refuses {contexts.level_text(call)}, which is no level to use here")
        elif call.kind == "request" and call.status == tokens.ACCESS_DENIED:
            yield from _below_privacy(evidence, failure)


def _has_odd_level(call: Call) -> bool:
    if call.auth is None or call.auth.level in _USUAL_LEVELS or call.kind not in ("bind", "alter_context"):
        return False
    if call.reply == "bind_nak":
        return call.reject_reason not in (_TYPE_REASON, _VERSION_REASON)
    return call.outcome == "faulted" and call.status in tokens.REFUSALS


def _below_privacy(evidence: Evidence, failure: Failure) -> Iterator[Hypothesis]:
    call = failure.call
    service = next((PRIVACY_DEMANDED[each.uuid] for each in call.interfaces if each.uuid in PRIVACY_DEMANDED), None)
    level = call.auth.level if call.auth is not None else 1
    if service is not None and level < contexts.PRIVACY:
        said = f"demands packet privacy ({service}), and the call came with {contexts.level_text(call)}"
        yield _hypothesis(evidence, failure, said, BY_THE_LIST.seen(service, call.capture))


def _hypothesis(evidence: Evidence, failure: Failure, said: str, *clues: EvidenceItem) -> Hypothesis:
    call = failure.call
    later = recovered(evidence, call)
    return Hypothesis(
        failure,
        f"{call.server.address} {said}: it answered the {call_text(call)} of {call.client.address} with"
        f" {answer_text(call)}",
        (*call_items(failure), *later),
        found(*clues, *_clues(evidence, call)),
        severity=recovered_severity(later),
        title="The service demands packet privacy" if clues else None,
    )


def _clues(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    if call.auth is not None and call.auth.level == _CALL_LEVEL and call.status not in STATUSES:
        yield CALL_LEVEL.seen("level 3 (CALL)", call.capture, asked_frame(call))
    later = evidence.successes.worked_later(call)
    if call.kind == "request" and later is not None and _level(later) == _level(call):
        yield SAME_ANSWERED.seen(
            "answered later", later.capture, answer_frame(later)
        )


def _level(call: Call) -> int | None:
    return call.auth.level if call.auth is not None else None


RULE = Rule(
    name="authlevel-unsupported",
    title="The server does not accept this level of authentication",
    documentation=__doc__,
    severity="medium",
    base=0.95,
    requires=(
        "a fault 0x1C00001D, 0x71D or 0x6D4; or a refused bind or alter_context with a level other than 0, 2, 4, 5, 6; "
        "or a fault 5 to a request below packet privacy of a service that demands it",
    ),
    find=find,
    clues=(CALL_LEVEL, BY_THE_LIST, SAME_ANSWERED),
    next_steps=(
        "Let the client ask for RPC_C_AUTHN_LEVEL_PKT_PRIVACY (6): in DCOM by dcomcnfg, My Computer, Default "
        "Properties, Default Authentication Level; in a program by RpcBindingSetAuthInfo or CoInitializeSecurity.",
        "Update the client: services that demand packet privacy were hardened in 2020 and 2021.",
    ),
    references=("[MS-RPCE] 2.2.1.1.8", "[MS-ERREF] 2.2 (0x0000071D)", "KB4599464"),
)
