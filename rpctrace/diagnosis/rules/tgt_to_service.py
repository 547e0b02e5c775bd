"""tgt-to-service: the client showed a ticket-granting ticket to a service, which cannot read it.

What it means: the AP-REQ holds a ticket for krbtgt/REALM. Only KDCs have the key of that principal; a service that gets
such a ticket refuses it, as it would any ticket for another account. It comes from a client program that takes the
wrong ticket from its cache, or stops half way along a chain of referrals.
How we know: realm and name of the ticket are in clear in the AP-REQ.
What would refute it: an acceptance of the ticket. User-to-user shows a ticket-granting ticket too, but in a TGT-REP or
as additional ticket of a TGS request, not in an AP-REQ.
How to tell it from its neighbours: ap-modified is the same refusal with a ticket for a service.
How sure: the name is on the wire, and there is no service that could accept it; what made the client do it stays open.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.correlation.realms import is_granting, same_realm
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import accepted_text, host_text, ticket_text
from rpctrace.diagnosis.refusals import refusals
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found

# With these the server tells of times, which it can have read only from a ticket that it could decrypt.
_READ_TICKET = frozenset((32, 33, 34, 37))

REFERRAL = Clue(0.3, "it is a referral, a ticket for the KDCs of another realm: the client stopped on the way")
ACCEPTED = Clue(0.7, "the same server accepted the same ticket at another time", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for refusal in refusals(evidence):
        ticket, record = refusal.ticket, refusal.record
        if ticket is None or not is_granting(ticket.sname) or refusal.error in _READ_TICKET:
            continue
        referral = len(ticket.sname) > 1 and ticket.realm is not None and not same_realm(ticket.sname[1], ticket.realm)
        same = evidence.tickets.accepted_same_ticket(record)
        yield Hypothesis(
            refusal.failure,
            f"{host_text(record.client)} showed the ticket-granting ticket {ticket_text(ticket)} to"
            f" {host_text(record.server)} in the {refusal.where}, which wants a ticket for its own service",
            refusal.items,
            found(
                REFERRAL.seen(f"a referral to {ticket.sname[1]}", record.capture, ticket.frame) if referral else None,
                ACCEPTED.seen(*accepted_text(same)) if same is not None else None,
            ),
            severity="low" if refusal.recovered else None,
        )


RULE = Rule(
    name="tgt-to-service",
    title="A ticket-granting ticket was shown to a service",
    documentation=__doc__,
    severity="high",
    base=0.9,
    requires=("an AP-REQ to a service whose ticket is for krbtgt/REALM, and its refusal",),
    find=find,
    clues=(REFERRAL, ACCEPTED),
    next_steps=(
        "Which program made the call? Give it the service's own name (SPN) as target, not a realm or krbtgt.",
        "On the client: klist get <service>/<host> shows whether the KDC issues the ticket that is wanted.",
        "Where it is a referral: look at the KDCs of the next realm, rpctrace --table kerberos.",
    ),
    references=("RFC 4120 3.2.3", "RFC 4120 3.3.1"),
)
