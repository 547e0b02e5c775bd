"""A ticket-granting ticket where a service ticket is wanted."""

from __future__ import annotations

import pytest
import refusal_records as records
from refusal_records import found, saw, sure
from shared_captures import needs_shared

from rpctrace.diagnosis.rules import tgt_to_service as rule

REFERRAL = records.ticket("CHILD.DOMAINA.COM", "krbtgt", "DOMAINB.COM", digest="k1")
OWN = records.ticket("DOMAINB.COM", "krbtgt", "DOMAINB.COM", digest="k2")


@needs_shared
@pytest.mark.parametrize("name", ["alter-crossrealm-tgt", "alter-crossrealm-tgt-spnego"])
def test_the_lab_captures_of_it(name: str) -> None:
    """A referral shown to a server; ap-modified leaves it alone."""
    said = records.lab_findings(f"lab/b1-0x721/{name}.pcap")
    assert (said[0].rule, said[0].severity) == ("tgt-to-service", "high")
    assert "ap-modified" not in records.rules(said)


def test_the_recorded_sample_of_it() -> None:
    """That of the checkout; a wrong service ticket beside it is none."""
    assert records.findings("lab", "alter-crossrealm-tgt.pcap")[0].rule == "tgt-to-service"
    assert "tgt-to-service" not in records.rules(records.findings("lab", "alter-wrongkey-krb5.pcap"))


def test_a_referral_is_surer_than_a_ticket_of_the_own_realm() -> None:
    """And an acceptance elsewhere makes it doubtful."""
    referral = sure(rule.RULE, records.report(records.refused("call-3", 5, REFERRAL)))
    own = sure(rule.RULE, records.report(records.refused("call-3", 5, OWN)))
    assert referral > own == rule.RULE.base
    use = records.accepted("call-1", 1, OWN)
    assert sure(rule.RULE, records.report(use, records.refused("call-3", 5, OWN))) < own / 2


def test_with_an_error_of_the_server() -> None:
    """41 is this rule's cause rather than a wrong account; an error of times means that the ticket was read."""
    said = records.report(records.told("call-3", 5, 41, OWN))
    assert records.first(said).rule == "tgt-to-service"
    assert not found(rule.RULE, records.report(records.told("call-3", 5, 37, OWN)))


def test_a_service_ticket_is_none() -> None:
    """Nor a refused TGT-REQ, whose ticket is none of the client's."""
    assert not found(rule.RULE, records.report(records.refused("call-3", 5)))
    (weighed,) = found(rule.RULE, records.report(records.session("auth-1", 5, REFERRAL)))
    assert saw(weighed, rule.REFERRAL)


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
