"""Files: which of them are pipes, and for which pipe the data of a message is.

A file is known to be a pipe by its tree or by what the server says of it. Where neither is in the capture, it is one
once its data begins with a DCE/RPC header; then its name may be missing.
"""

from __future__ import annotations

from rpctrace.protocols.smb.notice import SmbNotice, SmbNoticeKind
from rpctrace.protocols.smb.operation import LOOK_OCTETS, STATUS_CANCELLED, STATUS_FILE_CLOSED, Kind
from rpctrace.protocols.smb.pipe import FileKey, Pipe, begins_a_pdu, pipe_name, text_at
from rpctrace.protocols.smb.state import Item, Pending, SmbState

_new = tuple.__new__  # of a named tuple: half the cost of its own constructor

_RELATED_FILE = b"\xff" * 16  # [MS-SMB2] 3.2.4.1.4
_FAILURES = {
    Kind.WRITE: SmbNoticeKind.WRITE_FAILED,
    Kind.READ: SmbNoticeKind.READ_FAILED,
    Kind.TRANSACT: SmbNoticeKind.TRANSACT_FAILED,
}


def create_request(state: SmbState, it: Item) -> Pipe | None:
    operation = it.operation
    of_pipes = state.is_of_pipes(operation.tree)
    if of_pipes is False:
        return None
    name = text_at(it.octets, operation.text, unicode=operation.unicode)
    pipe = state.pipe(operation, None if name is None else pipe_name(name), sure=of_pipes is True)
    state.ask(operation, Pending(Kind.CREATE, pipe=pipe))
    return pipe


def create_answer(state: SmbState, it: Item) -> None:
    operation = it.operation
    pending = state.asked(operation)
    pipe = None if pending is None else pending.pipe
    if operation.failed:
        if pipe is not None and pipe.sure:
            _notice(state, it, SmbNoticeKind.OPEN_REFUSED, pipe)
        return
    is_pipe = state.is_of_pipes(operation.tree) if operation.pipe is None else operation.pipe
    if operation.more or operation.file is None or is_pipe is False:
        return
    if pipe is None and is_pipe is True:
        pipe = state.pipe(operation, None, sure=True)
    if pipe is not None:
        pipe.sure = pipe.sure or is_pipe is True
        state.enter((operation.scope, operation.file), pipe)


def close_request(state: SmbState, it: Item) -> Pipe | None:
    pipe = _pipe_of(state, it)
    if pipe is not None:
        state.ask(it.operation, Pending(Kind.CLOSE, pipe=pipe))
    return pipe


def close_answer(state: SmbState, it: Item) -> None:
    pending = state.asked(it.operation)
    if it.operation.failed and it.operation.status != STATUS_FILE_CLOSED:
        return
    if pending is not None and pending.pipe is not None:
        state.close(pending.pipe, it.provenance)


def data_request(state: SmbState, it: Item) -> Pipe | None:
    """READ, WRITE and TRANSACT: the pipe that the request is for, None for a file that is none so far."""
    operation = it.operation
    if operation.more:  # the rest of a transaction ([MS-CIFS] 2.2.4.34)
        pending = state.asked(operation)
        pipe = None if pending is None else pending.pipe
        return None if pipe is None else _recognised(state, it, pipe, (operation.scope, None))
    pipe = _pipe_of(state, it)
    if pipe is None and state.is_of_pipes(operation.tree) is False:
        return None
    key = (operation.scope, operation.file)
    if operation.data.length:
        pipe = _recognised(state, it, pipe, key)
    state.ask(operation, _new(Pending, (operation.kind, key, pipe, None, None, None, False)))
    return pipe


def data_answer(state: SmbState, it: Item) -> Pipe | None:
    operation = it.operation
    pending = state.asked(operation)
    pipe = None if pending is None else pending.pipe
    key: FileKey = (operation.scope, operation.file)
    if pending is not None and pending.file is not None:
        key = pending.file
    if pipe is None:
        pipe = state.open_pipe(key)
    if operation.failed:
        if pipe is not None and pipe.speaks and operation.status != STATUS_CANCELLED:
            _notice(state, it, _FAILURES[operation.kind], pipe)
    elif operation.data.length and (pipe is not None or state.is_of_pipes(operation.tree) is not False):
        pipe = _recognised(state, it, pipe, key)
    return pipe


def _pipe_of(state: SmbState, it: Item) -> Pipe | None:
    operation = it.operation
    if operation.related and operation.file == _RELATED_FILE:
        return it.before
    return state.open_pipe((operation.scope, operation.file))


def _recognised(state: SmbState, it: Item, pipe: Pipe | None, key: FileKey) -> Pipe | None:
    """The pipe of data; a file of which only data is seen is one if a PDU begins there."""
    start, length = it.operation.data
    first = bytes(it.octets[start : start + min(length, LOOK_OCTETS)])
    if pipe is not None:
        pipe.look_at(first)
        return pipe
    if not begins_a_pdu(first):
        return None
    session = state.session(it.operation.session)
    if key[1] is None and len(session.pipes) == 1:
        pipe = next(iter(session.pipes))  # of an answer without its request
    else:
        pipe = state.pipe(it.operation, None, sure=False, joined_late=True)
        state.enter(key, pipe)
    pipe.look_at(first)
    return pipe


def _notice(state: SmbState, it: Item, kind: SmbNoticeKind, pipe: Pipe) -> None:
    channel = pipe.channel if pipe.speaks else None
    notice = SmbNotice(kind, pipe.channel.name, it.operation.status, it.provenance, pipe.session.number, channel)
    state.tell(notice)
