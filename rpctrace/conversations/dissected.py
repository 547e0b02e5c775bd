"""A TCP connection of a protocol other than bare DCE/RPC: what its dissector says -> observations.

A channel that it carries is read as a stream of its own, a leg of an authentication joins the others of its connection.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from rpctrace.conversations.observations import (
    Observation,
    ObservedAuthentication,
    ObservedExchange,
    ObservedNotice,
    ObservedSession,
)
from rpctrace.conversations.rpc import RpcBook
from rpctrace.protocols.dissector import ChannelEvent, Dissector
from rpctrace.protocols.gssapi.authentications import Authentications
from rpctrace.protocols.gssapi.exchange import AuthenticationExchange, Leg
from rpctrace.protocols.kerberos.exchange import KdcExchange
from rpctrace.protocols.smb.notice import SessionFacts, SmbNotice
from rpctrace.stream.stream import Chunk, Close, Connection, Direction, Gap, Seen, StreamEvent

_NOTHING: Sequence[Observation] = ()


class DissectedReading:
    """One connection while it lasts."""

    __slots__ = (
        "_authentications", "_book", "_connection", "_dissector", "_expected", "_open", "_read", "_seen", "done",
        "skippable",
    )  # fmt: skip

    def __init__(self, book: RpcBook, connection: Connection, dissector: Dissector[Any]) -> None:
        self._book = book
        self._connection = connection
        self._dissector = dissector
        self._read = dissector.feed  # what each chunk needs is at hand
        self.skippable = dissector.skippable
        self._seen: Callable[[Direction], None] | None = getattr(dissector, "seen", None)
        self._authentications = Authentications(book.problems)
        self._expected = [0, 0]  # where each direction goes on
        self._open: set[Direction] = {0, 1}
        self.done = False

    @property
    def is_other(self) -> bool:
        return self._dissector.is_other

    def feed(self, event: StreamEvent) -> Sequence[Observation]:
        """One event of the connection, in its order."""
        if isinstance(event, Chunk):
            return self._chunk(event)
        if isinstance(event, Seen):
            if self._seen is not None:
                self._seen(event.direction)
            return _NOTHING
        if isinstance(event, Gap):
            self._expected[event.direction] = event.offset + event.length_octets
            return self._told(self._dissector.gap(event))
        return self._close(event) if isinstance(event, Close) else _NOTHING

    def _chunk(self, chunk: Chunk) -> Sequence[Observation]:
        direction, offset, octets, frame_number, _time = chunk
        told: Sequence[Observation] = _NOTHING
        expected = self._expected[direction]
        if offset > expected > 0:  # what it would have stepped over was not brought to it
            skipped = Gap(direction, expected, offset - expected, frame_number)
            told = self._told(self._dissector.gap(skipped))
        self._expected[direction] = offset + len(octets)
        said = self._read(chunk)
        if not said:
            return told
        return [*told, *self._told(said)] if told else self._told(said)

    def _close(self, close: Close) -> Sequence[Observation]:
        if close.direction is None:
            return self.close()
        told = self._told(self._dissector.end(close.direction))
        self._open.discard(close.direction)
        if close.reset or not self._open:
            return [*told, *self.close()]
        return told

    def close(self) -> Sequence[Observation]:
        """Nothing more comes. Channels stay open until their dissector closes them: another connection may go on."""
        self.done = True
        told: list[Observation] = []
        for direction in sorted(self._open):
            told += self._told(self._dissector.end(direction))
        told += self._ended(self._authentications.close())
        for limits in (getattr(self._dissector, "limits", {}), self._authentications.limits):
            for name, count in limits.items():
                self._book.reach(name, count)
        return told

    def _told(self, said: Iterable[Any]) -> Sequence[Observation]:
        told: list[Observation] = []
        for each in said:
            if isinstance(each, ChannelEvent):
                told += self._book.on_channel(self._connection, each.channel, each.event)
            elif isinstance(each, Leg):
                told += self._ended(self._authentications.feed(each))
            else:
                told.append(OBSERVED[type(each)](self._connection, each))
        return told

    def _ended(self, authentications: Iterable[AuthenticationExchange]) -> list[Observation]:
        return [ObservedAuthentication(self._connection, each) for each in authentications]


def _exchange(connection: Connection, exchange: KdcExchange) -> Observation:
    client, server = connection.client, connection.server
    if exchange.client_direction:
        client, server = server, client
    return ObservedExchange(client, server, exchange)


# What else dissectors say, and the observation that it is.
OBSERVED: dict[type[Any], Callable[[Connection, Any], Observation]] = {
    KdcExchange: _exchange,
    SmbNotice: ObservedNotice,
    SessionFacts: ObservedSession,
}
