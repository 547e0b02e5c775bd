"""UDP datagrams -> observations: Kerberos on its ports, and DCE/RPC version 4 on any."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from rpctrace.conversations.observations import ConversationFacts, Observation, ObservedCall, ObservedExchange
from rpctrace.conversations.rpc import RpcBook
from rpctrace.network.flow import Segment
from rpctrace.protocols.interfaces.registry import STUBS_READ, read_stub
from rpctrace.protocols.interfaces.stub import Stub
from rpctrace.protocols.kerberos.datagrams import DatagramExchange, KdcDatagrams
from rpctrace.protocols.kerberos.recognition import KDC_PORTS
from rpctrace.stream.stream import Connection

if TYPE_CHECKING:
    from rpctrace.protocols.interfaces.registry import StubValue

if TYPE_CHECKING:  # few captures have datagrams of DCE/RPC
    from rpctrace.protocols.dcerpc.activity import Activities
    from rpctrace.protocols.dcerpc.datagram_call import DatagramCall, DatagramConversation

UDP = "ncadg_ip_udp"


class Datagrams:
    """All datagrams of a capture that are read."""

    def __init__(self, book: RpcBook) -> None:
        self._book = book
        self._kerberos = KdcDatagrams(book.problems)
        self._activities: Activities | None = None
        self._facts: dict[int, tuple[DatagramConversation, ConversationFacts]] = {}  # by identity

    def feed(self, segment: Segment) -> Sequence[Observation]:
        """One datagram."""
        if segment.source.port in KDC_PORTS or segment.destination.port in KDC_PORTS:
            return [_exchange(each) for each in self._kerberos.feed(segment)]
        if self._activities is None:
            from rpctrace.protocols.dcerpc.activity import Activities

            self._activities = Activities(self._book.problems, STUBS_READ)
        return self._called(self._activities.feed(segment))

    def close(self, capture_end_ns: int | None) -> Sequence[Observation]:
        """The capture is at its end."""
        told: list[Observation] = [_exchange(each) for each in self._kerberos.close()]
        if self._activities is not None:
            told += self._called(self._activities.close(capture_end_ns))
        for seen, facts in self._facts.values():
            facts.first_frame, facts.last_frame = seen.first_frame, seen.last_frame
            facts.first_ns, facts.last_ns = seen.first_ns, seen.last_ns
            facts.pdus, facts.conflicts, facts.joined_late = seen.pdus, seen.conflicts, seen.joined_late
        for limits in (self._kerberos.limits, {} if self._activities is None else self._activities.limits):
            for name, count in limits.items():
                self._book.reach(name, count)
        return told

    def _called(self, calls: Iterable[DatagramCall]) -> list[Observation]:
        return [
            ObservedCall(self._facts_of(each.conversation), each.call, each.activity, each.sequence, _said(each))
            for each in calls
        ]

    def _facts_of(self, seen: DatagramConversation) -> ConversationFacts:
        known = self._facts.get(id(seen))
        if known is not None:
            return known[1]
        connection = Connection(-1, seen.client, seen.server, False, seen.tunnel)
        facts = ConversationFacts(
            connection, seen.first_frame, seen.last_frame, seen.first_ns, seen.last_ns, seen.joined_late, transport=UDP
        )
        self._facts[id(seen)] = seen, facts
        self._book.enter(facts)
        return facts


def _said(call: DatagramCall) -> StubValue | None:
    """What the stub data of a call says; [C706] has no NDR64 over datagrams."""
    if call.request_stub is None and call.response_stub is None:
        return None
    asked = call.call
    stub = Stub(
        uuid=asked.contexts[0].abstract_syntax.uuid,
        opnum=asked.opnum or 0,
        object_uuid=asked.object_uuid,
        request=None if call.request_stub is None else memoryview(call.request_stub),
        response=None if call.response_stub is None else memoryview(call.response_stub),
        little_endian=call.response_little_endian if call.response_stub else call.request_little_endian,
        ndr64=False,
        sealed=False,
        request_octets=None if call.request_stub is None else len(call.request_stub),
        response_octets=None if call.response_stub is None else len(call.response_stub),
        cut=asked.partial,
    )
    return read_stub(stub)


def _exchange(said: DatagramExchange) -> ObservedExchange:
    return ObservedExchange(said.client, said.server, said.exchange)
