"""The first request after an NTLM auth3 tells that the logon failed; logs tell why."""

from __future__ import annotations

from dataclasses import replace

from incident_records import call
from judging import (
    ALICE,
    answered,
    channel,
    faulted,
    findings,
    has,
    judged,
    kerberos,
    log_line,
    logged_on,
    ntlm,
    ntlm_legs,
    only,
)
from report_values import EXTENDED_ERROR

from rpctrace.diagnosis.rules import ntlm_auth3_denied as rule
from rpctrace.report import Host

RULE = rule.RULE
DENIED = faulted(5, auth=ntlm())


def test_it_fires_on_the_first_request_after_the_auth3() -> None:
    """A wrong password in the lab, and fault 5 and 0x721 in the samples."""
    finding = findings("lab/ntlm-wrong-password-auth3.pcap")[RULE.name]
    assert finding.severity == "medium"
    assert "DOMAINB\\alice-b" in finding.summary
    assert finding.limited_by == ()
    for name in ("ntlm-auth3-access-denied", "ntlm-auth3-sec-pkg-error"):
        assert RULE.name in findings(f"built/{name}.pcap")


def test_it_is_silent_where_a_request_had_worked_or_nothing_is_ntlm() -> None:
    """A denial later is no logon that failed."""
    assert not judged(RULE, *ntlm_legs(), answered(1.5, auth=ntlm()), DENIED)
    assert not judged(RULE, logged_on(), faulted(5, auth=kerberos()))
    assert RULE.name not in findings("built/pipe-smb1.pcap")


def test_the_log_names_the_cause() -> None:
    """And the step that goes with it; a logon that the log calls good refutes nearly."""
    locked = only(RULE, *ntlm_legs(), DENIED, log_entries=(log_line(0xC0000234, "faulted"),))
    assert has(locked, rule.LOG_REFUSED)
    nameless = log_line(0xC0000234, "faulted", domain=None, workstation=None)
    assert "None" not in str([each.text for each in only(RULE, *ntlm_legs(), DENIED, log_entries=(nameless,)).clues])
    assert "the account is locked out" in locked.hypothesis.summary
    assert "event 4740" in (locked.hypothesis.next_steps or ("",))[0]
    assert locked.confidence == 0.96
    good = only(RULE, *ntlm_legs(), DENIED, log_entries=(log_line(0, "faulted"),))
    assert good.confidence < 0.1


def test_without_a_log_it_is_held_down() -> None:
    """However much else speaks for it."""
    logon = call(
        "logon", 1.9, client=Host(DENIED.server.address, 50000, None), server=Host("10.77.0.99", 49155, None),
        connection="tcp-0-8", secure_channel=replace(channel("NetrLogonSamLogonEx"), is_logon=True), operation=None,
    )  # fmt: skip
    weighed = only(RULE, *ntlm_legs(1.8), replace(DENIED, request_ns=None), logon)
    assert rule.NO_LOG in weighed.hypothesis.ceilings
    assert weighed.confidence <= 0.8


def test_an_extended_error_tells_too() -> None:
    """Of AcceptSecurityContext; then no log is missing."""
    told = replace(DENIED, extended_error=(replace(EXTENDED_ERROR, location=72),))
    weighed = only(RULE, *ntlm_legs(), told)
    assert has(weighed, rule.EXTENDED)
    assert not weighed.hypothesis.ceilings


def test_what_speaks_for_a_missing_permission() -> None:
    """Nobody logged on, the user gets in elsewhere, the same is denied to an accepted client."""
    nobody = replace(ALICE, user=None)
    assert has(only(RULE, *ntlm_legs(names=nobody), faulted(5, auth=ntlm(names=nobody))), rule.ANONYMOUS)
    elsewhere = answered(5, auth=ntlm(), connection="tcp-0-7")
    assert has(only(RULE, *ntlm_legs(), DENIED, elsewhere), rule.USER_WORKS)
    other = "tcp-0-6"
    denied_too = (logged_on(6, connection=other), faulted(5, 7, connection=other, auth=kerberos()))
    weighed = only(RULE, *ntlm_legs(), DENIED, *(replace(each, id=f"other-{each.id}") for each in denied_too))
    assert has(weighed, rule.SAME_REFUSED)
    assert weighed.confidence < 0.3
