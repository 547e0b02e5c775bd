"""KDCs that do not answer, over UDP or TCP; not where the client got on, or the capture ends."""

from __future__ import annotations

from causes import asked, fired, judged, logon, named, sample, seen, stays_silent, unanswered
from incident_records import KDC_A, event, exchange, tgt

from rpctrace.diagnosis import network
from rpctrace.diagnosis.rules import kdc_unreachable
from rpctrace.report import Host

KDC = Host(KDC_A, 88, None)


def test_syns_to_port_88_without_an_answer() -> None:
    finding = fired("kdc-unreachable")
    assert finding.severity == "high"
    assert "did not answer the attempt to connect" in finding.summary


def test_a_syn_that_was_lost_is_none() -> None:
    assert stays_silent("kdc-unreachable").findings == ()


def test_a_request_without_a_reply() -> None:
    """Sent several times, no KDC answers: high. What is answered later is a note."""
    alone = judged(unanswered("krb-1", 1), rule="kdc-unreachable")[0]
    (finding,) = judged(unanswered("krb-1", 1, copies=(7, 9)), rule="kdc-unreachable")
    assert finding.confidence > alone.confidence
    assert finding.severity == "high"
    assert seen(finding, kdc_unreachable.AGAIN.weight)
    (finding,) = judged(unanswered("krb-1", 1), logon("krb-2", 3), rule="kdc-unreachable")
    assert finding.severity == "note"


def test_a_kdc_that_answers_otherwise_is_reachable() -> None:
    (finding,) = judged(unanswered("krb-1", 1), asked("krb-2", 3), rule="kdc-unreachable")
    assert seen(finding, kdc_unreachable.ANSWERS_OTHERWISE.weight, supports=False)
    assert finding.severity == "note"


def test_the_end_of_the_capture_is_no_silence() -> None:
    (finding,) = judged(unanswered("krb-1", 1), rule="kdc-unreachable", until=2)
    assert seen(finding, network.ENDS_SOON.weight, supports=False)
    assert finding.severity == "note"


def test_a_connection_that_is_refused() -> None:
    (finding,) = judged(event(1, kind="refused", server=KDC), rule="kdc-unreachable")
    assert seen(finding, kdc_unreachable.WAS_REFUSED.weight)
    assert judged(event(1, kind="refused", server=Host(KDC_A, 445, None)), rule="kdc-unreachable") == []
    assert judged(event(1, kind="reset", server=KDC), rule="kdc-unreachable") == []


def test_another_kdc_that_answers_later_makes_it_a_note() -> None:
    other = asked("krb-1", 5, server=Host("10.77.0.99", 88, None))
    (finding,) = judged(event(1, kind="no_answer", server=KDC), other, rule="kdc-unreachable")
    assert finding.severity == "note"
    assert "another KDC answered" in finding.summary


def test_an_answer_before_does_not_hide_one_after() -> None:
    """The client had been answered before it tried, and was again; an answer of the same KDC is of no other."""
    first, later = (asked(f"krb-{at}", at, server=Host("10.77.0.99", 88, None)) for at in (1, 9))
    tried = event(5, kind="no_answer", server=KDC)
    (finding,) = judged(first, tried, later, rule="kdc-unreachable")
    assert finding.severity == "note"
    (finding,) = judged(first, tried, rule="kdc-unreachable")
    assert finding.severity != "note"
    (finding,) = judged(first, tried, asked("krb-9", 9), rule="kdc-unreachable")
    assert "another KDC" not in finding.summary


def test_an_answer_in_a_capture_of_another_time_is_of_another_host() -> None:
    """Two captures without a common clock: the same addresses may be others'."""
    answered = asked("krb-1", 9, capture=1)
    (finding,) = judged(event(5, kind="no_answer", server=KDC), answered, rule="kdc-unreachable", captures=2)
    assert seen(finding, kdc_unreachable.NOBODY.weight)
    assert not seen(finding, kdc_unreachable.ANSWERS_OTHERWISE.weight, supports=False)


def test_the_kdc_of_another_realm_is_another_rules() -> None:
    """After a referral: not told of a request, and a hypothesis of a connection."""
    cross = tgt("DOMAINB.COM", "CHILD.DOMAINA.COM")
    waiting = exchange(
        "krb-1", 1, realm="DOMAINB.COM", presented=cross, reply=None, reply_frame=None, reply_ns=None,
        outcome="unanswered",
    )  # fmt: skip
    assert judged(waiting, rule="kdc-unreachable") == []
    (finding,) = named(sample("referral-broken").findings, "kdc-unreachable")
    assert finding.severity == "note"
    assert seen(finding, kdc_unreachable.SENT_ON.weight, supports=False)


def test_the_password_service_is_named() -> None:
    (finding,) = judged(unanswered("krb-1", 1, kind="KPASSWD"), rule="kdc-unreachable")
    assert finding.title == "A password service does not answer"
