"""The fragments of one side of a connectionless call: which are there, which came again, and what they hold together.

[C706] 9.5.3: a fragment has a number, the last one says so, and a lost one is sent again as it was. They come in any
order; the first copy counts.
"""

from __future__ import annotations

from zlib import crc32

from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dcerpc.datagram import Datagram, Flags1, Stub
from rpctrace.protocols.dissector import Provenance

MAXIMUM_STUB_OCTETS = 65_536
# A mirror port shows a datagram twice within this; a sender waits longer, and numbers what it sends again anew.
MIRRORED_NS = 50_000_000
_FRAGMENT, _LAST = Flags1.FRAGMENT.value, Flags1.LAST_FRAGMENT.value


class _Piece(NamedTuple):
    frame: int
    timestamp_ns: int | None
    serial: int
    checksum: int | None  # None where the capture cut it, or where a copy may be signed or sealed anew
    octets: bytes | None
    complete: bool


class Fragments:
    """A request or a response. `copies` counts datagrams that were sent again, `conflicts` copies that say something
    else, `octets_left_out` those of stubs that were not kept."""

    __slots__ = ("_last", "_pieces", "_provenance", "conflicts", "copies", "kept_octets", "octets_left_out")

    def __init__(self) -> None:
        self._pieces: dict[int, _Piece] = {}
        self._last: int | None = None
        self._provenance: Provenance | None = None
        self.copies = 0
        self.conflicts = 0
        self.kept_octets = 0
        self.octets_left_out = 0

    def __len__(self) -> int:
        return len(self._pieces)

    @property
    def whole(self) -> bool:
        """Whether every fragment up to the last one is there."""
        return self._last is not None and len(self._pieces) == self._last + 1

    @property
    def cut(self) -> bool:
        """Whether the capture cut one of them."""
        return not all(piece.complete for piece in self._pieces.values())

    def add(self, pdu: Datagram, frame: int, timestamp_ns: int | None, *, keep: bool) -> None:
        """One more datagram; `keep` its stub, up to `MAXIMUM_STUB_OCTETS` of all fragments."""
        header = pdu.header
        stub = pdu.body.octets if isinstance(pdu.body, Stub) else memoryview(b"")
        fragmented = header.flags_1 & _FRAGMENT
        number = header.fragment if fragmented else 0
        checksum = crc32(stub) if pdu.complete and not header.auth_protocol else None
        known = self._pieces.get(number)
        if known is not None:
            self.copies += not _mirrored(known, header.serial, timestamp_ns)
            self.conflicts += checksum is not None and known.checksum is not None and checksum != known.checksum
            return
        if self._last is not None and number > self._last:
            return
        octets = None
        if keep:
            if self.kept_octets + len(stub) <= MAXIMUM_STUB_OCTETS:
                octets = bytes(stub)
                self.kept_octets += len(octets)
            else:
                self.octets_left_out += len(stub)
        self._pieces[number] = _Piece(frame, timestamp_ns, header.serial, checksum, octets, pdu.complete)
        self._provenance = None
        if self._last is None and (not fragmented or header.flags_1 & _LAST):
            self._last = number
            for stray in [other for other in self._pieces if other > number]:
                del self._pieces[stray]

    def provenance(self) -> Provenance | None:
        """The frames of the first copies, and the time of the latest of them."""
        if not self._pieces:
            return None
        if self._provenance is None:
            latest = max(self._pieces.values(), key=lambda piece: piece.frame)
            frames = sorted({piece.frame for piece in self._pieces.values()})
            self._provenance = Provenance(tuple(frames), latest.timestamp_ns, 0)
        return self._provenance

    def stub(self) -> bytes | None:
        """The octets from the first fragment up to the first that is missing, cut or was not kept; None for none."""
        parts: list[bytes] = []
        for number in range(len(self._pieces)):
            piece = self._pieces.get(number)
            if piece is None or piece.octets is None:
                break
            parts.append(piece.octets)
            if not piece.complete:
                break
        return b"".join(parts) if parts else None


def _mirrored(known: _Piece, serial: int, timestamp_ns: int | None) -> bool:
    """Whether a copy is the same datagram, captured twice."""
    if known.serial != serial or known.timestamp_ns is None or timestamp_ns is None:
        return False
    return abs(timestamp_ns - known.timestamp_ns) <= MIRRORED_NS
