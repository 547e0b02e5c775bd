"""An answer that does not fit UDP, with nothing behind it over TCP."""

from __future__ import annotations

from causes import asked, fired, judged, seen, stays_silent, unanswered

from rpctrace.diagnosis import network
from rpctrace.diagnosis.rules import krb_udp_toobig
from rpctrace.report import RESPONSE_TOO_BIG, KerberosExchange


def too_big(second: float) -> KerberosExchange:
    return asked(f"krb-{second}", second, RESPONSE_TOO_BIG, carried_in="kdc_udp")


def test_the_connection_to_port_88_fails() -> None:
    finding = fired("krb-udp-toobig")
    assert finding.severity == "high"
    assert seen(finding, krb_udp_toobig.CONNECTION_FAILED.weight)


def test_tcp_that_follows_is_ordinary() -> None:
    assert stays_silent("krb-udp-toobig").findings == ()


def test_without_any_tcp_of_the_client_a_filter_may_have_left_it_out() -> None:
    (finding,) = judged(too_big(1), rule="krb-udp-toobig")
    assert finding.confidence == krb_udp_toobig.NO_TCP_SEEN.value
    assert finding.limited_by


def test_a_request_over_tcp_without_a_reply() -> None:
    (finding,) = judged(too_big(1), unanswered("krb-9", 2), rule="krb-udp-toobig")
    assert seen(finding, krb_udp_toobig.NO_REPLY.weight)
    assert finding.limited_by == ()


def test_asked_over_udp_again() -> None:
    (finding,) = judged(too_big(1), too_big(3), rule="krb-udp-toobig")
    assert seen(finding, krb_udp_toobig.ASKED_AGAIN.weight)
    assert "(2 times)" in finding.summary


def test_a_refusal_over_tcp_is_an_answer() -> None:
    """TCP works then; and so it does where the realm could not be read."""
    for realm in ("CHILD.DOMAINA.COM", None):
        assert judged(too_big(1), asked("krb-9", 2, 7, realm=realm), rule="krb-udp-toobig") == []
    assert judged(asked("krb-1", 2), too_big(3), rule="krb-udp-toobig")


def test_the_end_of_the_capture_is_no_silence() -> None:
    (finding,) = judged(too_big(1), rule="krb-udp-toobig", until=2)
    assert seen(finding, network.ENDS_SOON.weight, supports=False)
    assert finding.severity == "note"
