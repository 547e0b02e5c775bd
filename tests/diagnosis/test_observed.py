"""Frames of a failure, and what frames say in the words of the protocol."""

from __future__ import annotations

from dataclasses import replace

import pytest
from incident_records import as_exchange, endpoint, event, ntlm_authentication, refused, report
from report_values import AUTHENTICATION, KERBEROS, TICKET, answered_call, refused_call

from rpctrace.diagnosis.failures import failures
from rpctrace.diagnosis.observed import (
    account_text,
    answer_text,
    authentication_answer,
    authentication_items,
    call_items,
    call_text,
    exchange_answer,
    exchange_items,
    frames_of,
    ticket_text,
)
from rpctrace.report import Call, Ntlm


def test_frames_name_every_frame_and_the_tickets() -> None:
    """Requests, answers, and the frame that presented the ticket."""
    one = refused_call(request_frames=(5, 6), reply_frames=(8,), ticket=replace(TICKET, frame=2))
    other = replace(one, id="other", request_frames=(20,), reply_frames=())
    (failure,) = failures(report(one, other))
    assert frames_of(failure) == (2, 5, 6, 8, 20)


def test_frames_of_what_failed_beside_calls() -> None:
    """Of exchanges, authentications, events and endpoints."""
    made = report(
        as_exchange("krb-1", 1, None, **refused()),
        ntlm_authentication("auth-1", 2, outcome="rejected"),
        event(3, frames=(301, 305)),
        endpoint("endpoint-1", 4, status=0x16C9A0D6),
    )
    assert [frames_of(failure) for failure in failures(made)] == [(101, 102), (201, 202), (301, 305), (401,)]


def test_items_of_a_call_name_their_frames() -> None:
    """The leg of the ticket if it is another, the request, the answer; a few of many like calls."""
    (failure,) = failures(report(refused_call(ticket=replace(TICKET, frame=9))))
    assert [item.frame for item in call_items(failure)] == [9, 22, 23]
    many = [refused_call(id=f"call-{n}") for n in range(50)]
    (failure,) = failures(report(*many))
    assert len(call_items(failure)) < 20


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
        (
            {
                "outcome": "rejected",
                "reply": "bind_ack",
                "auth": replace(KERBEROS, kerberos_error=37, kerberos_error_name="KRB_AP_ERR_SKEW"),
            },
            "bind_ack with KRB-ERROR 37 KRB_AP_ERR_SKEW",
        ),
    ],
)
def test_answers_in_words(changes: dict[str, object], expected: str) -> None:
    """The protocol's words and numbers."""
    call: Call = replace(refused_call(), **changes)  # type: ignore[arg-type]
    assert answer_text(call) == expected


def test_tickets_and_calls_in_words() -> None:
    """service@REALM, with a mark for what a cut left out; operation and interface."""
    assert ticket_text(replace(TICKET, realm=None, sname=())) == "?@?"
    assert ticket_text(None) == "none"
    assert call_text(refused_call()) == "alter_context of IClassFactory"
    assert call_text(answered_call()) == "request RemoteCreateInstance of IClassFactory"
    assert call_text(answered_call(operation=None, interfaces=())) == "request opnum 3"


def test_an_account_is_named_by_what_there_is_of_it() -> None:
    """A domain alone, a user alone."""
    names = Ntlm("DOMAINB", "alice", None, None)
    assert account_text(names) == "DOMAINB\\alice"
    assert account_text(replace(names, domain=None)) == "alice"
    assert account_text(replace(names, user=None)) == "DOMAINB"
    assert account_text(replace(names, user=None, domain=None)) == "?"


def test_exchanges_and_authentications_in_words() -> None:
    """Question and answer, with their frames and codes."""
    asked = as_exchange("krb-1", 1, None, **refused(), ntstatus=1, ntstatus_name="STATUS_X")
    assert exchange_answer(asked) == "KRB-ERROR 7 KDC_ERR_S_PRINCIPAL_UNKNOWN, STATUS_X"
    assert [item.frame for item in exchange_items(asked)] == [101, 102]
    assert [item.frame for item in exchange_items(replace(asked, request_frame=None))] == [102]
    assert authentication_answer(AUTHENTICATION) == "STATUS_LOGON_FAILURE, KRB-ERROR 41 KRB_AP_ERR_MODIFIED"
    assert [item.frame for item in authentication_items(AUTHENTICATION)] == [20, 21]
