"""Where no call failed: how far that goes, and what was seen beside calls. A capture of Kerberos or SMB alone says what
it holds (lab: xforest-kinit-kvno, misconfig-smbclient)."""

from __future__ import annotations

from dataclasses import replace

from incident_records import call, event, exchange, ntlm_authentication, refused, report
from report_values import capture, empty_report

from rpctrace.render.nothing_failed import nothing_failed, seen_beside


def test_what_filters_left() -> None:
    """No sentence says that there was no call where a filter took them."""
    none, one = report(), report(call("c", 1))
    assert nothing_failed(none) == "No RPC call was found"
    assert nothing_failed(none, 16) == "The filters leave none of 16 calls"
    assert nothing_failed(none, 0) == "No RPC call was found"
    assert nothing_failed(one) == "No failed call"
    assert nothing_failed(one, 16) == "No failed call among the 1 of 16 calls that the filters leave"
    assert nothing_failed(empty_report(), None) == "No capture was read"


def test_how_far_that_goes() -> None:
    cut = replace(report(call("c", 1)), captures=(capture(complete=False),))
    assert nothing_failed(cut) == "No failed call in the part that could be read"
    assert nothing_failed(cut, 2).endswith("that the filters leave in the part that could be read")


def test_without_a_call_all_is_told() -> None:
    """Exchanges inside other protocols are not counted as exchanges with a KDC; to be asked for more is no refusal."""
    made = report(
        exchange("k1", 1), exchange("k2", 2, error=25), exchange("k3", 3, carried_in="smb"),
        ntlm_authentication("a1", 4), ntlm_authentication("a2", 5, outcome="rejected"),
        ntlm_authentication("a3", 6, carried_in="http"), event(7),
    )  # fmt: skip
    assert [(each.text, each.table) for each in seen_beside(made)] == [
        ("2 exchanges with a KDC, none refused", "kerberos"),
        ("2 session setups of SMB, 1 refused", "auth"),
        ("1 authentication over HTTP, none refused", "auth"),
        ("1 event of connections", "events"),
    ]
    (silent,) = seen_beside(report(exchange("k1", 1, outcome="unanswered", reply=None)))
    assert silent.text == "1 exchange with a KDC, none refused, 1 unanswered"


def test_with_calls_only_what_was_refused_is_told() -> None:
    quiet = report(call("c", 1), exchange("k1", 1), ntlm_authentication("a1", 4), event(7))
    assert seen_beside(quiet) == ()
    (told,) = seen_beside(report(call("c", 1), exchange("k1", 1, **refused()), ntlm_authentication("a1", 4)))
    assert told.text == "1 exchange with a KDC, 1 refused"
