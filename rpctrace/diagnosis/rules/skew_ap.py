"""skew-ap: the server refused the ticket because the clocks of client and server differ too much.

What it means: the authenticator of an AP-REQ holds the client's time, and a server takes it only within some minutes of
its own, five by default (RFC 4120 3.2.3). The answer is KRB_AP_ERR_SKEW (37). It holds the server's time, with which
Windows and MIT clients try once more; an error that remains means that this failed or was not tried.
How we know: the KRB-ERROR in the bind_ack, the alter_context_resp, or the answer of SMB, LDAP or HTTP. The server's
time in it, compared with the time of the frame, tells how the server's clock stands to that of the capturing computer;
errors of KDCs tell the same of the KDCs.
What would refute it: nothing of the skew itself, which the server states; a later acceptance of the same ticket means
that it was made good.
How to tell it from its neighbours: ticket-expired is about the lifetime of the ticket, not about the authenticator; a
KDC that says 37 compares the client with itself, not with the server.
How sure: the server names the cause, so nearly certain; the three captures of the lab with a skewed client show it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.clocks import SKEW, Clockwork
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import host_text, ticket_text
from rpctrace.diagnosis.refusals import Refusal, refusals
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import EvidenceItem

SERVER_DIFFERS = Clue(0.3, "the server's clock differs from that of the capturing computer by minutes")
SERVER_AGREES = Clue(0.1, "the server's clock agrees with the capturing computer's: it is the client's that is off")
KDC_AGREES = Clue(0.1, "a KDC's clock agrees with the server's: it is the client's that is off")
KDC_DIFFERS = Clue(0.2, "a KDC's clock differs from the server's by minutes")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    clocks = evidence.once(Clockwork)
    for refusal in refusals(evidence):
        if refusal.error != SKEW:
            continue
        record = refusal.record
        made_good = "; the client tried again and was accepted" if refusal.recovered else ""
        ticket = f" with a ticket for {ticket_text(refusal.ticket)}" if refusal.ticket is not None else ""
        yield Hypothesis(
            refusal.failure,
            f"{host_text(record.server)} refused {host_text(record.client)} in the {refusal.where}{ticket}: their"
            f" clocks differ by more than is allowed (KRB_AP_ERR_SKEW){made_good}",
            refusal.items,
            found(*_clues(clocks, refusal)),
            missing=("the client's clock at that time: w32tm /stripchart on the client",),
            severity="low" if refusal.recovered else None,
        )


def _clues(clocks: Clockwork, refusal: Refusal) -> Iterator[EvidenceItem | None]:
    record = refusal.record
    ahead = clocks.ahead_of_capture(record)
    if ahead is not None:
        text = f"the clock of {record.server.address} {clocks.words(ahead)} that of the capturing computer"
        clue = SERVER_DIFFERS if clocks.matters(ahead) else SERVER_AGREES
        yield clue.seen(text, record.capture, refusal.reply_frame)
    nearest = clocks.nearest_kdc(record)
    if ahead is not None and nearest is not None:
        kdc, kdc_ahead = nearest
        text = f"the clock of {record.server.address} {clocks.words(ahead - kdc_ahead)} that of the KDC"
        clue = KDC_DIFFERS if clocks.matters(ahead - kdc_ahead) else KDC_AGREES
        yield clue.seen(f"{text} {kdc.server.address}", kdc.capture, kdc.reply_frame)


RULE = Rule(
    name="skew-ap",
    title="The clocks of client and server differ too much (KRB_AP_ERR_SKEW)",
    documentation=__doc__,
    severity="high",
    base=0.95,
    requires=("KRB-ERROR 37 from a server, in RPC, SMB, LDAP or HTTP",),
    find=find,
    clues=(SERVER_DIFFERS, SERVER_AGREES, KDC_AGREES, KDC_DIFFERS),
    next_steps=(
        "Compare the clocks: w32tm /stripchart /computer:<domain controller> /samples:3 on client and server.",
        "w32tm /query /status and /query /source: whom do they take their time from? w32tm /resync /rediscover.",
        "Virtual machines: let either the host or the domain set the time, not both.",
    ),
    references=("RFC 4120 3.2.3", "RFC 4120 7.5.9", "[MS-KILE] 2.2.2"),
)
