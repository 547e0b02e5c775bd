"""What each recorded capture is known to show (its README says what was done) against the first finding.

`CANNOT_TELL` stands for the catch-all with the cause among its rivals: without a key the capture cannot prove it.
"""

from __future__ import annotations

from functools import cache

import pytest
from shared_captures import SHARED

from rpctrace.analysis import analyze
from rpctrace.report import Report

LAB = SHARED / "lab"
CANNOT_TELL = "sec-pkg-unspecified"
CATCH_ALL = "call-failed"

# Capture -> the rules of which one must be first; empty: nothing above note.
EXPECTED: dict[str, tuple[str, ...]] = {
    "b1-0x721/alter-ok": (),
    "b1-0x721/alter-ok.ipv6": (),
    "b1-0x721/alter-np-ok": (),
    "b1-0x721/alter-wrongkey-krb5": ("ap-modified", CANNOT_TELL),
    "b1-0x721/alter-wrongkey-spnego": ("ap-modified", CANNOT_TELL),
    "b1-0x721/alter-wrongkey-krb5-lsarpc": ("ap-modified", CANNOT_TELL),
    "b1-0x721/alter-np-wrongkey-spnego": ("ap-modified", CANNOT_TELL),
    "b1-0x721/alter-corrupt-ticket": ("ap-modified", CANNOT_TELL),
    "b1-0x721/alter-corrupt-authenticator": ("ap-modified", CANNOT_TELL),
    "b1-0x721/alter-crossrealm-tgt": ("tgt-to-service",),
    "b1-0x721/alter-crossrealm-tgt-spnego": ("tgt-to-service",),
    "b1-0x721/alter-second-context-bad": ("ap-modified", CANNOT_TELL),
    "b1-0x721/alter-third-leg-bad": ("third-leg-refused",),
    "b1-0x721/alter-missing-auth-level": ("authlevel-unsupported",),
    "b1-0x721/alter-clock-skew": ("skew-ap",),
    "b1-0x721/alter-clock-skew-spnego": ("skew-ap",),
    "b1-0x721/bind-wrongkey-krb5": ("first-leg-rejected",),
    "b2-faults/alter-changed-syntax": (CATCH_ALL,),
    "b2-faults/alter-rejected-ctx": ("unk-if",),
    "b2-faults/unk-if": ("unk-if",),
    "b2-faults/bad-signature-request": ("sec-pkg-request-integrity",),
    "b2-faults/ndr-bad-stub": (CATCH_ALL,),
    "b2-faults/ntlm-wrong-password-auth3": ("ntlm-auth3-denied",),
    "b2-faults/proto-error-second-bind": (CATCH_ALL,),
    "b3-bindnak/nak-auth-type": ("authtype-unknown",),
    "b3-bindnak/nak-version": (CATCH_ALL,),
    "b3-bindnak/nak-version-minor": (CATCH_ALL,),
    "d-kerberos/as-clock-skew.udp": ("skew-kdc",),
    "d-kerberos/tgs-clock-skew.udp": ("skew-kdc",),
    "d-kerberos/client-disabled.tcp": ("bad-password",),
    "d-kerberos/client-unknown.udp": ("client-unknown",),
    "d-kerberos/etype-nosupp": ("etype-nosupp",),
    "d-kerberos/password-must-change.tcp": ("pwd-expired",),
    "d-kerberos/preauth-failed.tcp": ("bad-password",),
    "d-kerberos/preauth-failed.tcp.ipv6": ("bad-password",),
    "d-kerberos/preauth-failed.udp": ("bad-password",),
    "d-kerberos/unknown-realm.tcp": ("spn-unknown",),
    "d-kerberos/xrealm-server-unknown.tcp": ("spn-unknown",),
    "d-kerberos/canon-referral.udp.ipv6": (),
    "d-kerberos/ok-forwardable-renew.tcp": (),
    "e-misconfig/misconfig-smbclient": ("ap-modified",),
    "a-impacket/imp-badtcp-alter-auth": ("ap-modified", CANNOT_TELL),
}
# What was refused and then worked: the finding may be there, at most low.
RECOVERED = {
    "d-kerberos/rc4-only": "etype-nosupp",
    "d-kerberos/kpasswd.tcp": "bad-password",
    "e-misconfig/clockskew-rpcclient-np": "skew-ap",
}
# A cause that the catch-all must name among its rivals where it is first.
RIVALS = {CANNOT_TELL: "ap-modified"}

pytestmark = pytest.mark.skipif(not LAB.is_dir(), reason="the shared captures are not beside the checkout")


@cache
def report(name: str) -> Report:
    return analyze(LAB / f"{name}.pcap")


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_the_first_finding_is_the_cause(name: str) -> None:
    """The cause that the capture was recorded for comes first, or the catch-all that names it."""
    shown = [finding for finding in report(name).findings if finding.severity != "note"]
    if not EXPECTED[name]:
        assert not shown
        return
    assert shown
    assert shown[0].rule in EXPECTED[name]
    if shown[0].rule in RIVALS:
        assert RIVALS[shown[0].rule] in [rival.rule for rival in shown[0].rivals]


@pytest.mark.parametrize("name", sorted(RECOVERED))
def test_what_was_recovered_is_low_at_most(name: str) -> None:
    """An error that was made good is no failure."""
    for finding in report(name).findings:
        assert finding.severity in ("low", "note"), finding.rule


@pytest.mark.parametrize("name", sorted((*EXPECTED, *RECOVERED)))
def test_none_of_them_is_called_pac(name: str) -> None:
    """Not even as a hypothesis: no PAC was validated in the lab."""
    assert not [finding.rule for finding in report(name).findings if finding.rule.startswith("pac-")]


def test_every_accepted_call_is_clean() -> None:
    """Cross-forest logons that work give nothing above note."""
    for path in sorted((LAB / "a-clean").glob("*.pcap")):
        above = [finding.rule for finding in analyze(path).findings if finding.severity != "note"]
        assert not above, path.name
