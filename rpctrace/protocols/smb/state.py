"""The one place where a connection of SMB remembers: requests without answers, the sessions it uses, the server that it
talks to, and what there is to say."""

from __future__ import annotations

from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dissector import Channel, ChannelEvent, Provenance
from rpctrace.protocols.gssapi.exchange import Leg, NtlmNames
from rpctrace.protocols.smb.notice import SessionFacts, SmbNotice
from rpctrace.protocols.smb.operation import Kind, Operation
from rpctrace.protocols.smb.pipe import FileKey, Pipe, Session, Tree
from rpctrace.protocols.smb.server import MAXIMUM_SESSIONS, Server, Servers, make_room
from rpctrace.stream.stream import Chunk, Close, Direction, Gap, StreamEvent

_new = tuple.__new__  # of a named tuple: half the cost of its own constructor

MAXIMUM_PENDING = 8_192  # of one connection

Said = ChannelEvent | Leg | SmbNotice | SessionFacts
RequestKey = int | tuple[int, ...]
CLIENT: Direction = 0
SERVER: Direction = 1


class Pending(NamedTuple):
    """A request without its answer. `leg` is held until the answer tells which session it began."""

    kind: Kind
    file: FileKey | None = None
    pipe: Pipe | None = None
    leg: Leg | None = None
    path: str | None = None
    names: NtlmNames | None = None
    binding: bool = False


class Item(NamedTuple):
    """An operation with the octets of its message, and the pipe of the one before it in the compound."""

    operation: Operation
    octets: memoryview
    provenance: Provenance
    role: Direction
    before: Pipe | None


class SmbState:
    """`limits` counts the bounds reached, those of what connections share in `servers.limits`."""

    def __init__(self, servers: Servers | None) -> None:
        self.limits: dict[str, int] = {}
        self._servers = Servers() if servers is None else servers
        self._own = Server(self.limits)
        self._identifier: bytes | None = None  # that the server gives of itself
        self._homes: dict[int, Server] = {}  # of sessions that other connections began
        self.sessions: dict[int, Session] = {}  # that this connection uses
        self._pending: dict[RequestKey, Pending] = {}
        self.told: list[Said] = []  # since `said` was asked
        self.frame: int | None = None  # of the last octets
        self.now_ns: int | None = None

    # What there is to say

    def said(self) -> list[Said]:
        """What was told since the last time."""
        said, self.told = self.told, []
        return said

    def tell(self, said: Said) -> None:
        self.told.append(said)

    def tell_of(self, pipe: Pipe, event: StreamEvent, direction: Direction, length_octets: int) -> None:
        """An event of a pipe, behind what was lost meanwhile and may have been of this one."""
        session = pipe.session
        if pipe.losses != session.lost:
            for role in (CLIENT, SERVER):
                count = session.lost[role] - pipe.losses[role]
                if count:
                    gap = Gap(role, pipe.offsets[role], count, session.lost_in[role])
                    self.told.append(ChannelEvent(pipe.channel, gap))
                    pipe.offsets[role] += count
            pipe.losses = list(session.lost)
            if isinstance(event, Chunk | Gap):
                event = event._replace(offset=pipe.offsets[direction])
        pipe.offsets[direction] += length_octets
        self.told.append(_new(ChannelEvent, (pipe.channel, event)))

    # Requests

    def ask(self, operation: Operation, pending: Pending) -> None:
        waiting = self._pending
        given_up = waiting.pop(operation.key, None)
        if given_up is None and len(waiting) >= MAXIMUM_PENDING:
            given_up = make_room(waiting, MAXIMUM_PENDING, "smb_pending_requests", self.limits)
        if given_up is not None and given_up.leg is not None:
            self.tell(given_up.leg)
        waiting[operation.key] = pending

    def asked(self, operation: Operation) -> Pending | None:
        """The request of an answer, or of a further part of it; done with unless `operation.more`."""
        pending = self._pending.get(operation.key)
        if pending is None or pending.kind is not operation.kind:
            return None
        if not operation.more:
            del self._pending[operation.key]
        return pending

    # Sessions

    def name_server(self, identifier: bytes) -> None:
        self._identifier = identifier if any(identifier) else None

    def home(self, number: int) -> Server:
        """Where the trees and pipes of a session are kept."""
        return self._homes.get(number, self._own) if self._homes else self._own

    def begin_session(self, number: int, *, joins: bool) -> None:
        """A session is set up, on this connection first, or on it as well (`joins`)."""
        if self._identifier is not None and number and number not in self.sessions:
            if not joins:
                self._servers.own(self._identifier, number, self._own)
            else:
                owner = self._servers.owner(self._identifier, number)
                if owner is not None and owner is not self._own:
                    self._homes[number] = owner
        self.session(number)

    def session(self, number: int) -> Session:
        found = self.sessions.get(number)
        if found is None:
            given_up = make_room(self.sessions, MAXIMUM_SESSIONS, "smb_sessions", self.limits)
            if given_up is not None:
                self._part_from(given_up)
            found = self.sessions[number] = self.home(number).session(number)
            found.connections.add(self)
        return found

    def target(self, number: int) -> str | None:
        session = self.sessions.get(number)
        return None if session is None else session.target

    def end_session(self, number: int) -> None:
        session = self.sessions.pop(number, None)
        if session is not None:
            self._end_session(session)

    def _end_session(self, session: Session) -> None:
        number = session.number
        for pipe in list(session.pipes):
            self.close(pipe)
        home = self.home(number)
        home.forget(session)
        if self._identifier is not None:
            self._servers.disown(self._identifier, number, home)
        self._homes.pop(number, None)

    def _part_from(self, session: Session) -> None:
        session.connections.discard(self)
        if not session.connections:
            self._end_session(session)
        self._homes.pop(session.number, None)

    # Pipes

    def pipe(self, operation: Operation, name: str | None, *, sure: bool, joined_late: bool = False) -> Pipe:
        channel = Channel("ncacn_np", name, joined_late)
        return Pipe(channel, self.session(operation.session), operation.tree, sure=sure)

    def is_of_pipes(self, tree: Tree | None) -> bool | None:
        """None where that is not known."""
        return None if tree is None else self.home(tree[0]).trees.get(tree)

    def open_pipe(self, key: FileKey) -> Pipe | None:
        return self.home(key[0]).pipes.get(key)

    def enter(self, key: FileKey, pipe: Pipe) -> None:
        before = self.home(key[0]).enter(key, pipe)
        if before is not None:
            self._tell_closed(before, self.frame, self.now_ns)

    def close(self, pipe: Pipe, provenance: Provenance | None = None) -> None:
        if pipe.key is not None and self.home(pipe.key[0]).leave(pipe):
            if provenance is None:
                self._tell_closed(pipe, self.frame, self.now_ns)
            else:
                self._tell_closed(pipe, provenance.frame, provenance.timestamp_ns)

    def _tell_closed(self, pipe: Pipe, frame: int | None, now_ns: int | None) -> None:
        if pipe.speaks:
            self.tell_of(pipe, Close(None, False, frame, now_ns), CLIENT, 0)

    def finish(self) -> None:
        """The connection is at its end."""
        for pending in self._pending.values():
            if pending.leg is not None:
                self.tell(pending.leg)
        for session in self.sessions.values():
            self._part_from(session)
        self._pending, self.sessions = {}, {}
