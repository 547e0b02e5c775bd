"""One direction of an HTTP/1.x connection: octets -> header sections in order, bodies stepped over or handed on.

How long a body is depends on more than its header section (an answer to HEAD has none), so whoever is told of a header
section says what follows it. A gap inside a body costs nothing. Behind any other gap, and joined late, the next header
section is looked for where a segment begins: senders begin a message in a segment of its own, or behind one that is
followed to its end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from enum import Enum, auto
from typing import Protocol

from rpctrace.errors import Malformed, ParseError
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dissector import ChannelEvent, Problems, Provenance
from rpctrace.protocols.gssapi.exchange import Leg
from rpctrace.protocols.http.headers import MAXIMUM_HEAD_OCTETS, Head, parse_head
from rpctrace.protocols.http.recognition import HEAD_END, MAY_START, START
from rpctrace.stream.stream import Chunk, Direction, Gap

UNTIL_CLOSE = 1 << 62  # octets of a body that only the connection's end ends
MAXIMUM_LINE_OCTETS = 4096  # of a chunk's size with its extensions, or of a trailer field
_CHUNK_SIZE = re.compile(rb"[ \t]*([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\r\n]*)?\r?\n\Z")
_STEP_OCTETS = 4096  # of a header section, looked at at once: a segment may hold many short ones

Said = Leg | ChannelEvent


class Sink(Protocol):
    """Who reads a body."""

    def feed(self, chunk: Chunk) -> Sequence[Said]: ...

    def gap(self, gap: Gap) -> Sequence[Said]: ...

    def end(self) -> Sequence[Said]: ...


class Body(NamedTuple):
    """What follows a header section: `length` octets, or chunks; to be stepped over unless there is a `sink`."""

    length: int
    chunked: bool = False
    sink: Sink | None = None


class Listener(Protocol):
    """Who is told what a direction says."""

    def head(self, direction: Direction, head: Head, provenance: Provenance, said: list[Said]) -> Body: ...

    def lost(self) -> None:
        """Messages may be missing from here to the next header section."""
        ...


class _State(Enum):
    HEAD = auto()
    BODY = auto()  # `_left` octets
    CHUNK_SIZE = auto()
    CHUNK = auto()  # `_left` octets, then a line's end
    CHUNK_END = auto()
    TRAILER = auto()
    LOST = auto()


class MessageReader:
    """The state of one direction. `mismatched`: its first octets are none of HTTP."""

    __slots__ = (
        "_at_start", "_buffer", "_direction", "_frames", "_last_frame", "_left", "_limits", "_listener", "_may_restart",
        "_offset", "_problems", "_sink", "_state", "_time", "_untouched", "mismatched",
    )  # fmt: skip

    def __init__(
        self, direction: Direction, listener: Listener, problems: Problems, limits: dict[str, int], *, from_start: bool
    ) -> None:
        self._direction = direction
        self._listener = listener
        self._problems = problems
        self._limits = limits
        self._state = _State.HEAD if from_start else _State.LOST
        self._at_start = from_start
        self._buffer = bytearray()  # of a header section or a line that is not whole yet
        self._offset = 0  # of the buffer in the stream
        self._frames: set[int] = set()
        self._last_frame = -1
        self._time: int | None = None
        self._left = 0
        self._sink: Sink | None = None
        self._untouched = False  # nothing came of the body so far
        self._may_restart = False
        self.mismatched = False

    @property
    def skippable(self) -> int:
        body = self._state in (_State.BODY, _State.CHUNK)
        return self._left if body and self._sink is None and not self._may_restart else 0

    def follow(self, body: Body) -> None:
        """From the next octet on it is this: the stream has changed into something else than messages."""
        self._keep_nothing()
        self._enter(body)

    def answered(self) -> None:
        """The message whose header section came last was answered. Where its body was announced and none of it sent so
        far, the next message may come in its place: a client told to authenticate does not send it."""
        self._may_restart = self._untouched and self._state in (_State.BODY, _State.CHUNK_SIZE)

    def feed(self, chunk: Chunk) -> list[Said]:
        said: list[Said] = []
        if self._may_restart:
            self._may_restart = False
            if START.match(bytes(chunk.octets[:512])):
                self._finish(said)
                self._state = _State.HEAD
        while chunk.octets:
            self._untouched = False
            chunk = behind(chunk, _STEPS[self._state](self, chunk, said))
        return said

    def gap(self, gap: Gap) -> list[Said]:
        said: list[Said] = []
        self._may_restart = False
        if self._state in (_State.BODY, _State.CHUNK) and gap.length_octets <= self._left:
            if self._sink is not None:
                said += self._sink.gap(gap)
            self._pass(gap.length_octets, said)
            return said
        if self._sink is not None:
            said += self._sink.gap(gap)
        self._cut(said)
        self._lose(said)
        return said

    def end(self) -> list[Said]:
        """Nothing more comes; a header section that was begun is told as far as it goes."""
        said: list[Said] = []
        self._cut(said)
        self._finish(said)
        self._state = _State.LOST
        return said

    # Header sections

    def _head(self, chunk: Chunk, said: list[Said]) -> int:
        """Steps over the octets of a header section, up to its end where the chunk has it."""
        octets = bytes(chunk.octets[:_STEP_OCTETS])
        held = len(self._buffer)
        if not held:
            blank = len(octets) - len(octets.lstrip(b"\r\n"))  # RFC 9112 2.2: empty lines before a message
            if blank:
                return blank
            self._offset = chunk.offset
        self._note(chunk)
        self._buffer += octets
        if not START.match(self._buffer) and not MAY_START.match(self._buffer):
            self.mismatched = self._at_start
            self._lose(said)
            return len(octets)
        end = HEAD_END.search(self._buffer, max(0, held - 3))
        if end is not None and end.end() <= MAXIMUM_HEAD_OCTETS:
            self._tell(bytes(self._buffer[: end.end()]), True, said)
            return end.end() - held
        if len(self._buffer) > MAXIMUM_HEAD_OCTETS:
            self._count("http_head_octets")
            self._tell(bytes(self._buffer[:MAXIMUM_HEAD_OCTETS]), False, said)
            self._lose(said)
        return len(octets)

    def _cut(self, said: list[Said]) -> None:
        if self._state is _State.HEAD and self._buffer:
            self._tell(bytes(self._buffer), False, said)

    def _tell(self, octets: bytes, complete: bool, said: list[Said]) -> None:
        provenance = Provenance(tuple(sorted(self._frames)), self._time, self._offset)
        self._keep_nothing()
        self._at_start = False
        try:
            head = parse_head(octets, complete=complete)
        except ParseError as error:
            self._problems.add(error, provenance.frame)
            self._lose(said)
            return
        self._enter(self._listener.head(self._direction, head, provenance, said))
        self._untouched = True

    def _lost(self, chunk: Chunk, _said: list[Said]) -> int:
        if START.match(bytes(chunk.octets[:512])):
            self._state = _State.HEAD
            return 0
        return len(chunk.octets)

    # Bodies

    def _enter(self, body: Body) -> None:
        self._sink = body.sink
        self._left = body.length
        if body.chunked:
            self._state = _State.CHUNK_SIZE
        else:
            self._state = _State.BODY if body.length else _State.HEAD

    def _body(self, chunk: Chunk, said: list[Said]) -> int:
        taken = min(self._left, len(chunk.octets))
        if self._sink is not None:
            said += self._sink.feed(chunk._replace(octets=chunk.octets[:taken]))
        self._pass(taken, said)
        return taken

    def _pass(self, count: int, said: list[Said]) -> None:
        if self._left < UNTIL_CLOSE:
            self._left -= count
        if self._left:
            return
        if self._state is _State.CHUNK:
            self._state = _State.CHUNK_END
        else:
            self._finish(said)
            self._state = _State.HEAD

    def _finish(self, said: list[Said]) -> None:
        if self._sink is not None:
            said += self._sink.end()
            self._sink = None

    # RFC 9112 7.1
    def _chunk_size(self, chunk: Chunk, said: list[Said]) -> int:
        line, stepped = self._line(chunk)
        if line is None:
            return stepped
        size = _CHUNK_SIZE.match(line)
        if size is None:
            self._report("no chunk size")
            self._lose(said)
        else:
            self._left = int(size[1], 16)
            self._state = _State.CHUNK if self._left else _State.TRAILER
        return stepped

    def _chunk_end(self, chunk: Chunk, _said: list[Said]) -> int:
        line, stepped = self._line(chunk)
        if line is not None:
            self._state = _State.CHUNK_SIZE
        return stepped

    def _trailer(self, chunk: Chunk, said: list[Said]) -> int:
        line, stepped = self._line(chunk)
        if line is not None and not line.strip():
            self._finish(said)
            self._state = _State.HEAD
        return stepped

    def _line(self, chunk: Chunk) -> tuple[bytes | None, int]:
        """The line that the chunk ends, with its line feed, and how many octets of the chunk belong to it."""
        held = len(self._buffer)
        octets = bytes(chunk.octets[: MAXIMUM_LINE_OCTETS - held])
        end = octets.find(b"\n") + 1
        if not held:
            self._offset = chunk.offset
        self._note(chunk)
        self._buffer += octets[:end] if end else octets
        if not end and len(self._buffer) < MAXIMUM_LINE_OCTETS:
            return None, len(octets)
        line = bytes(self._buffer)
        self._keep_nothing()  # but for the frame, which a problem names
        return line, end or len(octets)

    # Where the place in the stream is lost

    def _lose(self, said: list[Said]) -> None:
        self._finish(said)
        self._keep_nothing()
        self._state = _State.LOST
        self._listener.lost()

    def _report(self, detail: str) -> None:
        self._problems.add(Malformed("http", self._offset, detail), self._last_frame)

    def _note(self, chunk: Chunk) -> None:
        self._frames.add(chunk.frame_number)
        if chunk.frame_number >= self._last_frame or len(self._frames) == 1:
            self._last_frame, self._time = chunk.frame_number, chunk.timestamp_ns

    def _keep_nothing(self) -> None:
        self._buffer = bytearray()
        self._frames = set()
        self._time = None

    def _count(self, limit: str) -> None:
        self._limits[limit] = self._limits.get(limit, 0) + 1


def behind(chunk: Chunk, count: int) -> Chunk:
    """What of a chunk lies behind its first `count` octets."""
    return chunk._replace(offset=chunk.offset + count, octets=chunk.octets[count:])


_STEPS: dict[_State, Callable[[MessageReader, Chunk, list[Said]], int]] = {
    _State.HEAD: MessageReader._head,
    _State.BODY: MessageReader._body,
    _State.CHUNK_SIZE: MessageReader._chunk_size,
    _State.CHUNK: MessageReader._body,
    _State.CHUNK_END: MessageReader._chunk_end,
    _State.TRAILER: MessageReader._trailer,
    _State.LOST: MessageReader._lost,
}
