"""A clock that the KDC does not accept is told with the difference, as far as the capture shows one."""

from __future__ import annotations

from causes import asked, fired, judged, seen, stays_silent
from incident_records import at

from rpctrace.diagnosis.rules import skew_kdc
from rpctrace.report import Host


def test_the_kdc_says_so_and_its_time_tells_by_how_much() -> None:
    """Twenty minutes ahead of the capture's clock."""
    finding = fired("skew-kdc")
    assert finding.severity == "high"
    assert "20 min 0 s ahead of the capture's" in finding.summary
    assert seen(finding, skew_kdc.FAR_FROM_CAPTURE.weight)


def test_a_difference_without_an_error_is_none() -> None:
    assert stays_silent("skew-kdc").findings == ()


def test_where_the_clocks_agree_the_client_is_off() -> None:
    """The KDC's time is the capture's: by how much the client differs is missing, and said so."""
    (finding,) = judged(asked("krb-1", 1, 37, server_ns=at(1.01)), rule="skew-kdc")
    assert "it is the client's that is off" in finding.summary
    assert finding.missing


def test_recovered_is_low() -> None:
    """The client asked again with another time and got its ticket."""
    (finding,) = judged(asked("krb-1", 1, 37), asked("krb-2", 2), rule="skew-kdc")
    assert finding.severity == "low"
    assert "later the same client got it" in finding.summary


def test_the_clock_of_a_server_is_no_kdcs() -> None:
    """Its KRB-ERROR in RPC has its time; neither counts a KDC of another capture, whose clock is another."""
    far = asked("krb-1", 1, 37, server_ns=at(2000))
    other = {"server": Host("10.77.0.99", 88, None), "server_ns": at(2.01)}
    for changes in ({"carried_in": "dcerpc"}, {"capture": 1}):
        (finding,) = judged(far, asked("krb-2", 2, 13, **other, **changes), rule="skew-kdc", captures=2)
        assert not seen(finding, skew_kdc.KDC_ALONE.weight, supports=False)


def test_one_kdc_that_differs_from_another_is_less_sure() -> None:
    """The other's time agrees with the capture's: it may be this KDC's clock."""
    far, other = asked("krb-1", 1, 37, server_ns=at(2000)), asked("krb-2", 2, 13, server_ns=at(2.01))
    alone = judged(far, rule="skew-kdc")[0].confidence
    elsewhere = other.server.__class__("10.77.0.99", 88, None)
    both = judged(far, asked("krb-2", 2, 13, server_ns=at(2.01), server=elsewhere), rule="skew-kdc")[0]
    assert both.confidence < alone
    assert seen(both, skew_kdc.KDC_ALONE.weight, supports=False)
    assert judged(far, other, rule="skew-kdc")[0].confidence == alone
