"""Two accounts with one name: what the KDC says, and the command that finds them."""

from __future__ import annotations

from causes import asked, fired, judged, stays_silent


def test_the_kdc_says_so() -> None:
    finding = fired("spn-duplicate")
    assert (finding.severity, finding.confidence) == ("high", 0.95)
    assert "setspn -F -Q HTTP/intranet.child.domaina.com" in finding.next_steps[0]


def test_a_ticket_is_none() -> None:
    assert stays_silent("spn-duplicate").findings == ()


def test_removed_meanwhile_is_low() -> None:
    (finding,) = judged(asked("krb-1", 1, 8), asked("krb-2", 9), rule="spn-duplicate")
    assert finding.severity == "low"


def test_another_error_is_none() -> None:
    assert judged(asked("krb-1", 1, 7), rule="spn-duplicate") == []
