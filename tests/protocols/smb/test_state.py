"""What a connection remembers is bounded, and what is given up is said or counted."""

from __future__ import annotations

import pytest
from builders import dcerpc
from builders import smb as write
from builders.smb_talk import Talk

from rpctrace.protocols.smb import session, state
from rpctrace.stream.stream import Close

BIND = dcerpc.bind([dcerpc.Context(0, dcerpc.ICLASSFACTORY)])


def test_requests_without_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest is given up; a leg that it held is said."""
    monkeypatch.setattr(state, "MAXIMUM_PENDING", 3)
    talk = Talk()
    talk.turns([(0, write.setup_request(write.Head(number, session=0), bytes([number]))) for number in range(5)])
    assert talk.reader.limits == {"smb_pending_requests": 2}
    assert [bytes(leg.octets) for leg in talk.heard.legs] == [b"\0", b"\1"]
    assert len(talk.end().legs) == 5


def test_sessions_of_one_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipes of the one that is given up are closed."""
    monkeypatch.setattr(state, "MAXIMUM_SESSIONS", 2)
    talk = Talk()
    for number in range(1, 4):
        file = bytes([number]) * 16
        talk.turns(write.begun2(session=number) + write.opened2(file=file, session=number))
        talk.turns([(0, write.write_request(write.Head(10, number), BIND, file))])
    assert talk.reader.limits == {"smb_sessions": 1}
    assert sum(isinstance(event, Close) for _channel, event in talk.heard.events) == 1


def test_sessions_of_which_messages_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MAXIMUM_COVERED_SESSIONS", 2)
    talk = Talk()
    talk.turns([(0, write.transform(number, bytes(20))) for number in (1, 1, 2, 3)])
    heard = talk.end()
    assert heard.limits == {"smb_covered_sessions": 1}
    assert [(notice.session, notice.messages) for notice in heard.notices] == [(2, 1), (3, 1)]


def test_encrypted_messages_of_both_sides_are_counted_together() -> None:
    talk = Talk()
    talk.turns([(1, write.transform(1, bytes(20))), (0, write.transform(1, bytes(20)))])
    (notice,) = talk.end().notices
    assert (notice.messages, notice.provenance.frame) == (2, 1)


def test_an_answer_to_something_else_is_none() -> None:
    """The same number, another command."""
    talk = Talk()
    talk.turns([*write.begun2(), (0, write.create_request(write.Head(4), "samr"))])
    talk.turns([(1, write.setup_answer(write.Head(4), b"")), (1, write.create_answer(write.Head(4)))])
    talk.turns([(0, write.write_request(write.Head(5), BIND))])
    assert [channel.name for channel in talk.end().channels] == ["\\pipe\\samr"]
