"""logon-refused: SMB, LDAP or HTTP refused the authentication, and its status is all there is.

What it means: the server did not accept the user. Most NTSTATUS codes name the cause (password, account, hours, lock);
STATUS_LOGON_FAILURE, LDAP's invalidCredentials (49) and HTTP's 401 do not.
How we know: the status of the answer; LDAP of Active Directory writes the Win32 code into its message (data 52e).
What would refute it: a rule that knows more, such as a KRB-ERROR in the answer.
How to tell it from its neighbours: with a ticket, STATUS_LOGON_FAILURE is rather the ticket's matter (ap-modified).
How sure: 0.45 by a code that does not tell; 0.9 with one that does.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import accounts
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.logon_codes import LOGON_CODES, LogonCode, logon_text
from rpctrace.diagnosis.observed import authentication_answer, authentication_items, host_text, ntlm_text, ticket_text
from rpctrace.diagnosis.recovery import recovered_logon, recovered_severity
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import Authentication, EvidenceItem, LogEntry

_ORDINARY = frozenset((0xC0000016,))  # STATUS_MORE_PROCESSING_REQUIRED: no refusal of its own

TELLING = Clue(0.8, "the status names the cause")
BY_MESSAGE = Clue(0.8, "the message of the directory names the cause")
BY_LOG = Clue(0.85, "netlogon.log names the cause")
WITH_TICKET = Clue(0.3, "a ticket was presented, and the code does not tell: rather its matter", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.AUTHENTICATION):
        said = failure.authentication
        if said.kerberos_error is None and said.status not in _ORDINARY:
            yield _hypothesis(evidence, failure, said)


def _hypothesis(evidence: Evidence, failure: Failure, said: Authentication) -> Hypothesis:
    told, message = accounts.told_by_directory(said) or (None, "")
    log = accounts.line_about(evidence, said)
    status = log.status if log is not None else told if told is not None else said.status
    code = LOGON_CODES.get(status) if status is not None else None
    later = recovered_logon(evidence, said)
    who = f" with a ticket for {ticket_text(said.ticket)}" if said.ticket else ntlm_text(said)
    why = logon_text(status) if status is not None and code is not None else "the status does not say why"
    return Hypothesis(
        failure,
        f"{host_text(said.server)} refused the {said.mechanism} authentication over {said.carried_in} of"
        f" {said.client.address}{who}: {authentication_answer(said)} ({why})",
        (*authentication_items(said), *later),
        found(*_clues(said, code, message if told is not None else None, log)),
        severity=recovered_severity(later),
        next_steps=(code.step, *RULE.next_steps) if code is not None else None,
    )


def _clues(
    said: Authentication, code: LogonCode | None, message: str | None, log: LogEntry | None
) -> Iterator[EvidenceItem | None]:
    if code is None or not code.telling:
        if said.ticket is not None:
            yield WITH_TICKET.seen(f"a ticket for {ticket_text(said.ticket)}", said.capture, said.ticket.frame)
        return
    if log is not None:
        yield BY_LOG.seen(logon_text(log.status or 0, log.status_name), entry=log)
    elif message is not None:
        yield BY_MESSAGE.seen(message, said.capture, said.reply_frame)
    else:
        yield TELLING.seen(said.status_name or said.status_hex or "", said.capture, said.reply_frame)


RULE = Rule(
    name="logon-refused",
    title="The server refused the user's logon",
    documentation=__doc__,
    severity="medium",
    base=0.45,
    requires=("a refused session setup of SMB, bind of LDAP or authentication of HTTP, without a KRB-ERROR",),
    find=find,
    clues=(TELLING, BY_MESSAGE, BY_LOG, WITH_TICKET),
    next_steps=(
        "Look for event 4625 in the server's Security log at this time: Status and Sub Status name the cause.",
        "Look for the logon in netlogon.log of the domain controller: rpctrace analyze --netlogon FILE.",
    ),
    references=("[MS-SMB2] 3.3.5.5", "[MS-ERREF] 2.3.1", "RFC 4511 4.2.2", "RFC 9110 15.5.2"),
)
