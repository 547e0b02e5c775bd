"""dcom-activation-failed: the server was asked for a DCOM object and could not give it.

What it means: the call came through and was answered; the service that starts COM servers says in its answer why there
is no object: the class is not registered, its program does not start, it runs under an account that cannot log on.
How we know: the HRESULT in the answer of the activation, or as the status of its fault; it says so itself.
What would refute it: nothing; why the program did not start is in the server's event log.
How to tell it from its neighbours: E_ACCESSDENIED is rpc-authz-denied or dcom-hardening.
How sure: 0.9, more with a documented code: it is the server's own statement; where a code has several causes the text
says so.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping
from operator import itemgetter

from rpctrace.correlation.timeline import Position
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import E_ACCESSDENIED, Failure, FailureKind, is_activation
from rpctrace.diagnosis.observed import answer_frame, answer_text, call_items
from rpctrace.diagnosis.recovery import recovered_severity
from rpctrace.diagnosis.results import result_items, result_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import Call, EvidenceItem

# HRESULT -> what it says of the server, and what to do first ([MS-ERREF] 2.1.1)
_CODES = {
    0x80040154: (
        "the class is not registered there",
        "Install or register the program; mind 32 and 64 bit registrations.",
    ),
    0x80040111: ("the program does not offer the class", "Compare the versions of client and server program."),
    0x80004002: (
        "the object does not have the interface asked for",
        "Compare the versions of client and server program.",
    ),
    0x80080005: ("the program did not start in time", "Look for event 10010 of DistributedCOM, and start it by hand."),
    0x800706BA: ("the program that was started cannot be reached", "Look whether it crashed: event 1000, event 10010."),
    0x8000401A: ("the account that the program runs as could not log on", "Renew its password: dcomcnfg, Identity."),
    0x80070422: ("its service is disabled", "Enable the service: sc config NAME start= demand."),
    0x80070002: ("the program's file is missing", "Repair the installation of the program."),
    0x8007007E: ("a library of the program is missing", "Repair the installation of the program."),
    0x8007000E: ("there is no memory for it", "Look at the memory of the server."),
    0x8001011C: ("DCOM is switched off there", "Set EnableDCOM to Y: HKLM\\SOFTWARE\\Microsoft\\Ole."),
    0x80070776: ("its object exporter is not known any more", "Restart the client's program: the object is gone."),
}

KNOWN_CODE = Clue(0.5, "the code has one documented meaning for an activation")
LATER = Clue(0.2, "the same client later got the class", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.RESULT):
        code = failure.call.dcom.hresult if failure.call.dcom else None
        if code is not None and is_activation(failure.call) and code & 0xFFFFFFFF != E_ACCESSDENIED:
            said = result_text(failure.call)
            yield _hypothesis(evidence, failure, code & 0xFFFFFFFF, said, result_items(failure))
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        status = call.status or 0
        if is_activation(call) and status >= 0x80000000 and status != E_ACCESSDENIED:
            yield _hypothesis(evidence, failure, status, answer_text(call), call_items(failure))


def _hypothesis(
    evidence: Evidence, failure: Failure, code: int, said: str, items: tuple[EvidenceItem, ...]
) -> Hypothesis:
    call = failure.call
    what, step = _CODES.get(code, ("it could not be made", f"rpctrace explain 0x{code:08x}"))
    later = _later(evidence, failure.calls[-1])
    return Hypothesis(
        failure,
        f"{call.server.address} gave {call.client.address} no object of class {_class_text(call)}: {what} ({said})",
        items,
        found(KNOWN_CODE.seen(said, call.capture) if code in _CODES else None, later),
        severity=recovered_severity((later,) if later else ()),
        next_steps=(step, *RULE.next_steps),
    )


def _class_text(call: Call) -> str:
    if call.dcom is None or call.dcom.clsid is None:
        return "unknown"
    return f"{call.dcom.class_name} {call.dcom.clsid}" if call.dcom.class_name else call.dcom.clsid


def _given(evidence: Evidence) -> Mapping[Hashable, list[tuple[Position, Call]]]:
    """Activations that gave an object, in order: by client, server and class."""
    table: dict[Hashable, list[tuple[Position, Call]]] = defaultdict(list)
    for call in evidence.report.calls:
        if call.outcome == "answered" and call.dcom is not None and call.dcom.hresult == 0 and is_activation(call):
            table[_asked(evidence, call)].append((evidence.asked_at(call), call))
    for given in table.values():
        given.sort(key=itemgetter(0))
    return table


def _asked(evidence: Evidence, call: Call) -> Hashable:
    clsid = call.dcom.clsid if call.dcom is not None else None
    return *evidence.hosts_of(call), clsid


def _later(evidence: Evidence, call: Call) -> EvidenceItem | None:
    if call.dcom is None or call.dcom.clsid is None:
        return None
    given = evidence.once(_given).get(_asked(evidence, call), [])
    after = bisect_right(given, evidence.asked_at(call), key=itemgetter(0))
    if after == len(given):
        return None
    later = given[after][1]
    return LATER.seen("it was activated later", later.capture, answer_frame(later))


RULE = Rule(
    name="dcom-activation-failed",
    title="The server could not give the DCOM object that was asked for",
    documentation=__doc__,
    severity="medium",
    base=0.9,
    requires=("an activation whose answer or fault brings a failing HRESULT other than E_ACCESSDENIED",),
    find=find,
    clues=(KNOWN_CODE, LATER),
    next_steps=(
        "Look into the server's System log, source DistributedCOM, at this time.",
        "Look the class up on the server: reg query HKCR\\CLSID\\{...} /s.",
    ),
    references=("[MS-DCOM] 3.1.2.5.2.3", "[MS-ERREF] 2.1.1"),
)
