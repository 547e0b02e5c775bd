"""bad-stub: the server could not make sense of the parameters of a request.

What it means: the request came through, and its stub data do not fit the interface as the server knows it: a level or
union that only newer versions have, a wrong length, a client's program with a fault. It is no matter of authentication.
How we know: the fault RPC_X_BAD_STUB_DATA (0x6F7), nca_s_fault_invalid_tag or nca_s_fault_invalid_bound; the server
says so itself.
What would refute it: nothing; the same request answered by another server shows that the versions differ.
How to tell it from its neighbours: damage of a protected request is sec-pkg-request-integrity.
How sure: 0.9: the status is the server's statement; some services raise it for reasons of their own.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_text, asked_frame, call_items, call_text
from rpctrace.diagnosis.recovery import recovered
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import Call, EvidenceItem

# RPC_X_BAD_STUB_DATA; invalid tag and bound of nca and Win32; a string that is too long (C706 Appendix N)
STATUSES = frozenset((0x6F7, 0x1C000006, 0x6C5, 0x1C000007, 0x6C6, 0x1C010015))
# Operations whose newer levels older domain controllers do not know ([MS-NRPC] 3.5.4.4.10, 3.2.4.2)
_ASKED_FOR_NEWS = {
    "NetrLogonGetCapabilities": "asks for a level of capabilities that only newer domain controllers know; clients go"
    " on without it",
    "NetrLogonSamLogonEx": "may be a logon with a service ticket, which older domain controllers do not know; clients"
    " then use the older way",
}

NEWER_LEVEL = Clue(0.3, "the operation is one whose newer levels older servers do not know")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.outcome != "faulted" or call.status not in STATUSES:
            continue
        news = _ASKED_FOR_NEWS.get(call.operation or "")
        later = recovered(evidence, call)
        yield Hypothesis(
            failure,
            f"{call.server.address} could not read the parameters of the {call_text(call)} of {call.client.address}:"
            f" {answer_text(call)}{f'; {call.operation} {news}' if news else ''}",
            (*call_items(failure), *later),
            found(_news_clue(call) if news else None),
        )


def _news_clue(call: Call) -> EvidenceItem:
    return NEWER_LEVEL.seen(
        call.operation or "", call.capture, asked_frame(call)
    )


RULE = Rule(
    name="bad-stub",
    title="The server could not read the parameters of the request",
    documentation=__doc__,
    severity="low",
    base=0.9,
    requires=("a fault 0x6F7, 0x6C5, 0x6C6, or one of their forms of C706",),
    find=find,
    clues=(NEWER_LEVEL,),
    next_steps=(
        "Compare the versions of client and server program; update the older one.",
        "Make the same call from another client: if that works, the first client's program is at fault.",
    ),
    references=("C706 Appendix N", "[MS-RPCE] 3.1.1.5.5", "[MS-ERREF] 2.2 (0x000006F7)"),
)
