"""What a refusal left without an answer: on its connection, after it, until the end."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from incident_records import report, stream
from judging import answered, bound, faulted, interface, kerberos, logged_on, ntlm, ntlm_legs

from rpctrace.diagnosis.consequences import follows_text, refusal_before, refusal_behind, refusal_item
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.report import Call

LOST: dict[str, Any] = {"outcome": "unanswered", "reply": None, "reply_frames": (), "reply_ns": None}
OPEN = answered(4, "open", **LOST)
ENDED = stream("tcp-0-0", 1, ended="closed by the server in frame 500")
REFUSED = faulted(0x721, kind="alter_context")
UNKNOWN = bound(2, outcome="rejected", interfaces=(interface(result=2, reason=1),), kind="alter_context")


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
        (faulted(5, connection="tcp-0-9"), OPEN),  # another connection's
    ],
)
def test_what_no_refusal_left_behind(calls: tuple[Call, ...]) -> None:
    assert before(*calls) is None


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
