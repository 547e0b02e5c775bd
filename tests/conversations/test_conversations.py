"""Stream events become calls: recognition on any port, joined late, gaps, pipes left alone, ends."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import dcerpc as write
from builders import kerberos
from builders.smb import Head, packet, read_answer, read_request
from dcerpc_talk import CONTEXT, head
from protocols.kerberos.kdc_talk import AS_REP, AS_REQ

from rpctrace.conversations import conversations, rpc
from rpctrace.conversations.conversations import Conversations
from rpctrace.conversations.observations import ObservedCall, ObservedExchange, ObservedPdu
from rpctrace.network.flow import Endpoint
from rpctrace.stream.stream import Chunk, Close, Conflict, Connection, Direction, Gap, Seen

BIND = write.bind([CONTEXT], head(1))
ACK = write.bind_ack([write.Result()], head(1))
REQUEST = write.request(b"abc", head(2), opnum=3)
FAULT = write.fault(5, head(2))


def connection(*, guessed: bool = False, port: int = 49170) -> Connection:
    return Connection(7, Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", port), guessed)


class Feed:
    def __init__(self, who: Connection, *, every_pdu: bool = False) -> None:
        self.who, self.conversations = who, Conversations(every_pdu=every_pdu)
        self.offsets, self.frame, self.seen = [0, 0], 0, []  # type: ignore[var-annotated]

    def chunk(self, direction: Direction, octets: bytes) -> None:
        self.frame += 1
        event = Chunk(direction, self.offsets[direction], memoryview(octets), self.frame, self.frame)
        self.offsets[direction] += len(octets)
        self.event(event)

    def event(self, event: Chunk | Gap | Close | Seen | Conflict) -> None:
        self.seen += self.conversations.feed(self.who, event)

    def calls(self) -> list[tuple[str, str]]:
        self.seen += self.conversations.close()
        return [(o.call.kind.value, o.call.outcome.value) for o in self.seen if isinstance(o, ObservedCall)]


def test_a_whole_conversation_on_any_port() -> None:
    """bind, ack, request, fault; facts count PDUs and frames."""
    feed = Feed(connection())
    for direction, octets in ((0, BIND), (1, ACK), (0, REQUEST), (1, FAULT)):
        feed.chunk(direction, octets)  # type: ignore[arg-type]
    assert feed.calls() == [("bind", "accepted"), ("request", "faulted")]
    (facts,) = feed.conversations.facts
    assert (facts.pdus, facts.first_frame, facts.last_frame, facts.joined_late) == (4, 1, 4, False)


def test_a_guessed_client_is_corrected_by_who_asks() -> None:
    """Joined late with the ports the other way round: the sender of the request is the client."""
    feed = Feed(connection(guessed=True))
    feed.chunk(1, REQUEST)
    feed.chunk(0, FAULT)
    assert feed.calls() == [("request", "faulted")]
    (facts,) = feed.conversations.facts
    assert (facts.client.address, facts.joined_late) == ("10.0.0.2", True)


def test_other_protocols_are_no_conversations() -> None:
    """Something that nobody knows, from its start; PDUs are not searched for in the middle of port 445, where files go
    by."""
    unknown = Feed(connection())
    unknown.chunk(0, b"SSH-2.0-OpenSSH_9.6 and more" + BIND)
    unknown.chunk(1, b"SSH-2.0-OpenSSH_9.6 and more" + ACK)
    assert unknown.calls() == []
    assert unknown.conversations.facts == []
    smb = Feed(connection(guessed=True, port=445))
    smb.chunk(0, REQUEST)
    assert smb.calls() == []


def test_the_other_direction_may_still_be_it() -> None:
    """What one direction begins with rules out that one alone, also where its rest looks like a PDU."""
    feed = Feed(connection())
    feed.event(Seen(0, 1, 1))
    feed.chunk(0, b"SSH-2.0-OpenSSH_9.6 and more")
    feed.event(Seen(1, 2, 2))
    feed.chunk(0, BIND)
    feed.chunk(1, FAULT)
    feed.event(Close(None, False, 9, 9))
    assert feed.calls() == [("request", "faulted")]
    assert feed.conversations.others == []


def test_a_gap_before_the_first_octets_has_a_direction_searched() -> None:
    feed = Feed(connection())
    feed.chunk(1, b"no header of DCE/RPC begins so")
    feed.event(Gap(0, 0, 100, 5))
    feed.chunk(0, b"octets of something cut" + BIND + REQUEST)
    assert [kind for kind, _outcome in feed.calls()] == ["bind", "request"]


def test_a_gap_lowers_the_claim() -> None:
    """The answer may be in the gap: not captured, and the gap is counted."""
    feed = Feed(connection())
    feed.chunk(0, BIND)
    feed.event(Gap(1, 0, 100, 2))
    feed.event(Seen(1, 3, 3))
    assert feed.calls() == [("bind", "not captured")]
    assert (feed.conversations.facts[0].gaps, feed.conversations.facts[0].missing_octets) == (1, 100)


def test_a_reset_ends_the_conversation_and_is_told() -> None:
    """The open call is unanswered, its note names the frame, and the stream says who ended it."""
    feed = Feed(connection())
    feed.chunk(0, BIND)
    feed.event(Close(1, True, 2, 2))
    assert feed.calls() == [("bind", "unanswered")]
    assert feed.conversations.facts[0].ended == "reset by the server in frame 2"
    call = next(o.call for o in feed.seen if isinstance(o, ObservedCall))
    assert call.notes == ("connection reset in frame 2 before an answer",)


def test_conflicting_copies_are_kept_as_such() -> None:
    """Two copies of the same octets differ: the connection counts it."""
    feed = Feed(connection())
    feed.chunk(0, BIND)
    feed.event(Conflict(0, 0, 1, 2))
    feed.calls()
    assert (feed.conversations.facts[0].conflicts, len(feed.conversations.conflicts)) == (1, 1)


def test_streams_and_conflicts_kept_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is beyond is read all the same, and counted."""
    monkeypatch.setattr(rpc, "STREAMS_KEPT", 1)
    monkeypatch.setattr(rpc, "CONFLICTS_KEPT", 1)
    all_of_them = Conversations()
    observed = []
    for number in range(3):
        who = replace(connection(), number=number)
        for event in (Chunk(0, 0, memoryview(BIND), 1, 1), Conflict(0, 0, 1, 2)):
            observed += all_of_them.feed(who, event)
    observed += all_of_them.close()
    assert len(observed) == 3
    assert (len(all_of_them.facts), len(all_of_them.conflicts)) == (1, 1)
    assert all_of_them.limits == {"streams_kept": 2, "conflicts_kept": 2}


def test_every_pdu_on_request() -> None:
    """With the interface that its context id stands for."""
    feed = Feed(connection(), every_pdu=True)
    for direction, octets in ((0, BIND), (1, ACK), (0, REQUEST)):
        feed.chunk(direction, octets)  # type: ignore[arg-type]
    pdus = [o for o in feed.seen if isinstance(o, ObservedPdu)]
    assert [o.pdu.header.pdu_type.name for o in pdus] == ["BIND", "BIND_ACK", "REQUEST"]
    assert [o.interface_uuid for o in pdus] == [
        "00000001-0000-0000-c000-000000000046",
        None,
        "00000001-0000-0000-c000-000000000046",
    ]


def test_what_carries_something_else_is_told_once() -> None:
    """When neither direction can bring anything any more; who feeds may then leave out all but its end."""
    ssh = Feed(connection())
    ssh.chunk(0, b"SSH-2.0-OpenSSH_9.6\r\n")
    assert ssh.conversations.others == []  # the server may still speak DCE/RPC
    ssh.chunk(1, b"SSH-2.0-OpenSSH_9.6\r\n")
    assert ssh.conversations.others == [ssh.who]
    ssh.conversations.others.clear()
    ssh.chunk(0, b"SSH-2.0-OpenSSH_9.6\r\n" + BIND)
    ssh.event(Close(1, False, 4, 4))
    ssh.event(Close(None, False, None, None))
    assert ssh.conversations.others == []
    assert ssh.calls() == []


def test_a_protocol_that_carries_something_is_met_by_its_first_octets() -> None:
    """Kerberos on any port; what it says is an exchange with the ends of the connection."""
    kdc = Feed(connection(port=8888))
    kdc.chunk(0, kerberos.over_tcp(AS_REQ))
    kdc.chunk(1, kerberos.over_tcp(AS_REP))
    kdc.calls()
    (told,) = kdc.seen
    assert isinstance(told, ObservedExchange)
    assert (told.server.port, told.exchange.kind) == (8888, "AS")
    assert kdc.conversations.facts == []


def test_octets_that_nobody_will_look_at_are_announced() -> None:
    """The data of a file; asked once, and told what is left of it."""
    smb = Feed(connection(port=445))
    answer = packet(read_answer(Head(), bytes(64 * 1024)))
    smb.chunk(0, packet(read_request(Head(), length=64 * 1024)))
    smb.chunk(1, answer[:1460])
    assert smb.conversations.stepping_over
    assert smb.conversations.skips() == [(smb.who, 1, len(answer) - 1460)]
    assert smb.conversations.skips() == []


def test_a_conversation_is_never_something_else() -> None:
    """Its other direction may carry what it likes, and silence tells nothing."""
    feed = Feed(connection())
    feed.chunk(0, b"GET / HTTP/1.1\r\n\r\n")
    feed.event(Seen(1, 2, 2))
    feed.chunk(1, ACK)
    feed.chunk(0, b"GET / HTTP/1.1\r\n\r\n")
    assert feed.conversations.others == []
    assert feed.calls() == [("bind", "accepted")]


def test_a_number_after_its_end_is_another_connection() -> None:
    """An end by reset or eviction forgets that the connection carried something else."""
    feed = Feed(connection())
    for end in (Close(0, True, 9, 9), Close(None, False, None, None)):
        feed.chunk(0, b"GET / HTTP/1.1\r\n\r\n")
        feed.chunk(1, b"HTTP/1.1 200 OK\r\n\r\n")
        feed.event(end)
        feed.offsets = [0, 0]
    assert feed.conversations.others == [feed.who, feed.who]
    feed.chunk(0, BIND)
    assert feed.calls() == [("bind", "not captured")]


def test_others_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who never empties the list does not pay for it with memory."""
    monkeypatch.setattr(conversations, "OTHERS_KEPT", 2)
    all_of_them = Conversations()
    for number in range(5):
        for direction in (0, 1):
            event = Chunk(direction, 0, memoryview(b"SSH-2.0-OpenSSH_9.6\r\n"), 1, 1)  # type: ignore[arg-type]
            all_of_them.feed(replace(connection(), number=number), event)
    assert [other.number for other in all_of_them.others] == [0, 1]


def test_a_connection_of_something_else_is_forgotten_when_both_ends_closed_it() -> None:
    """A capture of a million connections keeps none of them."""
    ssh = Feed(connection())
    ssh.chunk(0, b"SSH-2.0-OpenSSH_9.6\r\n")
    ssh.chunk(1, b"SSH-2.0-OpenSSH_9.6\r\n")
    ssh.event(Close(0, False, 4, 4))
    assert ssh.conversations._live
    ssh.event(Close(1, False, 5, 5))
    assert not ssh.conversations._live
