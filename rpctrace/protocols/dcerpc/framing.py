"""One direction of a stream -> PDUs, whatever the cut into segments: by frag_length from header to header.

A stream known from its start is DCE/RPC or not by its first 16 octets, on any port. A stream joined in the middle, or
resumed behind a gap, is searched for the next header. A PDU that a gap cuts is given as far as it was captured; where
the gap ends inside it, its rest is stepped over and reading goes on at the next header without a search.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum, auto
from itertools import islice

from rpctrace.errors import Malformed
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dcerpc.parse import is_of_version_5, is_plausible, parse_header
from rpctrace.protocols.dcerpc.pdu import HEADER_LENGTH_OCTETS, Header
from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.stream.stream import Chunk, Gap

_new = tuple.__new__  # of a named tuple: half the cost of its own constructor

# How far a stream that was never recognised is searched: the largest fragment, twice.
MAXIMUM_SEARCH_OCTETS = 2 * 65536
# Version 5.0 or 5.1, a connection-oriented type, any flags, and a data representation that occurs (C706 12.6.3.1).
SIGNATURE = re.compile(
    rb"\x05[\x00\x01][\x00\x02\x03\x0b-\x13].[\x00\x01\x10\x11][\x00-\x03]\x00\x00", re.DOTALL
)
OTHER_PROTOCOL = re.compile(rb"[\xfd-\xff]SMB")  # SMB carries PDUs of its own; they belong to its pipes


class _State(Enum):
    START = auto()  # at the first octet of the direction
    SYNCHRONISED = auto()  # at a header
    SEARCHING = auto()
    OTHER = auto()  # not DCE/RPC


# Every chunk is asked for its state: a name of the module costs a tenth of a look-up in an Enum class.
_START, _SYNCHRONISED, _SEARCHING, _OTHER = _State


class FramedPdu(NamedTuple):
    """The octets of one fragment, all that the capture holds of it from its start; `header` is their first 16."""

    octets: memoryview
    provenance: Provenance
    header: Header


class PduFramer:
    """The state of one direction. `recognised` once a header was accepted."""

    __slots__ = (
        "_buffer", "_needed", "_offset", "_run", "_runs", "_searched", "_skip", "_state", "problems", "recognised",
    )  # fmt: skip

    def __init__(self, *, from_start: bool, problems: Problems | None = None) -> None:
        self._state = _START if from_start else _SEARCHING
        self._buffer = bytearray()
        self._runs: list[tuple[int, int, int | None]] = []  # end in the buffer, frame number, time
        self._run = 0  # the first of them that reaches past what is framed already
        self._offset = 0  # of the buffer in the stream
        self._needed = HEADER_LENGTH_OCTETS  # octets without which nothing can be done
        self._skip = 0  # octets of a cut PDU still to come
        self._searched = 0
        self.recognised = False
        self.problems = Problems() if problems is None else problems

    @property
    def is_other_protocol(self) -> bool:
        return self._state is _OTHER

    def feed(self, chunk: Chunk) -> Sequence[FramedPdu]:
        if self._state is _OTHER:
            return ()
        octets = chunk.octets
        if not self._buffer and not self._skip and self._state is not _SEARCHING:
            # The common case, a PDU that is a chunk of its own, leaves no trace in the framer.
            header = parse_header(octets) if len(octets) >= HEADER_LENGTH_OCTETS else None
            if header is not None and header.fragment_length == len(octets) and self._stands_at(header):
                provenance = _new(Provenance, ((chunk.frame_number,), chunk.timestamp_ns, chunk.offset))
                return (_new(FramedPdu, (octets, provenance, header)),)
        if self._skip:
            stepped = min(self._skip, len(octets))
            self._skip -= stepped
            octets = octets[stepped:]
            if not octets:
                return []
        if not self._buffer:
            self._offset = chunk.offset + len(chunk.octets) - len(octets)
        held = len(self._buffer)
        self._runs.append((held + len(octets), chunk.frame_number, chunk.timestamp_ns))
        if held == 0 and len(octets) >= self._needed:
            return self._frame(octets)  # the common case: whole PDUs, not copied
        self._buffer += octets
        if len(self._buffer) < self._needed:
            return []
        return self._frame(memoryview(bytes(self._buffer)))

    def _frame(self, view: memoryview) -> list[FramedPdu]:
        found: list[FramedPdu] = []
        at = 0
        self._needed = HEADER_LENGTH_OCTETS
        while len(view) - at >= HEADER_LENGTH_OCTETS:
            header = self._header(view, at)
            if header is None:
                at = self._search(view, at)
                if self._state is _SEARCHING or self._state is _OTHER:
                    break
                continue
            if len(view) - at < header.fragment_length:
                self._needed = header.fragment_length
                break
            octets = view[at : at + header.fragment_length]
            found.append(FramedPdu(octets, self._seen(at, header.fragment_length), header))
            at += header.fragment_length
        self._keep(view, at)
        return found

    def _header(self, view: memoryview, at: int) -> Header | None:
        """The header at `at` if the direction stands at one, else None; a header that cannot be right is a problem."""
        if self._state is _SEARCHING:
            return None
        header = parse_header(view, at)
        if self._stands_at(header):
            return header
        if self._state is _START:
            self._state = _OTHER
            return None
        error = Malformed("dcerpc.header", self._offset + at, f"fragment length {header.fragment_length}")
        self.problems.add(error, self._seen(at, HEADER_LENGTH_OCTETS).frame)
        self._state = _SEARCHING
        return None

    def _stands_at(self, header: Header) -> bool:
        """Whether a header is one: the first of a direction decides, those behind it may be of an unknown type."""
        if (self._state is _SYNCHRONISED and is_of_version_5(header)) or is_plausible(header, lenient=True):
            self._state = _SYNCHRONISED
            self.recognised = True
            return True
        return False

    def _search(self, view: memoryview, at: int) -> int:
        """Where the next header starts, or where to go on searching when more octets have come."""
        if self._state is _OTHER:
            return len(view)
        octets = bytes(view[at:])
        other = None if self.recognised else OTHER_PROTOCOL.search(octets)
        end = len(octets) if other is None else other.start()
        for match in SIGNATURE.finditer(octets, 0, len(octets) - HEADER_LENGTH_OCTETS + 8):
            header = parse_header(octets, match.start())
            if match.start() > end or not is_plausible(header):
                continue
            # A big-endian header has few octets that are not zero: it counts once another one follows it.
            behind = match.start() + header.fragment_length
            if not header.little_endian and not self.recognised:
                if len(octets) - behind < HEADER_LENGTH_OCTETS:
                    self._needed = behind - match.start() + HEADER_LENGTH_OCTETS
                    return at + match.start()
                if not is_plausible(parse_header(octets, behind)):
                    continue
            self._state = _SYNCHRONISED
            return at + match.start()
        self._searched += len(octets) - (HEADER_LENGTH_OCTETS - 1)
        if other is not None or (not self.recognised and self._searched > MAXIMUM_SEARCH_OCTETS):
            self._state = _OTHER
            return len(view)
        return len(view) - (HEADER_LENGTH_OCTETS - 1)

    def _seen(self, at: int, length: int) -> Provenance:
        """The frames that brought `length` octets at `at` of what is being framed."""
        while self._runs[self._run][0] <= at:
            self._run += 1
        last, time = -1, None
        frames: set[int] = set()
        for end, frame, timestamp_ns in islice(self._runs, self._run, None):
            frames.add(frame)
            if frame > last:
                last, time = frame, timestamp_ns
            if end >= at + length:
                break
        return Provenance(tuple(sorted(frames)), time, self._offset + at)

    def _keep(self, view: memoryview, at: int) -> None:
        """Leaves the octets from `at` on in the buffer."""
        if self._state is _OTHER:
            at = len(view)
        self._buffer = bytearray(view[at:])
        if at:
            self._runs = [(end - at, frame, time) for end, frame, time in self._runs if end > at]
        self._run = 0
        self._offset += at

    def gap(self, gap: Gap) -> Sequence[FramedPdu]:
        """The next `gap.length_octets` octets are not in the capture."""
        if self._state is _OTHER:
            return []
        if self._skip:
            if gap.length_octets <= self._skip:
                self._skip -= gap.length_octets
                return []
            self._skip = 0
            self._state = _SEARCHING
            return []
        found, fragment_length = self._cut()
        missing = fragment_length - len(self._buffer)
        self._clear()
        if found and gap.length_octets <= missing:
            self._skip = missing - gap.length_octets
        else:
            self._state = _SEARCHING
        return found

    def close(self) -> Sequence[FramedPdu]:
        """Nothing more comes; a PDU that was begun is given as far as it goes."""
        found, _ = self._cut()
        self._clear()
        return found

    def _cut(self) -> tuple[list[FramedPdu], int]:
        """The PDU that stands unfinished in the buffer, and its fragment length."""
        if self._state is not _SYNCHRONISED or len(self._buffer) < HEADER_LENGTH_OCTETS:
            return [], 0
        octets = memoryview(bytes(self._buffer))
        header = parse_header(octets)
        return [FramedPdu(octets, self._seen(0, len(octets)), header)], header.fragment_length

    def _clear(self) -> None:
        self._buffer = bytearray()
        self._runs, self._run = [], 0
        self._needed = HEADER_LENGTH_OCTETS
