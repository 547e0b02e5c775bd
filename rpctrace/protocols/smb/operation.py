"""What a message of SMB asks or answers, in the terms that SMB 1 and SMB 2/3 share."""

from __future__ import annotations

from enum import Enum, IntEnum, auto

from rpctrace.named_tuple import NamedTuple

SUCCESS = 0
STATUS_PENDING = 0x0000_0103
STATUS_BUFFER_OVERFLOW = 0x8000_0005
STATUS_MORE_PROCESSING_REQUIRED = 0xC000_0016
STATUS_CANCELLED = 0xC000_0120  # by the client itself
STATUS_FILE_CLOSED = 0xC000_0128
SEVERITY_ERROR = 0xC000_0000  # [MS-ERREF] 2.3

# As much of a file's data as tells whether a DCE/RPC header begins it (C706 12.6.3.1).
LOOK_OCTETS = 16


class Kind(IntEnum):
    NEGOTIATE = auto()
    SESSION_SETUP = auto()
    LOGOFF = auto()
    TREE_CONNECT = auto()
    TREE_DISCONNECT = auto()
    CREATE = auto()
    CLOSE = auto()
    READ = auto()
    WRITE = auto()
    TRANSACT = auto()  # writes into a pipe and reads from it: FSCTL_PIPE_TRANSCEIVE, TransactNmPipe


class Span(NamedTuple):
    """Octets of a message, counted from its protocol identifier."""

    start: int
    length: int

    @property
    def end(self) -> int:
        return self.start + self.length


NOWHERE = Span(0, 0)


class Operation(NamedTuple):
    """One request or answer.

    `key` pairs the two. `scope` is where `file` is unique: the session of SMB 2, the tree of SMB 1. `text`: the path of
    a tree or the name of a file, or account and domain of a session setup without token. `pipe` as an answer tells it.
    `more`: this is not the last answer to its request. `related`: session, tree and file may be those of the operation
    before it in the compound. `dos_error`: `status` is an error class and code of DOS ([MS-CIFS] 2.2.1.5).
    `server`: the identifier that a server gives of itself. `binding`: a session setup joins the session of
    another connection.
    """

    kind: Kind
    answer: bool
    key: int | tuple[int, ...]
    status: int
    session: int
    tree: tuple[int, int] | None
    scope: int
    file: int | bytes | None = None
    text: Span = NOWHERE
    token: Span = NOWHERE
    data: Span = NOWHERE
    pipe: bool | None = None
    more: bool = False
    related: bool = False
    unicode: bool = True
    dos_error: bool = False
    server: bytes | None = None
    binding: bool = False

    @property
    def failed(self) -> bool:
        return self.dos_error or self.status >= SEVERITY_ERROR


class Cover(Enum):
    """What stands around a message that cannot be read as it is."""

    ENCRYPTED = auto()
    COMPRESSED = auto()


class Message(NamedTuple):
    """One message, or one element of a compound: `length` octets, of which the first `head_octets` must be at hand for
    the rest to hold. `answer` None where the message does not tell."""

    head_octets: int
    length: int
    answer: bool | None = None
    operations: tuple[Operation, ...] = ()
    cover: Cover | None = None
    session: int = 0
