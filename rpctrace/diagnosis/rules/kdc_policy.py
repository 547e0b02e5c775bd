"""kdc-policy: the KDC's policy forbids the request.

What it means: the account may not do this, here or now: an account that may not log on from this computer or at this
hour, one that must use a smart card, a member of Protected Users, an authentication policy, a delegation that is not
allowed. Which of these it was, the NTSTATUS in the error says where the KDC sent one.
How we know: KDC_ERR_POLICY (12) of the KDC is clear text, and so is the NTSTATUS in its e-data ([MS-KILE] 2.2.1).
What would refute it: a ticket for the same client and service from the same computer.
How to tell it from its neighbours: with STATUS_AUTHENTICATION_FIREWALL_FAILED it is selective-auth, with a text about
transited realms it is transited-rejected; neither is told here.
How sure: that policy forbids it the KDC says (RFC 4120 7.5.9); which policy, only the NTSTATUS or its event log.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found
from rpctrace.report import KerberosExchange

AUTHENTICATION_FIREWALL_FAILED = 0xC0000413
# [MS-ERREF] 2.3.1: NTSTATUS in the error -> what the policy is about.
_POLICIES = {
    0xC000006E: "the account is restricted (an empty password, Protected Users, or an authentication policy)",
    0xC000006F: "the account may not log on at this hour",
    0xC0000070: "the account may not log on at this computer",
    0xC000015B: "the account was not granted this kind of logon",
    0xC00002FA: "the account must log on with a smart card",
}

NAMED = Clue(0.5, "the NTSTATUS in the error names the restriction")
UNNAMED = Ceiling(
    0.8,
    "the error does not say which policy",
    "the NTSTATUS or the event of the domain controller: 4768 and 4769 of its Security log with failure code 0xC",
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in kdc.refusals(evidence, kdc.POLICY):
        exchange = failure.exchange
        if exchange.ntstatus == AUTHENTICATION_FIREWALL_FAILED or kdc.speaks_of_transited(exchange):
            continue
        settled = kdc.went_on(evidence, failure)
        known = _POLICIES.get(exchange.ntstatus or 0)
        yield Hypothesis(
            failure,
            f"{kdc.capital(kdc.refusal_text(exchange))}{f': {known}' if known else ''}"
            f"{kdc.way_text(evidence, exchange)}{settled.text if settled else ''}",
            kdc.refusal_items(evidence, failure),
            found(NAMED.seen(_name(exchange), exchange.capture, exchange.reply_frame) if known else None),
            () if known else (UNNAMED,),
            severity=settled.severity if settled else None,
        )


def _name(exchange: KerberosExchange) -> str:
    return f"{exchange.ntstatus_name or 'NTSTATUS'} {exchange.ntstatus_hex or ''}".rstrip()


RULE = Rule(
    name="kdc-policy",
    title="The KDC's policy forbids the request",
    documentation=__doc__,
    severity="medium",
    base=0.85,
    requires=("KDC_ERR_POLICY (12) from a KDC, and nothing that names selective authentication or transited realms",),
    find=find,
    clues=(NAMED,),
    ceilings=(UNNAMED,),
    next_steps=(
        "Look at the account: logon hours, 'Log On To', 'Smart card is required', membership of Protected Users, "
        "authentication policy and silo.",
        "Look for events 4768 and 4769 with failure code 0xC in the Security log of the domain controller.",
        "For delegation look at msDS-AllowedToDelegateTo and msDS-AllowedToActOnBehalfOfOtherIdentity.",
    ),
    references=("RFC 4120 7.5.9", "[MS-KILE] 3.3.5.7", "[MS-KILE] 2.2.1"),
)
