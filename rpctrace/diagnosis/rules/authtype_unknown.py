"""authtype-unknown: the server process has no security package for the type of authentication that was asked for.

What it means: nothing was checked yet. The server program has not registered this package (RpcServerRegisterAuthInfo),
or the number is none that exists. The client's program sees RPC_S_UNKNOWN_AUTHN_SERVICE (1747).
How we know: bind_nak with reason 8, authentication_type_not_recognized, or a fault with that status; it says so itself.
What would refute it: the same server process accepting the same type on the same endpoint.
How to tell it from its neighbours: bind_nak 9 and 0 are about the token (first-leg-rejected).
How sure: 0.95, the answer has one meaning in the specification.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_text, asked_frame, call_items, call_text
from rpctrace.diagnosis.recovery import recovered, recovered_severity
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.report import Call, EvidenceItem

REASON = 8  # [MS-RPCE] 2.2.2.5
STATUS = 0x6D3  # RPC_S_UNKNOWN_AUTHN_SERVICE

NO_SUCH_TYPE = Clue(0.5, "the type is none that the specifications know: the client's program is at fault")
SAME_ACCEPTED = Clue(0.6, "the same endpoint accepted the same type elsewhere", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if not (call.reply == "bind_nak" and call.reject_reason == REASON) and call.status != STATUS:
            continue
        later = recovered(evidence, call)
        yield Hypothesis(
            failure,
            f"{call.server.address} has no security package for {_type_text(call)}: it answered the {call_text(call)}"
            f" of {call.client.address} with {answer_text(call)}",
            (*call_items(failure), *later),
            found(*_clues(evidence, call)),
            severity=recovered_severity(later),
        )


def _type_text(call: Call) -> str:
    if call.auth is None:
        return "the type of authentication asked for"
    name = call.auth.auth_type_name
    return f"auth type {call.auth.auth_type}{f' ({name})' if name else ''}"


def _accepted(evidence: Evidence) -> frozenset[tuple[Place, int, int]]:
    """Server, port and type of the binds that were accepted."""
    return frozenset(
        (evidence.place_of(call, call.server), call.server.port, call.auth.auth_type)
        for call in evidence.report.calls
        if call.auth is not None and call.kind == "bind" and call.outcome == "accepted"
    )


def _clues(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    if call.auth is None:
        return
    if call.auth.auth_type_name is None:
        yield NO_SUCH_TYPE.seen(
            _type_text(call), call.capture, asked_frame(call)
        )
    server = evidence.place_of(call, call.server)
    if (server, call.server.port, call.auth.auth_type) in evidence.once(_accepted):
        yield SAME_ACCEPTED.seen("a bind with the same type was accepted there", call.capture)


RULE = Rule(
    name="authtype-unknown",
    title="The server has no security package for this type of authentication",
    documentation=__doc__,
    severity="medium",
    base=0.95,
    requires=("a bind_nak with reason 8, or a fault 0x6D3 (RPC_S_UNKNOWN_AUTHN_SERVICE)",),
    find=find,
    clues=(NO_SUCH_TYPE, SAME_ACCEPTED),
    next_steps=(
        "Let the client use a type that the server has: SPNEGO (9) for most of Windows, NTLM (10), Kerberos (16).",
        "In the server's own program: call RpcServerRegisterAuthInfo for this type before it listens.",
        "Make sure that the endpoint is the right one: portqry -n SERVER -e 135 shows who listens where.",
    ),
    references=("[MS-RPCE] 2.2.2.5", "[MS-RPCE] 2.2.1.1.7", "[MS-ERREF] 2.2 (0x000006D3)"),
)
