"""Stream events -> calls: each TCP connection meets its dissector.

A connection is DCE/RPC when a header is recognised in either direction, on any port. Until then, and for connections
that turn out to be something else, next to nothing is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from rpctrace.network.flow import Endpoint
from rpctrace.protocols.dcerpc.association import Association
from rpctrace.protocols.dcerpc.call import Call
from rpctrace.protocols.dcerpc.framing import FramedPdu, PduFramer
from rpctrace.protocols.dcerpc.parse import parse_pdu
from rpctrace.protocols.dcerpc.pdu import Pdu
from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.stream.stream import Chunk, Close, Conflict, Connection, Direction, Gap, Seen, StreamEvent

STREAMS_KEPT = 100_000
CONFLICTS_KEPT = 1_000
# Named pipes carry PDUs inside SMB; a connection joined in the middle on these ports is not searched for bare ones.
_SMB_PORTS = frozenset((139, 445))


@dataclass(slots=True)
class ConversationFacts:
    """What is known of one DCE/RPC connection; grows while it is read."""

    connection: Connection
    first_frame: int
    last_frame: int
    first_ns: int | None
    last_ns: int | None
    joined_late: bool
    pdus: int = 0
    gaps: int = 0
    missing_octets: int = 0
    conflicts: int = 0
    calls: int = 0
    failed: int = 0
    ended: str | None = None
    client_direction: Direction = 0

    @property
    def client(self) -> Endpoint:
        return self.connection.client if self.client_direction == 0 else self.connection.server

    @property
    def server(self) -> Endpoint:
        return self.connection.server if self.client_direction == 0 else self.connection.client


class ObservedCall(NamedTuple):
    """A call and the connection on which it was made."""

    conversation: ConversationFacts
    call: Call


class ObservedPdu(NamedTuple):
    """A PDU, for those who want each one (the Network Monitor view), with the interface its context id stands for."""

    conversation: ConversationFacts
    direction: Direction
    pdu: Pdu
    provenance: Provenance
    interface_uuid: str | None


Observation = ObservedCall | ObservedPdu


class _Conversation:
    """One connection while it lasts."""

    __slots__ = ("association", "facts", "framers", "ignored")

    def __init__(self, connection: Connection, problems: Problems) -> None:
        late = connection.guessed
        self.framers = tuple(PduFramer(from_start=not late, problems=problems) for _ in range(2))
        self.ignored = late and not _SMB_PORTS.isdisjoint((connection.client.port, connection.server.port))
        self.association: Association | None = None
        self.facts: ConversationFacts | None = None


class Conversations:
    """All connections of a capture. `facts` lists those that carried DCE/RPC, `problems` what did not read."""

    def __init__(self, *, every_pdu: bool = False) -> None:
        self.facts: list[ConversationFacts] = []
        self.problems = Problems()
        self.conflicts: list[Conflict] = []
        self.limits: dict[str, int] = {}
        self._every_pdu = every_pdu
        self._live: dict[int, _Conversation] = {}
        self._now_ns: int | None = None

    def feed(self, connection: Connection, event: StreamEvent) -> Iterator[Observation]:
        """One event of one connection, in its order."""
        state = self._live.get(connection.number)
        if state is None:
            state = self._live[connection.number] = _Conversation(connection, self.problems)
        if state.ignored:
            if isinstance(event, Close) and (event.direction is None or event.reset):
                del self._live[connection.number]
            return
        if isinstance(event, Chunk):
            yield from self._chunk(state, connection, event)
        elif isinstance(event, Gap):
            yield from self._gap(state, connection, event)
        elif isinstance(event, Seen):
            self._see(state, event.frame_number, event.timestamp_ns)
            if state.association is not None:
                state.association.seen(event.direction)
        elif isinstance(event, Close):
            yield from self._close(state, connection, event)
        elif state.facts is not None:
            state.facts.conflicts += 1
            if len(self.conflicts) < CONFLICTS_KEPT:
                self.conflicts.append(event)
            else:
                self._reach("conflicts_kept", 1)

    def close(self) -> Iterator[Observation]:
        """The capture is at its end."""
        for number in list(self._live):
            yield from self._finish(self._live.pop(number))

    def _see(self, state: _Conversation, frame_number: int | None, timestamp_ns: int | None) -> None:
        if timestamp_ns is not None and (self._now_ns is None or timestamp_ns > self._now_ns):
            self._now_ns = timestamp_ns
        facts = state.facts
        if facts is not None and frame_number is not None:
            facts.first_frame = min(facts.first_frame, frame_number)
            facts.last_frame = max(facts.last_frame, frame_number)
            if timestamp_ns is not None:
                facts.first_ns = timestamp_ns if facts.first_ns is None else min(facts.first_ns, timestamp_ns)
                facts.last_ns = timestamp_ns if facts.last_ns is None else max(facts.last_ns, timestamp_ns)

    def _chunk(self, state: _Conversation, connection: Connection, chunk: Chunk) -> Iterator[Observation]:
        self._see(state, chunk.frame_number, chunk.timestamp_ns)
        if state.association is not None:
            state.association.seen(chunk.direction, octets=True)
        yield from self._framed(state, connection, chunk.direction, state.framers[chunk.direction].feed(chunk))
        if state.association is None and all(framer.is_other_protocol for framer in state.framers):
            state.ignored = True

    def _gap(self, state: _Conversation, connection: Connection, gap: Gap) -> Iterator[Observation]:
        yield from self._framed(state, connection, gap.direction, state.framers[gap.direction].gap(gap))
        if state.association is not None:
            state.association.missing(gap.direction)
        if state.facts is not None:
            state.facts.gaps += 1
            state.facts.missing_octets += gap.length_octets

    def _close(self, state: _Conversation, connection: Connection, close: Close) -> Iterator[Observation]:
        if close.direction is None:
            self._live.pop(connection.number, None)
            yield from self._finish(state)
            return
        self._see(state, close.frame_number, close.timestamp_ns)
        yield from self._framed(state, connection, close.direction, state.framers[close.direction].close())
        if state.association is not None and state.facts is not None:
            state.association.ended(close.direction, reset=close.reset, frame_number=close.frame_number)
            end = "client" if close.direction == state.facts.client_direction else "server"
            word = "reset" if close.reset else "closed"
            state.facts.ended = state.facts.ended or f"{word} by the {end} in frame {close.frame_number}"
        if close.reset:
            self._live.pop(connection.number, None)
            yield from self._finish(state)

    def _finish(self, state: _Conversation) -> Iterator[Observation]:
        for direction, framer in enumerate(state.framers):
            yield from self._framed(state, None, 1 if direction else 0, framer.close())
        if state.association is None or state.facts is None:
            return
        for call in state.association.close(self._now_ns):
            yield ObservedCall(state.facts, call)
        self._reach("open_calls", state.association.dropped_calls)
        self._reach("fragments_of_a_pdu", state.association.dropped_fragments)
        self._reach("presentation_contexts", state.association.presentation.dropped)
        self._reach("security_contexts", state.association.security.dropped)

    def _reach(self, name: str, count: int) -> None:
        if count:
            self.limits[name] = self.limits.get(name, 0) + count

    def _framed(
        self, state: _Conversation, connection: Connection | None, direction: Direction, pdus: list[FramedPdu]
    ) -> Iterator[Observation]:
        for framed in pdus:
            pdu = parse_pdu(framed.octets)
            provenance = framed.provenance
            if state.association is None or state.facts is None:
                if connection is None:
                    return
                frame, time = provenance.frames[0], provenance.timestamp_ns
                late = connection.guessed or provenance.stream_offset > 0
                state.association = Association(self.problems)
                state.facts = ConversationFacts(connection, frame, frame, time, time, late)
                if len(self.facts) < STREAMS_KEPT:
                    self.facts.append(state.facts)
                else:
                    self._reach("streams_kept", 1)
            if state.facts.pdus == 0:
                sent_by_client = pdu.header.pdu_type in Association.CLIENT_TYPES
                state.facts.client_direction = direction if sent_by_client else (0 if direction else 1)
            state.facts.pdus += 1
            self._see(state, provenance.frame, provenance.timestamp_ns)
            for call in state.association.pdu(direction, pdu, provenance):
                yield ObservedCall(state.facts, call)
            if self._every_pdu:
                interface = state.association.interface_of(direction, pdu)
                yield ObservedPdu(state.facts, direction, pdu, provenance, interface)
