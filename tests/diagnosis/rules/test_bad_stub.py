"""Parameters that the server cannot read."""

from __future__ import annotations

from judging import faulted, findings, has, judged, only

from rpctrace.diagnosis.rules import bad_stub as rule

RULE = rule.RULE


def test_it_fires_on_a_bad_stub_and_not_on_a_bad_signature() -> None:
    """Low: nobody is refused for who he is."""
    finding = findings("lab/ndr-bad-stub.pcap")[RULE.name]
    assert (finding.severity, finding.confidence) == ("low", 0.9)
    assert RULE.name not in findings("lab/bad-signature-request.pcap")


def test_newer_levels_are_ordinary() -> None:
    """NetrLogonGetCapabilities of a newer member at an older domain controller."""
    weighed = only(RULE, faulted(0x1C000006, operation="NetrLogonGetCapabilities"))
    assert has(weighed, rule.NEWER_LEVEL)
    assert "only newer domain controllers know" in weighed.hypothesis.summary
    assert not has(only(RULE, faulted(0x6F7)), rule.NEWER_LEVEL)


def test_other_faults_are_not_its_matter() -> None:
    """Operation number, protocol."""
    assert not judged(RULE, faulted(0x1C010002, 2), faulted(0x1C01000B, 3, id="other"))
