"""The conversation ids of Network Monitor: one counter over IP pairs, TCP and UDP conversations and MSRPC, in order of
appearance, from 1. They are numbered at the end, because a reordered stream shows its first PDU late."""

from __future__ import annotations

from rpctrace.network.flow import Endpoint, Segment

MAXIMUM_CONVERSATIONS = 1_000_000

Key = tuple[str, Endpoint | str, Endpoint | str]


class ConversationNumbers:
    """Remembers the frame of each conversation's first appearance."""

    def __init__(self) -> None:
        self._first: dict[Key, tuple[int, int]] = {}
        self._numbers: dict[Key, int] = {}

    def segment(self, segment: Segment) -> None:
        transport, low, high, _ = segment.flow
        self._appear(_ip(low, high), segment.frame_number, 0)
        self._appear((transport.name, low, high), segment.frame_number, 1)

    def rpc(self, client: Endpoint, server: Endpoint, frame_number: int) -> None:
        low, high = sorted((client, server))
        self._appear(("MSRPC", low, high), frame_number, 2)

    def _appear(self, key: Key, frame_number: int, layer: int) -> None:
        known = self._first.get(key)
        if known is None:
            if len(self._first) >= MAXIMUM_CONVERSATIONS:
                return
        elif known <= (frame_number, layer):
            return
        self._first[key] = (frame_number, layer)

    def number(self) -> None:
        """Call once everything has appeared."""
        in_order = sorted(self._first, key=lambda key: self._first[key])
        self._numbers = {key: place for place, key in enumerate(in_order, 1)}

    def of(self, client: Endpoint, server: Endpoint) -> tuple[tuple[str, int], ...]:
        """The ids of an RPC connection, innermost first."""
        low, high = sorted((client, server))
        keys: tuple[Key, ...] = (("MSRPC", low, high), ("TCP", low, high), _ip(low, high))
        return tuple((key[0], self._numbers[key]) for key in keys if key in self._numbers)


def _ip(low: Endpoint, high: Endpoint) -> Key:
    first, second = sorted((low.address, high.address))
    return ("IPv6" if ":" in first else "IPv4", first, second)
