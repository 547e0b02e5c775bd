"""Proves: what a host says of the time is compared with when it was captured, and what says nothing is left out."""

from __future__ import annotations

from dataclasses import replace

from incident_records import KDC_A, REALM_B, SECOND, SERVER, ap_exchange, call, exchange, refused, report, ticket
from report_values import EXTENDED_ERROR, empty_report

from rpctrace.correlation.host_clocks import join
from rpctrace.report import Clock, Host, HostClock

SAID = {**refused(37, "KRB_AP_ERR_SKEW"), "server": Host(KDC_A, 88, None)}


def test_the_time_in_krb_errors() -> None:
    """With microseconds as it is; whole seconds are any moment of the second; the middle of all counts."""
    errors = [
        exchange("k1", 10, server_ns=15 * SECOND + 500_000_000, **SAID),
        exchange("k2", 20, server_ns=25 * SECOND, **SAID),
        exchange("k3", 30, server_ns=35 * SECOND + 700_000_000, **SAID),
    ]
    (clock,) = join(report(*errors)).host_clocks
    assert clock == HostClock(KDC_A, None, "krb_error", 0, 5_490_000_000, 3, 200_000_000)


def test_the_time_in_extended_errors() -> None:
    """Of the first record: those behind it may be other hosts'."""
    record = replace(EXTENDED_ERROR, time_ns=7 * SECOND, computer="FS1")
    other = replace(EXTENDED_ERROR, time_ns=99 * SECOND, computer="DC1")
    said = call("c", 10, extended_error=(record, other), server=Host(SERVER, 1, "fs1"))
    assert join(report(said)).host_clocks == (HostClock(SERVER, "fs1", "extended_error", 0, -3_010_000_000, 1, 0),)


def test_a_ticket_that_was_refused_gives_no_name() -> None:
    """The clock of the lab's dc1 is not called app1's, for whom the ticket was that it could not read."""
    name = ticket(REALM_B, "cifs", "app1")
    said = ap_exchange("k1", 10, name, **refused(41), server_ns=10 * SECOND + 10_000_000)
    other = ap_exchange("k1", 10, name, **refused(37), server_ns=10 * SECOND + 10_000_000)
    assert [join(report(each)).host_clocks[0].name for each in (said, other)] == [None, "app1"]


def test_what_says_nothing() -> None:
    forged = exchange("k1", 10, server_ns=10**18, **SAID)
    unanswered = replace(exchange("k2", 10, server_ns=5, **SAID), reply_ns=None)
    assert join(report(forged, unanswered, exchange("k3", 10), call("c", 1))).host_clocks == ()
    assert join(empty_report()) == empty_report()


def test_captures_have_one_clock_and_a_log_s_stays() -> None:
    """The second capture's clock is 100 s behind the first one's."""
    said = exchange("k1", 10, capture=1, server_ns=110 * SECOND + 10_000_000, **SAID)
    of_log = HostClock(None, "netlogon.log", "netlogon", None, 1, 1, 0)
    made = report(said, captures=2, clocks=(Clock(1, 0, 100 * SECOND, 0, 5),), host_clocks=(of_log,))
    joined = join(made)
    assert joined.host_clocks == (HostClock(KDC_A, None, "krb_error", 1, 0, 1, 0), of_log)
    assert join(joined) == joined
