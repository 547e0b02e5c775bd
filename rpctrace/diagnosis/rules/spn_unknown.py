"""spn-unknown: the KDC knows no account for the service that the client asked for.

What it means: no account of the realm that was asked last has this service principal name, and no trust leads on to a
realm that might. It is not registered, misspelt, asked by IP address, or lies in a forest to which the name's suffix is
not routed. For an account of its own (a name of one part) it means that the account has no service principal name;
user-to-user then is the only way. Applications mostly go on with NTLM, or fail.
How we know: KDC_ERR_S_PRINCIPAL_UNKNOWN (7) or KDC_ERR_MUST_USE_USER2USER (27) of the KDC is clear text, and so is the
name that was asked for. The exchanges before it show over which realms the client had been sent.
What would refute it: a ticket for this name for anybody at that time; the account then exists and this KDC did not have
it yet (replication), or was not asked for the same name.
How to tell it from its neighbours: error 27 only says how the client should ask instead, and is a note; followed by
NTLM, spn-unknown-ntlm has more to say. Followed by a user-to-user ticket for the same account, or by a ticket for
another name of the same host, it is an ordinary step and no more than a note. spn-duplicate is error 8. u2u-kdc-refuses
is the refusal of a request that already was user-to-user.
How sure: the KDC says so (RFC 4120 7.5.9); a domain controller that has not replicated yet, or is shutting down, says
the same. Every such error of the lab and of the public captures was for a name that did not exist.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.referrals import MUST_USE_USER2USER
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.diagnosis.ticket_uses import folded_names
from rpctrace.report import EvidenceItem, KerberosExchange

NO_ACCOUNT = (kdc.S_PRINCIPAL_UNKNOWN, MUST_USE_USER2USER)

AFTER_REFERRAL = Clue(0.3, "other realms had sent the client to this KDC: they hold the name to be of its realm")
BY_ADDRESS = Clue(0.5, "the service is asked for by an IP address, for which Windows registers no name")
KNOWN_ELSEWHERE = Clue(0.6, "another client got a ticket for the same name in these captures", against=True)
WAS_USER_TO_USER = Clue(0.6, "the request was user-to-user already", against=True)

_NO_TRUST = "The KDC knows no trust to the realm that was asked for"
_NO_SPN = "The account that was asked for has no service principal name"


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    failures = list(kdc.refusals(evidence, *NO_ACCOUNT))
    issued = _issued(evidence) if failures else {}
    fallbacks = _fallbacks(evidence) if failures else frozenset()
    for failure in failures:
        exchange = failure.exchange
        if exchange.error == kdc.S_PRINCIPAL_UNKNOWN and any(each.id in fallbacks for each in failure.exchanges):
            continue  # spn-unknown-ntlm tells what came of it
        settled = kdc.went_on(evidence, failure)
        asks_for_user_to_user = exchange.error == MUST_USE_USER2USER and not exchange.user_to_user
        way = kdc.way_text(evidence, exchange)
        yield Hypothesis(
            failure,
            f"{kdc.capital(kdc.refusal_text(exchange))}{way}{settled.text if settled else ''}",
            kdc.refusal_items(evidence, failure),
            found(
                _referral_clue(evidence, exchange),
                BY_ADDRESS.seen(f"{kdc.sname_text(exchange)} names an address", exchange.capture,
                                exchange.request_frame) if kdc.names_an_address(exchange) else None,
                _known_clue(evidence, issued, exchange),
                WAS_USER_TO_USER.seen("enc-tkt-in-skey is set", exchange.capture, exchange.request_frame)
                if exchange.user_to_user else None,
            ),
            title=_title(exchange),
            next_steps=_steps(exchange),
            severity="note" if asks_for_user_to_user else settled.severity if settled else None,
        )  # fmt: skip


def _title(exchange: KerberosExchange) -> str | None:
    if kdc.is_for_granting(exchange):
        return _NO_TRUST
    return _NO_SPN if len(exchange.sname) == 1 else None


def _steps(exchange: KerberosExchange) -> tuple[str, ...] | None:
    if kdc.is_for_granting(exchange):
        realm = exchange.sname[1] if len(exchange.sname) > 1 else "the realm"
        return (
            f"List the trusts of {exchange.realm or 'the realm'}: nltest /domain_trusts /all_trusts /v.",
            f"If {realm} should be trusted, look at name suffix routing: netdom trust <trusting> /domain:<trusted> "
            "/namesuffixes:<trusted>.",
            "If not, see why the client asks there: a host name whose DNS suffix is of another realm.",
        )
    if len(exchange.sname) == 1:
        return (
            f"See which names the account has: setspn -L {exchange.sname[0]}.",
            "Address the service by the service principal name of the account that it runs as.",
        )
    return None


def _referral_clue(evidence: Evidence, exchange: KerberosExchange) -> EvidenceItem | None:
    path = evidence.path_of(exchange)
    if path is None or len(path.exchanges) < 2 or path.exchanges[-1] != exchange.id:
        return None
    return AFTER_REFERRAL.seen(
        f"{path.realms[-2] if len(path.realms) > 1 else 'another realm'} had sent the client here",
        exchange.capture, exchange.request_frame,
    )  # fmt: skip


def _issued(evidence: Evidence) -> Mapping[tuple[str, ...], list[KerberosExchange]]:
    """Tickets by the name that was asked for, the first of each client."""
    issued: dict[tuple[str, ...], list[KerberosExchange]] = {}
    for each in evidence.report.kerberos:
        if each.error is None and each.ticket is not None:
            known = issued.setdefault(folded_names(each.sname), [])
            client = evidence.place_of(each, each.client)
            if len(known) < 2 and all(evidence.place_of(other, other.client) != client for other in known):
                known.append(each)
    return issued


def _known_clue(
    evidence: Evidence, issued: Mapping[tuple[str, ...], list[KerberosExchange]], exchange: KerberosExchange
) -> EvidenceItem | None:
    for each in issued.get(folded_names(exchange.sname), ()):
        if evidence.place_of(each, each.client) != evidence.place_of(exchange, exchange.client):
            text = f"{kdc.client_text(each)} got a ticket for {kdc.sname_text(each)}"
            return KNOWN_ELSEWHERE.seen(text, each.capture, each.reply_frame)
    return None


def _fallbacks(evidence: Evidence) -> frozenset[str]:
    """Exchanges whose error NTLM followed."""
    said = {each.after_error for each in evidence.report.authentications}
    called = {each.auth.after_error for each in evidence.report.calls if each.auth is not None}
    return frozenset(each for each in said | called if each is not None)


RULE = Rule(
    name="spn-unknown",
    title="The KDC does not know the service principal name that was asked for",
    documentation=__doc__,
    severity="medium",
    base=0.85,
    requires=(
        "KDC_ERR_S_PRINCIPAL_UNKNOWN (7) or KDC_ERR_MUST_USE_USER2USER (27) from a KDC",
        "above note only where no ticket for this name, this account or another name of this host followed",
    ),
    find=find,
    clues=(AFTER_REFERRAL, BY_ADDRESS, KNOWN_ELSEWHERE, WAS_USER_TO_USER),
    next_steps=(
        "Look for the name in the whole forest: setspn -F -Q <service>/<host>.",
        "If it is missing, register it on the account that the service runs as: setspn -S <service>/<host> <account>.",
        "Check how the client spells the server: an IP address or a DNS alias has no name of its own "
        "(netdom computername <server> /add:<alias> registers one).",
        "Across forests, see that the suffix of the name is routed: "
        "netdom trust <trusting> /domain:<trusted> /namesuffixes:<trusted>.",
    ),
    references=(
        "RFC 4120 7.5.9", "[MS-KILE] 3.3.5.7", "RFC 6806 8",
        "https://learn.microsoft.com/en-us/windows-server/administration/windows-commands/setspn",
    ),
)  # fmt: skip
