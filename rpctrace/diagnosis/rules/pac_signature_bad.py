"""pac-signature-bad: a domain controller found the KDC signature of the ticket's PAC wrong.

What it means: the server had the PAC verified; the domain controller computed the KDC's checksum over the server's
signature, it differed, and the logon returned STATUS_LOGON_FAILURE (0xC000006D, [MS-APDS] 3.2.5.1). The key of krbtgt
was changed and has not reached every domain controller, the ticket was issued by a KDC with another key (a read-only
domain controller, another implementation), or the PAC was altered.
How we know: the generic logon of package Kerberos in netlogon.log; the capture shows no more than that the ticket was
refused, and that the server asked its domain controller meanwhile.
What would refute it: a validation with another result.
How to tell it from its neighbours: pac-xforest-u2u says 0xC0000064 (the domain is not known), pac-no-dc 0xC000005E. A
wrong key of the server itself (ap-modified) asks no domain controller.
How sure: the specification gives this status one meaning in a PAC validation; the base is a judgement on the join
between the line and the refusal.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import pac
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import accepted_text, host_text, ticket_text
from rpctrace.diagnosis.pac import OTHER_RESULT
from rpctrace.diagnosis.refusals import Refusal
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found, required
from rpctrace.report import EvidenceItem

LOG_FAILURE = Clue(0.8, "netlogon.log: generic logon, package Kerberos, 0xC000006D")
LOG_BY_REALM = Clue(0.5, "the same, by the realm alone: neither the server's name nor the time could be compared")
LOGON_BETWEEN = Clue(0.3, "the server's logon request was answered between the AP-REQ and the refusal")
ACCEPTED = Clue(0.8, "the same server accepted the same ticket at another time", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for refusal in pac.candidates(evidence):
        results = pac.results(evidence, refusal.record)
        told = next((each for each in results if each.status == pac.LOGON_FAILURE), None)
        if told is None:
            continue
        record, use = refusal.record, evidence.tickets.accepted_same_ticket(refusal.record)
        other = next((each for each in results if each.sure and each.status != pac.LOGON_FAILURE), None)
        yield Hypothesis(
            refusal.failure,
            f"{host_text(record.server)} refused the ticket for {ticket_text(refusal.ticket)} in the {refusal.where}:"
            " a domain controller found the KDC signature of its PAC wrong",
            (*refusal.items, required(told.text, told.capture, told.frame, told.entry)),
            found(
                told.as_clue(LOG_FAILURE if told.sure else LOG_BY_REALM),
                _answered(evidence, refusal),
                other.as_clue(OTHER_RESULT) if other is not None else None,
                ACCEPTED.seen(*accepted_text(use)) if use is not None else None,
            ),
            (pac.LOG_SEEN,),
            severity="low" if refusal.recovered else None,
        )
    for failure, entry in pac.lone_lines(evidence, pac.LOGON_FAILURE):
        yield Hypothesis(
            failure,
            f"A domain controller found the KDC signature of a PAC of {entry.domain or 'a realm'} wrong",
            (required(pac.log_text(entry), entry=entry),),
            (LOG_FAILURE.seen("the signature did not verify", entry=entry),),
            (pac.LOG_ALONE,),
        )


def _answered(evidence: Evidence, refusal: Refusal) -> EvidenceItem | None:
    logon = next(filter(pac.was_answered, pac.logons_meanwhile(evidence, refusal.record)), None)
    if logon is None:
        return None
    text = f"{logon.operation} to {logon.server.address} was answered"
    return LOGON_BETWEEN.seen(text, logon.capture, next(iter(logon.request_frames), None))


RULE = Rule(
    name="pac-signature-bad",
    title="A domain controller found the KDC signature of the PAC wrong",
    documentation=__doc__,
    severity="high",
    base=0.5,
    requires=(
        "an AP-REQ that was refused without a KRB-ERROR",
        "a generic logon of package Kerberos with 0xC000006D, in netlogon.log or an unsealed logon",
    ),
    find=find,
    clues=(LOG_FAILURE, LOG_BY_REALM, LOGON_BETWEEN, OTHER_RESULT, ACCEPTED),
    ceilings=(pac.LOG_SEEN, pac.LOG_ALONE),
    next_steps=(
        "repadmin /showrepl and repadmin /showobjmeta <DC> <DN of krbtgt>: has the last change of its password arrived "
        "on every domain controller of the ticket's realm?",
        "On the client: klist purge, then try again with new tickets.",
        "Look for event 7 of Security-Kerberos in the server's System log.",
    ),
    references=("[MS-APDS] 3.2.5.1", "[MS-PAC] 2.8"),
)
