"""What an open call becomes: the founder of its report reads it as any other call."""

from __future__ import annotations

import pytest
from builders import dcerpc_datagram as write
from builders.dcerpc_datagram import DatagramType
from datagram_talk import ACTIVITY, CLIENT, INTERFACE, SECOND_NS, SERVER

from rpctrace.network.flow import Endpoint
from rpctrace.protocols.dcerpc.association import PATIENCE_NS
from rpctrace.protocols.dcerpc.call import Outcome, ReplyKind
from rpctrace.protocols.dcerpc.datagram import parse_datagram
from rpctrace.protocols.dcerpc.datagram_call import DatagramConversation, OpenDatagramCall


def conversation(*, server_seen: bool = True) -> DatagramConversation:
    return DatagramConversation(CLIENT, SERVER, (), 5, 5, None, None, False, server_seen=server_seen)


def open_call(*, whole: bool = True, server_seen: bool = True) -> OpenDatagramCall:
    """Asked at 0 s, in full or with fragments missing."""
    pieces = write.fragments(DatagramType.REQUEST, ACTIVITY, bytes(100), 50, opnum=3, sequence=1)
    first = parse_datagram(pieces[0]).header
    call = OpenDatagramCall(conversation(server_seen=server_seen), CLIENT, SERVER, first)
    for frame, octets in enumerate(pieces if whole else pieces[:1], 1):
        pdu = parse_datagram(octets)
        call.request = pdu.header
        call.asked.add(pdu, frame, 0, keep=True)
    call.last_asked_ns = 0
    return call


def test_a_conversation_grows_in_any_order() -> None:
    talk = conversation()
    talk.see(7, None)
    talk.see(3, 30)
    talk.see(4, 20)
    assert (talk.first_frame, talk.last_frame, talk.first_ns, talk.last_ns, talk.pdus) == (3, 7, 20, 30, 3)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, Outcome.UNANSWERED),  # PATIENCE_NS went by
        ({"overtaken_by": 2}, Outcome.NOT_CAPTURED),
        ({"overtaken_by": 2, "unheeded": 1}, Outcome.UNANSWERED),
        ({"unheeded": 1}, Outcome.UNANSWERED),
        ({"nocalls": 1, "overtaken_by": 2}, Outcome.UNANSWERED),
        ({"unheeded": 1, "nocalls": 1, "acknowledged_in": 7}, Outcome.NOT_CAPTURED),
        ({"last_asked_ns": None}, Outcome.NOT_CAPTURED),
        ({"last_asked_ns": SECOND_NS}, Outcome.NOT_CAPTURED),
        ({"reply_kind": ReplyKind.RESPONSE, "outcome": Outcome.ANSWERED}, Outcome.ANSWERED),
        ({"reply_kind": ReplyKind.FAULT, "outcome": Outcome.FAULTED, "nocalls": 3}, Outcome.FAULTED),
    ],
)
def test_judgement(changes: dict[str, object], expected: Outcome) -> None:
    call = open_call()
    for name, value in changes.items():
        setattr(call, name, value)
    call.judge(PATIENCE_NS)
    assert call.outcome is expected


def test_judgement_where_the_server_was_never_heard() -> None:
    """Time alone says nothing then; a client that asks again and does not go on, does."""
    for unheeded, overtaken_by, expected in (
        (0, None, Outcome.NOT_CAPTURED), (1, None, Outcome.UNANSWERED), (1, 2, Outcome.NOT_CAPTURED),
    ):  # fmt: skip
        call = open_call(server_seen=False)
        call.unheeded, call.overtaken_by = unheeded, overtaken_by
        call.judge(10 * PATIENCE_NS)
        assert call.outcome is expected


def test_judgement_without_an_end_or_a_whole_request() -> None:
    for call, end_ns in ((open_call(), None), (open_call(whole=False), PATIENCE_NS)):
        call.judge(end_ns)
        assert call.outcome is Outcome.NOT_CAPTURED


def test_over_and_partial() -> None:
    call = open_call()
    assert not call.over
    answer = parse_datagram(write.datagram(DatagramType.RESPONSE, ACTIVITY, b"out"))
    call.reply = answer.header
    call.answered.add(answer, 9, 9, keep=True)
    assert call.over
    assert not call.value(frozenset()).call.partial
    assert not open_call(whole=False).over
    assert open_call(whole=False).value(frozenset()).call.partial


def test_stubs_and_notes() -> None:
    call = open_call()
    call.pings, call.workings, call.answered_from = 1, 2, Endpoint("10.0.0.3", 1)
    call.notes.append("last")
    said = call.value(frozenset((INTERFACE.uuid,)))
    assert said.request_stub == bytes(100)
    assert said.response_stub is None
    assert said.call.notes == (
        "answered from 10.0.0.3:1", "client pinged 1 time", "server said working 2 times", "last",
    )  # fmt: skip
    assert call.value(frozenset()).request_stub is None
