"""Activations below packet integrity that are refused."""

from __future__ import annotations

from dataclasses import replace

from judging import activation, cause, has, judged, kerberos, logged_on, ntlm, ntlm_legs, only, shared
from shared_captures import needs_shared

from rpctrace.diagnosis.rules import dcom_hardening as rule

RULE = rule.RULE
LOW = activation(2, 0x80070005, auth=kerberos(level=2))


def test_it_fires_below_integrity_and_not_at_it() -> None:
    """Level 2 against level 5."""
    assert cause("dcom-hardening")[RULE.name].severity == "high"
    assert RULE.name not in cause("dcom-hardening-not")


@needs_shared
def test_an_activation_that_works_is_no_failure() -> None:
    """Windows before the updates took level 2: nothing is reported."""
    assert shared("public/LM_WMI_ProcessCallCreate.pcapng") == {}


def test_other_activations_tell() -> None:
    """One at integrity that works is for it, one below that works refutes it."""
    first = logged_on(auth=kerberos("AP-REQ", "AP-REP", level=2))
    high = activation(3, 0, "high", auth=kerberos())
    assert has(only(RULE, first, LOW, high), rule.HIGHER_ACCEPTED)
    assert only(RULE, first, LOW, activation(3, 0, "low", auth=kerberos(level=4))).confidence == 0
    assert rule.EVENT_LOG in only(RULE, first, LOW).hypothesis.ceilings


def test_an_unjudged_logon_speaks_against_it() -> None:
    """NTLM by auth3; and strangers are not meant."""
    low = replace(LOW, auth=ntlm(level=2))
    assert has(only(RULE, *ntlm_legs(level=2), low), rule.LOGON_OPEN)
    assert not judged(RULE, replace(LOW, auth=None))
    assert not judged(RULE, activation(2, 0x80040154, auth=kerberos(level=2)))
