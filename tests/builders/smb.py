"""Messages of SMB 1 ([MS-CIFS] 2.2, [MS-SMB] 2.2) and SMB 2/3 ([MS-SMB2] 2.2), each as the fields say, and the packets
of the session service (RFC 1002 4.3) around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from struct import pack

PENDING, OVERFLOW, MORE, DENIED = 0x103, 0x8000_0005, 0xC000_0016, 0xC000_0022
NOT_FOUND, BROKEN, CANCELLED, FILE_CLOSED = 0xC000_0034, 0xC000_014B, 0xC000_0120, 0xC000_0128
TRANSCEIVE = 0x0011_C017
NEGOTIATE, SETUP, LOGOFF, TREE, LEAVE, CREATE, CLOSE, FLUSH, READ, WRITE, LOCK, IOCTL = range(12)
QUERY_INFO = 16
LAST = b"\xff" * 16  # the file of the operation before
FILE = bytes(range(1, 17))
GUID = bytes(range(64, 80))


def packet(message: bytes, kind: int = 0) -> bytes:
    """RFC 1002 4.3.1; with kind 0 also the transport of [MS-SMB2] 2.1."""
    return pack(">I", kind << 24 | len(message)) + message


# SMB 2


@dataclass(frozen=True)
class Head:
    """2.2.1: who speaks, about what; `asynchronous` has an AsyncId in place of the tree."""

    number: int = 1
    session: int = 0x4000_0000_0001
    tree: int = 1
    status: int = 0
    asynchronous: bool = False
    related: bool = False
    signed: bool = False

    def but(self, **changes: object) -> Head:
        return replace(self, **changes)


def message2(command: int, head: Head, body: bytes, *, answer: bool, following: int = 0) -> bytes:
    flags = answer * 1 | head.asynchronous * 2 | head.related * 4 | head.signed * 8
    place = pack("<Q", 0x77) if head.asynchronous else pack("<II", 0xFEFF, head.tree)
    return (
        pack("<4sHHIHHIIQ", b"\xfeSMB", 64, 1, head.status, command, 1, flags, following, head.number)
        + place + pack("<Q16s", head.session, b"\x5a" * 16 if head.signed else bytes(16)) + body
    )  # fmt: skip


def compound(*messages: bytes) -> bytes:
    """2.2.1: each filled to eight octets, with the place of the next one."""
    octets = b""
    for message in messages[:-1]:
        message += bytes(-len(message) % 8)
        octets += message[:20] + pack("<I", len(message)) + message[24:]
    return octets + messages[-1]


def error2(command: int, head: Head) -> bytes:
    return message2(command, head, pack("<HBBIB", 9, 0, 0, 0, 0), answer=True)


def plain2(command: int, head: Head, *, answer: bool) -> bytes:
    """LOGOFF, TREE_DISCONNECT: two fields."""
    return message2(command, head, pack("<HH", 4, 0), answer=answer)


def negotiate_request(head: Head, dialects: Sequence[int] = (0x311,), guid: bytes = GUID) -> bytes:
    body = pack("<HHHHI16sQ", 36, len(dialects), 1, 0, 0, guid, 0)
    return message2(NEGOTIATE, head, body + pack(f"<{len(dialects)}H", *dialects), answer=False)


def negotiate_answer(head: Head, guid: bytes = GUID, dialect: int = 0x311) -> bytes:
    body = pack("<HHHH16sIIIIQQHHI", 65, 1, dialect, 0, guid, 0, 1 << 20, 1 << 20, 1 << 20, 0, 0, 128, 0, 0)
    return message2(NEGOTIATE, head, body, answer=True)


def setup_request(head: Head, token: bytes, *, binding: bool = False) -> bytes:
    body = pack("<HBBIIHHQ", 25, binding, 1, 0, 0, 88, len(token), 0)
    return message2(SETUP, head, body + token, answer=False)


def setup_answer(head: Head, token: bytes, *, flags: int = 0) -> bytes:
    """2.2.6: of the flags 4 asks for encryption of everything that follows."""
    return message2(SETUP, head, pack("<HHHH", 9, flags, 72, len(token)) + token, answer=True)


def tree_request(head: Head, path: str) -> bytes:
    name = path.encode("utf-16-le")
    return message2(TREE, head, pack("<HHHH", 9, 0, 72, len(name)) + name, answer=False)


def tree_answer(head: Head, share_type: int = 2) -> bytes:
    return message2(TREE, head, pack("<HBBIII", 16, share_type, 0, 0, 0, 0x1F01FF), answer=True)


def create_request(head: Head, name: str) -> bytes:
    octets = name.encode("utf-16-le")
    body = pack("<HBBI16xIIIIIHHII", 57, 0, 0, 2, 0x12019F, 0, 7, 1, 0, 120, len(octets), 0, 0)
    return message2(CREATE, head, body + octets, answer=False)


def create_answer(head: Head, file: bytes = FILE) -> bytes:
    return message2(CREATE, head, pack("<HBBI32xQQII16sII", 89, 0, 0, 1, 0, 0, 0x80, 0, file, 0, 0), answer=True)


def close_request(head: Head, file: bytes = FILE) -> bytes:
    return message2(CLOSE, head, pack("<HHI16s", 24, 0, 0, file), answer=False)


def close_answer(head: Head) -> bytes:
    return message2(CLOSE, head, pack("<H58x", 60), answer=True)


def read_request(head: Head, file: bytes = FILE, length: int = 1024) -> bytes:
    body = pack("<HBBIQ16sIIIHHx", 49, 0x50, 0, length, 0, file, 0, 0, 0, 0, 0)
    return message2(READ, head, body, answer=False)


def read_answer(head: Head, data: bytes) -> bytes:
    return message2(READ, head, pack("<HBBIII", 17, 0x50, 0, len(data), 0, 0) + data, answer=True)


def write_request(head: Head, data: bytes, file: bytes = FILE) -> bytes:
    body = pack("<HHIQ16sIIHHI", 49, 0x70, len(data), 0, file, 0, 0, 0, 0, 0)
    return message2(WRITE, head, body + data, answer=False)


def write_answer(head: Head, count: int = 0) -> bytes:
    return message2(WRITE, head, pack("<HHIIHH", 17, 0, count, 0, 0, 0), answer=True)


def ioctl_request(head: Head, data: bytes, file: bytes = FILE, code: int = TRANSCEIVE) -> bytes:
    body = pack("<HHI16sIIIIIIII", 57, 0, code, file, 120, len(data), 0, 120, 0, 4280, 1, 0)
    return message2(IOCTL, head, body + data, answer=False)


def ioctl_answer(head: Head, data: bytes, file: bytes = FILE, code: int = TRANSCEIVE) -> bytes:
    body = pack("<HHI16sIIIIII", 49, 0, code, file, 112, 0, 112, len(data), 0, 0)
    return message2(IOCTL, head, body + data, answer=True)


def transform(session: int, octets: bytes) -> bytes:
    """2.2.41, around octets that nobody can read."""
    return pack("<4s16s16sIHHQ", b"\xfdSMB", bytes(16), bytes(16), len(octets), 0, 1, session) + octets


def compressed(plain: bytes, octets: bytes, original: int) -> bytes:
    """2.2.42.1: `plain` as it is, behind it octets of LZ77."""
    return pack("<4sIHHI", b"\xfcSMB", original, 2, 0, len(plain)) + plain + octets


# SMB 1

NO_ANDX = 0xFF


@dataclass(frozen=True)
class Head1:
    """2.2.3.1"""

    number: int = 1
    session: int = 2048
    tree: int = 4096
    process: int = 65_279
    status: int = 0
    unicode: bool = True
    nt_status: bool = True

    def but(self, **changes: object) -> Head1:
        return replace(self, **changes)


def message1(command: int, head: Head1, words: bytes, data: bytes, *, answer: bool) -> bytes:
    flags2 = 0x0800 | head.unicode * 0x8000 | head.nt_status * 0x4000
    return (
        pack("<4sBIBHH8xHHHHH", b"\xffSMB", command, head.status, answer * 0x80 | 0x18, flags2, head.process >> 16, 0,
             head.tree, head.process & 0xFFFF, head.session, head.number)
        + pack("<B", len(words) // 2) + words + pack("<H", len(data) & 0xFFFF) + data
    )  # fmt: skip


def chain(first: bytes, *rest: bytes) -> bytes:
    """2.2.3.4: messages one behind the other; of all but the first, the header goes."""
    octets, place = first, 32
    for message in rest:
        at, command = len(octets), message[4]
        octets = octets[: place + 1] + pack("<BBH", command, 0, at) + octets[place + 5 :] + message[32:]
        place = at
    return octets


def andx(words: bytes) -> bytes:
    return pack("<BBH", NO_ANDX, 0, 0) + words


def _text(head: Head1, text: str, at: int) -> bytes:
    if not head.unicode:
        return text.encode("ascii") + b"\0"
    return bytes(at & 1) + text.encode("utf-16-le") + b"\0\0"


def error1(command: int, head: Head1) -> bytes:
    return message1(command, head, b"", b"", answer=True)


def negotiate_request1(head: Head1, dialect: str = "NT LM 0.12") -> bytes:
    return message1(0x72, head, b"", b"\x02" + dialect.encode() + b"\0", answer=False)


def negotiate_answer1(head: Head1, guid: bytes = GUID, token: bytes = b"") -> bytes:
    """[MS-SMB] 2.2.4.5.2.1, with extended security."""
    words = pack("<HBHHIIIIQHB", 0, 3, 50, 1, 16_644, 65_536, 0, 0x8000_E3FD, 0, 0, 0)
    return message1(0x72, head, words, guid + token, answer=True)


def setup_request1(head: Head1, token: bytes) -> bytes:
    words = andx(pack("<HHHIHII", 16_644, 10, 0, 0, len(token), 0, 0x8000_00D4))
    return message1(0x73, head, words, token + _text(head, "Windows", 59 + len(token)), answer=False)


def setup_answer1(head: Head1, token: bytes) -> bytes:
    return message1(0x73, head, andx(pack("<HH", 0, len(token))), token, answer=True)


def plain_setup_request1(head: Head1, domain: str, user: str, response: bytes = b"\x11" * 24) -> bytes:
    """2.2.4.53.1 with an NTLM response in clear."""
    words = andx(pack("<HHHIHHII", 16_644, 10, 0, 0, 24, len(response), 0, 0x54))
    octets = bytes(24) + response
    for text in (user, domain, "Unix", "Samba"):
        octets += _text(head, text, 61 + len(octets))
    return message1(0x73, head, words, octets, answer=False)


def plain_setup_answer1(head: Head1) -> bytes:
    return message1(0x73, head, andx(pack("<H", 0)), _text(head, "Unix", 41), answer=True)


def tree_request1(head: Head1, path: str) -> bytes:
    octets = b"\0" + _text(head, path, 44)
    return message1(0x75, head, andx(pack("<HH", 0, 1)), octets + b"?????\0", answer=False)


def tree_answer1(head: Head1, service: bytes = b"IPC") -> bytes:
    return message1(0x75, head, andx(pack("<H", 1)), service + b"\0\0", answer=True)


def create_request1(head: Head1, name: str) -> bytes:
    octets = _text(head, name, 83)
    words = andx(pack("<BHIIIQIIIIIB", 0, 2 * len(name) if head.unicode else len(name), 0x16, 0, 0x2019F, 0, 0, 3, 1,
                      0x40, 2, 3))  # fmt: skip
    return message1(0xA2, head, words, octets, answer=False)


def create_answer1(head: Head1, file: int = 0x4000, resource: int = 2) -> bytes:
    words = andx(pack("<BHI32xIQQHHB", 0, file, 1, 0x80, 0, 0, resource, 0x5FF, 0))
    return message1(0xA2, head, words, b"", answer=True)


def open_request1(head: Head1, name: str) -> bytes:
    words = andx(pack("<HHHHIHIII", 0, 2, 0, 0, 0, 1, 0, 0, 0))
    return message1(0x2D, head, words, _text(head, name, 65), answer=False)


def open_answer1(head: Head1, file: int = 0x4000, resource: int = 2) -> bytes:
    return message1(0x2D, head, andx(pack("<HHIIHHHH8x", file, 0, 0, 0, 2, resource, 0x5FF, 1)), b"", answer=True)


def write_andx1(head: Head1, data: bytes, file: int = 0x4000, mode: int = 8) -> bytes:
    words = andx(pack("<HIIHHHHHI", file, 0, 0, mode, 0, len(data) >> 16, len(data) & 0xFFFF, 64, 0))
    return message1(0x2F, head, words, b"\xee" + data, answer=False)


def write_andx_answer1(head: Head1, count: int) -> bytes:
    return message1(0x2F, head, andx(pack("<HHI", count, 0, 0)), b"", answer=True)


def read_andx1(head: Head1, file: int = 0x4000) -> bytes:
    return message1(0x2E, head, andx(pack("<HIHHIHI", file, 0, 1024, 1024, 0xFFFF_FFFF, 1024, 0)), b"", answer=False)


def read_andx_answer1(head: Head1, data: bytes) -> bytes:
    words = andx(pack("<HHHHHH8x", 0, 0, 0, len(data) & 0xFFFF, 60, len(data) >> 16))
    return message1(0x2E, head, words, b"\xee" + data, answer=True)


def write1(head: Head1, data: bytes, file: int = 0x4000) -> bytes:
    octets = pack("<BH", 1, len(data)) + data
    return message1(0x0B, head, pack("<HHIH", file, len(data), 0, 0), octets, answer=False)


def read1(head: Head1, file: int = 0x4000) -> bytes:
    return message1(0x0A, head, pack("<HHIH", file, 1024, 0, 0), b"", answer=False)


def read_answer1(head: Head1, data: bytes) -> bytes:
    return message1(0x0A, head, pack("<H8x", len(data)), pack("<BH", 1, len(data)) + data, answer=True)


def close1(head: Head1, file: int = 0x4000) -> bytes:
    return message1(0x04, head, pack("<HI", file, 0), b"", answer=False)


def trans1(head: Head1, data: bytes, file: int = 0x4000, total: int | None = None, function: int = 0x26) -> bytes:
    """2.2.5.6: TransactNmPipe."""
    name = b"\0" + "\\PIPE\\".encode("utf-16-le") + b"\0\0"
    at = 67 + len(name)
    name += bytes(-at % 4)
    at += -at % 4
    words = pack("<HHHHBBHIHHHHHBBHH", 0, len(data) if total is None else total, 0, 1024, 0, 0, 0, 0, 0, 0, at,
                 len(data), at, 2, 0, function, file)  # fmt: skip
    return message1(0x25, head, words, name + data, answer=False)


def trans_secondary1(head: Head1, data: bytes, displacement: int, total: int) -> bytes:
    words = pack("<HHHHHHHH", 0, total, 0, 52, 0, len(data), 52, displacement)
    return message1(0x26, head, words, b"\0" + data, answer=False)


def trans_answer1(head: Head1, data: bytes, displacement: int = 0, total: int | None = None) -> bytes:
    most = len(data) if total is None else total
    words = pack("<HHHHHHHHHBB", 0, most, 0, 0, 56, 0, len(data), 56, displacement, 0, 0)
    return message1(0x25, head, words, b"\0" + data, answer=True)


# Whole beginnings of a connection, as turns (0 the client, 1 the server)

Turn = tuple[int, bytes]


def begun2(session: int = 0x4000_0000_0001, guid: bytes = GUID, path: str = "\\\\DC1.example.com\\IPC$") -> list[Turn]:
    """Negotiation, one session setup, the tree of pipes."""
    head = Head(0, session)
    return [
        (0, negotiate_request(head.but(session=0, tree=0))),
        (1, negotiate_answer(head.but(session=0, tree=0), guid)),
        (0, setup_request(head.but(number=1, session=0), b"one")),
        (1, setup_answer(head.but(number=1, status=MORE), b"two")),
        (0, setup_request(head.but(number=2), b"three")),
        (1, setup_answer(head.but(number=2), b"")),
        (0, tree_request(head.but(number=3, tree=0), path)),
        (1, tree_answer(head.but(number=3))),
    ]  # fmt: skip


def opened2(name: str = "lsarpc", number: int = 4, file: bytes = FILE, session: int = 0x4000_0000_0001) -> list[Turn]:
    head = Head(number, session)
    return [(0, create_request(head, name)), (1, create_answer(head, file))]


def begun1(path: str = "\\\\DC1\\IPC$") -> list[Turn]:
    head = Head1()
    return [
        (0, setup_request1(head.but(session=0, tree=0), b"one")),
        (1, setup_answer1(head.but(tree=0, status=MORE), b"two")),
        (0, setup_request1(head.but(number=2, tree=0), b"three")),
        (1, setup_answer1(head.but(number=2, tree=0), b"")),
        (0, tree_request1(head.but(number=3, tree=0xFFFF), path)),
        (1, tree_answer1(head.but(number=3))),
    ]


def opened1(name: str = "\\lsarpc", file: int = 0x4000) -> list[Turn]:
    return [(0, create_request1(Head1(4), name)), (1, create_answer1(Head1(4), file))]
