"""Secure channels that cannot be set up, and guessing at them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from incident_records import exchange, refused
from judging import answered, cause, channel, faulted, findings, has, judged, log_line, only, shared
from shared_captures import needs_shared

from rpctrace.diagnosis.rules import trust_broken as rule

RULE = rule.RULE
AUTHENTICATE = "NetrServerAuthenticate3"
REFUSED = answered(2, secure_channel=channel(AUTHENTICATE, 0xC0000022))


def test_it_fires_on_a_refused_channel_and_not_on_one_that_stands() -> None:
    """No account in the domain."""
    finding = cause("trust-broken")[RULE.name]
    assert "RESOURCE-WIN73$" in finding.summary
    assert (finding.severity, finding.confidence) == ("high", 0.86)
    assert findings("built/secure-channel.pcap") == {}


def test_a_success_afterwards_makes_it_low() -> None:
    """The computer tried its new password second."""
    assert cause("trust-broken-recovered")[RULE.name].severity == "low"
    later = answered(3, "later", secure_channel=channel(AUTHENTICATE))
    assert has(only(RULE, REFUSED, later), rule.LATER_GOOD)


@pytest.mark.parametrize(
    ("asked", "sure", "words"),
    [
        (0x612FFFFF, True, "does not accept the computer's secret"),
        (0x212FFFFF, False, "or demands secure RPC"),
        (0x600FFFFF, False, "or demands AES,"),
        (0x000701FF, False, "or demands AES and secure RPC"),
        (None, False, "or wants a better protected channel"),
    ],
)
def test_flags_tell_a_secret_from_a_demand(asked: int | None, sure: bool, words: str) -> None:
    """Who asked for AES and secure RPC has nothing left that could be demanded."""
    denied = replace(channel(AUTHENTICATE, 0xC0000022), asked_flags=asked)
    weighed = only(RULE, answered(2, secure_channel=denied))
    assert words in weighed.hypothesis.summary
    assert ("demand" in weighed.hypothesis.summary) is (not sure and asked is not None)
    assert has(weighed, rule.NOTHING_TO_DEMAND) is sure
    assert bool(weighed.hypothesis.missing) is (asked is None)
    assert ("5827" in str(weighed.hypothesis.next_steps)) is (not sure and asked is not None)


@pytest.mark.parametrize(
    ("status", "update"), [(0xC0000022, True), (0xC0000388, True), (0xC000018B, False), (0xC000018D, False)]
)
def test_an_update_mends_only_what_the_controller_demanded(status: int, update: bool) -> None:
    """An account that is not there needs none, whatever the computer asked for."""
    told = replace(channel(AUTHENTICATE, status), asked_flags=0x600FFFFF)
    steps = only(RULE, answered(2, secure_channel=told)).hypothesis.next_steps or RULE.next_steps
    assert steps[0].startswith("Update the computer") is update


def test_the_best_protected_of_several_attempts_counts() -> None:
    """A computer that was denied with AES tries without: it is its secret."""
    strong, weak = (replace(channel(AUTHENTICATE, 0xC0000022), asked_flags=flags) for flags in (0x612FFFFF, 0x600FFFFF))
    both = answered(2, secure_channel=strong), answered(3, "again", secure_channel=weak)
    assert has(only(RULE, *both), rule.NOTHING_TO_DEMAND)
    oldest = answered(2, secure_channel=channel("NetrServerAuthenticate", 0xC0000022))
    assert "demands AES and secure RPC" in only(RULE, oldest).hypothesis.summary


def test_a_downgrade_is_told_with_what_was_not_asked_for() -> None:
    lowered = replace(channel(AUTHENTICATE, 0xC0000388), asked_flags=0x600FFFFF)
    assert "without AES" in only(RULE, answered(2, secure_channel=lowered)).hypothesis.summary


def test_another_computers_account_says_nothing_of_this_one() -> None:
    """Two computers behind one address; the same account counts however it is written."""
    refusal = refused(24, "KDC_ERR_PREAUTH_FAILED")
    for account, same in (("ws1$", True), ("WS9$", False)):
        kdc = exchange("krb-1", 1, kind="AS", cname=(account,), **refusal)
        assert has(only(RULE, REFUSED, kdc), rule.ACCOUNT_REFUSED) is same


@needs_shared
def test_hundreds_of_attempts_are_guessing() -> None:
    """CVE-2020-1472, which succeeds in the end: that makes it worse, not better."""
    name = "public/CVE-2020-1472_Zerologon_RPC_NetLogon_NullChallenge_SecChan_6_from_nonDC_to_DC.pcapng"
    finding = shared(name)[RULE.name]
    assert "guesses" in finding.title
    assert finding.severity == "high"
    assert finding.confidence > 0.9


def test_guessing_needs_many_attempts_in_a_short_time() -> None:
    """Twenty within seconds; a computer that tries every hour is broken."""
    fast = [answered(2 + at / 10, f"try-{at}", secure_channel=REFUSED.secure_channel) for at in range(25)]
    assert has(only(RULE, *fast), rule.GUESSED)
    good = answered(9, "good", secure_channel=channel(AUTHENTICATE))
    assert has(only(RULE, *fast, good), rule.GUESSED_RIGHT)
    slow = [answered(2 + at * 3600, f"try-{at}", secure_channel=REFUSED.secure_channel) for at in range(25)]
    assert "guesses" not in only(RULE, *slow).title


def test_faults_logs_and_kdcs_tell_too() -> None:
    """Win32 1789, a line of netlogon.log, error 24 for a computer account."""
    assert only(RULE, faulted(1789)).confidence == 0.86
    (line,) = judged(RULE, log_entries=(log_line(0xC000018D),))
    assert "netlogon.log" in line.hypothesis.summary
    assert has(line, rule.PRECISE)
    kdc = exchange("krb-1", 1, kind="AS", cname=("WS1$",), **refused(24, "KDC_ERR_PREAUTH_FAILED"))
    assert has(only(RULE, REFUSED, kdc), rule.ACCOUNT_REFUSED)
    assert not judged(RULE, faulted(1700), log_entries=(log_line(0xC000006A),))
