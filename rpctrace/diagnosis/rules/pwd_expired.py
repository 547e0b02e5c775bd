"""pwd-expired: the password has expired, or must be changed at the next logon.

What it means: the account is known and the password may well be right, but the domain controller gives no ticket until
it is changed. Windows asks the user for a new one; a service, a task or a script cannot answer and fails.
How we know: KDC_ERR_KEY_EXPIRED (23) of the KDC is clear text; netlogon.log, SMB and LDAP have an NTSTATUS for a logon
with NTLM, STATUS_PASSWORD_EXPIRED or STATUS_PASSWORD_MUST_CHANGE.
What would refute it: a ticket for the same account without a change of its password. Where a change and a ticket
follow, it was recovered, and is told as such.
How to tell it from its neighbours: bad-password is a password that is wrong. A ticket for kadmin/changepw is no logon:
it serves to change the password.
How sure: the domain controller says so (RFC 4120 7.5.9, [MS-ERREF] 2.3.1). The lab's capture of an account that had to
change its password shows it, with the change.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import accounts, kdc
from rpctrace.diagnosis.accounts import Refused
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import exchange_answer
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import EvidenceItem

KEY_EXPIRED = 23  # RFC 4120 7.5.9
PASSWORD_EXPIRED, PASSWORD_MUST_CHANGE = 0xC0000071, 0xC0000224  # [MS-ERREF] 2.3.1
_TITLES = {
    PASSWORD_EXPIRED: "The password has expired",
    PASSWORD_MUST_CHANGE: "The password must be changed at the next logon",
}

CHANGED_AFTER = Clue(0.5, "the client went on to change the password")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for refused in accounts.refused(evidence, (KEY_EXPIRED,), _TITLES):
        exchange = refused.exchange
        settled = kdc.went_on(evidence, refused.failure) if exchange is not None else None
        title = _TITLES.get(refused.ntstatus or 0, RULE.title)
        said = exchange_answer(exchange) if exchange is not None else ""
        yield Hypothesis(
            refused.failure,
            f"{kdc.capital(refused.where)} refused {refused.who}: {title[:1].lower()}{title[1:]}"
            f"{f' ({said})' if said else ''}{settled.text if settled else ''}{refused.more}",
            refused.required,
            found(_changed(evidence, refused)),
            refused.ceilings(evidence),
            title=title,
            severity="low" if refused.is_from_log_alone or settled is not None else None,
        )


def _changed(evidence: Evidence, refused: Refused) -> EvidenceItem | None:
    exchange = refused.exchange
    changed = kdc.changed_password_after(evidence, exchange) if exchange is not None else None
    if changed is None:
        return None
    text = f"password changed at {changed.server.address}"
    return CHANGED_AFTER.seen(text, changed.capture, changed.reply_frame)


RULE = Rule(
    name="pwd-expired",
    title="The password has expired or must be changed",
    documentation=__doc__,
    severity="medium",
    base=0.95,
    requires=(
        "KDC_ERR_KEY_EXPIRED (23) from a KDC, or STATUS_PASSWORD_EXPIRED or STATUS_PASSWORD_MUST_CHANGE in the answer "
        "of SMB or LDAP, or in netlogon.log",
    ),
    find=find,
    clues=(CHANGED_AFTER,),
    ceilings=(accounts.JOINED_LOOSELY,),
    next_steps=(
        "See when it was set: Get-ADUser <user> -Properties PasswordLastSet, PasswordExpired, PasswordNeverExpires.",
        "Let the user change it (Ctrl+Alt+Del), or reset it: Set-ADAccountPassword <user> -Reset.",
        "For a service account, use a group managed service account, whose password Windows changes itself.",
    ),
    references=("RFC 4120 7.5.9", "RFC 3244 2", "[MS-ERREF] 2.3.1"),
)
