"""A TCP connection of SMB -> the channels of its pipes, the legs of its session setups, and what was refused.

Each open file of the share IPC$ is a channel of its own. What a file is, is known from its tree; without it (the
capture begins later) a file is a pipe once its data begins with a DCE/RPC header. A direction of TCP is the client's
or the server's by what its messages say of themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.smb import files, setups
from rpctrace.protocols.smb.framing import NEGATIVE_RESPONSE, Framer, Wanted
from rpctrace.protocols.smb.notice import SmbNotice, SmbNoticeKind
from rpctrace.protocols.smb.operation import Cover, Kind, Message
from rpctrace.protocols.smb.pipe import Pipe, Tree, Way
from rpctrace.protocols.smb.server import Servers, make_room
from rpctrace.protocols.smb.state import CLIENT, SERVER, Item, Said, SmbState
from rpctrace.stream.stream import Chunk, Direction, Gap, Seen

_new = tuple.__new__  # of a named tuple: half the cost of its own constructor

MAXIMUM_COVERED_SESSIONS = 1_024  # of one connection

Handler = Callable[[SmbState, Item], Pipe | None]
_COVERS = {Cover.ENCRYPTED: SmbNoticeKind.ENCRYPTED, Cover.COMPRESSED: SmbNoticeKind.COMPRESSED}


def _nothing(_state: SmbState, _it: Item) -> None:
    """Of these only the other way tells something."""


_REQUESTS: dict[Kind, Handler] = {
    Kind.NEGOTIATE: _nothing,
    Kind.SESSION_SETUP: setups.setup_request,
    Kind.LOGOFF: _nothing,
    Kind.TREE_CONNECT: setups.tree_request,
    Kind.TREE_DISCONNECT: _nothing,
    Kind.CREATE: files.create_request,
    Kind.CLOSE: files.close_request,
    Kind.READ: files.data_request,
    Kind.WRITE: files.data_request,
    Kind.TRANSACT: files.data_request,
}
_ANSWERS: dict[Kind, Handler] = {
    Kind.NEGOTIATE: setups.negotiated,
    Kind.SESSION_SETUP: setups.setup_answer,
    Kind.LOGOFF: setups.logoff_answer,
    Kind.TREE_CONNECT: setups.tree_answer,
    Kind.TREE_DISCONNECT: setups.tree_left,
    Kind.CREATE: files.create_answer,
    Kind.CLOSE: files.close_answer,
    Kind.READ: files.data_answer,
    Kind.WRITE: files.data_answer,
    Kind.TRANSACT: files.data_answer,
}


class _Side:
    """One direction of TCP: `role` is what its messages say it is, the client's (0) or the server's."""

    def __init__(self, state: SmbState, role: Direction) -> None:
        self._state = state
        self.role = role
        # What a related operation of a compound takes from the one before it: session, tree, file.
        self._session = 0
        self._tree: Tree | None = None
        self._before: Pipe | None = None
        self.covered: dict[tuple[Cover, int], SmbNotice] = {}

    def message(self, message: Message, octets: memoryview, provenance: Provenance) -> Sequence[Wanted]:
        """What the operations of a message do, and which of its octets go through pipes."""
        if message.answer is not None:
            self.role = SERVER if message.answer else CLIENT
        if message.cover is not None:
            self._count_covered(message.cover, message.session, provenance)
        wanted: list[Wanted] = []
        state, role = self._state, self.role
        for operation in message.operations:
            if operation.related:
                operation = operation._replace(session=self._session, tree=self._tree, scope=self._session)
            item = _new(Item, (operation, octets, provenance, role, self._before))
            if operation.answer:
                pipe = _ANSWERS[operation.kind](state, item)
            else:
                pipe = _REQUESTS[operation.kind](state, item)
                self._session, self._tree, self._before = operation.session, operation.tree, pipe
            if pipe is None or not pipe.speaks:
                continue
            start, length = operation.data
            if not length:
                seen = _new(Seen, (role, provenance.frame, provenance.timestamp_ns))
                state.tell_of(pipe, seen, role, 0)
            elif message.cover is None:
                wanted.append(_new(Wanted, (start, length, Way(pipe, role))))
            else:
                self.missing(Way(pipe, role), length, provenance.frame)
        return wanted

    def control(self, packet_type: int, octets: memoryview, provenance: Provenance) -> None:
        if packet_type == NEGATIVE_RESPONSE:
            status = octets[0] if octets else None
            self._state.tell(SmbNotice(SmbNoticeKind.NETBIOS_REFUSED, None, status, provenance))

    def data(self, way: Way, octets: memoryview, frame_number: int, timestamp_ns: int | None) -> None:
        pipe, direction = way
        event = _new(Chunk, (direction, pipe.offsets[direction], octets, frame_number, timestamp_ns))
        self._state.tell_of(pipe, event, direction, len(octets))

    def missing(self, way: Way, length_octets: int, frame_number: int) -> None:
        pipe, direction = way
        event = Gap(direction, pipe.offsets[direction], length_octets, frame_number)
        self._state.tell_of(pipe, event, direction, length_octets)

    def lost(self, length_octets: int, frame_number: int) -> None:
        for session in self._state.sessions.values():
            session.lose(self.role, length_octets, frame_number)

    def _count_covered(self, cover: Cover, session: int, provenance: Provenance) -> None:
        counted = self.covered.get((cover, session))
        if counted is not None:
            self.covered[cover, session] = counted._replace(messages=counted.messages + 1)
            return
        make_room(self.covered, MAXIMUM_COVERED_SESSIONS, "smb_covered_sessions", self._state.limits)
        self.covered[cover, session] = SmbNotice(_COVERS[cover], None, None, provenance, session)


class SmbConnection:
    """Fed with both directions. `servers` is what the connections of one capture share; without it a session that uses
    several connections is not understood. `limits` counts the bounds reached: `smb_pending_requests`, `smb_pipes`,
    `smb_trees`, `smb_sessions`, `smb_covered_sessions`; `servers.limits`: `smb_owned_sessions`."""

    def __init__(self, problems: Problems, *, joined_late: bool, servers: Servers | None = None) -> None:
        self._state = state = SmbState(servers)
        self._sides = (_Side(state, CLIENT), _Side(state, SERVER))
        self._framers = (
            Framer(self._sides[0], problems, from_start=not joined_late),
            Framer(self._sides[1], problems, from_start=not joined_late),
        )
        self._framers[0].other, self._framers[1].other = self._framers[1], self._framers[0]
        self._open = {CLIENT, SERVER}

    @property
    def limits(self) -> dict[str, int]:
        return self._state.limits

    @property
    def is_other(self) -> bool:
        first, second = self._framers
        return first.is_other and second.is_other

    def skippable(self, direction: Direction) -> int:
        return self._framers[direction].skippable

    def feed(self, chunk: Chunk) -> Sequence[Said]:
        state = self._state
        state.frame, state.now_ns = chunk.frame_number, chunk.timestamp_ns
        self._framers[chunk.direction].feed(chunk)
        return state.said() if state.told else ()

    def gap(self, gap: Gap) -> Sequence[Said]:
        self._framers[gap.direction].gap(gap)
        return self._state.said()

    def end(self, direction: Direction) -> Sequence[Said]:
        self._framers[direction].close()
        self._open.discard(direction)
        if not self._open:
            for framer in self._framers:  # else the two would live on until a look for garbage
                framer.other = None
            self._state.finish()
            for notice in self._covered():
                self._state.tell(notice)
        return self._state.said()

    def _covered(self) -> Sequence[SmbNotice]:
        """Once a session, whoever sent the messages that could not be read."""
        found: dict[tuple[Cover, int], SmbNotice] = {}
        for side in self._sides:
            for key, notice in side.covered.items():
                other = found.get(key, notice._replace(messages=0))
                first = min(notice, other, key=lambda each: each.provenance.frame)
                found[key] = first._replace(messages=notice.messages + other.messages)
            side.covered = {}
        return list(found.values())
