"""u2u-no-tgt: user-to-user Kerberos failed at its first step: the server gave no ticket-granting ticket.

What it means: for user-to-user the client asks the server process for its ticket-granting ticket (TGT-REQ). The server
has none to give (KRB_AP_ERR_NO_TGT, 67): its user logged on with NTLM, a cached logon, a smart card without a domain
controller, or runas /netonly; or its ticket is expired and cannot be renewed. A server that does not do user-to-user
refuses the token as a whole.
How we know: the TGT-REQ in the bind, and the KRB-ERROR, bind_nak or fault that answers it.
What would refute it: a TGT-REP to the same TGT-REQ.
How to tell it from its neighbours: u2u-kdc-refuses comes one step later, at the KDC; first-leg-rejected is the refusal
of a ticket or an NTLM token.
How sure: with 67 the server says so; a bare refusal of a TGT-REQ leaves open whether it cannot or will not.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import answer_frame, call_items, call_text, host_text
from rpctrace.diagnosis.refusals import refused_token
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import Call, EvidenceItem

NO_TGT = 67  # RFC 4120 7.5.9 KRB_AP_ERR_NO_TGT
_NO_TGT_REPLY = 0x80090334  # [MS-ERREF] 2.1.1 SEC_E_NO_TGT_REPLY

SAYS_SO = Clue(0.85, "KRB-ERROR 67 of the server: it has no ticket-granting ticket")
EXTENDED = Clue(0.5, "an extended error record: SEC_E_NO_TGT_REPLY")
OTHER_ERROR = Clue(0.3, "a KRB-ERROR of the server with another code", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        said = call.auth
        if said is None or said.token != "TGT-REQ" or not (said.kerberos_error is not None or refused_token(call)):
            continue
        why = "it has none" if said.kerberos_error == NO_TGT else "it has none, or does not do user-to-user"
        yield Hypothesis(
            failure,
            f"{host_text(call.server)} gave {host_text(call.client)} no ticket-granting ticket for user-to-user in the"
            f" {call_text(call)}: {why}",
            call_items(failure),
            found(*_clues(call)),
        )


def _clues(call: Call) -> Iterator[EvidenceItem | None]:
    frame = answer_frame(call)
    error = call.auth.kerberos_error if call.auth is not None else None
    if error == NO_TGT:
        yield SAYS_SO.seen("KRB_AP_ERR_NO_TGT", call.capture, frame)
    elif error is not None:
        yield OTHER_ERROR.seen(f"KRB-ERROR {error}", call.capture, frame)
    if any(record.status == _NO_TGT_REPLY for record in call.extended_error or ()):
        yield EXTENDED.seen("SEC_E_NO_TGT_REPLY", call.capture, frame)


RULE = Rule(
    name="u2u-no-tgt",
    title="User-to-user: the server gave no ticket-granting ticket",
    documentation=__doc__,
    severity="high",
    base=0.6,
    requires=("a TGT-REQ that was answered by a KRB-ERROR, a bind_nak, or a fault 0x721 or 5",),
    find=find,
    clues=(SAYS_SO, EXTENDED, OTHER_ERROR),
    next_steps=(
        "In the session of the user whose process is the server: klist tgt. None there: log off and on again with a "
        "domain controller in reach.",
        "Not with runas /netonly, not with a cached logon: whoami /groups and klist show what the session has.",
        "A server that is not Windows: does its Kerberos library do user-to-user?",
    ),
    references=("RFC 4120 3.7", "RFC 4120 7.5.9", "[MS-KILE] 3.2.5.8"),
)
