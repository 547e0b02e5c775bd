"""rc4-2026: domain controllers issue no RC4 tickets by default any more (CVE-2026-20833, KB5073381).

What it means: updates of January 2026 and later change which tickets a domain controller makes for accounts whose
encryption types nobody has set: with the updates of April 2026 these get AES tickets only, and from July 2026 on there
is no way back to the old default. A service with RC4 keys alone (an old password, a keytab with arcfour alone) then
gets no ticket (error 14), or one in AES that it cannot open.
How we know: the date of the capture, the KDC's error 14 for a service, and the encryption types of earlier tickets for
the same service are clear text. Whether the domain controller has the update and enforces it, only its System log says.
What would refute it: a capture before the updates, a service that never had an RC4 ticket, the same type of ticket
before and after.
How to tell it from its neighbours: etype-nosupp says that types do not match, whoever changed; it is right in any case.
How sure: judgement. An error 14 after January 2026 has other causes more often than not; a service whose RC4 tickets
end within one capture speaks for the update. No capture of the lab was made with an updated domain controller.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import host_text
from rpctrace.diagnosis.refusals import refusals
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found, required
from rpctrace.diagnosis.ticket_uses import folded_names
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import EvidenceItem, KerberosExchange

RC4_HMAC = 23
AES = frozenset((17, 18))
# RFC 4120 7.5.9: integrity, modified, key version, no key; or a bare refusal
CANNOT_OPEN = frozenset((None, 31, 41, 44, 45))
DAY_NS = 86_400 * NS_PER_SECOND
RELEASED_NS = 20_466 * DAY_NS  # 2026-01-13, KB5073381
ENFORCED_NS = 20_557 * DAY_NS  # 2026-04-14, the updates of April 2026

RC4_BEFORE = Clue(0.6, "the same service had a ticket in RC4 before, in these captures")
ENFORCED = Clue(0.2, "captured after the updates of April 2026, which enforce it")
NO_AES_ASKED = Clue(0.2, "the client asks for no AES type")
SWITCHED = Clue(0.5, "the refused ticket is in AES, an earlier one for the same service was in RC4")
NO_EVENTS = Ceiling(
    0.7,
    "whether the domain controller has the update and enforces it stands only in its System log",
    "events 201 to 209 of source KDCSVC in the System log of the domain controller",
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    in_rc4 = _first_in_rc4(evidence)
    yield from _refused(evidence, in_rc4)
    if in_rc4:
        yield from _not_opened(evidence, in_rc4)


def _first_in_rc4(evidence: Evidence) -> Mapping[tuple[str, ...], KerberosExchange]:
    """Service -> the exchange that first gave a ticket for it in RC4."""
    found: dict[tuple[str, ...], KerberosExchange] = {}
    for each in evidence.report.kerberos:
        ticket = each.ticket
        if ticket is not None and ticket.etype == RC4_HMAC and each.kind == "TGS" and not kdc.is_for_granting(each):
            found.setdefault(folded_names(ticket.sname), each)
    return found


def _refused(
    evidence: Evidence, in_rc4: Mapping[tuple[str, ...], KerberosExchange]
) -> Iterator[Hypothesis]:
    """No ticket: error 14 for a service."""
    for failure in kdc.refusals(evidence, kdc.ETYPE_NOSUPP):
        exchange = failure.exchange
        if exchange.kind != "TGS" or kdc.is_for_granting(exchange) or not _is_after(exchange.reply_ns, RELEASED_NS):
            continue
        settled = kdc.went_on(evidence, failure)
        before = in_rc4.get(folded_names(exchange.sname))
        if before is not None and evidence.asked_at(before) >= evidence.asked_at(exchange):
            before = None
        asked = {each.etype for each in exchange.etypes}
        yield Hypothesis(
            failure,
            f"{kdc.capital(kdc.refusal_text(exchange))}, after domain controllers had stopped to issue RC4 tickets for"
            f" accounts without encryption types of their own{settled.text if settled else ''}",
            kdc.refusal_items(evidence, failure),
            found(
                _before_clue(before) if before is not None else None,
                _date_clue(exchange),
                NO_AES_ASKED.seen("the request lists no AES type", exchange.capture, exchange.request_frame)
                if asked and asked.isdisjoint(AES) else None,
            ),
            (NO_EVENTS,),
            severity=settled.severity if settled else None,
        )  # fmt: skip


def _not_opened(
    evidence: Evidence, in_rc4: Mapping[tuple[str, ...], KerberosExchange]
) -> Iterator[Hypothesis]:
    """A ticket in AES that the service does not open, where it had one in RC4 before."""
    for refusal in refusals(evidence):
        record, ticket = refusal.record, refusal.ticket
        if ticket is None or ticket.etype not in AES or refusal.error not in CANNOT_OPEN:
            continue
        before = in_rc4.get(folded_names(ticket.sname))
        if before is None or not _is_after(record.request_ns, RELEASED_NS):
            continue
        if evidence.asked_at(before) >= evidence.asked_at(record):
            continue
        name = "/".join(ticket.sname)
        yield Hypothesis(
            refusal.failure,
            f"{host_text(record.server)} refused the {refusal.where} with a ticket for {name} in"
            f" {ticket.etype_name or 'AES'} ({refusal.said}); an earlier ticket for it was in RC4",
            (
                *refusal.items,
                required(f"an earlier ticket for {name} was in RC4", before.capture, before.reply_frame),
            ),
            found(SWITCHED.seen(f"the ticket for {name} is in {ticket.etype_name or 'AES'} now", record.capture,
                                ticket.frame)),
            (NO_EVENTS,),
            severity="low" if refusal.recovered else None,
        )  # fmt: skip


def _is_after(time_ns: int | None, moment_ns: int) -> bool:
    return time_ns is not None and time_ns >= moment_ns


def _before_clue(before: KerberosExchange) -> EvidenceItem:
    text = f"{kdc.client_text(before)} had got a ticket for {kdc.sname_text(before)} in RC4"
    return RC4_BEFORE.seen(text, before.capture, before.reply_frame)


def _date_clue(exchange: KerberosExchange) -> EvidenceItem | None:
    if not _is_after(exchange.reply_ns, ENFORCED_NS):
        return None
    return ENFORCED.seen(f"captured {(exchange.reply_time or '')[:10]}", exchange.capture, exchange.reply_frame)


RULE = Rule(
    name="rc4-2026",
    title="Domain controllers may have stopped to issue RC4 tickets for this service (KB5073381)",
    documentation=__doc__,
    severity="medium",
    base=0.25,
    requires=(
        "a capture of 2026-01-13 or later",
        "KDC_ERR_ETYPE_NOSUPP (14) for a service; or a refused ticket in AES of a service that had one in RC4 before",
    ),
    find=find,
    clues=(RC4_BEFORE, ENFORCED, NO_AES_ASKED, SWITCHED),
    ceilings=(NO_EVENTS,),
    next_steps=(
        "Look for events 201 to 209 of source KDCSVC in the System log of the domain controllers: they name the "
        "accounts and clients concerned.",
        "Give the service account AES keys: reset its password, and make its keytab anew with AES256.",
        "Where a service cannot do AES, set its msDS-SupportedEncryptionTypes explicitly, and replace it.",
    ),
    references=("KB5073381", "KB5021131"),
)
