"""bad-password: the password is wrong, or the account may not log on: locked out, disabled, expired, restricted.

What it means: whoever holds the account was refused before any service came into it. A wrong password is a user's, a
stored one of a service or task that was not told of a change, or a keytab's; enough of them lock the account.
How we know: KDC_ERR_PREAUTH_FAILED (24) and KDC_ERR_CLIENT_REVOKED (18) of the KDC are clear text, with an NTSTATUS
that says more where the KDC sends one; SMB and LDAP say it in their answers, and the domain controller's netlogon.log
for a logon with NTLM that was passed on to it.
What would refute it: a ticket or a logon of the same account with the same password.
How to tell it from its neighbours: pwd-expired is a password that was right and is too old; client-unknown is an
account that is not there; ntlm-auth3-denied is the refusal of a call by NTLM without the reason that the log has.
How sure: the domain controller says so (RFC 4120 3.1.3, [MS-ERREF] 2.3.1). Error 24 is also the answer to a clock or a
salt that is wrong, which is rare. Every such error of the lab was a wrong password or a disabled account.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import accounts, kdc
from rpctrace.diagnosis.accounts import Refused
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import exchange_answer
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.report import EvidenceItem, KerberosExchange, LogEntry

NAME_EXPIRED, CLIENT_REVOKED, PREAUTH_FAILED, BAD_INTEGRITY = 1, 18, 24, 31  # RFC 4120 7.5.9
WRONG_PASSWORD = "The password is wrong"
# RFC 4120 7.5.9; error 31 is what older KDCs answer to pre-authentication with a wrong password.
_ERRORS = {
    NAME_EXPIRED: "The account has expired",
    CLIENT_REVOKED: "The account is disabled, locked out, expired or outside its logon hours",
    PREAUTH_FAILED: WRONG_PASSWORD,
    BAD_INTEGRITY: WRONG_PASSWORD,
}
# [MS-ERREF] 2.3.1
_STATUSES = {
    0xC000006A: WRONG_PASSWORD,
    0xC000006D: "User name or password is wrong",
    0xC000006E: "The account is restricted (an empty password, Protected Users, or a policy)",
    0xC000006F: "The account may not log on at this hour",
    0xC0000070: "The account may not log on at this computer",
    0xC0000072: "The account is disabled",
    0xC0000193: "The account has expired",
    0xC0000234: "The account is locked out",
}
_PUBLIC_KEY_DATA = frozenset((14, 15, 16, 17))  # RFC 4556 3.1.2: a smart card was used

LOG_TOO = Clue(0.5, "the domain controller's log has a refusal of the same kind for this user")
CHANGED_BEFORE = Clue(0.3, "the password had been changed moments before")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    in_log = _in_log(evidence)
    for refused in accounts.refused(evidence, _ERRORS, _STATUSES):
        exchange = refused.exchange
        if exchange is not None and not _is_about_the_password(exchange):
            continue
        settled = kdc.went_on(evidence, refused.failure) if exchange is not None else None
        title = _title(refused)
        said = exchange_answer(exchange) if exchange is not None else ""
        yield Hypothesis(
            refused.failure,
            f"{kdc.capital(refused.where)} refused {refused.who}: {title[:1].lower()}{title[1:]}"
            f"{f' ({said})' if said else ''}{settled.text if settled else ''}{refused.more}",
            refused.required,
            found(*_clues(evidence, refused, in_log)),
            refused.ceilings(evidence),
            title=title,
            next_steps=_steps(refused, title),
            severity=_severity(evidence, refused, settled),
        )


def _is_about_the_password(exchange: KerberosExchange) -> bool:
    """Error 31 only of an AS exchange that proved a password, and none where a certificate was shown instead."""
    data = {each.type for each in exchange.request_pa_data}
    if exchange.kind == "AS" and data & _PUBLIC_KEY_DATA:
        return exchange.error not in (PREAUTH_FAILED, BAD_INTEGRITY)
    return exchange.error != BAD_INTEGRITY or (exchange.kind == "AS" and bool(data))


def _title(refused: Refused) -> str:
    named = _STATUSES.get(refused.ntstatus or 0)
    return named or _ERRORS.get(refused.error or 0) or WRONG_PASSWORD


def _severity(evidence: Evidence, refused: Refused, settled: kdc.WentOn | None) -> str | None:
    """Somebody who logged on with the same account before or after mistyped; a line of a log alone is about others."""
    if refused.is_from_log_alone or settled is not None:
        return "low"
    exchange = refused.exchange
    return "low" if exchange is not None and evidence.earlier_answer(exchange) is not None else None


def _in_log(evidence: Evidence) -> dict[str, LogEntry]:
    """User -> the first line that tells of a refusal of this kind."""
    lines: dict[str, LogEntry] = {}
    for each in evidence.report.log_entries:
        if each.status in _STATUSES and accounts.is_user_logon(each) and each.user:
            lines.setdefault(each.user.casefold(), each)
    return lines


def _clues(evidence: Evidence, refused: Refused, in_log: dict[str, LogEntry]) -> Iterator[EvidenceItem | None]:
    exchange = refused.exchange
    if exchange is None:
        return
    entry = in_log.get((exchange.cname[0] if exchange.cname else "").split("@")[0].casefold())
    if entry is not None:
        yield LOG_TOO.seen(accounts.entry_text(entry), entry=entry)
    before = evidence.earlier_answer(exchange)
    changed = before is not None and kdc.changed_password_after(evidence, before)
    if before is not None and changed:
        yield CHANGED_BEFORE.seen(
            f"{kdc.client_text(before)} had changed a password at {changed.server.address}",
            changed.capture, changed.reply_frame,
        )  # fmt: skip


def _steps(refused: Refused, title: str) -> tuple[str, ...] | None:
    name = refused.exchange.cname[0] if refused.exchange is not None and refused.exchange.cname else ""
    if name.endswith("$"):
        return (
            f"The account is a computer's: test its secure channel there: Test-ComputerSecureChannel -Verbose, or "
            f"nltest /sc_verify:<domain>; repair it with Reset-ComputerMachinePassword ({name}).",
        )
    if title == _STATUSES[0xC0000234]:
        return (
            "Unlock it: Unlock-ADAccount <user>.",
            "Find what goes on trying: event 4740 on the domain controller that holds the PDC emulator names the "
            "computer; there look for stored credentials, services and tasks.",
        )
    return None


RULE = Rule(
    name="bad-password",
    title="The password is wrong, or the account may not log on",
    documentation=__doc__,
    severity="medium",
    base=0.9,
    requires=(
        "KDC_ERR_PREAUTH_FAILED (24) or KDC_ERR_CLIENT_REVOKED (18) from a KDC, or an NTSTATUS about the account in "
        "the answer of SMB or LDAP, or in netlogon.log",
    ),
    find=find,
    clues=(LOG_TOO, CHANGED_BEFORE),
    ceilings=(accounts.JOINED_LOOSELY,),
    next_steps=(
        "See the account's state: Get-ADUser <user> -Properties LockedOut, Enabled, PasswordLastSet, "
        "AccountExpirationDate, BadLogonCount.",
        "Look for events 4771 (Kerberos) and 4776 (NTLM) in the domain controller's Security log: they name the "
        "computer that tried.",
        "For a service, task or keytab, give it the new password; for a keytab make it anew.",
    ),
    references=("RFC 4120 3.1.3", "RFC 4120 7.5.9", "[MS-ERREF] 2.3.1", "[MS-KILE] 2.2.1"),
)
