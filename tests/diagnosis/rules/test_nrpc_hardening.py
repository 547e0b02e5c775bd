"""Netlogon calls that are refused because they are not sealed."""

from __future__ import annotations

from judging import answered, channel, faulted, findings, has, judged, kerberos, only

from rpctrace.diagnosis.rules import nrpc_hardening as rule

RULE = rule.RULE
SIGNED = kerberos(auth_type=0x44, level=5)
SEALED = kerberos(auth_type=0x44, level=6)
LOGON = "NetrLogonSamLogonEx"
DENIED = answered(2, auth=SIGNED, secure_channel=channel(LOGON, 0xC0000022))


def test_it_fires_on_a_signed_call_of_the_lab_and_not_on_a_sealed_one() -> None:
    """Level 5 refused; the sealed channel of the sample works."""
    assert findings("lab/rpc.schannel2.pcap")[RULE.name].severity == "high"
    assert findings("built/secure-channel.pcap") == {}


def test_faults_count_and_setting_up_does_not() -> None:
    """NetrServerAuthenticate goes in clear text."""
    assert judged(RULE, faulted(5, auth=SIGNED, secure_channel=channel(LOGON)))
    assert not judged(RULE, answered(2, secure_channel=channel("NetrServerAuthenticate3", 0xC0000022)))
    assert not judged(RULE, answered(2, auth=SEALED, secure_channel=channel(LOGON, 0xC0000022)))
    assert not judged(RULE, answered(2, auth=SIGNED, secure_channel=channel(LOGON, 0xC000006A)))


def test_what_else_the_domain_controller_answers() -> None:
    """Sealed calls that work are for it; the same unsealed that works is against it."""
    sealed = answered(1, "sealed", auth=SEALED, secure_channel=channel(LOGON))
    assert has(only(RULE, DENIED, sealed), rule.SEALED_WORKS)
    elsewhere = answered(1, "sealed", auth=SEALED, secure_channel=channel(LOGON), capture=1)
    assert not has(only(RULE, DENIED, elsewhere, captures=2), rule.SEALED_WORKS)  # another time
    plain = answered(1, "plain", auth=SIGNED, secure_channel=channel(LOGON))
    assert has(only(RULE, DENIED, plain), rule.UNSEALED_WORKS)
    assert only(RULE, DENIED, plain).confidence < 0.3
    assert rule.EVENT_LOG in only(RULE, DENIED).hypothesis.ceilings
