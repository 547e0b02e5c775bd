"""A carrier's connection: channels become streams, legs become authentications, what was left out is a gap."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from builders import dcerpc as write
from dcerpc_talk import CONTEXT, head
from tokens import U2U_AP_REQ

from rpctrace.conversations.dissected import DissectedReading
from rpctrace.conversations.observations import ObservedAuthentication, ObservedCall
from rpctrace.conversations.rpc import RpcBook
from rpctrace.network.flow import Endpoint
from rpctrace.protocols.dissector import Channel, ChannelEvent, Provenance
from rpctrace.protocols.gssapi.exchange import Leg
from rpctrace.stream.stream import Chunk, Close, Connection, Direction, Gap

SMB = Connection(0, Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", 445), False)
PIPE = Channel("ncacn_np", "\\pipe\\samr", False)
BIND, ACK = write.bind([CONTEXT], head(1)), write.bind_ack([write.Result()], head(1))


class Scripted:
    """Says what the test puts into `next`; remembers what it was told."""

    def __init__(self) -> None:
        self.next: list[Any] = []
        self.told: list[Any] = []
        self.is_other = False
        self.limits = {"files": 2}

    def _say(self) -> Sequence[Any]:
        said, self.next = self.next, []
        return said

    def feed(self, chunk: Chunk) -> Sequence[Any]:
        self.told.append(("chunk", chunk.offset, len(chunk.octets)))
        return self._say()

    def gap(self, gap: Gap) -> Sequence[Any]:
        self.told.append(("gap", gap.offset, gap.length_octets))
        return self._say()

    def end(self, direction: Direction) -> Sequence[Any]:
        self.told.append(("end", direction))
        return self._say()

    def skippable(self, direction: Direction) -> int:
        return 100 + direction


def chunk(direction: Direction, octets: bytes, frame: int, offset: int = 0) -> Chunk:
    return Chunk(direction, offset, memoryview(octets), frame, frame)


def reading() -> tuple[RpcBook, Scripted, DissectedReading]:
    book, dissector = RpcBook(), Scripted()
    return book, dissector, DissectedReading(book, SMB, dissector)


def test_a_channel_is_read_as_a_stream() -> None:
    """Its calls are told with the facts of the channel, and its end closes it."""
    book, dissector, connection = reading()
    dissector.next = [ChannelEvent(PIPE, chunk(0, BIND, 5)), ChannelEvent(PIPE, chunk(1, ACK, 6))]
    told = connection.feed(chunk(0, b"anything", 5))
    assert [(o.call.kind.value, o.conversation.channel) for o in told if isinstance(o, ObservedCall)] == [
        ("bind", PIPE)
    ]
    dissector.next = [ChannelEvent(PIPE, Close(None, False, 7, 7))]
    assert list(connection.feed(chunk(0, b"close", 7, 8))) == []
    assert [facts.transport for facts in book.facts] == ["ncacn_np"]


def test_what_is_open_at_the_end_is_told_and_limits_are_counted() -> None:
    """Both directions are ended and the dissector's bounds taken over; a channel waits for the capture's end, since
    another connection may go on with it."""
    book, dissector, connection = reading()
    dissector.next = [ChannelEvent(PIPE, chunk(0, BIND, 5))]
    connection.feed(chunk(0, b"anything", 5))
    assert not connection.done
    connection.feed(Close(0, False, 8, 8))
    assert list(connection.feed(Close(1, False, 9, 9))) == []
    assert connection.done
    told = book.close(9)
    assert [o.call.outcome.value for o in told if isinstance(o, ObservedCall)] == ["not captured"]
    assert [each for each in dissector.told if each[0] == "end"] == [("end", 0), ("end", 1)]
    assert book.limits == {"files": 2}


def test_legs_of_a_session_are_one_authentication() -> None:
    """The request's AP-REQ and the answer's status."""
    _book, dissector, connection = reading()
    dissector.next = [Leg("smb", 0, 0, memoryview(U2U_AP_REQ), None, None, None, Provenance((3,), 3, 0))]
    assert list(connection.feed(chunk(0, b"setup", 3))) == []
    dissector.next = [Leg("smb", 7, 1, memoryview(b""), 0xC000006D, False, None, Provenance((4,), 4, 0))]
    (told,) = connection.feed(chunk(1, b"no", 4))
    assert isinstance(told, ObservedAuthentication)
    said = told.authentication
    assert said.ticket is not None
    assert (said.ticket.realm, said.outcome, said.status) == ("child.domainA.COM", False, 0xC000006D)


def test_what_was_left_out_is_a_gap_to_the_dissector() -> None:
    """The offset tells how much of it was not brought; the first octets of a direction may stand anywhere."""
    _book, dissector, connection = reading()
    connection.feed(chunk(0, b"12345", 1))
    connection.feed(chunk(0, b"rest", 3, 1005))
    connection.feed(chunk(1, b"first", 4, 77))
    assert dissector.told == [("chunk", 0, 5), ("gap", 5, 1000), ("chunk", 1005, 4), ("chunk", 77, 5)]
    assert connection.skippable(1) == 101
