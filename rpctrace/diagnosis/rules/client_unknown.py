"""client-unknown: the domain controller knows no account of this name.

What it means: the name is misspelt, of another domain, or its UPN suffix is not routed to the forest that holds the
account; or the account is so new that it has not reached this domain controller. One that is shutting down answers the
same for accounts that exist.
How we know: KDC_ERR_C_PRINCIPAL_UNKNOWN (6) of the KDC is clear text, and so are the name and the realm that was asked;
netlogon.log and LDAP say STATUS_NO_SUCH_USER for a logon with NTLM.
What would refute it: a ticket for the same name from a KDC of the same realm at that time.
How to tell it from its neighbours: bad-password is an account that is there. The same NTSTATUS for a Generic logon of
package Kerberos is no user at all, but a PAC that could not be validated (pac-xforest-u2u and its neighbours).
How sure: the KDC says so (RFC 4120 3.1.3); what it does not say is whether the name or the domain controller is wrong.
The lab's capture with a made-up user shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import accounts, kdc, pac
from rpctrace.diagnosis.accounts import Refused
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import EvidenceItem

C_PRINCIPAL_UNKNOWN = 6  # RFC 4120 7.5.9
NO_SUCH_USER = 0xC0000064  # [MS-ERREF] 2.3.1

FOREIGN_SUFFIX = Clue(0.2, "the name has a suffix that is not the realm's: it must be routed to another forest")
KNOWN_BEFORE = Clue(0.6, "a KDC had given a ticket to the same account before", against=True)
SHUTDOWN = Clue(0.5, "a domain controller was shutting down at that time, by its log", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for refused in accounts.refused(evidence, (C_PRINCIPAL_UNKNOWN,), (NO_SUCH_USER,)):
        exchange = refused.exchange
        settled = kdc.went_on(evidence, refused.failure) if exchange is not None else None
        if exchange is not None:
            summary = f"{kdc.capital(kdc.refusal_text(exchange))}{settled.text if settled else ''}"
        else:
            summary = f"{kdc.capital(refused.where)} refused {refused.who}: no such user{refused.more}"
        yield Hypothesis(
            refused.failure,
            summary,
            refused.required,
            found(_shutdown_clue(evidence, refused), *_clues(evidence, refused)),
            refused.ceilings(evidence),
            severity="low" if refused.is_from_log_alone or settled is not None else None,
        )


def _shutdown_clue(evidence: Evidence, refused: Refused) -> EvidenceItem | None:
    near = pac.shutdown_near(evidence, refused.entry) if refused.entry is not None else None
    return SHUTDOWN.seen(accounts.entry_text(near), entry=near) if near is not None else None


def _clues(evidence: Evidence, refused: Refused) -> Iterator[EvidenceItem | None]:
    exchange = refused.exchange
    if exchange is None:
        return
    name = exchange.cname[0] if exchange.cname else ""
    suffix = name.partition("@")[2]
    if suffix and exchange.realm is not None and suffix.casefold() != exchange.realm.casefold():
        yield FOREIGN_SUFFIX.seen(f"{name} was asked of {exchange.realm}", exchange.capture, exchange.request_frame)
    before = evidence.earlier_answer(exchange)
    if before is not None and (before.realm or "").casefold() == (exchange.realm or "").casefold():
        yield KNOWN_BEFORE.seen(f"{kdc.client_text(before)} had got a ticket", before.capture, before.reply_frame)


RULE = Rule(
    name="client-unknown",
    title="The domain controller does not know the user",
    documentation=__doc__,
    severity="medium",
    base=0.85,
    requires=(
        "KDC_ERR_C_PRINCIPAL_UNKNOWN (6) from a KDC, or STATUS_NO_SUCH_USER for a user in the answer of SMB or LDAP, "
        "or in netlogon.log",
    ),
    find=find,
    clues=(FOREIGN_SUFFIX, KNOWN_BEFORE, SHUTDOWN),
    ceilings=(accounts.JOINED_LOOSELY,),
    next_steps=(
        "Look for the name in the whole forest: Get-ADUser -Filter 'UserPrincipalName -eq \"<name>\" -or "
        "SamAccountName -eq \"<name>\"' -Server <global catalog>:3268.",
        "For a UPN of another forest, see that its suffix is routed: netdom trust <trusting> /domain:<trusted> "
        "/namesuffixes:<trusted>.",
        "For a new account, see that the directory has replicated: repadmin /showrepl.",
        "See that the domain controller answers rightly at all: dcdiag /test:advertising.",
    ),
    references=("RFC 4120 3.1.3", "RFC 4120 7.5.9", "KB2683606"),
)
