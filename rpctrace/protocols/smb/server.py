"""The tables of sessions, trees and open pipes, and which of them several connections share.

A session of SMB 3 may use several connections at once ([MS-SMB2] 3.2.4.1.7, multichannel): a pipe is opened on one,
written on the next and read on a third. A connection that joins a session says so when it sets it up; which session
that is, the server's identifier of itself and the session's number tell. Without both in the capture a connection
stands alone.
"""

from __future__ import annotations

from typing import Any, TypeVar

from rpctrace.protocols.smb.pipe import FileKey, Pipe, Session, Tree

MAXIMUM_OWNED_SESSIONS = 65_536  # of a capture
# Of one connection and those that joined it
MAXIMUM_PIPES = 4_096
MAXIMUM_TREES = 4_096
MAXIMUM_SESSIONS = 1_024

Value = TypeVar("Value")


def make_room(table: dict[Any, Value], most: int, name: str, limits: dict[str, int]) -> Value | None:
    """Room for one more: what stands longest is given up, and counted under `name`."""
    if len(table) < most:
        return None
    limits[name] = limits.get(name, 0) + 1
    return table.pop(next(iter(table)))


class Server:
    """A server as one connection knows it, and those that joined its sessions. `limits` counts the bounds reached."""

    def __init__(self, limits: dict[str, int]) -> None:
        self.trees: dict[Tree, bool] = {}  # whether it is that of pipes
        self.pipes: dict[FileKey, Pipe] = {}
        self.sessions: dict[int, Session] = {}
        self._of_trees: dict[Tree, dict[Pipe, None]] = {}
        self._limits = limits

    def session(self, number: int) -> Session:
        found = self.sessions.get(number)
        if found is None:
            make_room(self.sessions, MAXIMUM_SESSIONS, "smb_sessions", self._limits)
            found = self.sessions[number] = Session(number)
        return found

    def know_tree(self, tree: Tree, *, of_pipes: bool) -> None:
        make_room(self.trees, MAXIMUM_TREES, "smb_trees", self._limits)
        self.trees[tree] = of_pipes

    def enter(self, key: FileKey, pipe: Pipe) -> Pipe | None:
        """A pipe is open; the one that it takes the place of is not any more."""
        before = self.pipes.pop(key, None)
        if before is None:
            before = make_room(self.pipes, MAXIMUM_PIPES, "smb_pipes", self._limits)
        if before is not None:
            self._take_out(before)
        pipe.key = key
        self.pipes[key] = pipe
        pipe.session.pipes[pipe] = None
        if pipe.tree is not None:
            self._of_trees.setdefault(pipe.tree, {})[pipe] = None
        return before

    def pipes_of(self, tree: Tree) -> list[Pipe]:
        return list(self._of_trees.get(tree, ()))

    def forget(self, session: Session) -> None:
        """A session is over: its number may come again."""
        if self.sessions.get(session.number) is session:
            del self.sessions[session.number]

    def leave(self, pipe: Pipe) -> bool:
        """A pipe is closed; False if it was not open."""
        if pipe.key is None or self.pipes.get(pipe.key) is not pipe:
            return False
        del self.pipes[pipe.key]
        self._take_out(pipe)
        return True

    def _take_out(self, pipe: Pipe) -> None:
        pipe.key = None
        pipe.session.pipes.pop(pipe, None)
        if pipe.tree is not None and pipe.tree in self._of_trees:
            others = self._of_trees[pipe.tree]
            others.pop(pipe, None)
            if not others:
                del self._of_trees[pipe.tree]


class Servers:
    """Where the sessions of a capture are kept, by the server's identifier ([MS-SMB2] 2.2.4 ServerGuid) and number."""

    def __init__(self) -> None:
        self._owners: dict[tuple[bytes, int], Server] = {}
        self.limits: dict[str, int] = {}

    def own(self, identifier: bytes, number: int, server: Server) -> None:
        """A session began; one that had its number before is over, or is that of a server which counts each
        connection's for itself."""
        if self._owners.pop((identifier, number), None) is None:
            make_room(self._owners, MAXIMUM_OWNED_SESSIONS, "smb_owned_sessions", self.limits)
        self._owners[identifier, number] = server

    def owner(self, identifier: bytes, number: int) -> Server | None:
        return self._owners.get((identifier, number))

    def disown(self, identifier: bytes, number: int, server: Server) -> None:
        """A session is over."""
        if self._owners.get((identifier, number)) is server:
            del self._owners[identifier, number]
