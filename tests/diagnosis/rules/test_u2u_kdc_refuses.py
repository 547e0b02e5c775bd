"""A KDC that refuses the user-to-user ticket."""

from __future__ import annotations

from typing import Any

import refusal_records as records
from incident_records import REALM_A, exchange, refused, tgt, ticket
from refusal_records import found, saw, sure

from rpctrace.diagnosis.registry import diagnose
from rpctrace.diagnosis.rules import u2u_kdc_refuses as rule
from rpctrace.report import KerberosExchange


def asked(**changes: Any) -> KerberosExchange:
    said = {
        "sname": ("bob-a",), "user_to_user": True, "additional_tickets": (tgt(REALM_A),),
        **refused(7, "KDC_ERR_S_PRINCIPAL_UNKNOWN"),
    }  # fmt: skip
    return exchange("krb-1", 1, **{**said, **changes})


def test_a_recorded_capture_shows_it() -> None:
    """Samba does not know the user as a target: the request with ENC-TKT-IN-SKEY, not the one before."""
    finding = records.of("u2u-kdc-refuses", records.findings("u2u", "u2u-kdc-refuses-user-without-spn.pcap"))
    assert (finding.severity, finding.confidence, finding.concerns) == ("high", 0.92, ("krb-6",))
    assert finding.frames == (51, 52, 55)


def test_a_demand_for_user_to_user_is_none() -> None:
    """27, and then it works."""
    assert {each.severity for each in records.findings("u2u", "u2u-kdc-must-use-user2user.pcap")} <= {"note"}


def test_what_was_made_good_is_a_note() -> None:
    """The same client got the ticket afterwards."""
    later = exchange("krb-2", 2, sname=("bob-a",), user_to_user=True, ticket=ticket(REALM_A, "bob-a"))
    (finding,) = [each for each in diagnose(records.report(asked(), later)) if each.rule == "u2u-kdc-refuses"]
    assert finding.severity == "note"
    assert "later the client got it" in finding.summary


def test_what_is_weighed() -> None:
    """The additional ticket, its realm; and words for the error."""
    (weighed,) = found(rule.RULE, records.report(asked(error=31)))
    assert "could not decrypt" in weighed.hypothesis.summary
    assert saw(weighed, rule.ADDITIONAL_TICKET)
    foreign = asked(additional_tickets=(tgt("DOMAINB.COM"),))
    (elsewhere,) = found(rule.RULE, records.report(foreign))
    assert saw(elsewhere, rule.OF_ANOTHER_REALM)
    assert sure(rule.RULE, records.report(asked(additional_tickets=()))) < rule.RULE.base


def test_what_is_none() -> None:
    """Without the option; an AS exchange; no answer."""
    for changes in (
        {"user_to_user": False},
        {"kind": "AS"},
        {"error": None, "outcome": "unanswered", "reply": None},
    ):
        assert not found(rule.RULE, records.report(asked(**changes))), changes


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
