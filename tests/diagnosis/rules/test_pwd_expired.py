"""A password that is too old, and the change that makes it good."""

from __future__ import annotations

from causes import fired, judged, log_line, logon, named, seen, stays_silent
from incident_records import exchange

from rpctrace.diagnosis.rules import pwd_expired

CHANGE = ("kadmin", "changepw")


def test_the_kdc_says_so() -> None:
    finding = fired("pwd-expired")
    assert (finding.title, finding.severity) == ("The password has expired", "medium")


def test_a_ticket_for_the_password_service_is_none() -> None:
    assert stays_silent("pwd-expired").findings == ()


def test_changed_and_logged_on_is_low() -> None:
    """The ticket with which the password was changed alone is not enough."""
    refused, change = logon("krb-1", 1, 23), logon("krb-2", 2, sname=CHANGE)
    (finding,) = judged(refused, change, rule="pwd-expired")
    assert finding.severity == "medium"
    changed = exchange("krb-3", 3, kind="KPASSWD", reply="KPASSWD-REP", sname=CHANGE, cname=())
    (finding,) = judged(refused, change, changed, logon("krb-4", 4), rule="pwd-expired")
    assert finding.severity == "low"
    assert seen(finding, pwd_expired.CHANGED_AFTER.weight)


def test_the_log_says_so() -> None:
    (finding,) = judged(rule="pwd-expired", log_entries=(log_line(3, 0xC0000224),))
    assert (finding.title, finding.severity) == ("The password must be changed at the next logon", "low")


def test_a_wrong_password_is_another_rules() -> None:
    assert named(stays_silent("bad-password").findings, "pwd-expired") == []
    assert judged(logon("krb-1", 1, 24), rule="pwd-expired") == []
