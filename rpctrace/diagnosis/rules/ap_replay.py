"""ap-replay: the server refused the AP-REQ because it had seen the same authenticator before.

What it means: a server remembers the authenticators of the last minutes and takes none twice (KRB_AP_ERR_REPEAT, 34;
RFC 4120 3.2.3). An honest repetition comes from a device that sends packets twice, from a client program that sends the
same token to two ports of one service, from clones of a computer that share an account and a clock, or from services
that share a replay cache; otherwise somebody replays what was recorded.
How we know: the KRB-ERROR in the server's answer.
What would refute it: nothing of the refusal itself.
How to tell it from its neighbours: skew-ap and ticket-expired are other errors in the same place.
How sure: the server names the cause; who repeated the token stays open, unless the capture shows the ticket twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import accepted_text, host_text, ticket_text
from rpctrace.diagnosis.refusals import refusals
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found

REPEAT = 34  # RFC 4120 7.5.9 KRB_AP_ERR_REPEAT

SAME_TICKET = Clue(0.3, "the same server accepted the same ticket at another time in the captures")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for refusal in refusals(evidence):
        if refusal.error != REPEAT:
            continue
        record = refusal.record
        same = evidence.tickets.accepted_same_ticket(record)
        yield Hypothesis(
            refusal.failure,
            f"{host_text(record.server)} refused the ticket for {ticket_text(refusal.ticket)} of"
            f" {host_text(record.client)} in the {refusal.where}: it had seen this authenticator before",
            refusal.items,
            found(SAME_TICKET.seen(*accepted_text(same)) if same is not None else None),
            missing=("a capture that begins some minutes earlier, to see the first use of the authenticator",),
            severity="low" if refusal.recovered else None,
        )


RULE = Rule(
    name="ap-replay",
    title="The server had seen the same Kerberos authenticator before (replay)",
    documentation=__doc__,
    severity="medium",
    base=0.9,
    requires=("KRB-ERROR 34 from a server, in RPC, SMB, LDAP or HTTP",),
    find=find,
    clues=(SAME_TICKET,),
    next_steps=(
        "Look for frames sent twice on the way: mirrored ports, load balancers, a VPN: compare captures of both ends.",
        "Look for two computers, or two programs, that use the same account at the same moment.",
        "If neither is found, treat it as an attack: who sent the frames, by MAC and IP address?",
    ),
    references=("RFC 4120 3.2.3", "RFC 4120 7.5.9"),
)
