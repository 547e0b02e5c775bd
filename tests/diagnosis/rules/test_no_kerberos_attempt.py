"""NTLM that failed without an attempt at Kerberos: a hint, no more."""

from __future__ import annotations

from dataclasses import replace

from incident_records import exchange, ntlm_authentication, tgs_exchange, ticket
from judging import ALICE, TICKET, answered, cause, faulted, findings, has, judged, ntlm, ntlm_legs, only

from rpctrace.diagnosis.rules import no_kerberos_attempt as rule

RULE = rule.RULE
REFUSED = ntlm_authentication("auth-1", 2, outcome="rejected", status=0xC000006A)


def test_it_is_a_note_beside_the_failure() -> None:
    """And nothing where NTLM works, or where a KDC had refused before."""
    assert cause("logon-refused")[RULE.name].severity == "note"
    assert RULE.name not in cause("spn-unknown-ntlm")
    assert RULE.name not in findings("built/ntlm-fallback.pcap")


def test_an_address_has_no_service_name() -> None:
    """Nor has a local account Kerberos."""
    assert has(only(RULE, replace(REFUSED, target="\\\\10.77.0.12\\IPC$")), rule.IP_TARGET)
    assert has(only(RULE, replace(REFUSED, ntlm=replace(ALICE, domain="WS1"))), rule.LOCAL_ACCOUNT)
    assert has(only(RULE, REFUSED, exchange("krb-1", 1)), rule.KERBEROS_ELSEWHERE)


def test_kerberos_with_this_server_refutes() -> None:
    """A ticket shown to it, or a question for one."""
    assert only(RULE, REFUSED, answered(1, ticket=TICKET)).confidence == 0
    assert judged(RULE, REFUSED, answered(1, ticket=TICKET, capture=1), captures=2)[0].confidence > 0
    asked = tgs_exchange("krb-1", 1, None, ticket("DOMAINB.COM", "cifs", "dc1.domainb.com"))
    assert not judged(RULE, REFUSED, asked)


def test_calls_that_fail_with_ntlm() -> None:
    """A refused first request; not one that fails after the logon was good."""
    denied = faulted(5, auth=ntlm())
    assert only(RULE, *ntlm_legs(), denied).confidence == 0.3
    assert not judged(RULE, *ntlm_legs(), answered(1.5, auth=ntlm()), denied)
    fallen_back = ntlm_legs(after_error="krb-1")
    assert not judged(RULE, *fallen_back, denied)
