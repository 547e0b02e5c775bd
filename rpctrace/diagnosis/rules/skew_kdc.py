"""skew-kdc: the KDC refused because the client's clock and its own differ by more than it tolerates.

What it means: a request for a ticket proves with an encrypted time that it is fresh. A KDC that finds this time more
than its tolerance away from its own clock (five minutes by default, the domain policy "Maximum tolerance for computer
clock synchronization") answers KRB_AP_ERR_SKEW and its own time. Windows clients take that time and ask once more; so
an error that nothing follows is one that the client could not recover from.
How we know: the KDC's KRB-ERROR 37 is clear text. It carries the KDC's time: where that is far from the capture's
clock, and the capture was taken on the client, the difference is how far the client is off. Where the two agree, the
capture's clock and the KDC's are both right and the client's alone is not; by how much the capture cannot show.
What would refute it: a ticket for the same client soon after the error. It was then recovered, and is told as such.
How to tell it from its neighbours: skew-ap is the same error from a server that was shown a ticket, not from a KDC.
How sure: it is what the KDC says (RFC 4120 3.2.3); what stays open is whether it is the client that is wrong. Both
captures of the lab with a client clock 20 minutes off show it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.clocks import AGREES_NS, SKEW, Clockwork
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import EvidenceItem, KerberosExchange

TOLERANCE_NS = 300 * NS_PER_SECOND  # RFC 4120 8.2 recommends five minutes, and Windows has them as default

FAR_FROM_CAPTURE = Clue(0.5, "the KDC's time in the error is more than five minutes from the capture's clock")
KDC_ALONE = Clue(
    0.4, "another KDC's time agrees with the capture's clock, this one's does not: it is the KDC's clock", against=True
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    clocks = evidence.once(Clockwork)
    for failure in kdc.refusals(evidence, SKEW):
        exchange = failure.exchange
        settled = kdc.went_on(evidence, failure)
        apart = clocks.kdc_ahead(exchange)
        far = apart is not None and abs(apart) > TOLERANCE_NS
        yield Hypothesis(
            failure,
            f"{kdc.capital(kdc.refusal_text(exchange))}{_how_far(apart)}{settled.text if settled else ''}",
            kdc.refusal_items(evidence, failure),
            found(*_clues(exchange, apart, clocks.agreeing_kdc(exchange))) if far and apart is not None else (),
            missing=() if far else ("the client's own clock at that moment: a capture taken on the client",),
            severity=settled.severity if settled else None,
        )  # fmt: skip


def _how_far(apart_ns: int | None) -> str:
    if apart_ns is None:
        return ""
    if abs(apart_ns) <= AGREES_NS:
        return ". The KDC's clock agrees with the capture's, so it is the client's that is off"
    direction = "ahead of" if apart_ns > 0 else "behind"
    return f". The KDC's clock is {kdc.duration_text(apart_ns)} {direction} the capture's"


def _far_clue(exchange: KerberosExchange, apart_ns: int) -> EvidenceItem:
    direction = "ahead of" if apart_ns > 0 else "behind"
    text = f"the KDC's time {exchange.server_time or ''} is {kdc.duration_text(apart_ns)} {direction} the capture's"
    return FAR_FROM_CAPTURE.seen(text, exchange.capture, exchange.reply_frame)


def _clues(
    exchange: KerberosExchange, apart_ns: int, agreeing: KerberosExchange | None
) -> Iterator[EvidenceItem | None]:
    yield _far_clue(exchange, apart_ns)
    if agreeing is not None:
        yield _alone_clue(agreeing)


def _alone_clue(agreeing: KerberosExchange) -> EvidenceItem:
    text = f"{kdc.kdc_text(agreeing)} told a time that agrees with the capture's"
    return KDC_ALONE.seen(text, agreeing.capture, agreeing.reply_frame)


RULE = Rule(
    name="skew-kdc",
    title="The clocks of client and KDC differ too much",
    documentation=__doc__,
    severity="high",
    base=0.9,
    requires=("KRB_AP_ERR_SKEW (37) from a KDC",),
    find=find,
    clues=(FAR_FROM_CAPTURE, KDC_ALONE),
    next_steps=(
        "Compare the clocks: w32tm /stripchart /computer:<domain controller> /samples:3 on the client.",
        "See where the client takes its time from: w32tm /query /status and w32tm /query /source.",
        "Set it right: w32tm /resync /rediscover; on a virtual machine look at the host's time synchronisation too.",
        "The tolerance is the GPO setting 'Maximum tolerance for computer clock synchronization' (Kerberos Policy).",
    ),
    references=("RFC 4120 3.2.3", "RFC 4120 8.2", "[MS-KILE] 2.2.2"),
)
