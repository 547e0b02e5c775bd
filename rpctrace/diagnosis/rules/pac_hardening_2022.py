"""pac-hardening-2022: a KDC may have refused a ticket because its PAC lacks the signature that KB5020805 demands.

What it means: since the updates of November 2022 a KDC adds a signature over the whole PAC to service tickets. Since
July 2023 updated domain controllers refuse a service ticket without it that is shown to a KDC again, for constrained
delegation or to be renewed. Tickets of a KDC that was not updated, or of another implementation, lack it.
How we know: hardly. The error on the wire is not documented; a KDC that refuses the ticket in a TGS request as damaged,
revoked or for no stated reason fits. The domain controller's System log says it: events 43 and 44 of the KDC.
What would refute it: none of these events on the domain controller; a later success of the same client for the same
service with the same kind of request; tickets that were all issued by updated domain controllers.
How to tell it from its neighbours: a trust whose passwords differ gives the same errors to every ticket of that realm,
and a changed krbtgt password to every old ticket.
How sure: it is a hint by judgement, low by its base, and made only so that the event is looked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rpctrace.correlation.realms import is_host_service
from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import exchange_answer, exchange_items, host_text
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found
from rpctrace.report import EvidenceItem, KerberosExchange

# RFC 4120 7.5.9: KDC_ERR_TGT_REVOKED, KRB_AP_ERR_BAD_INTEGRITY, KRB_AP_ERR_MODIFIED, KRB_ERR_GENERIC
FITTING_ERRORS = frozenset((20, 31, 41, 60))

DELEGATION = Clue(0.1, "constrained delegation: the KDC is shown a service ticket, which must have the signature")
ANOTHER_KDC = Clue(0.1, "the ticket that was shown was issued by another KDC than the one that refused it")
MADE_GOOD = Clue(0.6, "the same client later got what it was refused", against=True)
ANOTHER_REALM = Clue(0.3, "the ticket is of another realm: keys of the trust that differ give the same", against=True)

EVENT_NOT_SEEN = Ceiling(
    0.45,
    "only the domain controller's log tells it",
    "events 43 and 44 of Kerberos-Key-Distribution-Center in the System log of the domain controller",
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.KDC):
        exchange = failure.exchange
        reason = _reason(exchange)
        if exchange.kind != "TGS" or exchange.error not in FITTING_ERRORS or exchange.user_to_user or reason is None:
            continue
        yield Hypothesis(
            failure,
            f"The KDC {host_text(exchange.server)} refused {exchange.client.address} {reason} with"
            f" {exchange_answer(exchange)}; a ticket without the full PAC signature is one explanation",
            exchange_items(exchange),
            found(*_clues(evidence, exchange)),
            (EVENT_NOT_SEEN,),
        )


def _reason(exchange: KerberosExchange) -> str | None:
    """Where a service ticket is shown to a KDC: only those have the signature ([MS-PAC] 2.8.3)."""
    if _delegates(exchange):
        return "a ticket by constrained delegation"
    presented = exchange.presented
    if presented is None or not is_host_service(presented.sname):
        return None
    return "the renewal of a service ticket" if "renew" in exchange.options else "a request that shows a service ticket"


def _delegates(exchange: KerberosExchange) -> bool:
    """Constrained delegation: the service ticket of the user is among the additional tickets ([MS-SFU] 3.1.5.2.1)."""
    return "cname-in-addl-tkt" in exchange.options


def _issuer(evidence: Evidence, exchange: KerberosExchange) -> KerberosExchange | None:
    """The exchange that had issued the service ticket which must have the signature."""
    if _delegates(exchange) and exchange.additional_tickets:
        return evidence.once(_issued).get(exchange.additional_tickets[0].fingerprint)
    presented = exchange.presented
    if presented is None or not is_host_service(presented.sname):
        return None
    return evidence.exchanges.get(exchange.presented_from or "")


def _issued(evidence: Evidence) -> Mapping[str | None, KerberosExchange]:
    """The digest of a ticket -> the exchange that issued it."""
    issued: dict[str | None, KerberosExchange] = {}
    for each in evidence.report.kerberos:
        if each.ticket is not None and each.ticket.fingerprint is not None:
            issued.setdefault(each.ticket.fingerprint, each)
    return issued


def _clues(evidence: Evidence, exchange: KerberosExchange) -> Iterator[EvidenceItem | None]:
    if _delegates(exchange):
        yield DELEGATION.seen("constrained delegation", exchange.capture, exchange.request_frame)
    issuer = _issuer(evidence, exchange)
    if issuer is not None and evidence.host(issuer.server.address) != evidence.host(exchange.server.address):
        text = f"the ticket was issued by {issuer.server.address}"
        yield ANOTHER_KDC.seen(text, issuer.capture, issuer.reply_frame)
    presented = exchange.presented
    if presented is not None and kdc.shows_foreign_ticket(exchange):
        text = f"a ticket of {presented.realm} was shown to a KDC of {exchange.realm}"
        yield ANOTHER_REALM.seen(text, exchange.capture, exchange.request_frame)
    later = evidence.later_answer(exchange)
    if later is not None:
        yield MADE_GOOD.seen("the client got it later", later.capture, later.reply_frame)


RULE = Rule(
    name="pac-hardening-2022",
    title="The ticket may lack the full PAC signature that updated KDCs demand",
    documentation=__doc__,
    severity="low",
    base=0.35,
    requires=(
        "a TGS request that shows a service ticket: constrained delegation, renewal",
        "refused with KDC_ERR_TGT_REVOKED, KRB_AP_ERR_BAD_INTEGRITY, KRB_AP_ERR_MODIFIED or KRB_ERR_GENERIC",
    ),
    find=find,
    clues=(DELEGATION, ANOTHER_KDC, MADE_GOOD, ANOTHER_REALM),
    ceilings=(EVENT_NOT_SEEN,),
    next_steps=(
        "Look for events 43 and 44 of Kerberos-Key-Distribution-Center in the System log of the domain controllers.",
        "Install the updates of November 2022 or later on every domain controller, and update KDCs of other makers.",
        "On the client: klist purge, then try again with new tickets.",
    ),
    references=("KB5020805", "[MS-PAC] 2.8.3"),
)
