"""No encryption type in common: both lists are told, and what speaks for which side."""

from __future__ import annotations

from causes import asked, fired, judged, logon, seen, stays_silent
from incident_records import tgt
from report_values import PATH

from rpctrace.diagnosis.rules import etype_nosupp
from rpctrace.report import Etype

RC4, AES = Etype(23, "rc4-hmac"), Etype(18, "aes256-cts-hmac-sha1-96")


def test_what_was_asked_and_what_the_kdc_lists() -> None:
    """AES alone was asked for, RC4 is what the KDC has."""
    finding = fired("etype-nosupp")
    assert "asked for aes256-cts-hmac-sha1-96, aes128-cts-hmac-sha1-96; the KDC lists rc4-hmac" in finding.summary
    assert seen(finding, etype_nosupp.NOTHING_SHARED.weight)
    assert seen(finding, etype_nosupp.ONLY_AES.weight)


def test_a_ticket_for_rc4_is_none() -> None:
    assert stays_silent("etype-nosupp").findings == ()


def test_asked_again_with_other_types_is_low() -> None:
    again = asked("krb-2", 2, etypes=(AES,))
    (finding,) = judged(asked("krb-1", 1, 14, etypes=(RC4,)), again, rule="etype-nosupp")
    assert finding.severity == "low"


def test_the_list_of_an_earlier_answer_counts() -> None:
    """Error 25 before had listed the types of the client's keys."""
    before = logon("krb-1", 1, 25, offered_etypes=(RC4,))
    (finding,) = judged(before, logon("krb-2", 2, 14, etypes=(AES,)), rule="etype-nosupp")
    assert "the KDC lists rc4-hmac" in finding.summary


def test_a_client_of_rc4_alone_that_could_log_on_meets_one_service() -> None:
    """Low: its own setting. A client of AES alone at a trust is not."""
    path = PATH.__class__(**{**{name: getattr(PATH, name) for name in PATH.__slots__}, "as_exchange": "krb-1"})
    changes = {"path": "path-1", "sname": ("krbtgt", "DOMAINB.COM")}
    for etype, severity in ((RC4, "low"), (AES, "medium")):
        before = logon("krb-1", 1, etypes=(etype,), ticket=tgt("CHILD.DOMAINA.COM"))
        refused = asked("krb-2", 2, 14, etypes=(etype,), **changes)
        (finding,) = judged(before, refused, rule="etype-nosupp", referral_paths=(path,))
        assert finding.severity == severity
        assert seen(finding, etype_nosupp.FOR_A_TRUST.weight)


def test_types_that_were_not_captured() -> None:
    (finding,) = judged(asked("krb-1", 1, 14), rule="etype-nosupp")
    assert "types that were not captured" in finding.summary
