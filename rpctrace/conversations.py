"""Stream events -> calls: each TCP connection meets its dissector.

A connection is DCE/RPC when a header is recognised in either direction, on any port. Until then, and for connections
that turn out to be something else, next to nothing is kept.

Most events bring no observation, and then cost no generator either: what comes out of one event is a sequence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
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
OTHERS_KEPT = 10_000  # by who never empties the list
# Named pipes carry PDUs inside SMB; a connection joined in the middle on these ports is not searched for bare ones.
_SMB_PORTS = frozenset((139, 445))


@dataclass(slots=True)
class ConversationFacts:
    """What is known of one DCE/RPC connection; grows while it is read. `number` is given by `number_by_frame`."""

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
    number: int = -1

    @property
    def client(self) -> Endpoint:
        return self.connection.client if self.client_direction == 0 else self.connection.server

    @property
    def server(self) -> Endpoint:
        return self.connection.server if self.client_direction == 0 else self.connection.client


def number_by_frame(facts: Iterable[ConversationFacts]) -> None:
    """Numbers connections in the order in which the capture shows them."""
    for number, each in enumerate(sorted(facts, key=lambda each: (each.first_frame, each.client, each.server))):
        each.number = number


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

    __slots__ = ("association", "facts", "framers", "open_directions")

    def __init__(self, problems: Problems, *, joined_late: bool = False) -> None:
        from_start = not joined_late
        self.framers = (
            PduFramer(from_start=from_start, problems=problems),
            PduFramer(from_start=from_start, problems=problems),
        )
        self.association: Association | None = None
        self.facts: ConversationFacts | None = None
        self.open_directions: set[Direction] = {0, 1}


_NOTHING: Sequence[Observation] = ()
# Stands for every connection that carries something else.
_OTHER_PROTOCOL = _Conversation(Problems())


class Conversations:
    """All connections of a capture. `facts` lists those that carried DCE/RPC, `problems` what did not read.

    `others` tells each connection that turned out to carry another protocol, once, when no PDU can come from it any
    more. Who feeds may empty the list, and of those connections need feed nothing from then on but their `Close`.
    """

    def __init__(self, *, every_pdu: bool = False) -> None:
        self.facts: list[ConversationFacts] = []
        self.problems = Problems()
        self.conflicts: list[Conflict] = []
        self.limits: dict[str, int] = {}
        self.others: list[Connection] = []
        self._every_pdu = every_pdu
        self._live: dict[int, _Conversation] = {}
        self.capture_end_ns: int | None = None  # set by who feeds, before what is still open is closed

    def feed(self, connection: Connection, event: StreamEvent) -> Sequence[Observation]:
        """One event of one connection, in its order."""
        state = self._live.get(connection.number) or self._begin(connection)
        if state is _OTHER_PROTOCOL:
            if isinstance(event, Close) and (event.direction is None or event.reset):
                del self._live[connection.number]
            return _NOTHING
        if isinstance(event, Chunk):
            return self._chunk(state, connection, event)
        if isinstance(event, Seen):
            self._see(state.facts, event.frame_number, event.timestamp_ns)
            if state.association is not None:
                state.association.seen(event.direction)
            return _NOTHING
        if isinstance(event, Gap):
            return self._gap(state, connection, event)
        if isinstance(event, Close):
            return self._close(state, connection, event)
        if state.facts is not None:
            state.facts.conflicts += 1
            if len(self.conflicts) < CONFLICTS_KEPT:
                self.conflicts.append(event)
            else:
                self._reach("conflicts_kept", 1)
        return _NOTHING

    def close(self) -> Iterator[Observation]:
        """The capture is at its end."""
        for number in list(self._live):
            yield from self._finish(self._live.pop(number), self.capture_end_ns)

    def _begin(self, connection: Connection) -> _Conversation:
        late = connection.guessed
        if late and not _SMB_PORTS.isdisjoint((connection.client.port, connection.server.port)):
            return self._set_aside(connection)
        state = self._live[connection.number] = _Conversation(self.problems, joined_late=late)
        return state

    def _set_aside(self, connection: Connection) -> _Conversation:
        """Another protocol: of the connection nothing is kept, and who feeds is told."""
        if len(self.others) < OTHERS_KEPT:
            self.others.append(connection)
        state = self._live[connection.number] = _OTHER_PROTOCOL
        return state

    def _see(self, facts: ConversationFacts | None, frame_number: int | None, timestamp_ns: int | None) -> None:
        if facts is None or frame_number is None:
            return
        if frame_number > facts.last_frame:
            facts.last_frame = frame_number
        elif frame_number < facts.first_frame:
            facts.first_frame = frame_number
        if timestamp_ns is not None:
            if facts.last_ns is None or timestamp_ns > facts.last_ns:
                facts.last_ns = timestamp_ns
            if facts.first_ns is None or timestamp_ns < facts.first_ns:
                facts.first_ns = timestamp_ns

    def _chunk(self, state: _Conversation, connection: Connection, chunk: Chunk) -> Sequence[Observation]:
        self._see(state.facts, chunk.frame_number, chunk.timestamp_ns)
        direction = chunk.direction
        if state.association is not None:
            state.association.seen(direction, octets=True)
        pdus = state.framers[direction].feed(chunk)
        if pdus:
            return self._framed(state, connection, direction, pdus)
        if state.association is None and (
            state.framers[0].is_other_protocol and state.framers[1].is_other_protocol
        ):
            self._set_aside(connection)
        return _NOTHING

    def _gap(self, state: _Conversation, connection: Connection, gap: Gap) -> Sequence[Observation]:
        told = self._framed(state, connection, gap.direction, state.framers[gap.direction].gap(gap))
        if state.association is not None:
            state.association.missing(gap.direction)
        if state.facts is not None:
            state.facts.gaps += 1
            state.facts.missing_octets += gap.length_octets
        return told

    def _close(self, state: _Conversation, connection: Connection, close: Close) -> Sequence[Observation]:
        if close.direction is None:
            self._live.pop(connection.number, None)
            return self._finish(state, self.capture_end_ns if close.timestamp_ns is None else close.timestamp_ns)
        self._see(state.facts, close.frame_number, close.timestamp_ns)
        told = self._framed(state, connection, close.direction, state.framers[close.direction].close())
        if state.association is not None and state.facts is not None:
            state.association.ended(close.direction, reset=close.reset, frame_number=close.frame_number)
            end = "client" if close.direction == state.facts.client_direction else "server"
            word = "reset" if close.reset else "closed"
            state.facts.ended = state.facts.ended or f"{word} by the {end} in frame {close.frame_number}"
        state.open_directions.discard(close.direction)
        if close.reset or not state.open_directions:
            self._live.pop(connection.number, None)
            return [*told, *self._finish(state, close.timestamp_ns)]
        return told

    def _finish(self, state: _Conversation, end_ns: int | None) -> Sequence[Observation]:
        told: list[Observation] = []
        for direction, framer in enumerate(state.framers):
            told += self._framed(state, None, 1 if direction else 0, framer.close())
        association, facts = state.association, state.facts
        if association is None or facts is None:
            return told
        told += [ObservedCall(facts, call) for call in association.close(end_ns)]
        self._reach("open_calls", association.dropped_calls)
        self._reach("fragments_of_a_pdu", association.dropped_fragments)
        self._reach("presentation_contexts", association.presentation.dropped)
        self._reach("security_contexts", association.security.dropped)
        return told

    def _reach(self, name: str, count: int) -> None:
        if count:
            self.limits[name] = self.limits.get(name, 0) + count

    def _framed(
        self, state: _Conversation, connection: Connection | None, direction: Direction, pdus: Sequence[FramedPdu]
    ) -> Sequence[Observation]:
        told: list[Observation] = []
        for octets, provenance, header in pdus:
            association, facts = state.association, state.facts
            if association is None or facts is None:
                if connection is None:
                    break
                association, facts = self._recognise(state, connection, provenance)
            if facts.pdus == 0:
                sent_by_client = header.pdu_type in Association.CLIENT_TYPES
                facts.client_direction = direction if sent_by_client else (0 if direction else 1)
            facts.pdus += 1
            frame, time = provenance.frames[-1], provenance.timestamp_ns
            if frame != facts.last_frame or time != facts.last_ns:  # mostly the chunk's, which was just seen
                self._see(facts, frame, time)
            pdu = parse_pdu(octets, header)
            for call in association.pdu(direction, pdu, provenance):
                told.append(ObservedCall(facts, call))
            if self._every_pdu:
                interface = association.interface_of(direction, pdu)
                told.append(ObservedPdu(facts, direction, pdu, provenance, interface))
        return told

    def _recognise(
        self, state: _Conversation, connection: Connection, provenance: Provenance
    ) -> tuple[Association, ConversationFacts]:
        """The first PDU of a connection."""
        frame, time = provenance.frames[0], provenance.timestamp_ns
        late = connection.guessed or provenance.stream_offset > 0
        association = state.association = Association(self.problems)
        facts = state.facts = ConversationFacts(connection, frame, frame, time, time, late)
        if len(self.facts) < STREAMS_KEPT:
            self.facts.append(facts)
        else:
            self._reach("streams_kept", 1)
        return association, facts
