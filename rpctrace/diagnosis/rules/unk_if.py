"""unk-if: the interface that the client asks for is not there.

What it means: the server program behind this port or pipe does not offer the interface: the service is stopped, the
endpoint is another program's or out of date, or the server is older than the client. It is no matter of authentication.
How we know: the server refuses the presentation context (provider rejection, abstract syntax not supported), or answers
a request with nca_unk_if.
What would refute it: nothing; it is the runtime's own statement about this endpoint at this time.
How to tell it from its neighbours: a transfer syntax or bind time feature that is refused beside an accepted context is
ordinary and no failure. An alter_context may bring a token for the sake of the token: where the server took the token
and no request uses the refused context, nobody missed the interface; that is told as a note.
How sure: 0.95, the server says so.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind, is_unknown_interface
from rpctrace.diagnosis.observed import answer_text, call_items, call_text
from rpctrace.diagnosis.recovery import recovered, recovered_severity
from rpctrace.diagnosis.rule import Hypothesis, Rule
from rpctrace.report import Call, Endpoint

# nca_unk_if, RPC_S_UNKNOWN_IF, nca_invalid_pres_context_id (C706 Appendix N, [MS-ERREF] 2.2)
STATUSES = frozenset((0x1C010003, 0x6B5, 0x1C00001C))
PROBES = 5  # who asks one endpoint for so many interfaces wants to know what is there
_NAMED = 4
_TAKEN = frozenset(("AP-REP", "CHALLENGE", "NegTokenResp"))  # answers that take the client's token


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.outcome == "faulted" and call.status in STATUSES:
            yield _request(evidence, failure)
        elif is_unknown_interface(call) and (call.auth is None or call.auth.kerberos_error is None):
            yield _bind(evidence, failure)
        elif _has_no_syntax(call):
            yield _no_syntax(evidence, failure)


def _request(evidence: Evidence, failure: Failure) -> Hypothesis:
    call = failure.call
    offered = next((note for note in call.notes if note.startswith("presentation context")), None)
    later = recovered(evidence, call)
    number = call.presentation_context_id
    context = f" on presentation context {number}" if number is not None else ""
    return Hypothesis(
        failure,
        f"{call.server.address} answered the {call_text(call)} of {call.client.address}{context} with"
        f" {answer_text(call)}: {offered or 'it has no such interface there'}",
        (*call_items(failure), *later),
        severity=recovered_severity(later),
    )


def _bind(evidence: Evidence, failure: Failure) -> Hypothesis:
    call = failure.call
    names = tuple(dict.fromkeys(each.name or each.uuid for one in failure.calls for each in one.interfaces[:1]))
    shown = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    summary = f"{call.server.address} port {call.server.port} does not offer {shown} to {call.client.address}"
    later = recovered(evidence, call)
    if len(names) >= PROBES:
        return Hypothesis(
            failure, f"{summary}; so many different ones look like a search for what is there", call_items(failure),
            severity="low", title="A client looks for interfaces that the endpoint does not offer",
        )  # fmt: skip
    if _is_for_the_token(evidence, failure):
        return Hypothesis(
            failure,
            f"{summary}; the {call.kind} carried a token that the server took, and no request uses the refused context,"
            " so nothing is missing",
            (*call_items(failure), *later), severity="note",
        )  # fmt: skip
    told = _endpoint(evidence, call)
    stale = told is not None and call.kind == "bind"
    hint = f"; {told.teller} had named this endpoint, so it may be out of date" if told and stale else ""
    severity = None if call.kind == "bind" else "low"
    return Hypothesis(
        failure, f"{summary}{hint}", (*call_items(failure), *later), severity=recovered_severity(later, severity)
    )


def _has_no_syntax(call: Call) -> bool:
    refused = [(each.result, each.reason) for each in call.interfaces if each.result != 3]
    return call.outcome == "rejected" and call.reject_reason is None and bool(refused) and set(refused) == {(2, 2)}


def _no_syntax(evidence: Evidence, failure: Failure) -> Hypothesis:
    call = failure.call
    later = recovered(evidence, call)
    return Hypothesis(
        failure,
        f"{call.server.address} knows the interface of the {call_text(call)} of {call.client.address}, but none of the"
        " transfer syntaxes offered",
        (*call_items(failure), *later),
        title="Client and server have no transfer syntax in common",
        severity=recovered_severity(later, "low"),
    )


def _is_for_the_token(evidence: Evidence, failure: Failure) -> bool:
    """Whether the server accepted the token of each of these, and none of the refused contexts is used afterwards."""
    for call in failure.calls:
        said = call.auth
        taken = said is not None and said.reply_token in _TAKEN
        if said is None or not (taken or tokens.was_accepted(call, evidence)):
            return False
        refused = {each.context_id for each in call.interfaces}
        later = evidence.later_on_connection(call)
        if any(each.kind == "request" and each.presentation_context_id in refused for each in later):
            return False
    return True


def _endpoint(evidence: Evidence, call: Call) -> Endpoint | None:
    stream = evidence.streams.get(call.connection)
    return evidence.endpoints.get(stream.endpoint or "") if stream is not None else None


RULE = Rule(
    name="unk-if",
    title="The server does not offer this interface there",
    documentation=__doc__,
    severity="medium",
    base=0.95,
    requires=(
        "a fault nca_unk_if, RPC_S_UNKNOWN_IF or nca_invalid_pres_context_id; or a bind or alter_context whose every "
        "interface is refused by the provider (reasons 1 and 2)",
    ),
    find=find,
    next_steps=(
        "Look whether the service runs, and where it listens now: portqry -n SERVER -e 135, or rpcdump.",
        "Restart the client's program: it may use a port or pipe that it learned before the service was restarted.",
        "Compare the versions of client and server.",
    ),
    references=("C706 12.6.3.1", "C706 Appendix N", "[MS-RPCE] 2.2.2.4"),
)
