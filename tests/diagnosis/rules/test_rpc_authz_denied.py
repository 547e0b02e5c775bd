"""Fault 5 where it is known that the client was let in."""

from __future__ import annotations

from dataclasses import replace

from incident_records import ntlm_authentication
from judging import (
    ALICE,
    activation,
    answered,
    bound,
    cause,
    faulted,
    findings,
    has,
    interface,
    judged,
    kerberos,
    log_line,
    logged_on,
    ntlm,
    ntlm_legs,
    only,
)
from report_values import EXTENDED_ERROR

from rpctrace.diagnosis.rules import rpc_authz_denied as rule
from rpctrace.report import Host

RULE = rule.RULE
DENIED = faulted(5, auth=kerberos())


def test_it_fires_on_an_accepted_context_and_not_after_an_auth3() -> None:
    """A ticket that was accepted; an NTLM logon that nobody has judged."""
    finding = cause("rpc-authz-denied")[RULE.name]
    assert (finding.severity, finding.confidence) == ("medium", 0.7)
    assert RULE.name not in findings("built/ntlm-auth3-access-denied.pcap")


def test_dcom_denies_in_its_answer() -> None:
    """E_ACCESSDENIED at packet integrity; below it is dcom-hardening's."""
    finding = cause("dcom-activation-failed-not")[RULE.name]
    assert "event 10016" in finding.next_steps[0]
    assert RULE.name not in cause("dcom-hardening")
    assert only(RULE, logged_on(), activation(2, 0x80070005, auth=kerberos())).confidence == 0.7


def test_a_pipe_belongs_to_its_session() -> None:
    """Who is logged on may not have been captured."""
    denied = faulted(5, pipe="\\pipe\\samr", transport="ncacn_np", auth=None)
    assert only(RULE, denied).hypothesis.ceilings == (rule.SESSION_UNKNOWN,)
    logon = ntlm_authentication("auth-1", 0.5)
    assert only(RULE, logon, denied).hypothesis.ceilings == ()
    assert RULE.name in findings("built/pipe-smb1.pcap")


def test_strangers_are_denied_too() -> None:
    """Nobody logged on at all."""
    weighed = only(RULE, bound(), faulted(5, auth=None))
    assert weighed.title.endswith("to a client that did not log on")


def test_clues_for_it() -> None:
    """The callback, other operations that are allowed, the log, a local account."""
    callback = replace(DENIED, extended_error=(replace(EXTENDED_ERROR, location=40),))
    assert has(only(RULE, logged_on(), callback), rule.CALLBACK)
    allowed = answered(1.5, auth=kerberos(), opnum=64)
    assert has(only(RULE, logged_on(), allowed, DENIED), rule.OTHERS_ALLOWED)
    assert has(only(RULE, logged_on(), DENIED, log_entries=(log_line(0, "faulted"),)), rule.LOG_GRANTED)
    nameless = log_line(0, "faulted", domain=None, workstation=None)
    granted = [each for each in only(RULE, logged_on(), DENIED, log_entries=(nameless,)).clues if each.log_line]
    assert [each.text for each in granted] == ["Network logon of alice: 0x0"]
    local = replace(ALICE, domain="DC1")
    server = Host("10.77.0.12", 49154, "dc1.domainb.com")
    worked = answered(1.5, auth=ntlm(names=local), server=server)
    weighed = only(RULE, *ntlm_legs(names=local), worked, faulted(5, auth=ntlm(names=local), server=server))
    assert has(weighed, rule.LOCAL_ACCOUNT)


def test_after_an_auth3_only_where_everybody_is_denied_the_same() -> None:
    """The logon does not matter then."""
    denied = faulted(5, auth=ntlm())
    assert not judged(RULE, *ntlm_legs(), denied)
    other = [replace(each, id=f"other-{each.id}", connection="tcp-0-6") for each in (logged_on(6), faulted(5, 7))]
    other[1] = replace(other[1], auth=kerberos(), server=Host("10.77.0.12", 49154, None))
    said = judged(RULE, *ntlm_legs(), denied, *other)
    assert [has(each, rule.DENIED_TO_ALL) for each in said].count(True) == 1


def test_what_worked_later_is_low() -> None:
    """The same operation of the same client; and another interface does not count."""
    assert only(RULE, logged_on(), DENIED, answered(3, auth=kerberos())).hypothesis.severity == "low"
    other = answered(3, auth=kerberos(), interfaces=(interface("11111111-1111-1111-1111-111111111111"),))
    assert only(RULE, logged_on(), DENIED, other).hypothesis.severity is None
