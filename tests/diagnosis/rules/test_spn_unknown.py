"""A name that no account has: told with the way to it, and not where the client went on in another way."""

from __future__ import annotations

from dataclasses import replace

import pytest
from causes import asked, fired, judged, named, seen, stays_silent
from incident_records import ntlm_authentication, tgt, ticket
from report_values import PATH
from shared_captures import OWN

from rpctrace.analysis import analyze
from rpctrace.diagnosis.rules import spn_unknown
from rpctrace.report import Host


def test_the_kdc_says_so() -> None:
    finding = fired("spn-unknown")
    assert finding.severity == "medium"
    assert "HTTP/intranet.child.domaina.com" in finding.summary
    assert any("setspn" in step for step in finding.next_steps)


def test_error_27_before_user_to_user_is_a_note() -> None:
    """An ordinary step: the client got on with a user-to-user ticket for the same account."""
    (finding,) = stays_silent("spn-unknown").findings
    assert "user-to-user ticket for novice" in finding.summary


@pytest.mark.parametrize("name", ["expert.pcapng", "expert-kdc-error-7.pcapng"])
def test_the_articles_error_is_no_more_than_a_note(name: str) -> None:
    found = named(analyze(OWN / "remote-assistance" / name).findings, "spn-unknown")
    assert [finding.severity for finding in found] == ["note"]


def test_the_referral_path_is_in_the_evidence() -> None:
    """Each KDC that had sent the client on, and the realms in the summary."""
    (finding,) = named(analyze(OWN / "built" / "referral-stops.pcap").findings, "spn-unknown")
    assert "CHILD.DOMAINA.COM -> DOMAINA.COM -> DOMAINB.COM" in finding.summary
    sent_on = [item for item in finding.evidence if "sent the client on" in item.text]
    assert len(sent_on) == 2
    assert all(item.frame is not None for item in sent_on)
    assert seen(finding, spn_unknown.AFTER_REFERRAL.weight)


def test_another_name_of_the_same_host_serves_as_well() -> None:
    """A note where the ticket came within seconds, for the host of the name; another host is no answer to it."""
    refused = asked("krb-1", 1, 7)
    (finding,) = judged(refused, asked("krb-2", 2, sname=("HTTP", "WEB")), rule="spn-unknown")
    assert finding.severity == "note"
    (finding,) = judged(refused, asked("krb-2", 2, sname=("HTTP", "other.domaina.com")), rule="spn-unknown")
    assert finding.severity == "medium"
    (finding,) = judged(refused, asked("krb-2", 200, sname=("HTTP", "WEB")), rule="spn-unknown")
    assert finding.severity == "medium"


def test_clues_of_how_the_client_asked_and_went_on() -> None:
    """An address instead of a name; what others got. NTLM behind the error is spn-unknown-ntlm's."""
    (finding,) = judged(asked("krb-1", 1, 7, sname=("HTTP", "10.1.2.3")), rule="spn-unknown")
    assert seen(finding, spn_unknown.BY_ADDRESS.weight)
    fallback = ntlm_authentication("auth-1", 2, after_error="krb-1")
    assert not judged(asked("krb-1", 1, 7), fallback, rule="spn-unknown")
    other = asked("krb-2", 2, client=Host("10.77.0.77", 1, None), ticket=ticket("CHILD.DOMAINA.COM", "HTTP", "web"))
    (finding,) = judged(asked("krb-1", 1, 7), other, rule="spn-unknown")
    assert finding.confidence < 0.5
    assert seen(finding, spn_unknown.KNOWN_ELSEWHERE.weight, supports=False)


def test_a_request_that_was_user_to_user_is_another_rules() -> None:
    (finding,) = judged(asked("krb-1", 1, 7, sname=("bob",), user_to_user=True), rule="spn-unknown")
    assert finding.confidence < 0.5


def test_a_realm_that_is_not_trusted() -> None:
    """The ticket-granting service of another realm: the title says what that means."""
    (finding,) = judged(asked("krb-1", 1, 7, sname=("krbtgt", "EXAMPLE.ORG")), rule="spn-unknown")
    assert "no trust" in finding.title
    granted = asked("krb-2", 2, sname=("HTTP", "x.example.org"), ticket=tgt("EXAMPLE.ORG"))
    (finding,) = judged(asked("krb-1", 1, 7, sname=("krbtgt", "EXAMPLE.ORG")), granted, rule="spn-unknown")
    assert finding.severity == "note"


def test_a_path_that_is_only_partly_known_is_no_error() -> None:
    """A path whose exchanges are not in the report."""
    path = replace(PATH, exchanges=("krb-1", "gone"))
    found = judged(asked("krb-1", 1, 7, path="path-1", hop=1), rule="spn-unknown", referral_paths=(path,))
    assert len(found) == 1
