"""A ticket that a server refused: in a bind, an alter_context, or an authentication of SMB, LDAP or HTTP.

Either the server's answer holds a KRB-ERROR, which names the cause, or it is bare: the fault, bind_nak or status of
whatever carried the token, which says that the security package refused and no more.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.observed import (
    answer_frame,
    answer_text,
    authentication_answer,
    authentication_items,
    call_items,
    call_text,
)
from rpctrace.record import record
from rpctrace.report import Authentication, Call, EvidenceItem, Ticket

NAK_WITHOUT_CAUSE = frozenset((0, 9))  # C706 12.6.4.5, [MS-RPCE] 2.2.2.5; Samba says 0 where Windows says 9
# What a carrier answers when its security package refused a token, and nothing else of it: NTSTATUS of SMB, the result
# of LDAP (RFC 4511 A.2), the status of HTTP (RFC 4559 5).
_BARE_STATUSES = {"smb": frozenset((0xC000006D,)), "ldap": frozenset((49,)), "http": frozenset((401,))}
_LEVELS = range(2, 7)  # [MS-RPCE] 2.2.1.1.8; another level is refused for itself


@record
class Refusal:
    """`record`: the first of the failure's calls or authentications. `error`: the KRB-ERROR's code, None where the
    answer is bare. `later`: where the server then accepted a ticket of the same client for the same service."""

    failure: Failure
    record: Call | Authentication
    ticket: Ticket | None
    error: int | None
    later: Call | Authentication | None

    @property
    def items(self) -> tuple[EvidenceItem, ...]:
        """What the capture shows of it."""
        if isinstance(self.record, Call):
            return call_items(self.failure)
        return authentication_items(self.record)

    @property
    def call(self) -> Call | None:
        return self.record if isinstance(self.record, Call) else None

    @property
    def recovered(self) -> bool:
        return self.later is not None

    @property
    def where(self) -> str:
        """`alter_context of IClassFactory`, `authentication over SMB`."""
        if isinstance(self.record, Call):
            return call_text(self.record)
        return f"authentication over {self.record.carried_in.upper()}"

    @property
    def said(self) -> str:
        """What came back."""
        return answer_text(self.record) if isinstance(self.record, Call) else authentication_answer(self.record)

    @property
    def reply_frame(self) -> int | None:
        if isinstance(self.record, Authentication):
            return self.record.reply_frame
        return answer_frame(self.record)


def refusals(evidence: Evidence) -> Iterator[Refusal]:
    """Every failure in which a KRB-ERROR came back, or a bare refusal to an AP-REQ."""
    for failure in evidence.of(FailureKind.CALL):
        call, last = failure.call, failure.calls[-1]
        error = call.auth.kerberos_error if call.auth is not None else None
        if error is not None or _is_bare_call(call):
            later = evidence.tickets.accepted_later(last)
            yield Refusal(failure, call, call.ticket, error, later)
    for failure in evidence.of(FailureKind.AUTHENTICATION):
        said, latest = failure.authentication, failure.authentications[-1]
        if said.kerberos_error is not None or _is_bare_authentication(said):
            later = evidence.tickets.accepted_later(latest)
            yield Refusal(failure, said, said.ticket, said.kerberos_error, later)


def refused_token(call: Call) -> bool:
    """Whether the answer to a token means that the security package refused it ([MS-RPCE] 3.3.1.5.2.1)."""
    if call.auth is None or call.auth.level not in _LEVELS:
        return False
    if call.kind == "bind" and call.reply == "bind_nak":
        return call.reject_reason in NAK_WITHOUT_CAUSE
    return call.kind in ("bind", "alter_context") and call.status in tokens.REFUSALS


def _is_bare_call(call: Call) -> bool:
    return call.auth is not None and call.auth.token == "AP-REQ" and call.ticket is not None and refused_token(call)


def _is_bare_authentication(said: Authentication) -> bool:
    shown = said.tokens[-1:] == ("AP-REQ",) or (said.tokens[:1] == ("AP-REQ",) and "AP-REP" not in said.tokens)
    refused = said.status in _BARE_STATUSES.get(said.carried_in, ())
    return said.mechanism == "kerberos" and said.ticket is not None and shown and refused
