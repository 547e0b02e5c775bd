"""Groups of like failures, and the words for answers and tickets."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import full_report

from rpctrace.diagnosis.rule import alike, answer_text, frames_of, ticket_text
from rpctrace.report import Call

FAULTED = next(call for call in full_report().calls if call.outcome == "faulted" and call.ticket)


def test_like_failures_are_one_group() -> None:
    """Another client port is alike; another status, kind or ticket is not."""
    again = replace(FAULTED, id="again", client=replace(FAULTED.client, port=1))
    assert len(alike([FAULTED, again])) == 1
    assert len(alike([FAULTED, replace(FAULTED, status=5)])) == 2
    assert len(alike([FAULTED, replace(FAULTED, kind="request")])) == 2
    assert len(alike([FAULTED, replace(FAULTED, ticket=None)])) == 2


def test_frames_name_every_frame_and_the_tickets() -> None:
    """Requests, answers, and the frame that presented the ticket."""
    assert FAULTED.ticket is not None
    call = replace(
        FAULTED, request_frames=(5, 6), reply_frames=(8,), ticket=replace(FAULTED.ticket, frame=2)
    )
    assert frames_of([call, replace(call, request_frames=(20,), reply_frames=())]) == (2, 5, 6, 8, 20)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "fault 0x00000721 RPC_S_SEC_PKG_ERROR"),
        ({"status_hex": None, "status_name": None}, "fault of unknown status"),
        ({"outcome": "unanswered", "reply": None}, "no answer"),
        (
            {"outcome": "rejected", "reply": "bind_nak", "reject_reason": 8, "reject_reason_name": "why", "auth": None},
            "bind_nak, reason 8 why",
        ),
        ({"outcome": "rejected", "reply": "bind_ack", "auth": None}, "bind_ack that accepts nothing"),
    ],
)
def test_answers_in_words(changes: dict[str, object], expected: str) -> None:
    """The protocol's words and numbers."""
    call: Call = replace(FAULTED, **changes)  # type: ignore[arg-type]
    assert answer_text(call) == expected


def test_tickets_in_words() -> None:
    """service@REALM, with a mark for what a cut left out."""
    assert FAULTED.ticket is not None
    assert ticket_text(replace(FAULTED, ticket=replace(FAULTED.ticket, realm=None, sname=()))) == "?@?"
    assert ticket_text(replace(FAULTED, ticket=None)) == "none"
