"""One direction of a stream -> Kerberos messages, whatever the cut into segments: by the mark from message to message.

Over TCP each message stands behind its length in four octets, of which the highest bit is 0 (RFC 4120 7.2.2). What
follows must agree: the tag of a message to or from a KDC and a length in DER, or the head of a password change, that
end where the mark says. A stream known from its start is Kerberos or not by that, on any port; one joined in the
middle, or resumed behind a gap, is searched for it. A message that a gap cuts is given as far as it was captured.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from enum import Enum, auto

from rpctrace.encoding import der
from rpctrace.encoding.reader import Octets
from rpctrace.errors import Malformed
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.kerberos.elements import MessageType
from rpctrace.protocols.kerberos.kpasswd import kpasswd_length
from rpctrace.stream.stream import Chunk, Gap

MARK_LENGTH_OCTETS = 4
# Mark, tag, the longest length in DER, and the tag of the SEQUENCE; or mark, head of a password change, and a tag.
LEAST_MESSAGE_OCTETS = 7
HEAD_LENGTH_OCTETS = MARK_LENGTH_OCTETS + LEAST_MESSAGE_OCTETS
# Four of the largest tickets that Windows makes (MaxTokenSize 65 535); a TGS-REQ carries two or three.
MAXIMUM_MESSAGE_OCTETS = 256 * 1024
MAXIMUM_SEARCH_OCTETS = 2 * 65536  # of a stream that was never recognised
OTHER_PROTOCOL = re.compile(rb"[\xfd-\xff]SMB")

_LAYER = "kerberos.mark"
_KDC_TAGS = frozenset(
    map(
        der.application_tag,
        (MessageType.AS_REQ, MessageType.AS_REP, MessageType.TGS_REQ, MessageType.TGS_REP, MessageType.ERROR),
    )
)
_SIGNATURE = re.compile(
    rb"\x00[\x00-\x03]..(?:[\x6a-\x6d\x7e](?:[\x09-\x7f]|\x81.|\x82..|\x83...|\x84....)\x30"
    rb"|..(?:\x00\x01|\xff\x80)..[\x6e\x6f\x7e])",
    re.DOTALL,
)


def kdc_length(octets: Octets, at: int = 0) -> int | None:
    """The length that a message to or from a KDC starting at `at` gives itself, None where none starts. Needs seven
    octets."""
    if octets[at] not in _KDC_TAGS:
        return None
    first = octets[at + 1]
    count = first & 0x7F if first & 0x80 else 0
    if first == 0x80 or count > der.MAXIMUM_LENGTH_OCTETS or octets[at + 2 + count] != der.SEQUENCE:
        return None
    return 2 + count + (int.from_bytes(octets[at + 2 : at + 2 + count], "big") if count else first)


def message_length(octets: Octets, at: int = 0) -> int | None:
    """`kdc_length`, or that of a password change."""
    length = kdc_length(octets, at)
    return kpasswd_length(octets, at) if length is None else length


def is_marked_message(octets: Octets, at: int = 0) -> bool:
    """Whether a mark and a message that agree start at `at`. Needs `HEAD_LENGTH_OCTETS`."""
    mark = int.from_bytes(octets[at : at + MARK_LENGTH_OCTETS], "big")
    return mark <= MAXIMUM_MESSAGE_OCTETS and message_length(octets, at + MARK_LENGTH_OCTETS) == mark


def next_mark(octets: bytes, at: int, end: int) -> int | None:
    """Where in `at..end` the first mark and message that agree start. Each needs `HEAD_LENGTH_OCTETS`."""
    last = min(end, len(octets) - HEAD_LENGTH_OCTETS)
    while (match := _SIGNATURE.search(octets, at)) is not None and match.start() <= last:
        if is_marked_message(octets, match.start()):
            return match.start()
        at = match.start() + 1  # a chance match must hide none that begins inside it
    return None


class _State(Enum):
    START = auto()  # at the first octet of the direction
    SYNCHRONISED = auto()  # at a mark
    SEARCHING = auto()
    OTHER = auto()  # not Kerberos


class FramedMessage(NamedTuple):
    """A message without its mark, all that the capture holds of it; `length_octets` is what the mark says."""

    octets: memoryview
    provenance: Provenance
    length_octets: int

    @property
    def complete(self) -> bool:
        return len(self.octets) == self.length_octets


class MessageFramer:
    """The state of one direction. `recognised` once a message was met."""

    __slots__ = ("_buffer", "_needed", "_offset", "_runs", "_searched", "_skip", "_state", "problems", "recognised")

    def __init__(self, *, from_start: bool, problems: Problems | None = None) -> None:
        self._state = _State.START if from_start else _State.SEARCHING
        self._buffer = bytearray()
        self._offset = 0  # of the buffer in the stream
        self._runs: deque[tuple[int, int, int | None]] = deque()  # end in the stream, frame number, time
        self._needed = HEAD_LENGTH_OCTETS  # octets without which nothing can be done
        self._skip = 0  # octets of a cut message still to come
        self._searched = 0
        self.recognised = False
        self.problems = Problems() if problems is None else problems

    @property
    def is_other_protocol(self) -> bool:
        return self._state is _State.OTHER

    def feed(self, chunk: Chunk) -> Sequence[FramedMessage]:
        if self._state is _State.OTHER:
            return ()
        stepped = min(self._skip, len(chunk.octets))
        self._skip -= stepped
        octets = chunk.octets[stepped:]
        if not octets:
            return ()
        if not self._buffer:
            self._offset = chunk.offset + stepped
        self._buffer += octets
        self._runs.append((self._offset + len(self._buffer), chunk.frame_number, chunk.timestamp_ns))
        return () if len(self._buffer) < self._needed else self._frame(bytes(self._buffer))

    def _frame(self, octets: bytes) -> list[FramedMessage]:
        """The messages that are whole in `octets`; what stands behind them stays in the buffer."""
        found: list[FramedMessage] = []
        view, at = memoryview(octets), 0
        self._needed = HEAD_LENGTH_OCTETS
        while len(octets) - at >= HEAD_LENGTH_OCTETS:
            if self._state is _State.SEARCHING:
                at, is_found = self._search(octets, at)
                if not is_found:
                    break
            if not self._stands_at_a_mark(octets, at):
                if self._state is _State.OTHER:
                    break
                at += 1  # SEARCHING: the same mark must not be met again
                continue
            behind = at + MARK_LENGTH_OCTETS
            length = int.from_bytes(view[at:behind], "big")
            if len(octets) - behind < length:
                self._needed = MARK_LENGTH_OCTETS + length
                break
            seen = self._seen(at, MARK_LENGTH_OCTETS + length)
            found.append(FramedMessage(view[behind : behind + length], seen, length))
            at = behind + length
        self._keep(at)
        return found

    def _stands_at_a_mark(self, octets: bytes, at: int) -> bool:
        """Once synchronised, any application tag will do: a KDC may send what is not known here."""
        mark = int.from_bytes(octets[at : at + MARK_LENGTH_OCTETS], "big")
        tag = octets[at + MARK_LENGTH_OCTETS]
        start = self._state is _State.START
        trusted = not start and 0 < mark <= MAXIMUM_MESSAGE_OCTETS and tag & 0xE0 == der.application_tag(0)
        if trusted or is_marked_message(octets, at):
            self._state = _State.SYNCHRONISED
            self.recognised = True
            return True
        if start:
            self._state = _State.OTHER
            return False
        error = Malformed(_LAYER, self._offset + at, f"mark 0x{mark:08x} before an octet 0x{tag:02x}")
        self.problems.add(error, self._seen(at, HEAD_LENGTH_OCTETS).frame)
        self._state = _State.SEARCHING
        return False

    def _search(self, octets: bytes, at: int) -> tuple[int, bool]:
        """Where the next mark is and True, or where to go on searching when more octets have come."""
        other = None if self.recognised else OTHER_PROTOCOL.search(octets, at)
        mark = next_mark(octets, at, len(octets) if other is None else other.start())
        if mark is not None:
            self._state = _State.SYNCHRONISED
            return mark, True
        rest = len(octets) - (HEAD_LENGTH_OCTETS - 1)
        self._searched += rest - at
        if other is not None or (not self.recognised and self._searched > MAXIMUM_SEARCH_OCTETS):
            self._state = _State.OTHER
        return rest, False

    def _seen(self, at: int, length: int) -> Provenance:
        """The frames that brought `length` octets at `at` of the buffer. Asked for with ascending `at` only."""
        start = self._offset + at
        while self._runs[0][0] <= start:
            self._runs.popleft()
        times: dict[int, int | None] = {}
        for end, frame, timestamp_ns in self._runs:
            times[frame] = timestamp_ns
            if end >= start + length:
                break
        frames = tuple(sorted(times))
        return Provenance(frames, times[frames[-1]], start)

    def _keep(self, at: int) -> None:
        """Leaves the octets from `at` on in the buffer."""
        if self._state is _State.OTHER:
            self._clear()
            return
        del self._buffer[:at]
        self._offset += at
        while self._runs and self._runs[0][0] <= self._offset:
            self._runs.popleft()

    def gap(self, gap: Gap) -> Sequence[FramedMessage]:
        """The next `gap.length_octets` octets are not in the capture."""
        if self._state is _State.OTHER:
            return ()
        found, missing = self._cut()
        self._clear()
        if 0 < gap.length_octets <= missing:
            self._skip = missing - gap.length_octets
        else:
            self._skip = 0
            self._state = _State.SEARCHING
        return found

    def close(self) -> Sequence[FramedMessage]:
        """Nothing more comes; a message that was begun is given as far as it goes."""
        found, _missing = self._cut()
        self._clear()
        return found

    def _cut(self) -> tuple[list[FramedMessage], int]:
        """The message that stands unfinished in the buffer, and how many octets of it are still to come."""
        held = len(self._buffer)
        if self._skip or self._state is not _State.SYNCHRONISED or held < MARK_LENGTH_OCTETS:
            return [], self._skip
        length = int.from_bytes(self._buffer[:MARK_LENGTH_OCTETS], "big")
        if held < HEAD_LENGTH_OCTETS:
            return [], MARK_LENGTH_OCTETS + length - held if length <= MAXIMUM_MESSAGE_OCTETS else 0
        octets = memoryview(bytes(self._buffer[MARK_LENGTH_OCTETS:]))
        return [FramedMessage(octets, self._seen(0, held), length)], MARK_LENGTH_OCTETS + length - held

    def _clear(self) -> None:
        self._buffer = bytearray()
        self._runs.clear()
        self._needed = HEAD_LENGTH_OCTETS
