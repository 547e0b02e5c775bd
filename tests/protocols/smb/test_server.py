"""The tables of a server: bounded, and consistent whatever is taken out of them."""

from __future__ import annotations

import pytest

from rpctrace.protocols.dissector import Channel
from rpctrace.protocols.smb import server
from rpctrace.protocols.smb.pipe import Pipe, Session
from rpctrace.protocols.smb.server import Server, Servers, make_room


def pipe_of(session: Session, tree: tuple[int, int] | None = (1, 2)) -> Pipe:
    return Pipe(Channel("ncacn_np", None, False), session, tree, sure=True)


def test_room_is_made_of_the_oldest() -> None:
    table, limits = {1: "a", 2: "b"}, {}
    assert make_room(table, 3, "name", limits) is None
    assert make_room(table, 2, "name", limits) == "a"
    assert (table, limits) == ({2: "b"}, {"name": 1})


def test_pipes_are_known_by_key_tree_and_session() -> None:
    one, session = Server({}), Session(1)
    first, second = pipe_of(session), pipe_of(session)
    assert one.enter((1, 1), first) is None
    assert one.enter((1, 2), second) is None
    assert one.pipes_of((1, 2)) == [first, second]
    assert list(session.pipes) == [first, second]
    assert one.leave(first)
    assert not one.leave(first)
    assert one.pipes_of((1, 2)) == list(session.pipes) == [second]
    assert one.enter((1, 2), first) is second
    assert not one.leave(second)
    assert list(one.pipes.values()) == [first]


def test_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MAXIMUM_PIPES", "MAXIMUM_TREES", "MAXIMUM_SESSIONS", "MAXIMUM_OWNED_SESSIONS"):
        monkeypatch.setattr(server, name, 2)
    limits: dict[str, int] = {}
    servers, session, one = Servers(), Session(1), Server(limits)
    for number in range(3):
        one.enter((1, number), pipe_of(session, None))
        one.know_tree((1, number), of_pipes=True)
        one.session(number)
        servers.own(b"a", number, one)
    assert limits == {"smb_pipes": 1, "smb_trees": 1, "smb_sessions": 1}
    assert servers.limits == {"smb_owned_sessions": 1}
    assert [len(table) for table in (one.pipes, one.trees, one.sessions, session.pipes)] == [2, 2, 2, 2]


def test_who_began_a_session() -> None:
    """Known by the server's identifier and the number; the last to begin it is its owner until it is over."""
    servers, one, two = Servers(), Server({}), Server({})
    servers.own(b"a", 5, one)
    assert servers.owner(b"a", 5) is one
    assert servers.owner(b"b", 5) is servers.owner(b"a", 6) is None
    servers.own(b"a", 5, two)
    servers.disown(b"a", 5, one)
    assert servers.owner(b"a", 5) is two
    servers.disown(b"a", 5, two)
    assert servers.owner(b"a", 5) is None


def test_only_the_session_of_its_number_is_forgotten() -> None:
    one = Server({})
    session = one.session(5)
    one.forget(Session(5))
    assert one.session(5) is session
    one.forget(session)
    assert one.session(5) is not session
