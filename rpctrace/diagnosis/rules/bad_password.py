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

from rpctrace.correlation.fallback import host_names
from rpctrace.correlation.realms import same_realm
from rpctrace.diagnosis import accounts, kdc
from rpctrace.diagnosis.accounts import Refused
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import exchange_answer
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import EvidenceItem, KerberosExchange, LogEntry

NAME_EXPIRED, CLIENT_REVOKED, BAD_INTEGRITY = 1, 18, 31  # RFC 4120 7.5.9
WRONG_PASSWORD = "The password is wrong"
# RFC 4120 7.5.9; error 31 is what older KDCs answer to pre-authentication with a wrong password.
_ERRORS = {
    NAME_EXPIRED: "The account has expired",
    CLIENT_REVOKED: "The account is disabled, locked out, expired or outside its logon hours",
    kdc.PREAUTH_FAILED: WRONG_PASSWORD,
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
# What a log says where the KDC says this
_LOGGED = {
    NAME_EXPIRED: frozenset((0xC0000193,)),
    CLIENT_REVOKED: frozenset((0xC000006E, 0xC000006F, 0xC0000070, 0xC0000072, 0xC0000193, 0xC0000234)),
    kdc.PREAUTH_FAILED: frozenset((0xC000006A, 0xC000006D)),
    BAD_INTEGRITY: frozenset((0xC000006A, 0xC000006D)),
}
_PUBLIC_KEY_DATA = frozenset((14, 15, 16, 17))  # RFC 4556 3.1.2: a smart card was used
_PROOFS_OF_PASSWORD = frozenset((2, 138))  # RFC 4120 5.2.7.2, RFC 6113 5.4.6; others go with any request
ASKED_OF_A_LOG = 8  # of refusals that are alike
_SOON_NS = 60 * NS_PER_SECOND  # who is refused by the KDC is by NTLM, or again, within the minute

LOG_TOO = Clue(0.5, "the domain controller's log has a refusal of the same kind for this user at that time")
CHANGED_BEFORE = Clue(0.3, "the password had been changed moments before")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
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
            found(*_clues(evidence, refused)),
            refused.ceilings(evidence),
            title=title,
            next_steps=_steps(refused, title),
            severity=_severity(evidence, refused, settled),
        )


def _is_about_the_password(exchange: KerberosExchange) -> bool:
    """Error 31 only of an AS exchange that proved a password, and none where a certificate was shown instead."""
    data = {each.type for each in exchange.request_pa_data}
    if exchange.kind == "AS" and data & _PUBLIC_KEY_DATA:
        return exchange.error not in (kdc.PREAUTH_FAILED, BAD_INTEGRITY)
    return exchange.error != BAD_INTEGRITY or (exchange.kind == "AS" and bool(data & _PROOFS_OF_PASSWORD))


def _title(refused: Refused) -> str:
    named = _STATUSES.get(refused.ntstatus or 0)
    return named or _ERRORS.get(refused.error or 0) or WRONG_PASSWORD


def _severity(evidence: Evidence, refused: Refused, settled: kdc.WentOn | None) -> str | None:
    """Somebody who logged on with the same account before or after mistyped; a line of a log alone is about others."""
    if refused.is_from_log_alone or settled is not None:
        return "low"
    exchange = refused.exchange
    return "low" if exchange is not None and evidence.earlier_answer(exchange) is not None else None


def _in_log(evidence: Evidence, exchange: KerberosExchange) -> LogEntry | None:
    """A line that tells of a refusal of this kind of the same user at the same client about then; where it has no time,
    its domain must be the realm."""
    if not exchange.cname:
        return None
    span = evidence.span_ns(exchange)
    first, last = (span[0] - _SOON_NS, span[1] + _SOON_NS) if span is not None else (None, None)
    known_as = evidence.sure_logged_names.get(exchange.client.address)
    for entry in evidence.refused_logons(exchange.cname[0], first, last):
        same_kind = entry.status == exchange.ntstatus or entry.status in _LOGGED.get(exchange.error or 0, ())
        elsewhere = known_as and entry.workstation and not known_as & host_names((entry.workstation,))
        of_realm = _is_of_realm(entry.domain, exchange.realm)
        if same_kind and not elsewhere and (of_realm or (of_realm is None and entry.time_ns is not None)):
            return entry
    return None


def _is_of_realm(domain: str | None, realm: str | None) -> bool | None:
    """None where it may be: a NetBIOS name need not be the first label of the DNS name."""
    if not domain or not realm or realm.split(".")[0].casefold() == domain.casefold():
        return True if domain and realm else None
    return same_realm(domain, realm) if "." in domain and "." in realm else None


def _clues(evidence: Evidence, refused: Refused) -> Iterator[EvidenceItem | None]:
    exchange = refused.exchange
    if exchange is None:
        return
    entry = next(filter(None, (_in_log(evidence, each) for each in refused.failure.exchanges[:ASKED_OF_A_LOG])), None)
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
