"""SMB 2 and 3 ([MS-SMB2] 2.2): the head of a message -> the operation in it, without the data of files.

`read` takes what is at hand of one element of a compound and says how much it needs; an error status has no body.
Raises `Malformed` where an offset or length leaves the element.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Any

from rpctrace.errors import Malformed
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.smb.operation import (
    LOOK_OCTETS,
    NOWHERE,
    STATUS_BUFFER_OVERFLOW,
    STATUS_MORE_PROCESSING_REQUIRED,
    STATUS_PENDING,
    SUCCESS,
    Cover,
    Kind,
    Message,
    Operation,
    Span,
)

_new = tuple.__new__  # of a named tuple: half the cost of its own constructor

IDENTIFIER = b"\xfeSMB"
HEADER_OCTETS = 64
TRANSFORM_OCTETS = 52
COMPRESSION_OCTETS = 16
FSCTL_PIPE_TRANSCEIVE = 0x0011_C017
SHARE_TYPE_PIPE = 2
_ANSWER, _ASYNC, _RELATED = 0x01, 0x02, 0x04  # SMB2_FLAGS_SERVER_TO_REDIR, _ASYNC_COMMAND, _RELATED_OPERATIONS
_BINDING = 0x01  # SMB2_SESSION_FLAG_BINDING
_CHAINED = 0x0001  # SMB2_COMPRESSION_FLAG_CHAINED
_NO_COMPRESSION = 0
_WITH_BODY = frozenset((SUCCESS, STATUS_BUFFER_OVERFLOW, STATUS_MORE_PROCESSING_REQUIRED))

# 2.2.1.1, 2.2.1.2: from Status on; where AsyncId stands in an asynchronous message, TreeId is its upper half.
_HEADER = Struct("<8xIHxxIIQ4xIQ")
_TRANSFORM = Struct("<44xQ")  # 2.2.41: SessionId
_COMPRESSION = Struct("<4xIHHI")  # 2.2.42.1: OriginalCompressedSegmentSize, CompressionAlgorithm, Flags, Offset

_NEGOTIATE_ANSWER = Struct("<8x16s40x")  # 2.2.4: ServerGuid
_SESSION_SETUP_REQUEST = Struct("<2xB9xHH8x")  # 2.2.5: Flags, SecurityBufferOffset, SecurityBufferLength
_SESSION_SETUP_ANSWER = Struct("<4xHH")  # 2.2.6: the same
_TREE_CONNECT_REQUEST = Struct("<4xHH")  # 2.2.9: PathOffset, PathLength
_TREE_CONNECT_ANSWER = Struct("<2xB13x")  # 2.2.10: ShareType
_CREATE_REQUEST = Struct("<44xHH8x")  # 2.2.13: NameOffset, NameLength
_CREATE_ANSWER = Struct("<64x16s8x")  # 2.2.14: FileId
_CLOSE_REQUEST = Struct("<8x16s")  # 2.2.15: FileId
_READ_REQUEST = Struct("<16x16s")  # 2.2.19: FileId
_READ_ANSWER = Struct("<2xBxI8x")  # 2.2.20: DataOffset, DataLength
_WRITE_REQUEST = Struct("<2xHI8x16s16x")  # 2.2.21: DataOffset, Length, FileId
_IOCTL_REQUEST = Struct("<4xI16sII24x")  # 2.2.31: CtlCode, FileId, InputOffset, InputCount
_IOCTL_ANSWER = Struct("<4xI16s8xII8x")  # 2.2.32: CtlCode, FileId, OutputOffset, OutputCount

Common = tuple[Kind, bool, int, int, int, tuple[int, int] | None, int]
Body = Callable[[tuple[Any, ...], Common], Operation | None]


class _Form(NamedTuple):
    """A body: its fixed part, and the operation that it is."""

    fixed: Struct
    read: Body


# The fields of an operation behind its data, and behind its file, as most operations have them.
_NO_MORE = tuple(map(Operation._field_defaults.__getitem__, Operation._fields[Operation._fields.index("pipe") :]))
_NO_DATA = (NOWHERE, NOWHERE, NOWHERE, *_NO_MORE)


def _bare(_fields: tuple[Any, ...], common: Common) -> Operation:
    return _new(Operation, (*common, None, *_NO_DATA))


def _token(fields: tuple[Any, ...], common: Common) -> Operation:
    return Operation(*common, token=_span(*fields))


def _setup(fields: tuple[Any, ...], common: Common) -> Operation:
    return Operation(*common, token=_span(*fields[1:]), binding=bool(fields[0] & _BINDING))


def _server(fields: tuple[Any, ...], common: Common) -> Operation:
    return Operation(*common, server=fields[0])


def _text(fields: tuple[Any, ...], common: Common) -> Operation:
    return Operation(*common, text=_span(*fields))


def _share(fields: tuple[Any, ...], common: Common) -> Operation:
    return Operation(*common, pipe=fields[0] == SHARE_TYPE_PIPE)


def _file(fields: tuple[Any, ...], common: Common) -> Operation:
    return _new(Operation, (*common, fields[0], *_NO_DATA))


def _read(fields: tuple[Any, ...], common: Common) -> Operation:
    return _new(Operation, (*common, None, NOWHERE, NOWHERE, _span(*fields), *_NO_MORE))


def _write(fields: tuple[Any, ...], common: Common) -> Operation:
    offset, length, file = fields
    return _new(Operation, (*common, file, NOWHERE, NOWHERE, _span(offset, length), *_NO_MORE))


def _transact(fields: tuple[Any, ...], common: Common) -> Operation | None:
    code, file, offset, count = fields
    if code != FSCTL_PIPE_TRANSCEIVE:
        return None
    return _new(Operation, (*common, file, NOWHERE, NOWHERE, _span(offset, count), *_NO_MORE))


def _span(offset: int, length: int) -> Span:
    return _new(Span, (offset, length)) if length else NOWHERE


_EMPTY = Struct("")
# 2.2.1.2 Command -> what is asked, the body of the request, that of the answer
_FORMS: dict[int, tuple[Kind, _Form, _Form]] = {
    0: (Kind.NEGOTIATE, _Form(_EMPTY, _bare), _Form(_NEGOTIATE_ANSWER, _server)),
    1: (Kind.SESSION_SETUP, _Form(_SESSION_SETUP_REQUEST, _setup), _Form(_SESSION_SETUP_ANSWER, _token)),
    2: (Kind.LOGOFF, _Form(_EMPTY, _bare), _Form(_EMPTY, _bare)),
    3: (Kind.TREE_CONNECT, _Form(_TREE_CONNECT_REQUEST, _text), _Form(_TREE_CONNECT_ANSWER, _share)),
    4: (Kind.TREE_DISCONNECT, _Form(_EMPTY, _bare), _Form(_EMPTY, _bare)),
    5: (Kind.CREATE, _Form(_CREATE_REQUEST, _text), _Form(_CREATE_ANSWER, _file)),
    6: (Kind.CLOSE, _Form(_CLOSE_REQUEST, _file), _Form(_EMPTY, _bare)),
    8: (Kind.READ, _Form(_READ_REQUEST, _file), _Form(_READ_ANSWER, _read)),
    9: (Kind.WRITE, _Form(_WRITE_REQUEST, _write), _Form(_EMPTY, _bare)),
    11: (Kind.TRANSACT, _Form(_IOCTL_REQUEST, _transact), _Form(_IOCTL_ANSWER, _transact)),
}


def read(octets: memoryview, remaining: int) -> Message:
    """The element that begins `octets`, of a message with `remaining` octets from here on."""
    if len(octets) < HEADER_OCTETS:
        if remaining < HEADER_OCTETS:
            raise Malformed("smb2.header", 0, f"{HEADER_OCTETS} octets needed, {remaining} in the message")
        return Message(HEADER_OCTETS, remaining)
    status, command, flags, following, key, tree_id, session = _HEADER.unpack_from(octets)
    length = following or remaining
    if length < HEADER_OCTETS or length > remaining:
        raise Malformed("smb2.header", 20, f"next command at {following}, {remaining} octets in the message")
    answer = bool(flags & _ANSWER)
    entry = _FORMS.get(command)
    if entry is None:
        return Message(HEADER_OCTETS, length, answer)
    kind = entry[0]
    tree = None if flags & _ASYNC else (session, tree_id)
    common = (kind, answer, key, status if answer else SUCCESS, session, tree, session)
    related = bool(flags & _RELATED) and not answer
    if answer and status not in _WITH_BODY:
        return Message(HEADER_OCTETS, length, answer, (Operation(*common, more=status == STATUS_PENDING),))
    fixed, body = entry[2] if answer else entry[1]
    head = HEADER_OCTETS + fixed.size
    if length < head:
        raise Malformed(f"smb2.{kind.name}", HEADER_OCTETS, f"{head} octets needed, {length} in the message")
    if len(octets) < head:
        return Message(head, length, answer, (Operation(*common, related=related),))
    operation = body(fixed.unpack_from(octets, HEADER_OCTETS), common)
    if operation is None:
        return Message(head, length, answer)
    if related:
        operation = operation._replace(related=True)
    text, token, data = operation.text, operation.token, operation.data
    if text is not NOWHERE or token is not NOWHERE or data is not NOWHERE:
        end = max(text.end, token.end)
        if end > length or data.end > length:
            raise Malformed(f"smb2.{kind.name}", HEADER_OCTETS, f"data to {max(end, data.end)} of {length}")
        if data.length:
            end = data.start + min(data.length, LOOK_OCTETS)
        head = max(head, end)
    return _new(Message, (head, length, answer, (operation,), None, 0))


def read_transform(octets: memoryview, remaining: int) -> Message:
    """2.2.41: an encrypted message, of which only the session is known."""
    if len(octets) < TRANSFORM_OCTETS or remaining < TRANSFORM_OCTETS:
        return Message(TRANSFORM_OCTETS, remaining, cover=Cover.ENCRYPTED)
    return Message(TRANSFORM_OCTETS, remaining, cover=Cover.ENCRYPTED, session=_TRANSFORM.unpack_from(octets)[0])


def read_compressed(octets: memoryview, remaining: int) -> Message:
    """2.2.42: a compressed message; its operation where the head is not compressed, but its data never is at hand."""
    if len(octets) < COMPRESSION_OCTETS or remaining < COMPRESSION_OCTETS:
        return Message(COMPRESSION_OCTETS, remaining, cover=Cover.COMPRESSED)
    original, algorithm, flags, number = _COMPRESSION.unpack_from(octets)
    # 2.2.42.2: chained payloads have headers of their own, and that of the first one stands here.
    plain = 0 if flags & _CHAINED and algorithm != _NO_COMPRESSION else min(number, remaining - COMPRESSION_OCTETS)
    inner = octets[COMPRESSION_OCTETS : COMPRESSION_OCTETS + plain]
    if plain < HEADER_OCTETS or inner[:4] != IDENTIFIER[: len(inner)]:
        return Message(COMPRESSION_OCTETS, remaining, cover=Cover.COMPRESSED)
    message = read(inner, max(original, plain))
    operations = message.operations if message.head_octets <= len(inner) or len(inner) == plain else ()
    head = COMPRESSION_OCTETS + min(message.head_octets, plain)
    return Message(head, remaining, message.answer, operations, Cover.COMPRESSED)
