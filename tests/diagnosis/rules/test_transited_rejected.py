"""A path that a KDC does not accept: by its error, or by the text of a policy error."""

from __future__ import annotations

from dataclasses import replace

from causes import asked, fired, judged, named, seen, stays_silent
from report_values import PATH

from rpctrace.diagnosis.rules import transited_rejected
from rpctrace.report import Host


def test_the_realms_are_told() -> None:
    finding = fired("transited-rejected")
    assert "CHILD.DOMAINA.COM -> DOMAINA.COM" in finding.summary
    assert seen(finding, transited_rejected.CROSSED.weight)


def test_policy_without_a_word_on_the_path_is_not() -> None:
    held = stays_silent("transited-rejected")
    assert named(held.findings, "transited-rejected") == []
    assert held.findings[0].rule == "kdc-policy"


def test_the_text_of_a_policy_error_counts() -> None:
    (finding,) = judged(asked("krb-1", 1, 12, e_text="Transited path"), rule="transited-rejected")
    assert "Transited path" in finding.summary


def test_the_same_path_that_led_to_another_ticket_speaks_against_it() -> None:
    realms, client = ("CHILD.DOMAINA.COM", "DOMAINB.COM"), Host("10.77.0.50", 1, None)
    refused_path = replace(PATH, id="path-1", exchanges=("krb-1",), realms=realms, client=client)
    other = replace(refused_path, id="path-2", exchanges=("krb-2",), outcome="issued", error=None)
    records = asked("krb-1", 1, 28, path="path-1"), asked("krb-2", 2, path="path-2", sname=("cifs", "fs"))
    (finding,) = judged(*records, rule="transited-rejected", referral_paths=(refused_path, other))
    assert finding.confidence < 0.3
    assert finding.severity == "note"
