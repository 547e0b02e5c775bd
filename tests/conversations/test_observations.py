"""Facts of a conversation: its frames and times, its number."""

from __future__ import annotations

from rpctrace.conversations.observations import ConversationFacts, number_by_frame
from rpctrace.network.flow import Endpoint
from rpctrace.stream.stream import Connection


def facts(first_frame: int, port: int = 50000) -> ConversationFacts:
    ends = Endpoint("10.0.0.1", port), Endpoint("10.0.0.2", 135)
    return ConversationFacts(Connection(0, *ends, False), first_frame, first_frame, None, None, False)


def test_frames_seen_in_any_order_widen_it() -> None:
    """Times too; a segment without a frame of its own says nothing."""
    known = facts(5)
    for frame, time in ((7, 700), (3, 300), (None, 999), (4, None)):
        known.see(frame, time)
    assert (known.first_frame, known.last_frame, known.first_ns, known.last_ns) == (3, 7, 300, 700)


def test_numbers_follow_the_capture() -> None:
    """By first frame, then by ends."""
    late, early, other = facts(9), facts(2, 50001), facts(2, 50000)
    number_by_frame([late, early, other])
    assert (late.number, early.number, other.number) == (2, 1, 0)


def test_the_client_is_who_asks() -> None:
    """The connection's guess may be the other way round."""
    turned = facts(1)
    turned.client_direction = 1
    assert (turned.client.port, turned.server.port) == (135, 50000)
