"""What counts as a failed call."""

from __future__ import annotations

from dataclasses import replace

from report_values import full_report


def test_the_frames_that_completed_request_and_answer() -> None:
    call = replace(full_report().calls[0], request_frames=(4, 5), reply_frames=())
    assert (call.request_frame, call.reply_frame) == (5, None)
    assert replace(call, request_frames=(), reply_frames=(7, 9)).reply_frame == 9


def test_the_end_that_nobody_captured() -> None:
    call = replace(full_report().calls[0], outcome="not captured", kind="request")
    assert call.end_unknown
    assert not replace(call, outcome="answered").end_unknown
    assert not replace(call, kind="auth3").end_unknown


def test_what_failed() -> None:
    """Faulted, rejected, unanswered; not a call that expects no answer, nor one that was not captured."""
    call = full_report().calls[0]
    outcomes = ("answered", "accepted", "rejected", "faulted", "unanswered", "not captured")
    assert [replace(call, outcome=outcome).failed for outcome in outcomes] == [False, False, True, True, True, False]
    assert not replace(call, outcome="unanswered", answer_expected=False).failed
    assert replace(call, outcome="faulted", answer_expected=False).failed
