"""A user whom the domain controller does not know, at the KDC and in its log."""

from __future__ import annotations

from causes import fired, judged, log_line, logon, seen, stays_silent
from incident_records import at

from rpctrace.diagnosis.rules import client_unknown

NO_SUCH_USER = 0xC0000064


def test_the_kdc_says_so() -> None:
    finding = fired("client-unknown")
    assert finding.severity == "medium"
    assert "exprt" in finding.summary


def test_a_name_that_another_realm_knows_is_no_failure() -> None:
    """Error 68 names the realm, whose KDC gives the ticket."""
    assert stays_silent("client-unknown").findings == ()


def test_what_speaks_for_and_against_it() -> None:
    """The suffix of another domain; a ticket that the same account had from the same realm."""
    (finding,) = judged(logon("krb-1", 1, 6, cname=("alice@other.org",)), rule="client-unknown")
    assert seen(finding, client_unknown.FOREIGN_SUFFIX.weight)
    (finding,) = judged(logon("krb-1", 1), logon("krb-2", 2, 6), rule="client-unknown")
    assert seen(finding, client_unknown.KNOWN_BEFORE.weight, supports=False)
    assert finding.confidence < 0.5


def test_a_line_of_a_log_alone_is_low() -> None:
    """A network logon of a user; not a validation of a PAC, whose user is empty."""
    (finding,) = judged(rule="client-unknown", log_entries=(log_line(3, NO_SUCH_USER),))
    assert (finding.severity, finding.frames, finding.capture) == ("low", (), None)
    assert "CHILD\\alice-a from WS1" in finding.summary
    assert judged(rule="client-unknown", log_entries=(log_line(3, NO_SUCH_USER, kind="Generic", user=None),)) == []


def test_a_domain_controller_in_shutdown_is_another_cause() -> None:
    """KB2683606; hours apart they have nothing to do with each other."""
    unknown = log_line(3, NO_SUCH_USER, time_ns=at(2000))
    # The log of a busy domain controller has many of them, hours before
    long_ago = tuple(log_line(100 + number, 0xC00000DC, user="bob", time_ns=at(number)) for number in range(200))
    for second, against in ((2030, 1), (3000, 0)):
        shutdown = log_line(4, 0xC00000DC, user="bob", time_ns=at(second))
        (finding,) = judged(rule="client-unknown", log_entries=(*long_ago, unknown, shutdown))
        assert len(seen(finding, client_unknown.SHUTDOWN.weight, supports=False)) == against
