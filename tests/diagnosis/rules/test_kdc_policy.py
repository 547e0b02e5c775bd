"""What policy forbids, named by the NTSTATUS where there is one, and left to others where they know better."""

from __future__ import annotations

from causes import asked, fired, judged, named, seen, stays_silent

from rpctrace.diagnosis.rules import kdc_policy


def test_the_ntstatus_names_the_policy() -> None:
    finding = fired("kdc-policy")
    assert "may not log on at this computer" in finding.summary
    assert seen(finding, kdc_policy.NAMED.weight)
    assert finding.limited_by == ()


def test_a_text_about_the_path_is_another_rules() -> None:
    assert named(stays_silent("kdc-policy").findings, "kdc-policy") == []


def test_without_an_ntstatus_the_policy_is_missing() -> None:
    (finding,) = judged(asked("krb-1", 1, 12), rule="kdc-policy")
    assert finding.confidence == kdc_policy.UNNAMED.value
    assert kdc_policy.UNNAMED.missing in finding.missing


def test_selective_authentication_is_another_rules() -> None:
    assert judged(asked("krb-1", 1, 12, ntstatus=0xC0000413), rule="kdc-policy") == []
