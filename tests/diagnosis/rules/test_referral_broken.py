"""Ways over the trusts that stop: by what the client tried, and not because a capture ends or was taken elsewhere."""

from __future__ import annotations

from typing import Any

from causes import fired, judged, seen, stays_silent
from incident_records import CLIENT, KDC_B, event, exchange, ntlm_authentication, stream, tgt
from report_values import PATH

from rpctrace.diagnosis import network
from rpctrace.diagnosis.rules import referral_broken
from rpctrace.report import Finding, Host, KerberosExchange, ReferralPath

CROSS = tgt("DOMAINB.COM", "CHILD.DOMAINA.COM")
ELSEWHERE = stream("tcp-0-9", 20, server=Host("10.77.0.80", 443, None))


def path(outcome: str, *exchanges: str) -> ReferralPath:
    values: dict[str, Any] = {name: getattr(PATH, name) for name in PATH.__slots__}
    client = Host(CLIENT, 1, None)
    values |= {"outcome": outcome, "exchanges": exchanges, "client": client, "capture": 0, "error": None}
    return ReferralPath(**{**values, "realms": ("CHILD.DOMAINA.COM", "DOMAINB.COM")[: len(exchanges)]})


def referral(**changes: Any) -> KerberosExchange:
    said = {"ticket": CROSS, "sname": ("host", "ws.domainb.com"), "path": "path-1", "hop": 1, **changes}
    return exchange("krb-1", 1, **said)


def found(*records: Any, outcome: str = "open", until: float = 3600) -> list[Finding]:
    names = ("krb-1", "krb-2")[: sum(isinstance(each, KerberosExchange) for each in records)]
    return judged(*records, rule="referral-broken", referral_paths=(path(outcome, *names),), until=until)


def test_the_next_kdc_cannot_be_reached() -> None:
    finding = fired("referral-broken")
    assert "sent from CHILD.DOMAINA.COM to DOMAINA.COM" in finding.summary
    assert seen(finding, referral_broken.NO_CONNECTION.weight)


def test_a_path_that_leads_to_the_ticket_is_none() -> None:
    assert stays_silent("referral-broken").findings == ()


def test_silence_after_a_referral() -> None:
    """Where other traffic of the client is there: possible. Where the capture ends, or shows the KDC alone: a note."""
    (finding,) = found(referral(), ELSEWHERE)
    assert finding.severity == "medium"
    assert seen(finding, referral_broken.WENT_ON.weight)
    (finding,) = found(referral(), ELSEWHERE, until=3)
    assert finding.severity == "note"
    assert seen(finding, network.ENDS_SOON.weight, supports=False)
    (finding,) = found(referral())
    assert finding.severity == "note"
    assert finding.limited_by


def test_ntlm_that_follows_speaks_for_it() -> None:
    (finding,) = found(referral(), ntlm_authentication("auth-1", 3))
    assert seen(finding, referral_broken.NTLM_AFTER.weight)
    (finding,) = found(referral(), ntlm_authentication("auth-1", 300))
    assert not seen(finding, referral_broken.NTLM_AFTER.weight)


def test_a_request_to_the_next_realm_without_a_reply() -> None:
    waiting = exchange(
        "krb-2", 2, realm="DOMAINB.COM", server=Host(KDC_B, 88, None), presented=CROSS, reply=None, reply_frame=None,
        reply_ns=None, outcome="unanswered", sname=("host", "ws.domainb.com"), path="path-1", hop=2,
    )  # fmt: skip
    (finding,) = found(referral(), waiting, outcome="unanswered")
    assert seen(finding, referral_broken.NO_REPLY.weight)
    assert f"{KDC_B} did not answer" in finding.summary
    assert finding.limited_by == ()


def test_an_answer_that_was_not_captured_is_no_end() -> None:
    assert found(referral(ticket=None, reply=None, reply_frame=None, reply_ns=None, outcome="not captured")) == []


def test_a_failed_connection_counts_only_right_after_it() -> None:
    tried = event(30, kind="no_answer", server=Host(KDC_B, 88, None), count=3)
    assert seen(found(referral(), tried)[0], referral_broken.NO_CONNECTION.weight)
    long_after = event(300, kind="no_answer", server=Host(KDC_B, 88, None), count=3)
    assert not seen(found(referral(), long_after)[0], referral_broken.NO_CONNECTION.weight)
