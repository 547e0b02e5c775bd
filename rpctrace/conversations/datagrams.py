"""UDP datagrams -> observations: Kerberos on its ports, and DCE/RPC version 4 on any."""

from __future__ import annotations

from collections.abc import Sequence

from rpctrace.conversations.observations import Observation, ObservedExchange
from rpctrace.conversations.rpc import RpcBook
from rpctrace.network.flow import Segment
from rpctrace.protocols.kerberos.datagrams import KdcDatagrams


class Datagrams:
    """All datagrams of a capture that are read."""

    def __init__(self, book: RpcBook) -> None:
        self._book = book
        self._kerberos = KdcDatagrams(book.problems)

    def feed(self, segment: Segment) -> Sequence[Observation]:
        """One datagram."""
        return [ObservedExchange(each.client, each.server, each.exchange) for each in self._kerberos.feed(segment)]

    def close(self) -> Sequence[Observation]:
        """The capture is at its end."""
        told = [ObservedExchange(each.client, each.server, each.exchange) for each in self._kerberos.close()]
        for name, count in self._kerberos.limits.items():
            self._book.reach(name, count)
        return told
