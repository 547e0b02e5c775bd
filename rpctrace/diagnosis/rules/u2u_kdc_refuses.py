"""u2u-kdc-refuses: user-to-user Kerberos failed at the KDC, which refused the ticket in the server's session key.

What it means: the client had the server's ticket-granting ticket and asked the KDC for a ticket sealed in that ticket's
session key (ENC-TKT-IN-SKEY, RFC 4120 3.3.1, 3.7). The KDC refused. It must be a KDC of the realm that issued the
additional ticket, must be able to decrypt it, and must know the user whom the request names; a KDC that is not Windows
may know only principals with a service name.
How we know: the option and the additional ticket are in clear in the request; the KRB-ERROR is the answer.
What would refute it: a TGS-REP for the same name to the same client afterwards, with which it is made good.
How to tell it from its neighbours: spn-unknown has the same error 7 without the option; error 27 or 7 before any
user-to-user request is an ordinary step towards it.
How sure: that the KDC refused the user-to-user request is on the wire; the error code says why.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.correlation.realms import same_realm
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import exchange_answer, exchange_items, host_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import EvidenceItem, KerberosExchange

# RFC 4120 7.5.9: what each error means in this place.
_MEANINGS = {
    7: "it does not know the user as the target of a ticket",
    12: "its policy forbids it",
    13: "it cannot grant the option",
    20: "the server's ticket-granting ticket is revoked",
    31: "it could not decrypt a ticket-granting ticket",
    32: "the server's ticket-granting ticket is expired",
    35: "the additional ticket is not one of its own",
    41: "it could not decrypt a ticket-granting ticket",
    45: "it has no key for the additional ticket",
    68: "the request is for another realm",
}

OF_ANOTHER_REALM = Clue(0.3, "the additional ticket is of another realm than the KDC that was asked")
ADDITIONAL_TICKET = Clue(0.2, "the request brought the server's ticket-granting ticket along")
NO_ADDITIONAL_TICKET = Clue(0.2, "no additional ticket was seen in the request", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.KDC):
        exchange = failure.exchange
        if exchange.kind != "TGS" or not exchange.user_to_user or exchange.error is None:
            continue
        made_good = evidence.made_good(failure.exchanges[-1])
        meaning = _MEANINGS.get(exchange.error)
        yield Hypothesis(
            failure,
            f"The KDC {host_text(exchange.server)} refused {exchange.client.address} the user-to-user ticket for"
            f" {'/'.join(exchange.sname) or '?'} with {exchange_answer(exchange)}{f': {meaning}' if meaning else ''}"
            f"{'; later the client got it' if made_good else ''}",
            exchange_items(exchange),
            found(*_clues(exchange)),
            severity="note" if made_good else None,
        )


def _clues(exchange: KerberosExchange) -> Iterator[EvidenceItem | None]:
    additional = next(iter(exchange.additional_tickets), None)
    if additional is None:
        yield NO_ADDITIONAL_TICKET.seen("no additional ticket", exchange.capture, exchange.request_frame)
        return
    name = f"{'/'.join(additional.sname)}@{additional.realm or '?'}"
    yield ADDITIONAL_TICKET.seen(f"additional ticket {name}", exchange.capture, exchange.request_frame)
    if additional.realm and exchange.realm and not same_realm(additional.realm, exchange.realm):
        text = f"{name} was shown to a KDC of {exchange.realm}"
        yield OF_ANOTHER_REALM.seen(text, exchange.capture, exchange.request_frame)


RULE = Rule(
    name="u2u-kdc-refuses",
    title="User-to-user: the KDC refused the ticket",
    documentation=__doc__,
    severity="high",
    base=0.9,
    requires=("a TGS request with ENC-TKT-IN-SKEY, and a KRB-ERROR in answer",),
    find=find,
    clues=(ADDITIONAL_TICKET, OF_ANOTHER_REALM, NO_ADDITIONAL_TICKET),
    next_steps=(
        "Ask for the ticket by hand on the client: klist get <user>, and compare the realm with that of the user's "
        "account.",
        "In the session of the server's user: klist tgt; klist purge and log on again for a new ticket.",
        "A KDC that is not Windows: does it give user-to-user tickets for users without a service name?",
    ),
    references=("RFC 4120 3.3.1", "RFC 4120 3.7", "[MS-KILE] 3.3.5.7", "KB2003088"),
)
