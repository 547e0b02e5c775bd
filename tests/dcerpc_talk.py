"""Helpers of the DCE/RPC tests: PDUs written by the builders, fed to the readers in any cut."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from builders import dcerpc as write

from rpctrace.protocols.dcerpc.association import Association
from rpctrace.protocols.dcerpc.call import Call
from rpctrace.protocols.dcerpc.framing import FramedPdu, PduFramer
from rpctrace.protocols.dcerpc.parse import parse_pdu
from rpctrace.protocols.dissector import Provenance
from rpctrace.stream.stream import Chunk, Direction, Gap

ICLASSFACTORY = "00000001-0000-0000-c000-000000000046"
CLIENT: Direction = 0
SERVER: Direction = 1
CONTEXT = write.Context(0, write.ICLASSFACTORY)


def head(call_id: int = 2, token: bytes | None = None, *, auth_type: int = 9, level: int = 6, context_id: int = 0,
         flags: int = 3) -> write.Head:  # fmt: skip
    security = None if token is None else write.Security(auth_type, level, token, context_id)
    return write.Head(call_id, write.Pfc(flags), security)


class Talk:
    """One association under test: `client` and `server` say PDUs; a frame each, a millisecond apart."""

    def __init__(self) -> None:
        self.association = Association()
        self.frame = 0
        self.calls: list[Call] = []

    def say(self, direction: Direction, octets: bytes) -> int:
        self.frame += 1
        self.association.seen(direction, octets=True)
        provenance = Provenance((self.frame,), self.frame * 1_000_000, 0)
        self.calls += self.association.pdu(direction, parse_pdu(octets), provenance)
        return self.frame

    def client(self, octets: bytes) -> int:
        return self.say(CLIENT, octets)

    def server(self, octets: bytes) -> int:
        return self.say(SERVER, octets)

    def end(self, capture_end_ns: int | None = None) -> list[Call]:
        self.calls += self.association.close(capture_end_ns)
        return sorted(self.calls, key=lambda call: (call.request or call.reply or Provenance((0,), 0, 0)).frames[0])


def framed(framer: PduFramer, pieces: Iterable[bytes | int]) -> Iterator[FramedPdu]:
    """Feeds octets (a frame each) and gaps (an integer: that many octets) in turn, then the end."""
    offset = 0
    for number, piece in enumerate(pieces, 1):
        if isinstance(piece, int):
            yield from framer.gap(Gap(CLIENT, offset, piece, number))
            offset += piece
        else:
            yield from framer.feed(Chunk(CLIENT, offset, memoryview(piece), number, number * 1_000))
            offset += len(piece)
    yield from framer.close()
