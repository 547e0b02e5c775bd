"""ticket-expired: the server refused the ticket because it is no longer, or not yet, valid.

What it means: the ticket's end time is past by the server's clock (KRB_AP_ERR_TKT_EXPIRED, 32), or its start time is
still to come (KRB_AP_ERR_TKT_NYV, 33). Windows asks for a new ticket and tries again; where it does not help, the clock
of the server differs from that of the KDC which issued the ticket, or an application holds on to an old ticket.
How we know: the KRB-ERROR in the server's answer.
What would refute it: nothing of the refusal itself; a later acceptance for the same service means that it was made
good.
How to tell it from its neighbours: skew-ap is about the authenticator's time, which is the client's; this one is about
times that the KDC wrote into the ticket.
How sure: the server names the cause (RFC 4120 3.2.3).
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.clocks import Clockwork
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import host_text, ticket_text
from rpctrace.diagnosis.refusals import Refusal, refusals
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import Authentication, Call, EvidenceItem, KerberosExchange

FRESH_NS = 600 * NS_PER_SECOND  # a ticket is good for hours
_WORDS = {32: "its time is over (KRB_AP_ERR_TKT_EXPIRED)", 33: "its time has not come (KRB_AP_ERR_TKT_NYV)"}

CLOCK_DIFFERS = Clue(0.3, "the server's clock differs by minutes from a KDC's or the capturing computer's")
FRESH_TICKET = Clue(0.3, "the ticket had been issued minutes before: it is the server's clock that is off")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    clocks = evidence.once(Clockwork)
    for refusal in refusals(evidence):
        words = _WORDS.get(refusal.error or 0)
        if words is None:
            continue
        record = refusal.record
        made_good = "; a later ticket was accepted" if refusal.recovered else ""
        yield Hypothesis(
            refusal.failure,
            f"{host_text(record.server)} refused the ticket for {ticket_text(refusal.ticket)} of"
            f" {host_text(record.client)} in the {refusal.where}: {words}{made_good}",
            refusal.items,
            found(*_clues(evidence, clocks, refusal)),
            severity="low" if refusal.recovered else None,
        )


def _clues(evidence: Evidence, clocks: Clockwork, refusal: Refusal) -> Iterator[EvidenceItem | None]:
    record = refusal.record
    ahead, nearest = clocks.ahead_of_capture(record), clocks.nearest_kdc(record)
    if ahead is not None:
        other = ahead - nearest[1] if nearest is not None else ahead
        whose = f"the KDC {nearest[0].server.address}" if nearest is not None else "the capturing computer"
        if clocks.matters(other):
            text = f"the clock of {record.server.address} {clocks.words(other)} that of {whose}"
            yield CLOCK_DIFFERS.seen(text, record.capture, refusal.reply_frame)
    issuer = evidence.issuer(record)
    age = _age_ns(evidence, issuer, record) if issuer is not None else None
    if issuer is not None and age is not None and 0 <= age <= FRESH_NS:
        text = f"the KDC issued the ticket {age / NS_PER_SECOND:.0f} s before"
        yield FRESH_TICKET.seen(text, issuer.capture, issuer.reply_frame)


def _age_ns(evidence: Evidence, issuer: KerberosExchange, record: Call | Authentication) -> int | None:
    """From the issue of the ticket to its use, where the two have a common clock."""
    issued, used = evidence.span_ns(issuer), evidence.span_ns(record)
    common = evidence.line(issuer.capture) == evidence.line(record.capture)
    return used[0] - issued[1] if common and issued is not None and used is not None else None


RULE = Rule(
    name="ticket-expired",
    title="The ticket is expired or not yet valid by the server's clock",
    documentation=__doc__,
    severity="medium",
    base=0.9,
    requires=("KRB-ERROR 32 or 33 from a server, in RPC, SMB, LDAP or HTTP",),
    find=find,
    clues=(CLOCK_DIFFERS, FRESH_TICKET),
    next_steps=(
        "On the client: klist shows the ticket's times; klist purge, then try again.",
        "Compare the clocks of server and domain controller: w32tm /stripchart /computer:<domain controller>.",
        "An application that keeps connections or tickets for days: restart it, and ask its maker for renewal.",
    ),
    references=("RFC 4120 3.2.3", "RFC 4120 7.5.9"),
)
