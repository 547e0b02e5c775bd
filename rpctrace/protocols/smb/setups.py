"""Sessions and trees: what a request or answer of them tells, and does to the state."""

from __future__ import annotations

from rpctrace.protocols.gssapi.exchange import Leg, NtlmNames
from rpctrace.protocols.smb.notice import SessionFacts, SmbNotice, SmbNoticeKind
from rpctrace.protocols.smb.operation import STATUS_MORE_PROCESSING_REQUIRED, Kind
from rpctrace.protocols.smb.pipe import text_at, texts_at
from rpctrace.protocols.smb.state import Item, Pending, SmbState


def negotiated(state: SmbState, it: Item) -> None:
    if it.operation.server is not None:
        state.name_server(it.operation.server)


def _leg(state: SmbState, it: Item, status: int | None, outcome: bool | None) -> Leg:
    session, token = it.operation.session, it.operation.token
    octets = memoryview(bytes(it.octets[token.start : token.end]))
    return Leg("smb", session, it.role, octets, status, outcome, state.target(session), it.provenance)


def setup_request(state: SmbState, it: Item) -> None:
    """A leg; the first one waits for the answer, which tells the number of the session."""
    operation = it.operation
    names = None
    if operation.text.length:
        user, domain, *_others = [*texts_at(it.octets, operation.text, unicode=operation.unicode), "", ""]
        names = NtlmNames(domain or None, user or None)
    leg = _leg(state, it, None, None)
    if operation.session:
        state.tell(leg)
    held = None if operation.session else leg
    state.ask(operation, Pending(Kind.SESSION_SETUP, leg=held, names=names, binding=operation.binding))


def setup_answer(state: SmbState, it: Item) -> None:
    operation = it.operation
    pending = state.asked(operation)
    if operation.more:
        return
    if pending is not None:
        if pending.leg is not None:
            state.tell(pending.leg._replace(session=operation.session))
        if pending.names is not None:
            state.tell(SessionFacts(operation.session, None, pending.names, it.provenance))
    if not operation.failed:
        state.begin_session(operation.session, joins=pending is not None and pending.binding)
    goes_on = operation.status == STATUS_MORE_PROCESSING_REQUIRED
    state.tell(_leg(state, it, operation.status, None if goes_on else not operation.failed))


def logoff_answer(state: SmbState, it: Item) -> None:
    if not it.operation.failed:
        state.end_session(it.operation.session)


def tree_request(state: SmbState, it: Item) -> None:
    operation = it.operation
    path = text_at(it.octets, operation.text, unicode=operation.unicode)
    state.ask(operation, Pending(Kind.TREE_CONNECT, path=path))
    server = path.strip("\\").split("\\")[0] if path else ""
    session = state.session(operation.session)
    if server and session.target is None:
        session.target = f"\\\\{server}"
        state.tell(SessionFacts(operation.session, session.target, None, it.provenance))


def tree_answer(state: SmbState, it: Item) -> None:
    operation = it.operation
    pending = state.asked(operation)
    path = None if pending is None else pending.path
    if operation.failed:
        kind = SmbNoticeKind.TREE_REFUSED
        state.tell(SmbNotice(kind, path, operation.status, it.provenance, operation.session))
    elif operation.tree is not None and not operation.more:
        of_pipes = operation.pipe
        if of_pipes is None and path is not None:
            of_pipes = path.lower().endswith("\\ipc$")
        if of_pipes is not None:
            state.home(operation.tree[0]).know_tree(operation.tree, of_pipes=of_pipes)


def tree_left(state: SmbState, it: Item) -> None:
    tree = it.operation.tree
    if it.operation.failed or tree is None:
        return
    home = state.home(tree[0])
    home.trees.pop(tree, None)
    for pipe in home.pipes_of(tree):
        state.close(pipe)
