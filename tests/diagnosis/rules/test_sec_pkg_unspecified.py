"""0x721 is a refusal by a security package, and no more is claimed."""

from __future__ import annotations

from dataclasses import replace

from report_values import full_report

from rpctrace.diagnosis.rules.sec_pkg_unspecified import RULE

FAULTED = next(call for call in full_report().calls if call.outcome == "faulted" and call.status == 0x721)


def test_fires_on_0x721_only() -> None:
    """Whatever PDU it answers; another status is another rule's."""
    assert RULE.applies(FAULTED)
    assert RULE.applies(replace(FAULTED, kind="request"))
    assert not RULE.applies(replace(FAULTED, status=5))
    assert not RULE.applies(replace(FAULTED, outcome="answered"))


def test_it_claims_neither_kerberos_nor_pac() -> None:
    """Title and summary name the refusal; what is missing names the server's side."""
    (finding,) = RULE.find([FAULTED])
    said = " ".join((finding.title, finding.summary, *finding.missing, *finding.next_steps))
    assert "PAC" not in said
    assert any("server" in each for each in finding.missing)


def test_what_speaks_against_a_ticket_is_said() -> None:
    """A fault to a request, and NTLM."""
    assert FAULTED.auth is not None
    (finding,) = RULE.find([replace(FAULTED, kind="request", auth=replace(FAULTED.auth, mechanism="ntlm"))])
    against = [item.text for item in finding.evidence if not item.supports]
    assert len(against) == 2
    assert any("NTLM" in text for text in against)
