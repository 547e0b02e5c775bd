"""One stream of DCE/RPC, bare or in a channel: facts, ends, and what is not recognised."""

from __future__ import annotations

from builders import dcerpc as write
from dcerpc_talk import CONTEXT, head

from rpctrace.conversations.observations import ObservedCall
from rpctrace.conversations.rpc import RpcBook, RpcReading
from rpctrace.network.flow import Endpoint
from rpctrace.protocols.dissector import Channel
from rpctrace.stream.stream import Chunk, Close, Connection, Direction, Gap

SMB = Connection(0, Endpoint("10.0.0.1", 50000), Endpoint("10.0.0.2", 445), False)
PIPE = Channel("ncacn_np", "\\pipe\\samr", False)
BIND, ACK = write.bind([CONTEXT], head(1)), write.bind_ack([write.Result()], head(1))


def chunk(direction: Direction, octets: bytes, frame: int, offset: int = 0) -> Chunk:
    return Chunk(direction, offset, memoryview(octets), frame, frame)


def test_a_channel_is_a_stream_with_a_transport_of_its_own() -> None:
    """Its end gives out what is open, and it is done."""
    book = RpcBook()
    reading = RpcReading(book, SMB, joined_late=False, channel=PIPE)
    assert list(reading.feed(chunk(0, BIND, 4))) == []
    assert not reading.done
    told = reading.feed(Close(None, False, 6, 6))
    assert [o.call.outcome.value for o in told if isinstance(o, ObservedCall)] == ["not captured"]
    assert reading.done
    (facts,) = book.facts
    assert (facts.transport, facts.channel, facts.joined_late, facts.first_frame) == ("ncacn_np", PIPE, False, 4)


def test_a_channel_may_be_joined_late() -> None:
    """Its opening was not captured, though the connection's was."""
    book = RpcBook()
    late = Channel("ncacn_np", None, True)
    reading = RpcReading(book, SMB, joined_late=True, channel=late)
    reading.feed(chunk(0, write.request(b"abc", head(2)), 4))
    assert book.facts[0].joined_late


def test_octets_that_are_no_pdu_make_no_conversation() -> None:
    """Both directions show that they are something else."""
    book = RpcBook()
    reading = RpcReading(book, SMB, joined_late=False)
    reading.feed(chunk(0, b"GET / HTTP/1.1\r\n\r\n", 1))
    assert not reading.is_other
    reading.feed(chunk(1, b"HTTP/1.1 200 OK\r\n\r\n", 2))
    assert reading.is_other
    assert list(reading.close(None)) == []
    assert book.facts == []


def test_gaps_are_counted_in_the_facts() -> None:
    """Once the stream is known to be DCE/RPC."""
    book = RpcBook()
    reading = RpcReading(book, SMB, joined_late=False)
    reading.feed(chunk(0, BIND, 1))
    reading.feed(Gap(1, 0, 44, 3))
    assert (book.facts[0].gaps, book.facts[0].missing_octets) == (1, 44)
