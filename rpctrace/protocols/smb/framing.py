"""One direction of a TCP stream -> messages of SMB, without collecting the data of files.

Of each message no more is collected than its head: what tells which operation it is, and the first octets of its data.
The reader of the heads then says which octets are wanted; those are handed on as they come, each with the frame that
brought it, and everything else is stepped over by length. Behind a gap whose end is not inside a message of known
length, the next message is found by its signature.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum, auto
from struct import Struct
from typing import Protocol

from rpctrace.errors import Malformed, ParseError
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.smb import smb1, smb2
from rpctrace.protocols.smb.operation import Message
from rpctrace.protocols.smb.pipe import Way
from rpctrace.stream.stream import Chunk, Gap

_new = tuple.__new__  # of a named tuple: half the cost of its own constructor

NBSS_OCTETS = 4
SIGNATURE_OCTETS = NBSS_OCTETS + 4
# RFC 1002 4.3.1; direct TCP has session messages alone ([MS-SMB2] 2.1)
SESSION_MESSAGE, NEGATIVE_RESPONSE = 0x00, 0x83
CONTROL = range(0x81, 0x86)
# How far a connection in which no message was ever found is searched: four transfers of the size of SMB 1.
MAXIMUM_SEARCH_OCTETS = 4 * 65_536
# The longest transfer of SMB 3 is 8 MiB; of a longer message the length is not believed.
MAXIMUM_MESSAGE_OCTETS = 9 * 1024 * 1024

# Of octets without a message, what may be the beginning of one: as much as is looked at less one.
SEARCHED_AGAIN_OCTETS = SIGNATURE_OCTETS + 2 - 1

_PACKET = Struct(">I4s")
_READERS = {
    b"\xfeSMB": smb2.read,
    b"\xffSMB": smb1.read,
    b"\xfdSMB": smb2.read_transform,
    b"\xfcSMB": smb2.read_compressed,
}


class Wanted(NamedTuple):
    """Octets of a message that are to be handed on: where they start, how many, and the pipe that they go through."""

    start: int
    length: int
    way: Way


class Sink(Protocol):
    """Who is told what the framer finds; `way` is the one that it gave with `Wanted`."""

    def message(self, message: Message, octets: memoryview, provenance: Provenance) -> Sequence[Wanted]:
        """A head with an operation or a cover; the octets wanted ascend and do not overlap."""
        ...

    def control(self, packet_type: int, octets: memoryview, provenance: Provenance) -> None:
        """A packet of the session service that carries no message."""
        ...

    def data(self, way: Way, octets: memoryview, frame_number: int, timestamp_ns: int | None) -> None: ...

    def missing(self, way: Way, length_octets: int, frame_number: int) -> None:
        """Octets that were wanted are not in the capture."""
        ...

    def lost(self, length_octets: int, frame_number: int) -> None:
        """So many octets with unknown messages are not in the capture."""
        ...


class _State(Enum):
    START = auto()
    BOUNDARY = auto()  # at a packet of the session service
    INSIDE = auto()  # at a message, or at the next one of a compound
    SEARCHING = auto()
    OTHER = auto()


_START, _BOUNDARY, _INSIDE, _SEARCHING, _OTHER = _State
_AT_A_PACKET = (_START, _BOUNDARY)


class Framer:
    """The state of one direction. `recognised` once a packet was found. A head is bounded by the 16 bits of lengths."""

    def __init__(self, sink: Sink, problems: Problems, *, from_start: bool) -> None:
        self._sink = sink
        self._problems = problems
        self._state = _START if from_start else _SEARCHING
        self.skippable = 0  # octets to step over, before those that are wanted
        self._take = 0  # octets wanted
        self._way: Way | None = None
        self._plan: list[tuple[int, int, Way | None]] = []  # further (skip, take, way), the last one first
        self._left = 0  # octets of the packet from the head on that is being collected
        self._buffer = bytearray()
        self._runs: list[tuple[int, int, int | None]] = []  # end in the buffer, frame number, time
        self._needed = NBSS_OCTETS
        self._searched = 0
        self.recognised = False
        self.is_other = False
        self.other: Framer | None = None  # the other direction: where that is SMB, this one is

    def feed(self, chunk: Chunk) -> None:
        _direction, _offset, octets, frame, time = chunk
        at, end = 0, len(octets)
        if self.skippable:
            if self.skippable >= end > 0:
                self.skippable -= end
                if not self.skippable:
                    self._next()
                return
        elif self._state in _AT_A_PACKET and not self._take and not self._buffer and self._alone(chunk, end):
            return
        while at < end and self._state is not _OTHER:
            if self.skippable > end - at:
                self.skippable -= end - at
                return
            if self.skippable or self._take:
                at += self._pass(octets[at:], frame, time)
            elif self._state is _SEARCHING:
                at = self._search(chunk, at)
            else:
                at = self._collect(chunk, at)

    # Octets of a message whose head is known

    def _pass(self, octets: memoryview, frame: int, time: int | None) -> int:
        """Steps over octets, or hands them on; how many."""
        if self.skippable:
            count = min(self.skippable, len(octets))
            self.skippable -= count
        else:
            count = min(self._take, len(octets))
            self._take -= count
            if self._way is not None:
                self._sink.data(self._way, octets[:count], frame, time)
        if not self.skippable and not self._take:
            self._next()
        return count

    def _next(self) -> None:
        while self._plan and not self.skippable and not self._take:
            self.skippable, self._take, self._way = self._plan.pop()

    def _plan_for(self, wanted: Sequence[Wanted], length: int) -> None:
        """What comes of a message of `length` octets, from its first octet on."""
        if not wanted:
            self._plan, self.skippable, self._take = [], length, 0
            return
        at = 0
        plan: list[tuple[int, int, Way | None]] = []
        for start, count, way in wanted:
            if count > 0 and start >= at and start + count <= length:
                plan.append((start - at, count, way))
                at = start + count
        plan.append((length - at, 0, None))
        plan.reverse()
        self._plan = plan
        self.skippable = self._take = 0
        self._next()

    # Heads

    def _collect(self, chunk: Chunk, at: int) -> int:
        """Goes on with the head that begins at `at`, or began in chunks before; where to go on."""
        octets = chunk.octets
        if not self._buffer and self._state in _AT_A_PACKET and self._common(chunk, at):
            return at + NBSS_OCTETS
        if not self._buffer and len(octets) - at >= self._needed:
            used = self._head(octets[at:], Provenance((chunk.frame_number,), chunk.timestamp_ns, chunk.offset + at))
            if used is not None:
                return at + used
        count = min(self._needed - len(self._buffer), len(octets) - at)
        if count > 0:
            self._buffer += octets[at : at + count]
            self._runs.append((len(self._buffer), chunk.frame_number, chunk.timestamp_ns))
            at += count
        while self._buffer and len(self._buffer) >= self._needed and self._at_a_head():
            provenance = self._provenance(chunk.offset + at - len(self._buffer))
            used = self._head(memoryview(bytes(self._buffer)), provenance)
            if used is not None:
                self._drop(used)
                self._replay()
        return at

    def _alone(self, chunk: Chunk, end: int) -> bool:
        """Reads a packet that is a chunk of its own, with one message: the usual case, behind which nothing is left to
        do. False leaves the chunk to the longer way."""
        if end < SIGNATURE_OCTETS:
            return False
        octets = chunk.octets
        length, signature = _PACKET.unpack_from(octets)  # of a session message, the type is 0
        reader = _READERS.get(signature)
        if reader is None or length != end - NBSS_OCTETS:
            return False
        head = octets[NBSS_OCTETS:]
        try:
            message = reader(head, length)
        except ParseError:
            return False
        if message.length != length:
            return False
        self._state, self.recognised = _BOUNDARY, True
        if message.operations or message.cover is not None:
            provenance = _new(Provenance, ((chunk.frame_number,), chunk.timestamp_ns, chunk.offset + NBSS_OCTETS))
            behind = 0
            for start, count, way in self._sink.message(message, head, provenance):
                if count > 0 and start >= behind and start + count <= length:
                    behind = start + count
                    self._sink.data(way, head[start:behind], chunk.frame_number, chunk.timestamp_ns)
        return True

    def _common(self, chunk: Chunk, at: int) -> bool:
        """Reads a packet whose head is whole in one chunk, and right; False leaves it to the longer way."""
        octets = chunk.octets
        if len(octets) - at < SIGNATURE_OCTETS:
            return False
        length, signature = _PACKET.unpack_from(octets, at)  # of a session message, the type is 0
        reader = _READERS.get(signature)
        if reader is None or length > MAXIMUM_MESSAGE_OCTETS:
            return False
        at += NBSS_OCTETS
        head = octets[at : at + length]
        try:
            message = reader(head, length)
        except ParseError:
            return False
        if len(head) < message.head_octets and len(head) < length:
            return False
        self._left, self.recognised = length, True
        if message.operations or message.cover is not None:
            provenance = Provenance((chunk.frame_number,), chunk.timestamp_ns, chunk.offset + at)
            self._step_over(self._sink.message(message, head, provenance), message.length)
        else:
            self._step_over((), message.length)
        return True

    def _at_a_head(self) -> bool:
        return not self.skippable and not self._take and self._state is not _SEARCHING and self._state is not _OTHER

    def _provenance(self, offset: int) -> Provenance:
        _end, _last, time = max(self._runs, key=lambda run: run[1])
        return Provenance(tuple(sorted({frame for _end, frame, _time in self._runs})), time, offset)

    def _drop(self, count: int) -> None:
        """The first octets of the buffer are done with."""
        if count:
            del self._buffer[:count]
            self._runs = [(end - count, frame, time) for end, frame, time in self._runs if end > count]

    def _replay(self) -> None:
        """What was collected goes the way of the octets behind it, with the frames that brought it."""
        octets, at = memoryview(bytes(self._buffer)), 0
        for end, frame, time in self._runs:
            while at < end and (self.skippable or self._take):
                at += self._pass(octets[at:end], frame, time)
        self._drop(at)

    def _head(self, octets: memoryview, provenance: Provenance) -> int | None:
        """Reads what is at hand; None while more is needed, else how many octets are done with."""
        if self._state is _INSIDE:
            return self._element(octets, provenance, whole=True)
        kind, length = octets[0], int.from_bytes(octets[1:NBSS_OCTETS], "big")
        if kind in CONTROL and length <= 0x1_FFFF and (self.recognised or self._state is _START):
            return self._control(octets, provenance, length)
        if kind == SESSION_MESSAGE and length == 0 and self.recognised:
            return NBSS_OCTETS
        if kind == SESSION_MESSAGE and NBSS_OCTETS < length <= MAXIMUM_MESSAGE_OCTETS:
            if len(octets) < SIGNATURE_OCTETS:
                self._needed = SIGNATURE_OCTETS
                return None
            if bytes(octets[NBSS_OCTETS:SIGNATURE_OCTETS]) in _READERS:
                self._state, self._left, self._needed = _INSIDE, length, NBSS_OCTETS
                self.recognised = True
                return NBSS_OCTETS
        if self._state is _START:
            self._state, self.is_other = _OTHER, True
            return len(octets)
        error = Malformed("smb.packet", provenance.stream_offset, f"type {kind:#04x}, {length} octets")
        self._problems.add(error, provenance.frame)
        self._state = _SEARCHING
        return 0

    def _control(self, octets: memoryview, provenance: Provenance, length: int) -> int | None:
        """RFC 1002 4.3.2 to 4.3.6"""
        if octets[0] == NEGATIVE_RESPONSE and len(octets) <= NBSS_OCTETS < NBSS_OCTETS + length:
            self._needed = NBSS_OCTETS + 1
            return None
        self._state, self._needed = _BOUNDARY, NBSS_OCTETS
        self.recognised = True
        self._sink.control(octets[0], octets[NBSS_OCTETS : NBSS_OCTETS + length], provenance)
        self._plan_for((), length)
        return NBSS_OCTETS

    def _element(self, octets: memoryview, provenance: Provenance, *, whole: bool) -> int | None:
        """A message; not `whole`: nothing more of its head comes. It is done with by the plan for its octets."""
        left = self._left
        message: Message | None = None
        wanted: Sequence[Wanted] = ()
        octets = octets[:left]
        try:
            reader = _READERS.get(bytes(octets[:4]))
            if reader is None:
                raise Malformed("smb.message", 0, f"{left} octets without a signature")
            message = reader(octets, left)
        except ParseError as error:
            self._problems.add(error, provenance.frame)
        if message is not None:
            needed = min(message.head_octets, left)
            if whole and len(octets) < needed:
                self._needed = needed
                return None
            if not whole and message.answer is None and message.cover is None:
                self._sink.lost(left - len(octets), provenance.frame)
            if message.operations or message.cover is not None:
                wanted = self._sink.message(message, octets, provenance)
        self._step_over(wanted, left if message is None else message.length)
        return 0

    def _step_over(self, wanted: Sequence[Wanted], length: int) -> None:
        """A message is done with; what follows it is another one of the compound, or a packet."""
        self._left -= length
        self._needed = NBSS_OCTETS
        if self._left:
            self._state, self._needed = _INSIDE, min(self._left, NBSS_OCTETS)
        else:
            self._state = _BOUNDARY
        self._plan_for(wanted, length)

    # Gaps and the end

    def gap(self, gap: Gap) -> None:
        """The next `gap.length_octets` octets are not in the capture."""
        count, frame = gap.length_octets, gap.frame_number
        if self._state is _OTHER:
            return
        self._cut()
        while count and (self.skippable or self._take):
            step = min(count, self.skippable or self._take)
            count -= step
            if self.skippable:
                self.skippable -= step
            else:
                self._take -= step
                if self._way is not None:
                    self._sink.missing(self._way, step, frame)
            if not self.skippable and not self._take:
                self._next()
        if not count:
            return
        self._sink.lost(count, frame)
        if self._state is _INSIDE and count <= self._left:
            rest, self._left = self._left - count, 0
            self._state, self._needed = _BOUNDARY, NBSS_OCTETS
            self._plan_for((), rest)
        else:
            self._state, self._left = _SEARCHING, 0

    def close(self) -> None:
        """Nothing more comes."""
        if self._state is not _OTHER:
            self._cut()

    def _cut(self) -> None:
        """A head that was begun is given as far as it goes; the octets behind it go the usual way."""
        if not self._buffer:
            return
        if self._state is _INSIDE:
            self._element(memoryview(bytes(self._buffer)), self._provenance(0), whole=False)
            self._replay()
        self._buffer, self._runs = bytearray(), []

    # Where the next message is not known

    def _search(self, chunk: Chunk, at: int) -> int:
        """Looks for the next message from `at` on; where to go on."""
        held = len(self._buffer)
        octets = bytes(self._buffer) + bytes(chunk.octets[at:])
        place = find_message(octets)
        if place is not None:
            self._state, self._needed = _BOUNDARY, NBSS_OCTETS
            self._drop(min(place, held))
            return at + max(0, place - held)
        self._searched += len(octets) - held
        known = self.recognised or (self.other is not None and self.other.recognised)
        if self._searched > MAXIMUM_SEARCH_OCTETS and not known:
            self._state, self.is_other = _OTHER, True
            return len(chunk.octets)
        self._buffer += chunk.octets[at:]
        self._runs.append((len(self._buffer), chunk.frame_number, chunk.timestamp_ns))
        self._drop(max(0, len(self._buffer) - SEARCHED_AGAIN_OCTETS))
        return len(chunk.octets)


def find_message(octets: bytes) -> int | None:
    """Where the first packet with a message of SMB begins, if so much of it is there that one can tell."""
    at = octets.find(b"SMB", NBSS_OCTETS + 1)
    while at >= 0:
        start = at - NBSS_OCTETS - 1
        length = int.from_bytes(octets[start + 1 : start + NBSS_OCTETS], "big")
        if octets[start] == SESSION_MESSAGE and length <= MAXIMUM_MESSAGE_OCTETS:
            identifier = octets[at - 1 : at + 3]
            if identifier == smb2.IDENTIFIER:
                # the size of the header stands behind the identifier
                if octets[at + 3 : at + 5] == b"\x40\x00" and length >= smb2.HEADER_OCTETS:
                    return start
            elif identifier in _READERS and length > smb1.HEADER_OCTETS:
                return start
        at = octets.find(b"SMB", at + 3)
    return None
