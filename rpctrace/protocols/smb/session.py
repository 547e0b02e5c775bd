"""A TCP connection of SMB -> the channels of its pipes, the legs of its session setups, and what was refused.

Each open file of the share IPC$ is a channel of its own. What a file is, is known from its tree; without it (the
capture begins later) a file is a pipe once its data begins with a DCE/RPC header. A direction of TCP is the client's
or the server's by what its messages say of themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rpctrace.protocols.dissector import Channel, ChannelEvent, Problems, Provenance
from rpctrace.protocols.gssapi.exchange import Leg, NtlmNames
from rpctrace.protocols.smb.framing import NEGATIVE_RESPONSE, Framer, Wanted
from rpctrace.protocols.smb.notice import SessionFacts, SmbNotice, SmbNoticeKind
from rpctrace.protocols.smb.operation import (
    LOOK_OCTETS,
    STATUS_FILE_CLOSED,
    STATUS_MORE_PROCESSING_REQUIRED,
    Cover,
    Kind,
    Message,
    Operation,
)
from rpctrace.protocols.smb.pipe import FileKey, Pipe, Session, Tree, Way, begins_a_pdu, pipe_name, text_at, texts_at
from rpctrace.protocols.smb.server import MAXIMUM_SESSIONS, Server, Servers, make_room
from rpctrace.stream.stream import Chunk, Close, Direction, Gap, Seen, StreamEvent

# Of one connection
MAXIMUM_PENDING = 8_192
MAXIMUM_COVERED_SESSIONS = 1_024

Said = ChannelEvent | Leg | SmbNotice | SessionFacts
RequestKey = int | tuple[int, ...]
CLIENT: Direction = 0
SERVER: Direction = 1

_RELATED_FILE = b"\xff" * 16  # [MS-SMB2] 3.2.4.1.4
_FAILURES = {
    Kind.WRITE: SmbNoticeKind.WRITE_FAILED,
    Kind.READ: SmbNoticeKind.READ_FAILED,
    Kind.TRANSACT: SmbNoticeKind.TRANSACT_FAILED,
}
_COVERS = {Cover.ENCRYPTED: SmbNoticeKind.ENCRYPTED, Cover.COMPRESSED: SmbNoticeKind.COMPRESSED}


class _Pending(NamedTuple):
    """A request without its answer. `leg` is held until the answer tells which session it began."""

    kind: Kind
    file: FileKey | None = None
    pipe: Pipe | None = None
    leg: Leg | None = None
    path: str | None = None
    names: NtlmNames | None = None
    binding: bool = False


class _Link(NamedTuple):
    """What a related operation of a compound takes from the one before it."""

    session: int
    tree: Tree | None
    pipe: Pipe | None


class _Side:
    """One direction of TCP: `role` is what its messages say it is."""

    def __init__(self, connection: SmbConnection, role: Direction) -> None:
        self._connection = connection
        self.role = role
        self.link = _Link(0, None, None)

    def message(self, message: Message, octets: memoryview, provenance: Provenance) -> Sequence[Wanted]:
        if message.answer is not None:
            self.role = 1 if message.answer else 0
        return self._connection.message(self, message, octets, provenance)

    def control(self, packet_type: int, octets: memoryview, provenance: Provenance) -> None:
        if packet_type == NEGATIVE_RESPONSE:
            status = octets[0] if octets else None
            self._connection.tell(SmbNotice(SmbNoticeKind.NETBIOS_REFUSED, None, status, provenance))

    def data(self, way: Way, octets: memoryview, frame_number: int, timestamp_ns: int | None) -> None:
        pipe, direction = way
        event = Chunk(direction, pipe.offsets[direction], octets, frame_number, timestamp_ns)
        self._connection.tell_of(pipe, event, direction, len(octets))

    def missing(self, way: Way, length_octets: int, frame_number: int) -> None:
        pipe, direction = way
        event = Gap(direction, pipe.offsets[direction], length_octets, frame_number)
        self._connection.tell_of(pipe, event, direction, length_octets)

    def lost(self, length_octets: int, frame_number: int) -> None:
        for session in self._connection.sessions:
            session.lose(self.role, length_octets, frame_number)


class SmbConnection:
    """Fed with both directions. `servers` is what the connections of one capture share; without it a session that uses
    several connections is not understood. `limits` counts the bounds reached: `smb_pending_requests`,
    `smb_covered_sessions`, and, here or in `servers.limits`, `smb_pipes`, `smb_trees`, `smb_sessions`, `smb_servers`."""

    def __init__(self, problems: Problems, *, joined_late: bool, servers: Servers | None = None) -> None:
        self.limits: dict[str, int] = {}
        self._servers = Servers() if servers is None else servers
        self._server = Server(self.limits)  # until it names itself
        self._sessions: dict[int, Session] = {}  # that this connection uses
        self._told: list[Said] = []
        self._framers = tuple(
            Framer(_Side(self, direction), problems, from_start=not joined_late) for direction in (CLIENT, SERVER)
        )
        self._open = {CLIENT, SERVER}
        self._pending: dict[RequestKey, _Pending] = {}
        self._covered: dict[tuple[Cover, int], SmbNotice] = {}
        self._frame: int | None = None
        self._now_ns: int | None = None

    # The contract of a dissector

    @property
    def is_other(self) -> bool:
        return self._framers[0].is_other and self._framers[1].is_other

    def skippable(self, direction: Direction) -> int:
        return self._framers[direction].skippable

    def feed(self, chunk: Chunk) -> Sequence[Said]:
        self._frame, self._now_ns = chunk.frame_number, chunk.timestamp_ns
        self._framers[chunk.direction].feed(chunk)
        return self._said() if self._told else ()

    def gap(self, gap: Gap) -> Sequence[Said]:
        self._framers[gap.direction].gap(gap)
        return self._said()

    def end(self, direction: Direction) -> Sequence[Said]:
        self._framers[direction].close()
        self._open.discard(direction)
        if not self._open:
            for pending in self._pending.values():
                if pending.leg is not None:
                    self.tell(pending.leg)
            for session in self._sessions.values():
                session.connections.discard(self)
                if not session.connections:
                    self._end_session(session)
            self._sessions = {}
            self._told += self._covered.values()
            self._pending, self._covered = {}, {}
        return self._said()

    @property
    def sessions(self) -> Iterable[Session]:
        return self._sessions.values()

    def _said(self) -> Sequence[Said]:
        said, self._told = self._told, []
        return said

    def tell(self, said: Said) -> None:
        self._told.append(said)

    def tell_of(self, pipe: Pipe, event: StreamEvent, direction: Direction, length_octets: int) -> None:
        """An event of a pipe, behind what was lost meanwhile and may have been of this one."""
        session = pipe.session
        if pipe.losses != session.lost:
            for role in (CLIENT, SERVER):
                count = session.lost[role] - pipe.losses[role]
                if count:
                    gap = Gap(role, pipe.offsets[role], count, session.lost_in[role])
                    self._told.append(ChannelEvent(pipe.channel, gap))
                    pipe.offsets[role] += count
            pipe.losses = list(session.lost)
            if isinstance(event, Chunk | Gap):
                event = event._replace(offset=pipe.offsets[direction])
        pipe.offsets[direction] += length_octets
        self._told.append(ChannelEvent(pipe.channel, event))

    # Messages

    def message(
        self, side: _Side, message: Message, octets: memoryview, provenance: Provenance
    ) -> Sequence[Wanted]:
        """What the operations of a message do, and which of its octets go through pipes."""
        if message.cover is not None:
            self._count_covered(message.cover, message.session, provenance)
        wanted: list[Wanted] = []
        for operation in message.operations:
            link = side.link
            if operation.related:
                operation = operation._replace(session=link.session, tree=link.tree, scope=link.session)
            handler = _ANSWERS[operation.kind] if operation.answer else _REQUESTS[operation.kind]
            pipe = handler(self, side, operation, octets, provenance)
            if not operation.answer:
                side.link = _Link(operation.session, operation.tree, pipe)
            if pipe is None or not pipe.speaks:
                continue
            start, length = operation.data
            if not length:
                seen = Seen(side.role, provenance.frame, provenance.timestamp_ns)
                self.tell_of(pipe, seen, side.role, 0)
            elif message.cover is None:
                wanted.append(Wanted(start, length, Way(pipe, side.role)))
            else:
                side.missing(Way(pipe, side.role), length, provenance.frame)
        return wanted

    def _count_covered(self, cover: Cover, session: int, provenance: Provenance) -> None:
        counted = self._covered.get((cover, session))
        if counted is not None:
            self._covered[cover, session] = counted._replace(messages=counted.messages + 1)
            return
        make_room(self._covered, MAXIMUM_COVERED_SESSIONS, "smb_covered_sessions", self.limits)
        self._covered[cover, session] = SmbNotice(_COVERS[cover], None, None, provenance, session)

    def _session(self, number: int) -> Session:
        found = self._sessions.get(number)
        if found is None:
            make_room(self._sessions, MAXIMUM_SESSIONS, "smb_sessions", self.limits)
            # 0 is what a request calls a session that is still to come: nothing that connections share
            found = self._sessions[number] = self._server.session(number) if number else Session(0)
            found.connections.add(self)
        return found

    def _end_session(self, session: Session) -> None:
        for pipe in list(session.pipes):
            self._close(pipe)
        self._server.forget(session)

    # Requests and answers

    def _negotiated(
        self, _side: _Side, operation: Operation, _octets: memoryview, _provenance: Provenance
    ) -> None:
        if operation.server is not None and any(operation.server) and not self._sessions:
            self._server = self._servers.named(operation.server)

    def _begin_session(self, number: int) -> None:
        """A number that other connections used is that of a new session: the server began anew."""
        if number and number not in self._sessions:
            stale = self._server.sessions.get(number)
            if stale is not None:
                self._end_session(stale)

    def _target(self, number: int) -> str | None:
        session = self._sessions.get(number)
        return None if session is None else session.target

    def _ask(self, operation: Operation, pending: _Pending) -> None:
        given_up = self._pending.pop(operation.key, None)
        if given_up is None:
            given_up = make_room(self._pending, MAXIMUM_PENDING, "smb_pending_requests", self.limits)
        if given_up is not None and given_up.leg is not None:
            self.tell(given_up.leg)
        self._pending[operation.key] = pending

    def _asked(self, operation: Operation) -> _Pending | None:
        """The request of an answer, done with unless more answers follow."""
        pending = self._pending.get(operation.key)
        if pending is None or pending.kind is not operation.kind:
            return None
        if not operation.more:
            del self._pending[operation.key]
        return pending

    def _setup_request(
        self, side: _Side, operation: Operation, octets: memoryview, provenance: Provenance
    ) -> None:
        session, token = operation.session, operation.token
        names = None
        if operation.text.length:
            user, domain, *_others = [*texts_at(octets, operation.text, unicode=operation.unicode), "", ""]
            names = NtlmNames(domain or None, user or None)
        leg = Leg(
            "smb", session, side.role, memoryview(bytes(octets[token.start : token.end])), None, None,
            self._target(session), provenance,
        )  # fmt: skip
        if session:
            self.tell(leg)
        self._ask(operation, _Pending(Kind.SESSION_SETUP, leg=None if session else leg, names=names, binding=operation.binding))

    def _setup_answer(
        self, side: _Side, operation: Operation, octets: memoryview, provenance: Provenance
    ) -> None:
        pending = self._asked(operation)
        if operation.more:
            return
        session, token, status = operation.session, operation.token, operation.status
        if pending is not None and pending.leg is not None:
            self.tell(pending.leg._replace(session=session))
        if not operation.failed and not (pending is None or pending.binding):
            self._begin_session(session)
        if pending is not None and pending.names is not None:
            self.tell(SessionFacts(session, None, pending.names, provenance))
        outcome = None if status == STATUS_MORE_PROCESSING_REQUIRED else not operation.failed
        answer = memoryview(bytes(octets[token.start : token.end]))
        self.tell(Leg("smb", session, side.role, answer, status, outcome, self._target(session), provenance))

    def _logoff_answer(
        self, _side: _Side, operation: Operation, _octets: memoryview, _provenance: Provenance
    ) -> None:
        session = self._sessions.pop(operation.session, None)
        if session is not None and not operation.failed:
            self._end_session(session)

    def _tree_request(
        self, _side: _Side, operation: Operation, octets: memoryview, provenance: Provenance
    ) -> None:
        path = text_at(octets, operation.text, unicode=operation.unicode)
        self._ask(operation, _Pending(Kind.TREE_CONNECT, path=path))
        server = path.strip("\\").split("\\")[0] if path else ""
        session = self._session(operation.session)
        if server and session.target is None:
            session.target = f"\\\\{server}"
            self.tell(SessionFacts(operation.session, session.target, None, provenance))

    def _tree_answer(
        self, _side: _Side, operation: Operation, _octets: memoryview, provenance: Provenance
    ) -> None:
        pending = self._asked(operation)
        path = None if pending is None else pending.path
        if operation.failed:
            self.tell(SmbNotice(SmbNoticeKind.TREE_REFUSED, path, operation.status, provenance, operation.session))
        elif operation.tree is not None and not operation.more:
            pipe = operation.pipe
            if pipe is None and path is not None:
                pipe = path.lower().endswith("\\ipc$")
            if pipe is not None:
                self._server.know_tree(operation.tree, of_pipes=pipe)

    def _tree_left(
        self, _side: _Side, operation: Operation, _octets: memoryview, _provenance: Provenance
    ) -> None:
        if operation.failed or operation.tree is None:
            return
        self._server.trees.pop(operation.tree, None)
        for pipe in [pipe for pipe in self._session(operation.session).pipes if pipe.tree == operation.tree]:
            self._close(pipe)

    # Pipes

    def _create_request(
        self, _side: _Side, operation: Operation, octets: memoryview, _provenance: Provenance
    ) -> Pipe | None:
        kind = self._kind_of(operation)
        if kind is False:
            return None
        name = text_at(octets, operation.text, unicode=operation.unicode)
        pipe = self._pipe(operation, None if name is None else pipe_name(name), sure=kind is True)
        self._ask(operation, _Pending(Kind.CREATE, pipe=pipe))
        return pipe

    def _create_answer(
        self, _side: _Side, operation: Operation, _octets: memoryview, provenance: Provenance
    ) -> None:
        pending = self._asked(operation)
        pipe = None if pending is None else pending.pipe
        if operation.more:
            return
        if operation.failed:
            if pipe is not None and pipe.sure:
                self._notice(SmbNoticeKind.OPEN_REFUSED, pipe, operation.status, provenance)
            return
        known = self._kind_of(operation) if operation.pipe is None else operation.pipe
        if operation.file is None or known is False:
            return
        if pipe is None and known is True:
            pipe = self._pipe(operation, None, sure=True)
        if pipe is not None:
            pipe.sure = pipe.sure or known is True
            self._enter((operation.scope, operation.file), pipe)

    def _close_request(
        self, side: _Side, operation: Operation, _octets: memoryview, _provenance: Provenance
    ) -> Pipe | None:
        pipe = self._pipe_of(side, operation)
        if pipe is not None:
            self._ask(operation, _Pending(Kind.CLOSE, pipe=pipe))
        return pipe

    def _close_answer(
        self, _side: _Side, operation: Operation, _octets: memoryview, provenance: Provenance
    ) -> None:
        pending = self._asked(operation)
        pipe = None if pending is None else pending.pipe
        if pipe is not None and (not operation.failed or operation.status == STATUS_FILE_CLOSED):
            self._close(pipe, provenance)

    def _data_request(
        self, side: _Side, operation: Operation, octets: memoryview, _provenance: Provenance
    ) -> Pipe | None:
        """READ, WRITE and TRANSACT: the pipe that the request is for, None for a file that is none so far."""
        if operation.more:  # the rest of a transaction ([MS-CIFS] 2.2.4.34)
            pending = self._pending.get(operation.key)
            return None if pending is None or pending.kind is not operation.kind else pending.pipe
        pipe = self._pipe_of(side, operation)
        if pipe is None and self._kind_of(operation) is False:
            return None
        key = (operation.scope, operation.file)
        if operation.data.length:
            pipe = self._recognised(pipe, key, operation, octets)
        self._ask(operation, _Pending(operation.kind, key, pipe))
        return pipe

    def _data_answer(
        self, side: _Side, operation: Operation, octets: memoryview, provenance: Provenance
    ) -> Pipe | None:
        pending = self._asked(operation)
        pipe = None if pending is None else pending.pipe
        key = (operation.scope, operation.file)
        if pipe is None and pending is not None and pending.file is not None:
            key = pending.file
        pipe = pipe or self._server.pipes.get(key)
        if operation.failed:
            if pipe is not None and (pipe.speaks or (pipe.sure and not pipe.is_foreign)):
                self._notice(_FAILURES[operation.kind], pipe, operation.status, provenance)
        elif operation.data.length and self._kind_of(operation) is not False:
            pipe = self._recognised(pipe, key, operation, octets)
        return pipe

    def _recognised(self, pipe: Pipe | None, key: FileKey, operation: Operation, octets: memoryview) -> Pipe | None:
        """The pipe of data; a file of which only data is seen is one if a PDU begins there."""
        start = operation.data.start
        first = bytes(octets[start : start + min(operation.data.length, LOOK_OCTETS)])
        if pipe is not None:
            pipe.begins(first)
            return pipe
        if not begins_a_pdu(first):
            return None
        session = self._session(operation.session)
        if key[1] is None and len(session.pipes) == 1:
            return next(iter(session.pipes))  # of an answer without its request
        pipe = self._pipe(operation, None, sure=False, joined_late=True)
        pipe.speaks = True
        self._enter(key, pipe)
        return pipe

    def _pipe(self, operation: Operation, name: str | None, *, sure: bool, joined_late: bool = False) -> Pipe:
        channel = Channel("ncacn_np", name, joined_late)
        return Pipe(channel, self._session(operation.session), operation.tree, sure=sure)

    def _kind_of(self, operation: Operation) -> bool | None:
        """Whether its tree is that of pipes, as far as it is known."""
        return None if operation.tree is None else self._server.trees.get(operation.tree)

    def _pipe_of(self, side: _Side, operation: Operation) -> Pipe | None:
        if operation.related and operation.file == _RELATED_FILE:
            return side.link.pipe
        return self._server.pipes.get((operation.scope, operation.file))

    def _enter(self, key: FileKey, pipe: Pipe) -> None:
        before = self._server.enter(key, pipe)
        if before is not None:
            self._tell_closed(before, None)

    def _close(self, pipe: Pipe, provenance: Provenance | None = None) -> None:
        if self._server.leave(pipe):
            self._tell_closed(pipe, provenance)

    def _tell_closed(self, pipe: Pipe, provenance: Provenance | None) -> None:
        frame, now_ns = self._frame, self._now_ns
        if provenance is not None:
            frame, now_ns = provenance.frame, provenance.timestamp_ns
        if pipe.speaks:
            self.tell_of(pipe, Close(None, False, frame, now_ns), CLIENT, 0)

    def _notice(self, kind: SmbNoticeKind, pipe: Pipe, status: int, provenance: Provenance) -> None:
        channel = pipe.channel if pipe.speaks else None
        self.tell(SmbNotice(kind, pipe.channel.name, status, provenance, pipe.session.number, channel))
    def _nothing(
        self, _side: _Side, _operation: Operation, _octets: memoryview, _provenance: Provenance
    ) -> None:
        pass


_Handler = Callable[[SmbConnection, _Side, Operation, memoryview, Provenance], Pipe | None]
_REQUESTS: dict[Kind, _Handler] = {
    Kind.NEGOTIATE: SmbConnection._nothing,
    Kind.SESSION_SETUP: SmbConnection._setup_request,
    Kind.LOGOFF: SmbConnection._nothing,
    Kind.TREE_CONNECT: SmbConnection._tree_request,
    Kind.TREE_DISCONNECT: SmbConnection._nothing,
    Kind.CREATE: SmbConnection._create_request,
    Kind.CLOSE: SmbConnection._close_request,
    Kind.READ: SmbConnection._data_request,
    Kind.WRITE: SmbConnection._data_request,
    Kind.TRANSACT: SmbConnection._data_request,
}
_ANSWERS: dict[Kind, _Handler] = {
    Kind.NEGOTIATE: SmbConnection._negotiated,
    Kind.SESSION_SETUP: SmbConnection._setup_answer,
    Kind.LOGOFF: SmbConnection._logoff_answer,
    Kind.TREE_CONNECT: SmbConnection._tree_answer,
    Kind.TREE_DISCONNECT: SmbConnection._tree_left,
    Kind.CREATE: SmbConnection._create_answer,
    Kind.CLOSE: SmbConnection._close_answer,
    Kind.READ: SmbConnection._data_answer,
    Kind.WRITE: SmbConnection._data_answer,
    Kind.TRANSACT: SmbConnection._data_answer,
}
