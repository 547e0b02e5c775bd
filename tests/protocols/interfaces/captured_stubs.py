"""A capture -> the stubs of its calls over TCP, paired: what an association hands to the readers of interfaces."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from rpctrace.capture.storage import open_capture
from rpctrace.network.decode import Decoder
from rpctrace.protocols.dcerpc.contexts import PresentationContexts
from rpctrace.protocols.dcerpc.framing import FramedPdu, PduFramer
from rpctrace.protocols.dcerpc.parse import parse_pdu
from rpctrace.protocols.dcerpc.pdu import Bind, BindAck, Fault, Pdu, Request, Response
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.interfaces.stub import Stub
from rpctrace.stream.reassembly import Reassembler
from rpctrace.stream.stream import Chunk, Close, Connection, Direction, Gap, StreamEvent

NDR64 = "71710533-beba-4937-8319-b5dbef9ccc36"
PRIVACY = 6


class CapturedStub(NamedTuple):
    """`client` and `server`: address and port as text and number; frames complete the request and the response."""

    stub: Stub
    client: tuple[str, int]
    server: tuple[str, int]
    request_frame: int | None
    response_frame: int | None


class _Asked:
    def __init__(self, pdu: Pdu, body: Request, provenance: Provenance) -> None:
        self.pdu, self.body = pdu, body
        self.octets = bytearray()
        self.answer: bytearray | None = None
        self.cut = not pdu.header.first
        self.frame = provenance.frame
        self.answer_frame: int | None = None

    def ask(self, pdu: Pdu, body: Request, provenance: Provenance) -> None:
        self.octets += body.stub
        self.cut |= not pdu.complete
        self.frame = provenance.frame


class _Connection:
    def __init__(self, connection: Connection) -> None:
        late = connection.guessed
        self.connection = connection
        self.framers = (PduFramer(from_start=not late), PduFramer(from_start=not late))
        self.contexts = PresentationContexts()
        self.offered: dict[int, tuple[Direction, object]] = {}
        self.open: dict[int, _Asked] = {}

    def feed(self, event: StreamEvent) -> Iterator[CapturedStub]:
        if isinstance(event, Chunk):
            yield from self._framed(event.direction, self.framers[event.direction].feed(event))
        elif isinstance(event, Gap):
            yield from self._framed(event.direction, self.framers[event.direction].gap(event))
        elif isinstance(event, Close):
            for direction in (0, 1) if event.direction is None else (event.direction,):
                yield from self._framed(direction, self.framers[direction].close())
            if event.direction is None:
                for call_id in list(self.open):
                    yield from self._told(call_id)

    def _framed(self, direction: int, pdus: list[FramedPdu]) -> Iterator[CapturedStub]:
        for framed in pdus:
            yield from self._pdu(direction, parse_pdu(framed.octets, framed.header), framed.provenance)

    def _pdu(self, direction: Direction, pdu: Pdu, provenance: Provenance) -> Iterator[CapturedStub]:
        body, call_id = pdu.body, pdu.header.call_id
        if isinstance(body, Bind):
            self.offered[call_id] = direction, self.contexts.offer(direction, body.contexts)
        elif isinstance(body, BindAck) and call_id in self.offered:
            sender, offered = self.offered.pop(call_id)
            self.contexts.answer(sender, offered, body.results)
        elif isinstance(body, Request):
            if pdu.header.first or call_id not in self.open:
                yield from self._told(call_id)
                self.open[call_id] = _Asked(pdu, body, provenance)
            self.open[call_id].ask(pdu, body, provenance)
        elif isinstance(body, Response) and call_id in self.open:
            asked = self.open[call_id]
            asked.cut |= not pdu.complete or (asked.answer is None and not pdu.header.first)
            asked.answer = bytearray() if asked.answer is None else asked.answer
            asked.answer += body.stub
            asked.answer_frame = provenance.frame
            if pdu.header.last:
                yield from self._told(call_id)
        elif isinstance(body, Fault):
            yield from self._told(call_id)

    def _told(self, call_id: int) -> Iterator[CapturedStub]:
        asked = self.open.pop(call_id, None)
        if asked is None:
            return
        context = self.contexts.of_request(0, asked.body.context_id)[0]
        context = context or self.contexts.of_request(1, asked.body.context_id)[0]
        trailer = asked.pdu.trailer
        sealed = trailer is not None and trailer.auth_level == PRIVACY
        stub = Stub(
            uuid=context[0].abstract_syntax.uuid if context else "",
            opnum=asked.body.opnum,
            object_uuid=asked.body.object_uuid,
            request=memoryview(bytes(asked.octets)),
            response=None if asked.answer is None else memoryview(bytes(asked.answer)),
            little_endian=asked.pdu.header.little_endian,
            ndr64=bool(context and context[0].transfer_syntax and context[0].transfer_syntax.uuid == NDR64),
            sealed=sealed,
            request_octets=len(asked.octets),
            response_octets=None if asked.answer is None else len(asked.answer),
            cut=asked.cut,
        )
        ends = (self.connection.client, self.connection.server)
        client, server = ((str(end.address), end.port) for end in ends)
        yield CapturedStub(stub, client, server, asked.frame, asked.answer_frame)


@cache
def stubs(path: Path) -> tuple[CapturedStub, ...]:
    """Every call of a capture over TCP, in the order of its answers."""
    found: list[CapturedStub] = []
    connections: dict[int, _Connection] = {}
    reassembler, decoder = Reassembler(), Decoder()

    def take(events: object) -> None:
        for connection, event in events:
            state = connections.get(connection.number)
            if state is None:
                state = connections[connection.number] = _Connection(connection)
            found.extend(state.feed(event))

    with open_capture(path) as capture:
        for frame in capture:
            segment = decoder.decode(frame)
            if segment is not None:
                take(reassembler.feed(segment))
    take(reassembler.close())
    return tuple(found)
