"""What a refusal left without an answer: on its connection, after it, until the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from incident_records import SECOND, at, report, stream
from judging import answered, bound, faulted, interface, kerberos, logged_on, ntlm, ntlm_legs

from rpctrace.diagnosis import consequences
from rpctrace.diagnosis.consequences import follows_text, refusal_before, refusal_behind, refusal_item
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.report import Call

LOST: dict[str, Any] = {"outcome": "unanswered", "reply": None, "reply_frames": (), "reply_ns": None}
OPEN = answered(4, "open", **LOST)
ENDED = stream("tcp-0-0", 1, ended="closed by the server in frame 500")
REFUSED = faulted(0x721, kind="alter_context")
REJECTED: dict[str, Any] = {"kind": "alter_context", "outcome": "rejected", "reply": "alter_context_resp"}
UNKNOWN = bound(2, **REJECTED, interfaces=(interface(result=2, reason=1),))
NO_SYNTAX = bound(2, **REJECTED, interfaces=(interface(result=2, reason=2),))


def before(*calls: Call, ending: Any = ENDED, about: Call = OPEN) -> Call | None:
    return refusal_before(Evidence(report(*calls, ending)), about)


def test_the_refusal_is_the_last_answer_of_the_connection() -> None:
    """And is shown by the frame of its answer."""
    refusal = before(bound(), REFUSED, OPEN)
    assert refusal == REFUSED
    assert "alter_context" in follows_text(REFUSED)
    assert "fault 0x00000721" in follows_text(REFUSED)
    assert refusal_item(REFUSED).frame == REFUSED.reply_frames[-1]


@pytest.mark.parametrize("status", [0x721, 0x1C01000B])
def test_requests_whose_refusal_ends_a_connection(status: int) -> None:
    assert before(bound(), faulted(status), OPEN) is not None


def test_access_is_denied_to_a_logon_or_to_an_operation() -> None:
    """After an auth3 that nobody had judged it is the logon; who was let in may do other things."""
    assert before(*ntlm_legs(), faulted(5, 3, auth=ntlm()), OPEN) is not None
    assert before(logged_on(), faulted(5, 3, auth=kerberos()), OPEN) is None
    assert before(bound(), faulted(5, 3), OPEN) is None


@pytest.mark.parametrize(
    "calls",
    [
        (bound(), OPEN),  # nothing was refused
        (REFUSED, answered(3, "again"), OPEN),  # it went on
        (faulted(0x1C010002), OPEN),  # an operation that is not there
        (UNKNOWN, OPEN),  # an interface that is not there
        (NO_SYNTAX, OPEN),  # a transfer syntax that is not there
        (replace(UNKNOWN, interfaces=(*UNKNOWN.interfaces, *NO_SYNTAX.interfaces)), OPEN),  # some of both
        (bound(2, outcome="unanswered", reply=None, reply_frames=(), reply_ns=None), OPEN),  # silence refuses nothing
        (faulted(5, connection="tcp-0-9"), OPEN),  # another connection's
    ],
)
def test_what_no_refusal_left_behind(calls: tuple[Call, ...]) -> None:
    assert before(*calls) is None


@pytest.mark.parametrize(
    "refusal",
    [
        bound(2, outcome="rejected", reply="bind_nak", reject_reason=9, interfaces=()),
        bound(2, **REJECTED, interfaces=NO_SYNTAX.interfaces, auth=kerberos("AP-REQ", "KRB-ERROR", kerberos_error=41)),
        bound(2, **REJECTED, auth=kerberos("AP-REQ", "NegTokenResp")),  # its context was accepted: SPNEGO's reject
        bound(2, **REJECTED, interfaces=(), auth=kerberos("AP-REQ", "NegTokenResp")),
    ],
)
def test_a_bind_or_alter_context_whose_token_was_refused(refusal: Call) -> None:
    assert before(refusal, OPEN) is not None


def test_answers_go_by_their_own_time() -> None:
    """A request that was asked before the refused one, and answered after it: the server had gone on."""
    slow = answered(1.5, "slow", reply_ns=at(3), reply_frames=(301,))
    assert before(bound(), slow, faulted(0x721, 2), OPEN) is None
    assert before(bound(), replace(slow, reply_ns=at(1.9), reply_frames=(191,)), faulted(0x721, 2), OPEN) is not None


def test_a_refusal_long_before_is_not_why() -> None:
    """Neither was the call asked, nor did the connection end, about the time of the refusal."""
    bound_s = consequences.JUST_BEFORE_NS // SECOND
    late = answered(10 * bound_s, "open", **LOST)
    ended_late = replace(ENDED, last_ns=at(10 * bound_s + 1))
    assert before(REFUSED, late, ending=ended_late, about=late) is None
    assert before(REFUSED, OPEN, ending=ended_late) is not None  # asked at once, and never answered
    early = answered(1, "open", **LOST)  # had waited long when the refusal came
    refused_late = faulted(0x721, 10 * bound_s, kind="alter_context")
    assert before(early, refused_late, ending=ended_late, about=early) is not None


def test_without_times_the_order_of_frames_counts() -> None:
    untimed = [replace(each, request_ns=None, reply_ns=None) for each in (REFUSED, OPEN)]
    after = replace(answered(3, "after"), request_ns=None, reply_ns=None)
    ending = replace(ENDED, first_ns=None, last_ns=None)
    assert before(*untimed, ending=ending, about=untimed[1]) is not None
    assert before(*untimed, after, ending=ending, about=untimed[1]) is None


def test_answers_in_the_middle_of_a_long_connection_count() -> None:
    """A hundred answers after the refusal, with so many lost calls around them that they are far from either end."""
    lost = [answered(4 + number / 100, f"early-{number}", **LOST) for number in range(47)]
    worked = [answered(10 + number / 100, f"worked-{number}") for number in range(100)]
    later = [answered(20 + number / 100, f"late-{number}", **LOST) for number in range(20)]
    assert before(bound(), REFUSED, OPEN, *lost, *later) is not None
    assert before(bound(), REFUSED, OPEN, *lost, *worked, *later) is None


def test_of_like_calls_each_must_be_a_consequence() -> None:
    """One of two that look alike was lost on a connection where nothing had been refused."""
    other = replace(OPEN, id="other", connection="tcp-0-1")
    streams = ENDED, replace(ENDED, id="tcp-0-1")
    for records, expected in (((REFUSED, OPEN), True), ((REFUSED, OPEN, other), False)):
        evidence = Evidence(report(*records, *streams))
        (failure,) = [each for each in evidence.failures if each.call.outcome == "unanswered"]
        assert (refusal_behind(evidence, failure) is not None) is expected


def test_without_an_end_of_the_connection_or_with_an_answer_it_is_none() -> None:
    assert before(REFUSED, OPEN, ending=stream("tcp-0-0", 1)) is None
    assert before(bound(), REFUSED, about=REFUSED) is None
