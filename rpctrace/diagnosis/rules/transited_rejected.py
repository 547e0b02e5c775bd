"""transited-rejected: a KDC does not accept the realms through which the client came.

What it means: a ticket that crosses realms lists those between the client's and the KDC's. A KDC that does not accept
one of them issues nothing: a trust on the way is not transitive, or policy forbids the path. SID filtering is not this:
it removes groups without a word, and shows later as an access that is denied.
How we know: KDC_ERR_PATH_NOT_ACCEPTED (28) of the KDC is clear text, or KDC_ERR_POLICY (12) whose text says transited.
The referrals before it show which realms these were.
What would refute it: a ticket for the same service for the same client over the same realms.
How to tell it from its neighbours: kdc-policy is error 12 without such a text; spn-unknown is the answer of a KDC that
accepts the path and does not know the service.
How sure: the KDC says so (RFC 4120 3.3.3.2). No capture of the lab shows it: both trusts there are transitive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.report import EvidenceItem, KerberosExchange, ReferralPath

PATH_NOT_ACCEPTED, AP_PATH_NOT_ACCEPTED = 28, 51  # RFC 4120 7.5.9
_Way = tuple[Place, tuple[str, ...]]

CROSSED = Clue(0.4, "the client came over referrals, so there are realms to transit")
SAME_PATH_WORKED = Clue(0.8, "the same client got another ticket over the same realms", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    failures = list(kdc.refusals(evidence, kdc.POLICY, PATH_NOT_ACCEPTED, AP_PATH_NOT_ACCEPTED))
    worked = _worked(evidence) if failures else {}
    for failure in failures:
        exchange = failure.exchange
        if exchange.error == kdc.POLICY and not kdc.speaks_of_transited(exchange):
            continue
        settled = kdc.went_on(evidence, failure)
        said = f", and says: {exchange.e_text}" if exchange.e_text else ""
        yield Hypothesis(
            failure,
            f"{kdc.capital(kdc.refusal_text(exchange))}{kdc.way_text(evidence, exchange)}{said}"
            f"{settled.text if settled else ''}",
            kdc.refusal_items(evidence, failure),
            found(_crossed(evidence, exchange), _worked_clue(evidence, exchange, worked)),
            severity=settled.severity if settled else None,
        )


def _crossed(evidence: Evidence, exchange: KerberosExchange) -> EvidenceItem | None:
    path = evidence.path_of(exchange)
    if path is None or len(path.realms) < 2:
        return None
    return CROSSED.seen(f"asked over {' -> '.join(path.realms)}", exchange.capture, exchange.request_frame)


def _worked(evidence: Evidence) -> Mapping[_Way, ReferralPath]:
    """Client and realms -> a path over which a ticket was issued."""
    return {
        (evidence.place_of(path, path.client), path.realms): path
        for path in evidence.report.referral_paths
        if path.outcome == "issued" and len(path.realms) > 1
    }


def _worked_clue(
    evidence: Evidence, exchange: KerberosExchange, worked: Mapping[_Way, ReferralPath]
) -> EvidenceItem | None:
    path = evidence.path_of(exchange)
    other = worked.get((evidence.place_of(path, path.client), path.realms)) if path is not None else None
    if other is None:
        return None
    got = evidence.exchanges.get(other.exchanges[-1])
    frame = got.reply_frame if got is not None else None
    return SAME_PATH_WORKED.seen(f"a ticket for {'/'.join(other.sname)} was issued", other.capture, frame)


RULE = Rule(
    name="transited-rejected",
    title="A KDC does not accept the trust path",
    documentation=__doc__,
    severity="medium",
    base=0.8,
    requires=("KDC_ERR_PATH_NOT_ACCEPTED (28), or KDC_ERR_POLICY (12) with a text about transited realms",),
    find=find,
    clues=(CROSSED, SAME_PATH_WORKED),
    next_steps=(
        "List the trusts of each realm of the path with their attributes: nltest /domain_trusts /all_trusts /v.",
        "See whether the trust is transitive: netdom trust <trusting> /domain:<trusted> /transitive (a realm trust), "
        "or the trust's properties in domain.msc.",
        "Look for event 12 of Microsoft-Windows-Kerberos-Key-Distribution-Center on the domain controllers: a trust "
        "link that is not transitive.",
    ),
    references=(
        "RFC 4120 3.3.3.2",
        "RFC 4120 7.5.9",
        "https://learn.microsoft.com/en-us/previous-versions/windows/it-pro/windows-server-2008-r2-and-2008/dd363890(v=ws.10)",
    ),
)
