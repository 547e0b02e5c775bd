"""pac-dc-shutdown: the domain controller that was asked to validate the PAC was shutting down.

What it means: a domain controller that stops may answer logons for some minutes with STATUS_INVALID_SERVER_STATE
(0xC00000DC), or with STATUS_NO_SUCH_USER although the account or the domain is there. Members stay with it until their
secure channel is reset. It passes by itself.
How we know: netlogon.log has 0xC00000DC for the validation, or for other logons within ten minutes of it.
What would refute it: the same result over hours, or from several domain controllers; a validation with another result.
How to tell it from its neighbours: pac-xforest-u2u has the same 0xC0000064, always, and without 0xC00000DC around it.
How sure: 0xC00000DC for the validation itself says so; beside a 0xC0000064 it is one of two explanations, which is a
judgement.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import pac
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import host_text, ticket_text
from rpctrace.diagnosis.pac import OTHER_RESULT
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found, required
from rpctrace.report import EvidenceItem

SAYS_SO = Clue(0.7, "generic logon, package Kerberos, 0xC00000DC: in netlogon.log, or seen unsealed")
LOGONS_AROUND = Clue(0.4, "other logons within ten minutes returned 0xC00000DC")
BY_REALM = Clue(0.3, "the line is joined by the realm alone, not by server or time", against=True)
_STATUSES = (pac.INVALID_SERVER_STATE, pac.NO_SUCH_USER)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for refusal in pac.candidates(evidence):
        results = pac.results(evidence, refusal.record)
        told = next((each for each in results if _clue(evidence, each) is not None), None)
        if told is None:
            continue
        record = refusal.record
        other = next((each for each in results if each.sure and each.status not in _STATUSES), None)
        yield Hypothesis(
            refusal.failure,
            f"{host_text(record.server)} refused the ticket for {ticket_text(refusal.ticket)} in the {refusal.where},"
            " while the domain controller that validates its PACs was shutting down",
            (*refusal.items, required(told.text, told.capture, told.frame, told.entry)),
            found(
                _clue(evidence, told),
                None if told.sure else told.as_clue(BY_REALM),
                other.as_clue(OTHER_RESULT) if other is not None else None,
            ),
            (pac.LOG_SEEN,),
            severity="low" if refusal.recovered else None,
        )
    for failure, entry in pac.lone_lines(evidence, *_STATUSES):
        clue = _clue(evidence, pac.Result(entry.status or 0, pac.log_text(entry), False, entry))
        if clue is not None:
            yield Hypothesis(
                failure,
                f"A PAC of {entry.domain or 'a realm'} could not be validated while a domain controller was shutting"
                " down",
                (required(pac.log_text(entry), entry=entry),),
                (clue,),
                (pac.LOG_ALONE,),
            )


def _clue(evidence: Evidence, result: pac.Result) -> EvidenceItem | None:
    """What says that the domain controller was going down: the result itself, or a line near it."""
    if result.status == pac.INVALID_SERVER_STATE:
        return result.as_clue(SAYS_SO)
    entry = result.entry if result.status == pac.NO_SUCH_USER else None
    near = pac.shutdown_near(evidence, entry) if entry is not None else None
    return LOGONS_AROUND.seen(f"line {near.line}: {near.status_hex}", entry=near) if near is not None else None


RULE = Rule(
    name="pac-dc-shutdown",
    title="The domain controller that should validate the PAC was shutting down",
    documentation=__doc__,
    severity="medium",
    base=0.5,
    requires=(
        "an AP-REQ that was refused without a KRB-ERROR",
        "its generic logon with 0xC00000DC; or, in netlogon.log, with 0xC0000064 and 0xC00000DC within ten minutes",
    ),
    find=find,
    clues=(SAYS_SO, LOGONS_AROUND, BY_REALM, OTHER_RESULT),
    ceilings=(pac.LOG_SEEN, pac.LOG_ALONE),
    next_steps=(
        "Look for event 1074 or 6006 in the System log of the domain controller: when did it go down?",
        "Try again: nltest /sc_reset:<domain> on the server moves its secure channel to another domain controller.",
        "If it comes again with every domain controller up, look at pac-xforest-u2u: rpctrace explain pac-xforest-u2u.",
    ),
    references=("KB2683606", "[MS-APDS] 3.2.5.1"),
)
