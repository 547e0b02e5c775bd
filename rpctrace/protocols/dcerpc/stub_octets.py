"""The stub data of one call, joined over its fragments: the arguments and results of an operation, within bounds.

[MS-RPCE] 2.2.2.11: with packet privacy they are sealed, and then only their lengths are told.
"""

from __future__ import annotations

from dataclasses import field

from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dcerpc.pdu import Pdu
from rpctrace.record import state

MAXIMUM_STUB_OCTETS = 64 * 1024  # of each direction
TAIL_OCTETS = 8  # the end of a response holds its status, [MS-DCOM] 3.2.4.2, also where its middle is not kept
PACKET_PRIVACY = 6
NDR64 = "71710533-beba-4937-8319-b5dbef9ccc36"  # [MS-RPCE] 2.2.5


class StubOctets(NamedTuple):
    """`request` and `response` are what was kept, `..._octets` their lengths on the wire (None: not in the capture).
    `tail`: the last octets of the response. `cut`: not all octets were captured or kept."""

    request: bytes
    response: bytes
    request_octets: int | None
    response_octets: int | None
    tail: bytes
    sealed: bool
    little_endian: bool
    cut: bool


@state
class StubParts:
    """The stub of an open call; grows with each fragment."""

    request: bytearray = field(default_factory=bytearray)
    response: bytearray = field(default_factory=bytearray)
    request_octets: int | None = None
    response_octets: int | None = None
    tail: bytes = b""
    sealed: bool = False
    little_endian: bool = True
    cut: bool = False

    def ask(self, pdu: Pdu, stub: memoryview) -> None:
        """One fragment of the request."""
        self.request_octets = (self.request_octets or 0) + len(stub)
        self._add(self.request, pdu, stub)

    def answer(self, pdu: Pdu, stub: memoryview) -> None:
        """One fragment of the response."""
        self.response_octets = (self.response_octets or 0) + len(stub)
        self._add(self.response, pdu, stub)
        if not self.sealed:
            self.tail = (self.tail + bytes(stub[-TAIL_OCTETS:]))[-TAIL_OCTETS:]

    def _add(self, kept: bytearray, pdu: Pdu, stub: memoryview) -> None:
        self.little_endian = pdu.header.little_endian
        self.sealed |= pdu.trailer is not None and pdu.trailer.auth_level == PACKET_PRIVACY
        room = MAXIMUM_STUB_OCTETS - len(kept)
        self.cut |= not pdu.complete or len(stub) > room
        if not self.sealed:
            kept += stub[:room]

    def value(self) -> StubOctets:
        return StubOctets(
            bytes(self.request),
            bytes(self.response),
            self.request_octets,
            self.response_octets,
            self.tail,
            self.sealed,
            self.little_endian,
            self.cut,
        )
