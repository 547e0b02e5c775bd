"""Wrong passwords and accounts that may not log on: at the KDC, in SMB and LDAP, in the log."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from causes import fired, judged, log_line, logon, named, seen, stays_silent
from incident_records import at, call, exchange, ntlm_authentication
from report_values import PATH

from rpctrace.diagnosis.rules import bad_password
from rpctrace.report import Host, PaData

WRONG_PASSWORD, LOCKED_OUT = 0xC000006A, 0xC0000234


def test_the_kdc_says_so() -> None:
    finding = fired("bad-password")
    assert (finding.title, finding.severity) == ("The password is wrong", "medium")


def test_a_certificate_that_fails_is_another_rules() -> None:
    held = stays_silent("bad-password")
    assert named(held.findings, "bad-password") == []
    assert held.findings[0].rule == "smartcard"


@pytest.mark.parametrize(
    ("error", "ntstatus", "title"),
    [
        (18, 0xC0000072, "The account is disabled"),
        (18, None, "The account is disabled, locked out, expired or outside its logon hours"),
        (18, LOCKED_OUT, "The account is locked out"),
        (1, None, "The account has expired"),
        (24, None, "The password is wrong"),
    ],
)
def test_the_title_says_which(error: int, ntstatus: int | None, title: str) -> None:
    (finding,) = judged(logon("krb-1", 1, error, ntstatus=ntstatus), rule="bad-password")
    assert finding.title == title


def test_one_that_mistyped_is_low() -> None:
    """A ticket for the same user from the same client before or after."""
    for order in ((24, None), (None, 24)):
        records = [logon(f"krb-{number}", number + 1, error) for number, error in enumerate(order)]
        (finding,) = judged(*records, rule="bad-password")
        assert finding.severity == "low"


def test_a_password_that_was_changed_before() -> None:
    """The old one was used again."""
    changed = exchange("krb-2", 2, kind="KPASSWD", reply="KPASSWD-REP", sname=("kadmin", "changepw"), cname=())
    (finding,) = judged(logon("krb-1", 1), changed, logon("krb-3", 3, 24), rule="bad-password")
    assert seen(finding, bad_password.CHANGED_BEFORE.weight)


def test_an_old_kdcs_answer_to_a_wrong_password() -> None:
    """Error 31 to an AS-REQ with pre-authentication; elsewhere it says nothing of a password."""
    shown = (PaData(2, "PA-ENC-TIMESTAMP"),)
    assert judged(logon("krb-1", 1, 31, request_pa_data=shown), rule="bad-password")
    assert not judged(logon("krb-1", 1, 31, kind="TGS", request_pa_data=shown), rule="bad-password")


def test_error_31_to_a_request_that_proved_no_password() -> None:
    """PA-PAC-REQUEST (128) goes with any request of Windows; the challenge of FAST (138) is a proof."""
    for types, told in (((128,), False), ((128, 149), False), ((128, 138), True)):
        shown = tuple(PaData(each, None) for each in types)
        assert bool(judged(logon("krb-1", 1, 31, request_pa_data=shown), rule="bad-password")) is told


def test_a_computers_account_has_other_steps() -> None:
    (finding,) = judged(logon("krb-1", 1, 24, cname=("WS1$",)), rule="bad-password")
    assert "Test-ComputerSecureChannel" in finding.next_steps[0]


def test_session_setups_and_binds_say_so_too() -> None:
    """NTSTATUS of SMB; Active Directory's code in the text of LDAP. Of a refused ticket neither counts."""
    refused = ntlm_authentication("auth-1", 1, outcome="rejected", status=WRONG_PASSWORD, status_name="STATUS_X")
    (finding,) = judged(refused, rule="bad-password")
    assert "DOMAINB\\alice" in finding.summary
    note = "80090308: LdapErr: DSID-0C09030B, comment: AcceptSecurityContext error, data 775, v893"
    ldap = replace(refused, carried_in="ldap", status=49, notes=(note,))
    (finding,) = judged(ldap, rule="bad-password")
    assert finding.title == "The account is locked out"
    assert judged(replace(ldap, mechanism="kerberos"), rule="bad-password") == []
    assert judged(replace(ldap, notes=("data 775",)), rule="bad-password") == []


def test_the_log_says_why_a_call_failed() -> None:
    """Surely where server or time were compared; by the user's name alone no more than its ceiling."""
    failed = call("call-1", 1, outcome="faulted", status=5, reply="fault")
    for joined_by, sure in ((("user", "time"), 0.9), (("user",), 0.65)):
        entry = log_line(3, WRONG_PASSWORD, calls=("call-1",), joined_by=joined_by)
        (finding,) = judged(failed, rule="bad-password", log_entries=(entry,))
        assert finding.confidence == sure
        assert finding.calls == ("call-1",)


def test_lines_about_no_call_are_low_and_few() -> None:
    """Ten are told; how many more there are, the last one says. Those of another day are none."""
    entries = tuple(log_line(number, WRONG_PASSWORD, user=f"user{number}") for number in range(1, 31))
    found = judged(rule="bad-password", log_entries=entries)
    assert len(found) == 10
    assert {finding.severity for finding in found} == {"low"}
    assert [finding for finding in found if "20 more of this kind" in finding.summary]
    outside = tuple(replace(entry, time_ns=at(90_000)) for entry in entries)
    assert judged(rule="bad-password", log_entries=outside) == []
    inside = replace(entries[0], time_ns=at(100))
    assert len(judged(rule="bad-password", log_entries=(inside,))) == 1


def test_the_log_confirms_the_kdc() -> None:
    entry = log_line(3, WRONG_PASSWORD, user="ALICE-A")
    found = judged(logon("krb-1", 1, 24), rule="bad-password", log_entries=(entry,))
    (finding,) = [each for each in found if each.frames]
    assert seen(finding, bad_password.LOG_TOO.weight)


@pytest.mark.parametrize(
    "changes",
    [
        {"time_ns": at(600)},  # another time
        {"time_ns": at(1), "workstation": "WS9"},  # another computer
        {"time_ns": at(1), "domain": "OTHER.ORG"},  # another domain's user
        {"domain": "OTHER"},  # nobody knows when, and another domain's
        {"time_ns": at(1), "status": LOCKED_OUT},  # another refusal
        {"time_ns": at(1), "phase": "Entered"},
    ],
)
def test_another_refusal_in_the_log_confirms_nothing(changes: dict[str, Any]) -> None:
    asked = logon("krb-1", 1, 24, client=Host("10.77.0.50", 50000, "ws1.child.domaina.com"))
    said = {"user": "ALICE-A", "time_ns": None, **changes}
    found = judged(asked, rule="bad-password", log_entries=(log_line(3, said.pop("status", WRONG_PASSWORD), **said),))
    (finding,) = [each for each in found if each.frames]
    assert not [each for each in finding.evidence if each.log_line is not None]
    (finding,) = [
        each
        for each in judged(asked, rule="bad-password", log_entries=(log_line(3, WRONG_PASSWORD, time_ns=at(1)),))
        if each.frames
    ]
    assert seen(finding, bad_password.LOG_TOO.weight)


def test_a_path_is_told_with_it() -> None:
    """Nothing is: an account's refusal has no referral path."""
    (finding,) = judged(logon("krb-1", 1, 24), rule="bad-password", referral_paths=(PATH,))
    assert not [item for item in finding.evidence if "sent the client on" in item.text]
