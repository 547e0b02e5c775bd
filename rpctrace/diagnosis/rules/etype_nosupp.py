"""etype-nosupp: client, account and KDC have no encryption type in common.

What it means: a ticket needs a key of the service (or, at logon, of the user) and a session key, each of a type that
all who use it know. RC4 switched off on one side and AES missing on the other is the usual case: an account whose
password is older than AES support, a trust without "The other domain supports Kerberos AES Encryption", a keytab with
RC4 alone, or domain controllers that issue no RC4 tickets any more.
How we know: KDC_ERR_ETYPE_NOSUPP (14) of the KDC is clear text, and so is the list of types that the client asked for.
What the KDC would take shows where it lists types for pre-authentication.
What would refute it: the same client got the same ticket with other types a moment later; it is then told as recovered.
How to tell it from its neighbours: rc4-2026 is the same error where it comes from the update that ends RC4 by default.
How sure: the KDC says so (RFC 4120 3.1.3); which of the two sides lacks the type, its event log tells. Both captures
of the lab show it: a client with Camellia alone, and one with RC4 alone against a trust with AES keys.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.report import Etype, EvidenceItem, KerberosExchange

RC4 = frozenset((23, 24))  # RFC 4757
WEAK = RC4 | {1, 2, 3}  # and DES, RFC 3961 6.2
AES = frozenset((17, 18, 19, 20))  # RFC 3962, RFC 8009

NOTHING_SHARED = Clue(0.6, "nothing that the KDC lists for pre-authentication is asked for by the client")
ONLY_WEAK = Clue(0.4, "the client asks for RC4 or DES alone")
ONLY_AES = Clue(0.3, "the client asks for AES alone: account or trust may have RC4 keys only")
FOR_A_TRUST = Clue(0.2, "the ticket would lead to another realm: the types of the trust count")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    failures = list(kdc.refusals(evidence, kdc.ETYPE_NOSUPP))
    listed = _listed(evidence) if failures else {}
    for failure in failures:
        exchange = failure.exchange
        settled = kdc.went_on(evidence, failure)
        known = listed.get((evidence.place_of(exchange, exchange.server), exchange.cname))
        teller = exchange if exchange.offered_etypes else known
        yield Hypothesis(
            failure,
            f"{kdc.capital(kdc.refusal_text(exchange))}{kdc.way_text(evidence, exchange)}."
            f" The client asked for {etypes_text(exchange.etypes)}{_offer_text(teller)}"
            f"{settled.text if settled else ''}",
            kdc.refusal_items(evidence, failure),
            found(*_clues(exchange, teller)),
            missing=("which key is missing: event 14 or 16 of the domain controller's Kerberos service",),
            severity=settled.severity if settled else _severity(evidence, exchange),
        )


def _severity(evidence: Evidence, exchange: KerberosExchange) -> str | None:
    """A client that takes RC4 alone, and was logged on with it, meets a service that is better protected: that is the
    client's own setting, and no failure of the realm."""
    if exchange.kind != "TGS" or not exchange.etypes or not {each.etype for each in exchange.etypes} <= WEAK:
        return None
    path = evidence.path_of(exchange)
    logon = evidence.exchanges.get(path.as_exchange or "") if path is not None else None
    return "low" if logon is not None and logon.error is None and logon.etypes == exchange.etypes else None


def _listed(evidence: Evidence) -> Mapping[tuple[Place, tuple[str, ...]], KerberosExchange]:
    """KDC and client -> the exchange in which the KDC listed the types of the client's keys."""
    return {
        (evidence.place_of(each, each.server), each.cname): each
        for each in evidence.report.kerberos
        if each.offered_etypes
    }


def etypes_text(etypes: Iterable[Etype]) -> str:
    return ", ".join(each.name or f"type {each.etype}" for each in etypes) or "types that were not captured"


def _offer_text(teller: KerberosExchange | None) -> str:
    return f"; the KDC lists {etypes_text(teller.offered_etypes)}" if teller is not None else ""


def _clues(exchange: KerberosExchange, teller: KerberosExchange | None) -> Iterator[EvidenceItem]:
    asked = {each.etype for each in exchange.etypes}
    capture, frame = exchange.capture, exchange.request_frame
    if teller is not None and asked and asked.isdisjoint(each.etype for each in teller.offered_etypes):
        text = f"the KDC lists {etypes_text(teller.offered_etypes)}, none of which the client asked for"
        yield NOTHING_SHARED.seen(text, teller.capture, teller.reply_frame)
    if asked and asked <= WEAK:
        yield ONLY_WEAK.seen(f"asked for {etypes_text(exchange.etypes)} alone", capture, frame)
    elif asked and asked <= AES:
        yield ONLY_AES.seen(f"asked for {etypes_text(exchange.etypes)} alone", capture, frame)
    if exchange.kind == "TGS" and kdc.is_for_granting(exchange):
        yield FOR_A_TRUST.seen(f"asked for {kdc.sname_text(exchange)}", capture, frame)


RULE = Rule(
    name="etype-nosupp",
    title="Client and account have no encryption type in common",
    documentation=__doc__,
    severity="medium",
    base=0.9,
    requires=("KDC_ERR_ETYPE_NOSUPP (14) from a KDC",),
    find=find,
    clues=(NOTHING_SHARED, ONLY_WEAK, ONLY_AES, FOR_A_TRUST),
    next_steps=(
        "See what the account has: Get-ADObject -Filter 'servicePrincipalName -eq \"<name>\"' -Properties "
        "msDS-SupportedEncryptionTypes, pwdLastSet; reset its password where it is older than AES support.",
        "For another realm, let the trust use AES: ksetup /setenctypeattr <realm> RC4-HMAC-MD5 "
        "AES128-CTS-HMAC-SHA1-96 AES256-CTS-HMAC-SHA1-96, or its tick 'The other domain supports Kerberos AES "
        "Encryption'.",
        "See what the client may use: GPO 'Network security: Configure encryption types allowed for Kerberos'.",
        "Look for event 14 or 16 of Microsoft-Windows-Kerberos-Key-Distribution-Center in the domain controller's "
        "System log: it names account and types.",
    ),
    references=("RFC 4120 3.1.3", "[MS-KILE] 3.3.5.6", "KB4492348", "KB5021131"),
)
