"""A service ticket that a KDC does not take: a hint to look for events, never more."""

from __future__ import annotations

from typing import Any

import pytest
import refusal_records as records
from incident_records import REALM_B, SERVER, exchange, refused, tgt, ticket
from refusal_records import found, saw, sure

from rpctrace.diagnosis.registry import diagnose
from rpctrace.diagnosis.rules import pac_hardening_2022 as rule
from rpctrace.diagnosis.weighing import Weighed
from rpctrace.report import Host, KerberosExchange

SERVICE = ticket(REALM_B, "host", "ws2.domainb.com", digest="s1")


def asked(identity: str, second: float, **changes: Any) -> KerberosExchange:
    said = {
        "realm": REALM_B, "sname": ("http", "web1"), "presented": tgt(REALM_B), "carried_in": "kdc_tcp",
        "options": ("cname-in-addl-tkt",), **refused(41, "KRB_AP_ERR_MODIFIED"),
    }  # fmt: skip
    return exchange(identity, second, **{**said, **changes})


def says_issuer(weighed: Weighed) -> bool:
    """Whether ANOTHER_KDC was seen, which weighs as much as DELEGATION."""
    return any("was issued by" in each.text for each in weighed.hypothesis.clues)


def test_a_capture_gives_the_hint() -> None:
    """Constrained delegation refused with 41: a hypothesis, with the event that would say it."""
    finding = records.of("pac-hardening-2022", records.findings("causes", "pac-hardening-2022.pcap"))
    assert finding.severity == "note"
    assert finding.confidence < 0.5
    assert any("43 and 44" in text for text in finding.missing)


def test_an_ordinary_request_is_none() -> None:
    """A referral ticket that is refused: keys of the trust."""
    assert "pac-hardening-2022" not in records.rules(records.findings("causes", "pac-hardening-2022-not.pcap"))


@pytest.mark.parametrize(
    ("changes", "fires"),
    [
        ({}, True),
        ({"options": ("renew",), "presented": SERVICE}, True),
        ({"options": (), "presented": SERVICE}, True),
        ({"options": ("renew",)}, False),
        ({"options": ()}, False),
        ({"error": 7}, False),
        ({"error": 13}, False),
        ({"kind": "AS"}, False),
        ({"user_to_user": True}, False),
    ],
)
def test_it_wants_a_service_ticket_and_a_fitting_error(changes: dict[str, Any], fires: bool) -> None:
    """Only service tickets have the signature ([MS-PAC] 2.8.3)."""
    assert bool(found(rule.RULE, records.report(asked("krb-2", 2, **changes)))) is fires


def test_of_a_delegation_the_users_ticket_counts() -> None:
    """It is the additional one; the ticket-granting ticket beside it may be of any domain controller."""
    other = Host(SERVER, 88, None)
    granting = tgt(REALM_B, digest="t1")
    issued = exchange("krb-1", 1, ticket=granting, server=other)
    delegated = asked("krb-2", 2, presented=granting, presented_from="krb-1", additional_tickets=(SERVICE,))
    (weighed,) = found(rule.RULE, records.report(issued, delegated))
    assert not says_issuer(weighed)
    (weighed,) = found(rule.RULE, records.report(exchange("krb-1", 1, ticket=SERVICE, server=other), delegated))
    assert says_issuer(weighed)


def test_the_netbios_name_of_a_realm_is_no_other_realm() -> None:
    """Windows asks by it too. A realm whose whole name is one label is another."""
    for realm, other in (("DOMAINB", False), ("LAB", True)):
        (weighed,) = found(rule.RULE, records.report(asked("krb-2", 2, realm=realm)))
        assert saw(weighed, rule.ANOTHER_REALM) is other


def test_a_success_is_shown_by_its_own_frame() -> None:
    later = exchange("krb-3", 3, sname=("http", "web1"), ticket=ticket(REALM_B, "http", "web1"))
    (weighed,) = found(rule.RULE, records.report(asked("krb-2", 2), later))
    assert [each.frame for each in weighed.hypothesis.clues if not each.supports] == [later.reply_frame]


def test_what_is_weighed() -> None:
    """Another KDC that issued it; a success afterwards; a ticket of another realm."""
    issuer = exchange("krb-1", 1, ticket=SERVICE, server=Host(SERVER, 88, None))
    elsewhere = asked("krb-2", 2, presented=SERVICE, presented_from="krb-1", server=Host("10.77.0.99", 88, None))
    (weighed,) = found(rule.RULE, records.report(issuer, elsewhere))
    assert says_issuer(weighed)
    plain = sure(rule.RULE, records.report(asked("krb-2", 2)))
    later = exchange("krb-3", 3, sname=("http", "web1"), ticket=ticket(REALM_B, "http", "web1"))
    assert sure(rule.RULE, records.report(asked("krb-2", 2), later)) < plain / 2
    foreign = asked("krb-2", 2, presented=tgt(REALM_B, "CHILD.DOMAINA.COM"))
    assert sure(rule.RULE, records.report(foreign)) < plain


def test_it_never_stands_above_low() -> None:
    """A weak rule stays weak."""
    (finding,) = [f for f in diagnose(records.report(asked("krb-2", 2))) if f.rule == "pac-hardening-2022"]
    assert finding.severity in ("low", "note")


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
