"""One direction of an LDAP connection: octets -> the messages that bind; all others are stepped over by their length.

A direction joined in the middle, or resumed behind a gap that hides where the next message begins, is looked at where
a segment begins.
"""

from __future__ import annotations

from enum import Enum, auto

from rpctrace.encoding import der
from rpctrace.errors import Malformed, ParseError
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.ldap.messages import BIND_REQUEST, BIND_RESPONSE
from rpctrace.protocols.ldap.recognition import HEAD, HEAD_OCTETS
from rpctrace.stream.stream import Chunk, Gap

MAXIMUM_BIND_OCTETS = 256 * 1024  # a ticket takes up to 64 KiB
_BINDS = frozenset((BIND_REQUEST, BIND_RESPONSE))


class FramedBind(NamedTuple):
    """The octets of one message, all that the capture holds of it from its start."""

    octets: memoryview
    provenance: Provenance


class _State(Enum):
    MESSAGE = auto()  # at a message's first octet, or inside one that is kept
    LOST = auto()


class LdapFramer:
    """The state of one direction. `recognised` once a message was met, `foreign` the octet that stood where a message
    should begin: then the stream is something else from there on, or the place in it is lost."""

    __slots__ = (
        "_binds", "_buffer", "_frames", "_last_frame", "_limits", "_needed", "_offset", "_problems", "_skip", "_state",
        "_time", "foreign", "recognised", "searched",
    )  # fmt: skip

    def __init__(self, problems: Problems, limits: dict[str, int], *, from_start: bool) -> None:
        self._problems = problems
        self._limits = limits
        self._state = _State.MESSAGE if from_start else _State.LOST
        self._buffer = bytearray()
        self._needed = 0  # octets of the message that is being kept, 0 before its head is there
        self._binds = False
        self._offset = 0  # of the buffer in the stream
        self._frames: set[int] = set()
        self._last_frame = -1
        self._time: int | None = None
        self._skip = 0  # octets of a message that are stepped over
        self.recognised = False
        self.foreign: int | None = None
        self.searched = 0

    @property
    def skippable(self) -> int:
        return self._skip

    def feed(self, chunk: Chunk) -> list[FramedBind]:
        octets = chunk.octets
        if self._state is _State.LOST:
            if HEAD.match(bytes(octets[:HEAD_OCTETS])) is None:
                self.searched += len(octets)
                return []
            self._state = _State.MESSAGE
        found: list[FramedBind] = []
        while octets and self._state is _State.MESSAGE:
            if self._skip:
                taken = min(self._skip, len(octets))
                self._skip -= taken
            else:
                taken = self._take(octets, chunk, found)
            octets = octets[taken:]
        return found

    def gap(self, gap: Gap) -> list[FramedBind]:
        if gap.length_octets <= self._skip:
            self._skip -= gap.length_octets
            return []
        found = self.close()
        missing = self._needed - len(self._buffer) if found else 0
        self._clear()
        if gap.length_octets <= missing:
            self._skip = missing - gap.length_octets
        else:
            self._skip, self._state = 0, _State.LOST
        return found

    @property
    def lost(self) -> bool:
        return self._state is _State.LOST

    def close(self) -> list[FramedBind]:
        """What is there of a message that was begun and is not whole."""
        return [self._framed()] if self._needed and self._binds else []

    def _take(self, octets: memoryview, chunk: Chunk, found: list[FramedBind]) -> int:
        """Takes what the next step needs; the octets taken."""
        held = len(self._buffer)
        wanted = max(self._needed, HEAD_OCTETS) - held
        taken = min(wanted, len(octets))
        if not held:
            self._offset = chunk.offset + len(chunk.octets) - len(octets)
        self._note(chunk)
        self._buffer += octets[:taken]
        if not self._needed and not self._measure():
            return taken
        if self._needed and len(self._buffer) >= self._needed:
            # a message shorter than the longest head: what was taken beyond it is the next one's
            over = len(self._buffer) - self._needed
            del self._buffer[self._needed :]
            if self._binds:
                found.append(self._framed())
            self._clear()
            return taken - over
        return taken

    def _measure(self) -> bool:
        """Learns how long the message is, as soon as its head is there; a message that does not bind is stepped over,
        and False says so."""
        buffer = self._buffer
        head = HEAD.match(buffer)
        if head is None:
            if len(buffer) >= HEAD_OCTETS or buffer[0] != der.SEQUENCE:
                self._lose(buffer[0])
            return False
        self.recognised = True
        try:
            whole = der.read_element(buffer, "ldap").end
        except ParseError as error:
            self._problems.add(error, self._last_frame)
            self._lose(buffer[0])
            return False
        binds = head[1][0] in _BINDS
        self._binds = binds and whole <= MAXIMUM_BIND_OCTETS
        if self._binds:
            self._needed = whole
            return True
        if binds:
            self._count("ldap_bind_octets")
            self._problems.add(Malformed("ldap", self._offset, f"bind of {whole} octets"), self._last_frame)
        self._needed = min(whole, len(buffer))
        self._skip = whole - self._needed
        return True

    def _framed(self) -> FramedBind:
        provenance = Provenance(tuple(sorted(self._frames)), self._time, self._offset)
        return FramedBind(memoryview(bytes(self._buffer)), provenance)

    def _lose(self, octet: int) -> None:
        self.foreign = octet
        self._clear()
        self._state = _State.LOST

    def _note(self, chunk: Chunk) -> None:
        self._frames.add(chunk.frame_number)
        if chunk.frame_number >= self._last_frame or len(self._frames) == 1:
            self._last_frame, self._time = chunk.frame_number, chunk.timestamp_ns

    def _clear(self) -> None:
        self._buffer = bytearray()
        self._needed = 0
        self._frames = set()

    def _count(self, limit: str) -> None:
        self._limits[limit] = self._limits.get(limit, 0) + 1
