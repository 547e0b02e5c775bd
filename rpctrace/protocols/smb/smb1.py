"""SMB 1 ([MS-CIFS] 2.2, [MS-SMB] 2.2): the head of a message -> the operations of its AndX chain.

`read` takes what is at hand of a message and says how much it needs. Raises `Malformed` where an offset or length
leaves the message.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from rpctrace.errors import Malformed
from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.smb.operation import LOOK_OCTETS, NOWHERE, SUCCESS, Kind, Message, Operation, Span

HEADER_OCTETS = 32
MAXIMUM_CHAIN = 16  # commands in one message
TRANS_TRANSACT_NMPIPE = 0x0026  # [MS-CIFS] 2.2.5.6
_ANSWER = 0x80  # SMB_FLAGS_REPLY
_UNICODE, _NT_STATUS = 0x8000, 0x4000  # SMB_FLAGS2_UNICODE, SMB_FLAGS2_NT_STATUS
_NO_ANDX = 0xFF
_LOCKING = 0x24  # a server sends it as a request when it breaks an oplock
_RAW_MESSAGE_START = 0x000C  # WriteMode: RAW_MODE and MSG_START, the data begins with the message's length
_MESSAGE_MODE_PIPE, _BYTE_MODE_PIPE = 2, 1  # ResourceType

# 2.2.3.1: Command, Status, Flags, Flags2, PIDHigh, TID, PIDLow, UID, MID
_HEADER = Struct("<4xBIBHH10xHHHH")
_WORD = Struct("<H")

_EXTENDED_SETUP = Struct("<14xH8x")  # [MS-SMB] 2.2.4.6.1: SecurityBlobLength
_PLAIN_SETUP = Struct("<14xHH8x")  # 2.2.4.53.1: OEMPasswordLen, UnicodePasswordLen
_SETUP_ANSWER = Struct("<6xH")  # [MS-SMB] 2.2.4.6.2: SecurityBlobLength
_TREE_CONNECT = Struct("<6xH")  # 2.2.4.55.1: PasswordLength
_NT_CREATE = Struct("<5xH41x")  # 2.2.4.64.1: NameLength
_NT_CREATE_ANSWER = Struct("<5xH56xH3x")  # 2.2.4.64.2: FID, ResourceType
_OPEN_ANSWER = Struct("<4xH12xH10x")  # 2.2.4.41.2: FID, ResourceType
_FID_FIRST = Struct("<H")  # 2.2.4.5.1, 2.2.4.11.1
_FID_ANDX = Struct("<4xH14x")  # 2.2.4.42.1
_READ_ANDX = Struct("<10xHHH8x")  # [MS-SMB] 2.2.4.2.2: DataLength, DataOffset, DataLengthHigh
_WRITE_ANDX = Struct("<4xH8xH2xHHH")  # 2.2.4.43.1: FID, WriteMode, DataLengthHigh, DataLength, DataOffset
_COUNT_SECOND = Struct("<2xH6x")  # 2.2.4.12.1: CountOfBytesToWrite
_TRANSACTION = Struct("<22xHHB1xHH")  # 2.2.4.33.1: DataCount, DataOffset, SetupCount, Setup[0] and Setup[1]
_SECONDARY = Struct("<10xHH2x")  # 2.2.4.34.1: DataCount, DataOffset
_TRANSACTION_ANSWER = Struct("<2xH8xHHH2x")  # 2.2.4.33.2: TotalDataCount, DataCount, DataOffset, DataDisplacement


class _Header(NamedTuple):
    """What all commands of a message share."""

    answer: bool
    status: int
    dos_error: bool
    tree: int
    process: int
    session: int
    number: int
    unicode: bool


class _Block(NamedTuple):
    """One command of the chain: where its words and octets stand, and the octets of the message at hand."""

    header: _Header
    kind: Kind
    octets: memoryview
    words: int
    word_octets: int
    data: int
    data_octets: int
    status: int

    def fields(self, layout: Struct) -> tuple[int, ...]:
        if self.word_octets < layout.size:
            raise Malformed(f"smb.{self.kind.name}", self.words, f"{self.word_octets} octets of words")
        return layout.unpack_from(self.octets, self.words)

    def text(self, start: int) -> Span:
        """From `start` to the end of the octets; UTF-16 begins at an even offset ([MS-CIFS] 2.2.1.1.3)."""
        start += start & 1 if self.header.unicode else 0
        return Span(start, max(0, self.data + self.data_octets - start))

    def operation(
        self, *, file: int | None = None, text: Span = NOWHERE, token: Span = NOWHERE, data: Span = NOWHERE,
        pipe: bool | None = None, more: bool = False,
    ) -> Operation:  # fmt: skip
        header = self.header
        failed = self.status != SUCCESS and header.dos_error
        return Operation(
            self.kind, header.answer, (header.process, header.number, self.kind.value), self.status, header.session,
            (0, header.tree), header.tree, file, text, token, data, pipe, more, False, header.unicode, failed,
        )  # fmt: skip


def _setup_request(block: _Block) -> Operation:
    if block.word_octets == 24:
        return block.operation(token=Span(block.data, block.fields(_EXTENDED_SETUP)[0]))
    if block.word_octets < 26:  # 2.2.4.53.1 of LAN Manager: ten words
        return block.operation()
    return block.operation(text=block.text(block.data + sum(block.fields(_PLAIN_SETUP))))


def _setup_answer(block: _Block) -> Operation:
    length = block.fields(_SETUP_ANSWER)[0] if block.word_octets >= 8 else 0
    return block.operation(token=Span(block.data, length))


def _tree_request(block: _Block) -> Operation:
    return block.operation(text=block.text(block.data + block.fields(_TREE_CONNECT)[0]))


def _tree_answer(block: _Block) -> Operation:
    # 2.2.4.55.2: Service stands first, in ASCII
    service = bytes(block.octets[block.data : block.data + min(3, block.data_octets)])
    pipe = service == b"IPC" if service else None
    return block.operation(text=Span(block.data, min(3, block.data_octets)), pipe=pipe)


def _nt_create_request(block: _Block) -> Operation:
    start = block.text(block.data).start
    return block.operation(text=Span(start, block.fields(_NT_CREATE)[0]))


def _opened(layout: Struct) -> Callable[[_Block], Operation]:
    def read(block: _Block) -> Operation:
        file, resource = block.fields(layout)
        return block.operation(file=file, pipe=resource in (_MESSAGE_MODE_PIPE, _BYTE_MODE_PIPE))

    return read


def _of_file(layout: Struct) -> Callable[[_Block], Operation]:
    return lambda block: block.operation(file=block.fields(layout)[0])


def _read_andx_answer(block: _Block) -> Operation:
    low, offset, high = block.fields(_READ_ANDX)
    return block.operation(data=Span(offset, high << 16 | low))


def _write_andx_request(block: _Block) -> Operation:
    file, mode, high, low, offset = block.fields(_WRITE_ANDX)
    length = high << 16 | low
    if mode & _RAW_MESSAGE_START == _RAW_MESSAGE_START and length >= 2:
        offset, length = offset + 2, length - 2
    return block.operation(file=file, data=Span(offset, length))


def _read_answer(block: _Block) -> Operation:
    # 2.2.4.11.2: BufferFormat and CountOfBytesRead before the octets
    return block.operation(data=Span(block.data + 3, max(0, block.data_octets - 3)))


def _write_request(block: _Block) -> Operation:
    file = block.fields(_FID_FIRST)[0]
    return block.operation(file=file, data=Span(block.data + 3, max(0, block.data_octets - 3)))


def _transaction_request(block: _Block) -> Operation | None:
    if block.word_octets < _TRANSACTION.size:
        return None
    count, offset, setup_count, function, file = block.fields(_TRANSACTION)
    if setup_count < 2 or function != TRANS_TRANSACT_NMPIPE:
        return None
    return block.operation(file=file, data=Span(offset, count))


def _secondary_request(block: _Block) -> Operation:
    count, offset = block.fields(_SECONDARY)
    return block.operation(data=Span(offset, count), more=True)


def _transaction_answer(block: _Block) -> Operation:
    if not block.word_octets:  # 2.2.4.33.2: the interim answer, or an error
        return block.operation(more=block.status == SUCCESS)
    total, count, offset, displacement = block.fields(_TRANSACTION_ANSWER)
    return block.operation(data=Span(offset, count), more=displacement + count < total)


def _bare(block: _Block) -> Operation:
    return block.operation()


Body = Callable[[_Block], Operation | None]
# 2.2.2.1 Command -> what is asked, what reads the request, what reads the answer
_COMMANDS: dict[int, tuple[Kind, Body, Body]] = {
    0x04: (Kind.CLOSE, _of_file(_FID_FIRST), _bare),
    0x0A: (Kind.READ, _of_file(_FID_FIRST), _read_answer),
    0x0B: (Kind.WRITE, _write_request, _bare),
    0x25: (Kind.TRANSACT, _transaction_request, _transaction_answer),
    0x26: (Kind.TRANSACT, _secondary_request, _transaction_answer),
    0x2D: (Kind.CREATE, lambda block: block.operation(text=block.text(block.data)), _opened(_OPEN_ANSWER)),
    0x2E: (Kind.READ, _of_file(_FID_ANDX), _read_andx_answer),
    0x2F: (Kind.WRITE, _write_andx_request, _bare),
    0x71: (Kind.TREE_DISCONNECT, _bare, _bare),
    0x73: (Kind.SESSION_SETUP, _setup_request, _setup_answer),
    0x74: (Kind.LOGOFF, _bare, _bare),
    0x75: (Kind.TREE_CONNECT, _tree_request, _tree_answer),
    0xA2: (Kind.CREATE, _nt_create_request, _opened(_NT_CREATE_ANSWER)),
}
_ANDX = frozenset((0x24, 0x2D, 0x2E, 0x2F, 0x73, 0x74, 0x75, 0xA2))


def read(octets: memoryview, length: int) -> Message:
    """The message of `length` octets that begins `octets`."""
    if len(octets) <= HEADER_OCTETS:
        if length <= HEADER_OCTETS:
            raise Malformed("smb.header", 0, f"{HEADER_OCTETS + 1} octets needed, {length} in the message")
        return Message(HEADER_OCTETS + 1, length)
    command, status, flags, flags2, process_high, tree, process_low, session, number = _HEADER.unpack_from(octets)
    answer = bool(flags & _ANSWER)
    if command not in _COMMANDS:
        return Message(HEADER_OCTETS + 1, length, None if command == _LOCKING else answer)
    header = _Header(
        answer, status if answer else SUCCESS, not flags2 & _NT_STATUS, tree, process_high << 16 | process_low, session,
        number, bool(flags2 & _UNICODE),
    )  # fmt: skip
    found: list[Operation] = []
    at, head = HEADER_OCTETS, HEADER_OCTETS + 1
    while command in _COMMANDS and len(found) < MAXIMUM_CHAIN:
        head, following, command_after, operation = _command(octets, length, at, command, header)
        if operation is not None:
            found.append(operation)
        if head > len(octets) or following <= at:
            break
        at, command = following, command_after
    return Message(head, length, answer, tuple(found))


def _command(
    octets: memoryview, length: int, at: int, command: int, header: _Header
) -> tuple[int, int, int, Operation | None]:
    """One command of the chain -> octets needed, where the next command stands (0: nowhere), which it is."""
    kind, request, reply = _COMMANDS[command]
    layer = f"smb.{kind.name}"
    words = at + 1
    if words > length:
        raise Malformed(layer, at, f"command at {at} of {length} octets")
    if len(octets) < words:
        return words, 0, 0, None
    data = words + 2 * octets[at] + 2
    if data > length:
        raise Malformed(layer, at, f"{octets[at]} words, {length - words} octets left")
    if len(octets) < data:
        return data, 0, 0, None
    following, command_after = 0, _NO_ANDX
    if command in _ANDX and octets[at] >= 2:
        command_after = octets[words]
        following = _WORD.unpack_from(octets, words + 2)[0] if command_after != _NO_ANDX else 0
    # The status is that of the command which ended the chain ([MS-CIFS] 2.2.3.4).
    status = SUCCESS if following else header.status
    data_octets = min(_WORD.unpack_from(octets, data - 2)[0], length - data)
    block = _Block(header, kind, octets, words, data - 2 - words, data, data_octets, status)
    body = reply if header.answer else request
    if header.answer and not octets[at] and kind is not Kind.TRANSACT:  # refused
        body = _bare
    operation = body(block)
    head = data
    if operation is not None:
        end = max(operation.text.end, operation.token.end, operation.data.end)
        if end > length:
            raise Malformed(layer, at, f"data to {end} of {length}")
        head = max(head, operation.text.end, operation.token.end)
        if kind is Kind.SESSION_SETUP:  # all of it, so that a leg has the frame that ends the message
            head = max(head, data + data_octets)
        if operation.data.length:
            head = max(head, operation.data.start + min(operation.data.length, LOOK_OCTETS))
    if following > length - 1:
        raise Malformed(layer, at, f"next command at {following} of {length}")
    return max(head, following + 1 if following else 0), following, command_after, operation
