"""pac-hardening-2024: a domain controller does not know the network ticket logon that replaced PAC validation.

What it means: since the updates of April 2024 a server sends the whole ticket to its domain controller (logon level
NetlogonTicketLogonInformation) where it used to send the signatures of the PAC. A domain controller that does not know
this level answers RPC_X_BAD_STUB_DATA (0x6F7) or STATUS_INVALID_INFO_CLASS (0xC0000003); the server then falls back to
the old form ([MS-NRPC] 3.2.4.2). Since April 2025 updated servers enforce the new form and do not fall back: the ticket
is refused until every domain controller of the chain is updated.
How we know: NetrLogonSamLogonEx gets the fault 0x6F7, or, unsealed, the status 0xC0000003; a second logon right after
it is the fall-back. That the level was the new one is sealed as a rule.
What would refute it: a logon of another level (seen where it is unsealed), a first logon that succeeds.
How to tell it from its neighbours: pac-xforest-u2u is the failure of the old form on old systems: its logon is answered
with a status, not with a fault.
How sure: the specification names both answers for this very case; that the request was a ticket logon is a judgement,
since nothing else is known to give 0x6F7 there.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import pac
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.observed import answer_text, call_items, host_text, ticket_text
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found, required
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import Call, EvidenceItem

BAD_STUB_DATA = frozenset((0x6F7, 0xC003000C))  # RPC_X_BAD_STUB_DATA, RPC_NT_BAD_STUB_DATA, [MS-ERREF] 2.2, 2.3.1
INVALID_INFO_CLASS = 0xC0000003
TICKET_LOGON_LEVEL = 8  # [MS-NRPC] 2.2.1.4.16
_RIGHT_AFTER_NS = 5 * NS_PER_SECOND

LEVEL_SEEN = Clue(0.7, "the logon is unsealed and of the level of a ticket logon")
ASKED_AGAIN = Clue(0.4, "another logon of the same server follows within seconds: the fall-back to the old form")
TICKET_MEANWHILE = Clue(0.2, "the server had a Kerberos ticket to judge at that time")
OTHER_LEVEL = Clue(1.0, "the logon is unsealed and of another level", against=True)

SEALED = Ceiling(
    0.75,
    "the logon is sealed: its level was not seen",
    "the updates of the server and of its domain controllers (2024-04 and later), and events 21 to 23 of Kerberos",
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        if _not_understood(failure.call):
            yield _of_logon(evidence, failure)
    for refusal in pac.candidates(evidence):
        logons = evidence.logons_between(refusal.record.server.address, refusal.record)
        logon = next(filter(_not_understood, logons), None)
        if logon is None:
            continue
        frame = next(iter(logon.reply_frames), None)
        yield Hypothesis(
            refusal.failure,
            f"{host_text(refusal.record.server)} refused the ticket for {ticket_text(refusal.ticket)} in the"
            f" {refusal.where}, after its domain controller {logon.server.address} had not understood the request to"
            " validate it",
            (*refusal.items, required(_answer(logon), logon.capture, frame)),
            found(*_clues(evidence, logon), TICKET_MEANWHILE.seen("the ticket above", logon.capture, frame)),
            _ceilings(logon),
            severity="low" if refusal.recovered else None,
        )


def _not_understood(call: Call) -> bool:
    said = call.secure_channel
    if said is None or not said.is_logon:
        return False
    return (call.outcome == "faulted" and call.status in BAD_STUB_DATA) or said.status == INVALID_INFO_CLASS


def _of_logon(evidence: Evidence, failure: Failure) -> Hypothesis:
    call = failure.call
    again = _again(evidence, failure.calls[-1])
    return Hypothesis(
        failure,
        f"The domain controller {call.server.address} did not understand the logon request of {call.client.address}"
        f" ({_answer(call)})",
        call_items(failure),
        found(*_clues(evidence, call)),
        _ceilings(call),
        severity="low" if again is not None and pac.was_answered(again) else None,
    )


def _clues(evidence: Evidence, logon: Call) -> Iterator[EvidenceItem | None]:
    said, frame = logon.secure_channel, next(iter(logon.request_frames), None)
    if said is not None and said.logon_level is not None:
        clue = LEVEL_SEEN if said.logon_level == TICKET_LOGON_LEVEL else OTHER_LEVEL
        yield clue.seen(f"logon level {said.logon_level} {said.logon_level_name or ''}".rstrip(), logon.capture, frame)
    again = _again(evidence, logon)
    if again is not None:
        text = f"{again.operation} again: {answer_text(again) if again.failed else 'answered'}"
        yield ASKED_AGAIN.seen(text, again.capture, next(iter(again.request_frames), None))


def _again(evidence: Evidence, logon: Call) -> Call | None:
    """The next logon on the same connection, if it comes within seconds."""
    for each in evidence.later_on_connection(logon):
        if each.secure_channel is not None and each.secure_channel.is_logon:
            known = each.request_ns is not None and logon.request_ns is not None
            soon = known and (each.request_ns or 0) - (logon.request_ns or 0) <= _RIGHT_AFTER_NS
            return each if soon else None
    return None


def _ceilings(logon: Call) -> tuple[Ceiling, ...]:
    said = logon.secure_channel
    return (SEALED,) if said is None or said.logon_level is None else ()


def _answer(logon: Call) -> str:
    said = logon.secure_channel
    if logon.outcome != "faulted" and said is not None:
        return f"{said.operation} returned {said.status_hex} {said.status_name or ''}".rstrip()
    return f"{logon.operation or 'the logon'} got {answer_text(logon)}"


RULE = Rule(
    name="pac-hardening-2024",
    title="A domain controller does not know the network ticket logon of the 2024 updates",
    documentation=__doc__,
    severity="medium",
    base=0.5,
    requires=("NetrLogonSamLogonEx on a secure channel with the fault 0x6F7, or with the status 0xC0000003",),
    find=find,
    clues=(LEVEL_SEEN, ASKED_AGAIN, TICKET_MEANWHILE, OTHER_LEVEL),
    ceilings=(SEALED,),
    next_steps=(
        "Install the updates of April 2024 or later on every domain controller between the server and the domain of "
        "the account, trusted forests too.",
        "Look for events 21 to 23 of Security-Kerberos in the server's System log.",
        "Until April 2025: PacSignatureValidationLevel under Lsa\\Kerberos\\Parameters says whether it is enforced.",
    ),
    references=("[MS-NRPC] 3.2.4.2", "[MS-NRPC] 2.2.1.4.16", "[MS-APDS] 3.2.5.2", "KB5037754"),
)
