"""Network Monitor's ids: one counter over IP pairs, TCP and UDP conversations and MSRPC, in order of appearance."""

from __future__ import annotations

from rpctrace.conversation_numbers import ConversationNumbers
from rpctrace.network.flow import Endpoint, Segment, TcpFlags, Transport

A, B, C = Endpoint("10.0.0.1", 5000), Endpoint("10.0.0.2", 135), Endpoint("10.0.0.2", 49170)


def segment(frame: int, source: Endpoint, destination: Endpoint, transport: Transport = Transport.TCP) -> Segment:
    return Segment(frame, 0, transport, source, destination, 0, 0, TcpFlags(0), memoryview(b""), 0)


def test_ids_in_order_of_appearance() -> None:
    """A late discovery of an early PDU keeps the early PDU's place; both directions are one conversation."""
    numbers = ConversationNumbers()
    for frame, source, destination in ((1, A, B), (2, B, A), (3, A, C), (5, A, C)):
        numbers.segment(segment(frame, source, destination))
    numbers.segment(segment(6, A, B, Transport.UDP))
    numbers.rpc(A, C, 5)
    numbers.rpc(A, B, 2)
    numbers.number()
    assert numbers.of(A, B) == (("MSRPC", 3), ("TCP", 2), ("IPv4", 1))
    assert numbers.of(C, A) == (("MSRPC", 5), ("TCP", 4), ("IPv4", 1))


def test_ipv6() -> None:
    """The pair is named after its protocol."""
    numbers = ConversationNumbers()
    numbers.segment(segment(1, Endpoint("fd00::1", 1), Endpoint("fd00::2", 2)))
    numbers.number()
    assert numbers.of(Endpoint("fd00::1", 1), Endpoint("fd00::2", 2)) == (("TCP", 2), ("IPv6", 1))
