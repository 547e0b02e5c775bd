"""selective-auth: a trust with selective authentication does not let this user log on to this computer.

What it means: the forest or domain trust is set to selective authentication. A user from the other side may log on only
to computers whose object grants him "Allowed to Authenticate". The domain controller of the trusting side refuses.
How we know: STATUS_AUTHENTICATION_FIREWALL_FAILED (0xC0000413), in the e-data of KDC_ERR_POLICY, as the result of a
logon, or in netlogon.log. KDC_ERR_POLICY alone, to a question that shows a ticket of another realm, fits it.
What would refute it: another NTSTATUS in the e-data; KDC_ERR_POLICY to an AS request, which is about the user's own
logon.
How to tell it from its neighbours: KDC_ERR_POLICY with 0xC0000064 or without a foreign ticket has other reasons
(authentication policies, logon hours).
How sure: 0.6 by the error alone (judgement), certain with the status.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import accounts, kdc, tokens
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.logon_codes import FIREWALL_FAILED
from rpctrace.diagnosis.observed import (
    answer_frame,
    authentication_items,
    call_items,
    call_text,
    exchange_items,
    host_text,
    ntlm_text,
    ticket_text,
)
from rpctrace.diagnosis.pac import log_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found, required
from rpctrace.report import Call, EvidenceItem

# ERROR_AUTHENTICATION_FIREWALL_FAILED as Win32 and as HRESULT ([MS-ERREF] 2.2)
_WIN32 = frozenset((1935, 0x8007078F, FIREWALL_FAILED))

STATUS = Clue(0.95, "the status STATUS_AUTHENTICATION_FIREWALL_FAILED names selective authentication")
OTHER_STATUS = Clue(1.0, "the e-data of the error names another status", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.KDC):
        yield from _at_the_kdc(failure)
    for failure in evidence.of(FailureKind.AUTHENTICATION):
        said = failure.authentication
        if said.status == FIREWALL_FAILED:
            who = ticket_text(said.ticket) if said.ticket else f"the user{ntlm_text(said)}"
            yield _sure(
                failure,
                f"{who} at {host_text(said.server)}",
                authentication_items(said),
                said.capture,
                said.reply_frame,
            )
    for failure in evidence.of(FailureKind.LOG):
        entry = failure.entries[0]
        if entry.status == FIREWALL_FAILED:
            item = required(log_text(entry), entry=entry)
            yield Hypothesis(
                failure, _story(f"{accounts.user_text(entry)}{f' at {entry.via}' if entry.via else ''}"), (item,),
                (STATUS.seen(log_text(entry), entry=entry),),
            )  # fmt: skip
    for failure in evidence.of(FailureKind.CALL):
        yield from _of_a_call(evidence, failure)


def _at_the_kdc(failure: Failure) -> Iterator[Hypothesis]:
    asked = failure.exchange
    if asked.error != kdc.POLICY or asked.kind != "TGS":
        return
    known = asked.ntstatus is not None and asked.ntstatus != 0
    if not known and not kdc.shows_foreign_ticket(asked):
        return
    clue = (STATUS if asked.ntstatus == FIREWALL_FAILED else OTHER_STATUS) if known else None
    yield Hypothesis(
        failure,
        _story(f"{'/'.join(asked.cname) or asked.client.address} at {'/'.join(asked.sname) or '?'} in {asked.realm}"),
        exchange_items(asked),
        found(
            clue.seen(asked.ntstatus_name or asked.ntstatus_hex or "", asked.capture, asked.reply_frame)
            if clue
            else None
        ),
        missing=() if known else ("the e-data of the error, or netlogon.log and event 4625 of the trusting side",),
    )


def _of_a_call(evidence: Evidence, failure: Failure) -> Iterator[Hypothesis]:
    """A fault or an extended error with the code, or the line of netlogon.log about a refused call."""
    call = failure.call
    if call.status in _WIN32 or tokens.extended_status(call) in _WIN32:
        yield _sure(failure, _caller(call), call_items(failure), call.capture, answer_frame(call))
        return
    entry = next((each for each in evidence.log_results(call) if each.status == FIREWALL_FAILED), None)
    if entry is not None:
        clue = STATUS.seen(log_text(entry), entry=entry)
        yield Hypothesis(failure, _story(_caller(call)), call_items(failure), (clue,))


def _caller(call: Call) -> str:
    return f"{call.client.address}{ntlm_text(call)} at {call.server.address}, {call_text(call)}"


def _sure(failure: Failure, who: str, items: tuple[EvidenceItem, ...], capture: int, frame: int | None) -> Hypothesis:
    clue = STATUS.seen("STATUS_AUTHENTICATION_FIREWALL_FAILED", capture, frame)
    return Hypothesis(failure, _story(who), items, (clue,))


def _story(who: str) -> str:
    return f"Selective authentication of the trust refuses {who}: the computer does not grant Allowed to Authenticate"


RULE = Rule(
    name="selective-auth",
    title="Selective authentication of the trust refuses the user",
    documentation=__doc__,
    severity="high",
    base=0.6,
    requires=(
        "STATUS_AUTHENTICATION_FIREWALL_FAILED (0xC0000413) wherever it stands, or KDC_ERR_POLICY (12) to a TGS "
        "request that showed a ticket of another realm",
    ),
    find=find,
    clues=(STATUS, OTHER_STATUS),
    next_steps=(
        'Grant the users\' group "Allowed to Authenticate" on the computer object of the server, and of the domain '
        "controller that they ask: Active Directory Users and Computers, Advanced Features, Security.",
        "Look at the trust: netdom trust TRUSTING /domain:TRUSTED /SelectiveAUTH.",
        "Look for event 4625 with Status 0xC0000413 on the server.",
    ),
    references=("[MS-KILE] 3.3.5.7", "[MS-ERREF] 2.3.1 (0xC0000413)", "RFC 4120 7.5.9"),
)
