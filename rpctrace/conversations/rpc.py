"""The events of one stream of DCE/RPC -> its calls: a TCP connection, or a channel that another protocol carries.

Most events bring no observation, and then cost no generator either: what comes out of one event is a sequence.
"""

from __future__ import annotations

from collections.abc import Sequence

from rpctrace.conversations.observations import ConversationFacts, Observation, ObservedCall, ObservedPdu
from rpctrace.protocols.dcerpc.association import Association
from rpctrace.protocols.dcerpc.call import Call
from rpctrace.protocols.dcerpc.framing import FramedPdu, PduFramer
from rpctrace.protocols.dcerpc.parse import parse_pdu
from rpctrace.protocols.dcerpc.stub_octets import NDR64
from rpctrace.protocols.dissector import Channel, Problems, Provenance
from rpctrace.protocols.interfaces.registry import STUBS_READ, read_stub
from rpctrace.protocols.interfaces.stub import Stub
from rpctrace.stream.stream import Chunk, Close, Conflict, Connection, Direction, Gap, Seen, StreamEvent

CONFLICTS_KEPT = 1_000
STREAMS_KEPT = 100_000
TCP = "ncacn_ip_tcp"

_NOTHING: Sequence[Observation] = ()


class RpcBook:
    """What all streams of a capture share: `facts` lists those that carried DCE/RPC, `problems` what did not read,
    `limits` which bounds were reached. Channels are here because several connections may carry one: the two directions
    of RPC over HTTP, a session of SMB 3."""

    def __init__(self, *, every_pdu: bool = False) -> None:
        self.every_pdu = every_pdu
        self.facts: list[ConversationFacts] = []
        self.problems = Problems()
        self.conflicts: list[Conflict] = []
        self.limits: dict[str, int] = {}
        self._channels: dict[Channel, RpcReading] = {}

    def on_channel(self, connection: Connection, channel: Channel, event: StreamEvent) -> Sequence[Observation]:
        """Something happened on a channel; the connection that brought its first event stands for it."""
        reading = self._channels.get(channel)
        if reading is None:
            reading = RpcReading(self, connection, joined_late=channel.joined_late, channel=channel)
            self._channels[channel] = reading
        told = reading.feed(event)
        if reading.done:
            del self._channels[channel]
        return told

    def close(self, end_ns: int | None) -> Sequence[Observation]:
        """The capture is at its end: channels that nothing closed."""
        told = [each for reading in self._channels.values() for each in reading.close(end_ns)]
        self._channels.clear()
        return told

    def enter(self, facts: ConversationFacts) -> None:
        if len(self.facts) < STREAMS_KEPT:
            self.facts.append(facts)
        else:
            self.reach("streams_kept", 1)

    def conflict(self, conflict: Conflict) -> None:
        if len(self.conflicts) < CONFLICTS_KEPT:
            self.conflicts.append(conflict)
        else:
            self.reach("conflicts_kept", 1)

    def reach(self, name: str, count: int) -> None:
        if count:
            self.limits[name] = self.limits.get(name, 0) + count


class RpcReading:
    """One stream while it lasts. `is_other` once no PDU can come from it, `done` once both directions ended."""

    __slots__ = ("_association", "_book", "_channel", "_connection", "_facts", "_framers", "_open", "done")

    def __init__(
        self, book: RpcBook, connection: Connection, *, joined_late: bool, channel: Channel | None = None
    ) -> None:
        self._book = book
        self._connection = connection
        self._channel = channel
        self._framers = (
            PduFramer(from_start=not joined_late, problems=book.problems),
            PduFramer(from_start=not joined_late, problems=book.problems),
        )
        self._association: Association | None = None
        self._facts: ConversationFacts | None = None
        self._open: set[Direction] = {0, 1}
        self.done = False

    @property
    def is_other(self) -> bool:
        first, second = self._framers
        return self._association is None and first.is_other_protocol and second.is_other_protocol

    @property
    def recognised(self) -> bool:
        return self._association is not None

    def feed(self, event: StreamEvent) -> Sequence[Observation]:
        """One event of the stream, in its order."""
        if isinstance(event, Chunk):
            return self._chunk(event)
        association, facts = self._association, self._facts
        if isinstance(event, Seen):
            if association is not None and facts is not None:
                facts.see(event.frame_number, event.timestamp_ns)
                association.seen(event.direction)
            return _NOTHING
        if isinstance(event, Gap):
            return self._gap(event)
        if isinstance(event, Close):
            return self._close(event)
        if isinstance(event, Conflict) and facts is not None:
            facts.conflicts += 1
            self._book.conflict(event)
        return _NOTHING

    def _chunk(self, chunk: Chunk) -> Sequence[Observation]:
        direction, association, facts = chunk.direction, self._association, self._facts
        if association is not None and facts is not None:
            facts.see(chunk.frame_number, chunk.timestamp_ns)
            association.seen(direction, octets=True)
        pdus = self._framers[direction].feed(chunk)
        return self._framed(direction, pdus) if pdus else _NOTHING

    def _gap(self, gap: Gap) -> Sequence[Observation]:
        told = self._framed(gap.direction, self._framers[gap.direction].gap(gap))
        if self._association is not None and self._facts is not None:
            self._association.missing(gap.direction)
            self._facts.gaps += 1
            self._facts.missing_octets += gap.length_octets
        return told

    def _close(self, close: Close) -> Sequence[Observation]:
        if close.direction is None:
            return self.close(close.timestamp_ns)
        facts, association = self._facts, self._association
        if facts is not None:
            facts.see(close.frame_number, close.timestamp_ns)
        told = self._framed(close.direction, self._framers[close.direction].close())
        if association is not None and facts is not None:
            association.ended(close.direction, reset=close.reset, frame_number=close.frame_number)
            end = "client" if close.direction == facts.client_direction else "server"
            word = "reset" if close.reset else "closed"
            facts.ended = facts.ended or f"{word} by the {end} in frame {close.frame_number}"
        self._open.discard(close.direction)
        if close.reset or not self._open:
            return [*told, *self.close(close.timestamp_ns)]
        return told

    def close(self, end_ns: int | None) -> Sequence[Observation]:
        """Nothing more comes; `end_ns`: until when it would have been captured."""
        self.done = True
        told: list[Observation] = []
        for direction, framer in enumerate(self._framers):
            # octets that were never recognised are no PDU now
            if self._association is not None:
                told += self._framed(1 if direction else 0, framer.close())
        association, facts, book = self._association, self._facts, self._book
        if association is None or facts is None:
            return told
        told += [observed(facts, call) for call in association.close(end_ns)]
        book.reach("open_calls", association.dropped_calls)
        book.reach("fragments_of_a_pdu", association.dropped_fragments)
        book.reach("presentation_contexts", association.presentation.dropped)
        book.reach("security_contexts", association.security.dropped)
        return told

    def _framed(self, direction: Direction, pdus: Sequence[FramedPdu]) -> Sequence[Observation]:
        told: list[Observation] = []
        for octets, provenance, header in pdus:
            association, facts = self._association, self._facts
            if association is None or facts is None:
                association, facts = self._recognise(provenance)
            if facts.pdus == 0:
                sent_by_client = header.pdu_type in Association.CLIENT_TYPES
                facts.client_direction = direction if sent_by_client else (0 if direction else 1)
            facts.pdus += 1
            frame, time = provenance.frames[-1], provenance.timestamp_ns
            if frame != facts.last_frame or time != facts.last_ns:  # mostly the chunk's, which was just seen
                facts.see(frame, time)
            pdu = parse_pdu(octets, header)
            for call in association.pdu(direction, pdu, provenance):
                told.append(observed(facts, call))
            if self._book.every_pdu:
                interface = association.interface_of(direction, pdu)
                told.append(ObservedPdu(facts, direction, pdu, provenance, interface))
        return told

    def _recognise(self, provenance: Provenance) -> tuple[Association, ConversationFacts]:
        """The first PDU of the stream."""
        frame, time = provenance.frames[0], provenance.timestamp_ns
        channel, connection = self._channel, self._connection
        late = (connection.guessed if channel is None else channel.joined_late) or provenance.stream_offset > 0
        association = self._association = Association(self._book.problems, stubs_of=STUBS_READ)
        facts = self._facts = ConversationFacts(connection, frame, frame, time, time, late)
        if channel is not None:
            facts.transport, facts.channel = channel.transport, channel
        self._book.enter(facts)
        return association, facts


def observed(facts: ConversationFacts, call: Call) -> ObservedCall:
    """A call with what its stub data says; the octets are not kept."""
    octets = call.stub
    if octets is None:
        return ObservedCall(facts, call)
    context = call.contexts[0] if call.contexts else None
    stub = Stub(
        uuid=context.abstract_syntax.uuid if context else "",
        opnum=call.opnum or 0,
        object_uuid=call.object_uuid,
        request=memoryview(octets.request) if octets.request_octets is not None else None,
        response=memoryview(octets.response) if octets.response_octets is not None else None,
        little_endian=octets.little_endian,
        ndr64=bool(context and context.transfer_syntax and context.transfer_syntax.uuid == NDR64),
        sealed=octets.sealed,
        request_octets=octets.request_octets,
        response_octets=octets.response_octets,
        cut=octets.cut,
    )
    return ObservedCall(facts, Call._make((*call[:-1], None)), said=read_stub(stub))  # `stub` is its last field
