"""Refused logons of SMB, LDAP and HTTP by their status."""

from __future__ import annotations

from dataclasses import replace

import pytest
from incident_records import at, ntlm_authentication
from judging import TICKET, bound, cause, findings, has, judged, kerberos, log_line, only

from rpctrace.diagnosis.rules import logon_refused as rule
from rpctrace.report import LogEntry

RULE = rule.RULE
REFUSED = ntlm_authentication("auth-1", 2, outcome="rejected", status=0xC000006D, status_name="STATUS_LOGON_FAILURE")


def test_a_telling_status_is_sure() -> None:
    """A logon type that was not granted; a KRB-ERROR has rules of its own, and so has a wrong password."""
    finding = cause("logon-refused")[RULE.name]
    assert (finding.severity, finding.confidence) == ("medium", 0.89)
    assert "STATUS_LOGON_TYPE_NOT_GRANTED" in finding.summary
    assert RULE.name not in findings("lab/clockskew-rpcclient-np.pcap")


def test_the_next_try_makes_it_low() -> None:
    """The same client, accepted a moment later."""
    assert cause("logon-refused-recovered")[RULE.name].severity == "low"


def test_ldap_tells_in_its_message() -> None:
    """data 52e is a code that does not tell; data 775 does."""
    assert findings("built/ldap-bind-refused.pcap")[RULE.name].confidence < 0.45  # and with a ticket less
    locked = replace(REFUSED, carried_in="ldap", status=49, notes=("AcceptSecurityContext error, data 775, v1db1",))
    weighed = only(RULE, locked)
    assert has(weighed, rule.BY_MESSAGE)
    assert "locked out" in weighed.hypothesis.summary


def test_the_log_tells() -> None:
    """Of the same user; another user's line does not."""
    assert only(RULE, REFUSED).confidence == 0.45
    told = log_line(0xC0000072)
    weighed = only(RULE, REFUSED, log_entries=(told,))
    assert has(weighed, rule.BY_LOG)
    assert "disabled" in weighed.hypothesis.summary
    assert only(RULE, REFUSED, log_entries=(replace(told, user="bob"),)).confidence == 0.45


def test_a_line_of_another_time_or_server_tells_nothing() -> None:
    """The same user's refusal an hour before, at another server, or of nobody knows when at nobody knows which."""
    told = log_line(0xC0000072)
    for line in (
        replace(told, time_ns=at(2 - 3600)), replace(told, time_ns=at(2 + 60)), replace(told, via="FILES2"),
        replace(told, via=None),
    ):  # fmt: skip
        weighed = only(RULE, REFUSED, log_entries=(line,))
        assert not has(weighed, rule.BY_LOG), line
    assert has(only(RULE, REFUSED, log_entries=(replace(told, time_ns=at(2), via=None),)), rule.BY_LOG)


def test_the_nearest_of_two_lines_tells() -> None:
    """The account was locked between two attempts."""
    lines = log_line(0xC000006A, time_ns=at(0)), log_line(0xC0000234, line=4, time_ns=at(2))
    assert "locked out" in only(RULE, REFUSED, log_entries=lines).hypothesis.summary


def test_a_ticket_that_the_server_refused_hides_no_line() -> None:
    """It was for another name than the server has in the log."""
    alias = replace(TICKET, sname=("host", "alias.domainb.com"), frame=101)
    wrong = bound(outcome="rejected", reply="bind_nak", auth=kerberos("AP-REQ", kerberos_error=41), ticket=alias)
    told = log_line(0xC0000072, time_ns=at(2), via="DC1")
    assert has(only(RULE, REFUSED, wrong, log_entries=(told,)), rule.BY_LOG)


@pytest.mark.parametrize(
    "other",
    [
        log_line(0xC0000234, line=4, time_ns=at(3)),  # a second after the answer, within what clocks allow
        log_line(0xC0000234, line=4, time_ns=at(4)),
        log_line(0xC0000234, line=4, time_ns=None, file="other.log"),
    ],
)
def test_a_later_line_or_one_without_a_time_is_no_nearer(other: LogEntry) -> None:
    """The line of the second of the answer tells, whichever comes first."""
    mine = log_line(0xC0000072, time_ns=at(2))
    for lines in ((mine, other), (other, mine)):
        assert "disabled" in only(RULE, REFUSED, log_entries=lines).hypothesis.summary


def test_the_note_that_tells_is_shown() -> None:
    """Not the first of several; a number behind `data` elsewhere is no code of the directory."""
    directory = "80090308: LdapErr: DSID-0C09044E, comment: AcceptSecurityContext error, data 533, v4563"
    locked = replace(REFUSED, carried_in="ldap", status=49, notes=("the bind came in two parts", directory))
    (shown,) = [each for each in only(RULE, locked).hypothesis.clues if each.weight == rule.BY_MESSAGE.weight]
    assert shown.text == directory
    assert not has(only(RULE, replace(locked, notes=("data 533",))), rule.BY_MESSAGE)


def test_what_is_no_refusal() -> None:
    """Accepted, or an error of Kerberos."""
    assert not judged(RULE, ntlm_authentication("auth-1", 2))
    assert not judged(RULE, replace(REFUSED, kerberos_error=37))
    assert has(only(RULE, replace(REFUSED, status=0xC0000234)), rule.TELLING)
