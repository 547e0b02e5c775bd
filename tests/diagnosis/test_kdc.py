"""How a refused client got on, and the way to a KDC, in the words that rules share."""

from __future__ import annotations

from dataclasses import replace

import pytest
from causes import asked, logon
from incident_records import SECOND, exchange, report, tgt
from report_values import PATH

from rpctrace.diagnosis import kdc
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.report import Host, KerberosExchange


def went_on(*exchanges: KerberosExchange) -> kdc.WentOn | None:
    evidence = Evidence(report(*exchanges))
    failure = next(iter(evidence.of(FailureKind.KDC)))
    return kdc.went_on(evidence, failure)


def test_the_same_question_answered_later() -> None:
    """By the same client, for the same service; not before, not for others."""
    settled = went_on(asked("krb-1", 1, 13), asked("krb-2", 2))
    assert settled is not None
    assert (settled.again, settled.severity, settled.exchange.id) == (True, "low", "krb-2")
    assert went_on(asked("krb-1", 1), asked("krb-2", 2, 13)) is None
    assert went_on(asked("krb-1", 1, 13), asked("krb-2", 2, client=Host("10.0.0.9", 1, None))) is None
    assert went_on(asked("krb-1", 1, 13), asked("krb-2", 2, sname=("cifs", "web"))) is None


def test_of_several_refusals_the_last_counts() -> None:
    assert went_on(asked("krb-1", 1, 13), asked("krb-2", 2), asked("krb-3", 3, 13)) is None


def test_a_logon_is_for_a_service_too() -> None:
    """A ticket to change the password is no ticket-granting ticket; the realm's spelling does not matter."""
    refused = logon("krb-1", 1, 23)
    assert went_on(refused, logon("krb-2", 2, sname=("kadmin", "changepw"))) is None
    assert went_on(refused, logon("krb-2", 2, sname=("krbtgt", "CHILD"))) is not None


def test_another_way_is_one_for_errors_7_and_27_alone() -> None:
    for error, expected in ((7, True), (27, True), (13, False)):
        settled = went_on(asked("krb-1", 1, error), asked("krb-2", 2, sname=("host", "web")))
        assert (settled is not None) is expected


@pytest.mark.parametrize(
    ("refused", "got", "serves"),
    [
        (("novice",), {"sname": ("novice@child.domaina.com",), "user_to_user": True}, True),
        (("novice",), {"sname": ("novice",)}, False),
        (("HTTP", "web:8080"), {"sname": ("HTTP", "WEB.domaina.com")}, True),
        (("HTTP", "10.1.2.3"), {"sname": ("HTTP", "10.1.2.4")}, False),
        (("HTTP", "web"), {"sname": ("krbtgt", "web")}, False),
        (("krbtgt", "DOMAINB.COM"), {"sname": ("host", "x"), "ticket": tgt("DOMAINB.COM")}, True),
        (("krbtgt", "DOMAINB.COM"), {"sname": ("host", "x"), "ticket": tgt("DOMAINC.COM")}, False),
        ((), {"sname": ()}, False),
    ],
)
def test_what_serves_as_well(refused: tuple[str, ...], got: dict[str, object], serves: bool) -> None:
    assert kdc.serves_as_well(asked("krb-1", 1, 7, sname=refused), asked("krb-2", 2, **got)) is serves


def test_the_way_to_a_kdc() -> None:
    """By its path, or by the realm of the ticket that was shown; a NetBIOS name is no other realm."""
    path = replace(PATH, exchanges=("krb-1", "krb-2"))
    second = asked("krb-2", 2, 7, path="path-1", hop=2)
    evidence = Evidence(report(asked("krb-1", 1, ticket=tgt("B", "A")), second, referral_paths=(path,)))
    assert kdc.came_by_referral(evidence, second)
    assert [item.text for item in kdc.path_items(evidence, second)] == [
        "the KDC of CHILD.DOMAINA.COM at 10.77.0.11 sent the client on with krbtgt/B"
    ]
    assert kdc.way_text(evidence, second) == ", at the end of the referral path child.domainA.COM -> DOMAINB.COM"
    for realm, other in (("DOMAINB.COM", True), ("CHILD", False), ("child.domaina.com", False), (None, False)):
        shown = exchange("krb-9", 1, realm=realm, presented=tgt("CHILD.DOMAINA.COM"))
        assert kdc.came_by_referral(Evidence(report(shown)), shown) is other


@pytest.mark.parametrize(
    ("issuer", "realm", "foreign"),
    [
        ("CORP", "LAB", True),
        ("CORP.EXAMPLE.COM", "LAB", True),
        ("LAB.EXAMPLE.COM", "lab", False),
        ("LAB", "LAB", False),
        ("LAB", "LAB.EXAMPLE.COM", True),
    ],
)
def test_a_realm_of_one_label_is_another_unless_it_is_the_issuers_first(issuer: str, realm: str, foreign: bool) -> None:
    asked_there = exchange("krb-1", 1, realm=realm, presented=tgt(realm, issued_by=issuer))
    assert kdc.shows_foreign_ticket(asked_there) is foreign


def test_words() -> None:
    refused = logon("krb-1", 1, 24)
    assert kdc.refusal_text(refused) == (
        "the KDC of CHILD.DOMAINA.COM at 10.77.0.11 refused alice-a at 10.77.0.50 a ticket-granting ticket: "
        "KRB-ERROR 24 ERROR 24"
    )
    assert "a ticket for HTTP/web.child.domaina.com" in kdc.refusal_text(asked("krb-1", 1, 7))
    assert "not captured" in kdc.refusal_text(asked("krb-1", 1, 7, sname=()))
    assert kdc.capital("") == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.9, "59.9 s"), (-90, "1 min 30 s"), (3601, "1 h 0 min"), (200_000, "2 days 7 h")],
)
def test_durations(seconds: float, text: str) -> None:
    assert kdc.duration_text(round(seconds * SECOND)) == text


def test_what_a_client_got_before_and_how_long_the_capture_went_on() -> None:
    records = logon("krb-1", 1), logon("krb-2", 5, 24), logon("krb-3", 9)
    evidence = Evidence(report(*records))
    before, later = evidence.earlier_answer(records[1]), evidence.later_answer(records[1])
    assert before is not None
    assert later is not None
    assert (before.id, later.id) == ("krb-1", "krb-3")
    assert [each.id for each in evidence.answers_after(records[0], SECOND)] == []
    assert [each.id for each in evidence.answers_after(records[0], 20 * SECOND)] == ["krb-3"]
    end = evidence.report.captures[0].last_ns
    assert end is not None
    assert evidence.remaining_ns(records[2]) == end - round(9.01 * SECOND)
    assert evidence.remaining_ns(replace(records[2], request_ns=None, reply_ns=None)) is None
