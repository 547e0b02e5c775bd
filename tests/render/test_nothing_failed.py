"""Where no call failed: how far that goes, and what was seen beside calls. A capture of Kerberos or SMB alone says what
it holds (lab: xforest-kinit-kvno, misconfig-smbclient)."""

from __future__ import annotations

from dataclasses import replace

from incident_records import call, event, exchange, ntlm_authentication, refused, report
from judging import answered, channel
from report_values import UNFILTERED, capture, empty_report

from rpctrace.render.nothing_failed import calls_words, nothing_failed, seen_beside


def test_what_filters_left() -> None:
    """No sentence says that there was no call where a filter took them."""
    none, one = report(), report(call("c", 1))
    assert nothing_failed(none) == "No RPC call was found"
    assert nothing_failed(replace(none, unfiltered=UNFILTERED)) == "The filters leave none of 16 calls"
    assert nothing_failed(replace(none, unfiltered=replace(UNFILTERED, calls=0))) == "No RPC call was found"
    assert nothing_failed(one) == "No failed call"
    among = "No failed call among the 1 of 16 calls that the filters leave"
    assert nothing_failed(replace(one, unfiltered=UNFILTERED)) == among
    assert nothing_failed(empty_report()) == "No capture was read"


def test_how_far_that_goes() -> None:
    cut = replace(report(call("c", 1)), captures=(capture(complete=False),))
    assert nothing_failed(cut) == "No failed call in the part that could be read"
    left = nothing_failed(replace(cut, unfiltered=UNFILTERED))
    assert left.endswith("that the filters leave in the part that could be read")


def test_answers_that_say_the_operation_failed() -> None:
    """A denied call of the secure channel is answered; who counts what went wrong counts it too."""
    denied = answered(1, "denied", secure_channel=channel("NetrLogonSamLogonEx", 0xC0000022))
    calls = (denied, answered(2, "works", secure_channel=channel("NetrLogonSamLogonEx")))
    assert calls_words(calls) == "2 calls, 0 failed, 1 answered with an error"
    assert calls_words(calls[1:]) == "1 call, 0 failed"
    assert nothing_failed(report(*calls)) == "No failed call; 1 answered with an error"
    assert not seen_beside(report(*calls))


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
