"""spn-duplicate: several accounts hold the service principal name that was asked for.

What it means: the KDC looks the name up in the whole forest and finds it on more than one account. It does not know
with whose key to make the ticket, and issues none. The application goes on with NTLM, or fails.
How we know: KDC_ERR_PRINCIPAL_NOT_UNIQUE (8) of the KDC is clear text. Which accounts these are only the directory
tells; the domain controller notes the name as event 11 of its Kerberos service.
What would refute it: nothing that a capture shows; a ticket for the name later on means that somebody removed one.
How to tell it from its neighbours: ap-modified is what the client meets where the name is on the wrong account, or on
accounts of two forests: then a ticket is issued, and the server cannot open it.
How sure: the KDC says so (RFC 4120 7.5.9) and has no other use for this error. No capture of the lab shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.rule import Hypothesis, Rule

PRINCIPAL_NOT_UNIQUE = 8  # RFC 4120 7.5.9


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in kdc.refusals(evidence, PRINCIPAL_NOT_UNIQUE):
        exchange = failure.exchange
        settled = kdc.went_on(evidence, failure)
        yield Hypothesis(
            failure,
            f"{kdc.capital(kdc.refusal_text(exchange))}{kdc.way_text(evidence, exchange)}"
            f"{settled.text if settled else ''}",
            kdc.refusal_items(evidence, failure),
            missing=("the accounts that hold the name: event 11 of the domain controller's Kerberos service",),
            next_steps=(
                f"Find the accounts: setspn -F -Q {kdc.sname_text(exchange)}, or all duplicates: setspn -F -X.",
                "Leave the name on the account that the service runs as: setspn -D <name> <other account>.",
                "Look for event 11 of Microsoft-Windows-Kerberos-Key-Distribution-Center in the System log of the "
                "domain controller.",
            ),
            severity=settled.severity if settled else None,
        )


RULE = Rule(
    name="spn-duplicate",
    title="Several accounts hold the service principal name",
    documentation=__doc__,
    severity="high",
    base=0.95,
    requires=("KDC_ERR_PRINCIPAL_NOT_UNIQUE (8) from a KDC",),
    find=find,
    next_steps=(
        "Find the accounts: setspn -F -X.",
        "Leave the name on the account that the service runs as: setspn -D <name> <other account>.",
    ),
    references=(
        "RFC 4120 7.5.9",
        "https://learn.microsoft.com/en-us/windows-server/administration/windows-commands/setspn",
    ),
)
