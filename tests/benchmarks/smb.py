"""SMB 2 conversations ([MS-SMB2] 2.2): files read and written, and RPC through a named pipe."""

from __future__ import annotations

from collections.abc import Sequence
from struct import pack
from typing import NamedTuple

from benchmarks.noise import Pool
from benchmarks.wire import CLIENT, SERVER, Turn

PORT = 445
FSCTL_PIPE_TRANSCEIVE = 0x0011_C017
_CREATE, _CLOSE, _READ, _WRITE, _IOCTL = 5, 6, 8, 9, 11
_TRANSFER_OCTETS = 65_536
_TRANSFERS = (1, 1, 2, 4)
_TREE_ID = 5
_FIRST_MESSAGE = 4  # behind negotiation, session and tree, which happened before


class Opened(NamedTuple):
    """Whose file it is. Two at one time must differ, also on two connections: readers find files by these numbers."""

    session_id: bytes
    file_id: bytes


def opened(pool: Pool) -> Opened:
    return Opened(pool.draw(8), pool.draw(16))


def _message(command: int, number: int, file: Opened, body: bytes, *, answer: bool) -> bytes:
    # 2.2.1.2 SMB2 header behind the length of [MS-SMB2] 2.1
    head = pack(
        "<4sHHIHHIIQII8s16x", b"\xfeSMB", 64, 1, 0, command, 1, 1 if answer else 0, 0, number, 0xFEFF, _TREE_ID,
        file.session_id,
    )  # fmt: skip
    return pack(">I", len(head) + len(body)) + head + body


def _exchange(command: int, number: int, file: Opened, request: bytes, answer: bytes) -> list[Turn]:
    return [
        (CLIENT, _message(command, number, file, request, answer=False)),
        (SERVER, _message(command, number, file, answer, answer=True)),
    ]


def _create(number: int, file: Opened, name: str, size_octets: int) -> list[Turn]:
    # 2.2.13, 2.2.14
    encoded = name.encode("utf-16-le")
    request = pack(
        "<HBBI8x8xIIIIIHHII", 57, 0, 0, 2, 0x0012_019F, 0x80, 7, 1, 0x40, 120, len(encoded), 0, 0
    )  # fmt: skip
    answer = pack("<HBBI32xQQII16sII", 89, 0, 0, 1, size_octets, size_octets, 0x80, 0, file.file_id, 0, 0)
    return _exchange(_CREATE, number, file, request + encoded, answer)


def _close(number: int, file: Opened) -> list[Turn]:
    # 2.2.15, 2.2.16
    return _exchange(_CLOSE, number, file, pack("<HHI16s", 24, 0, 0, file.file_id), pack("<HHI52x", 60, 0, 0))


def _read(number: int, file: Opened, offset: int, data: bytes) -> list[Turn]:
    # 2.2.19, 2.2.20
    request = pack("<HBBIQ16sIIIHHx", 49, 0x50, 0, len(data), offset, file.file_id, 1, 0, 0, 0, 0)
    return _exchange(_READ, number, file, request, pack("<HBBIII", 17, 0x50, 0, len(data), 0, 0) + data)


def _write(number: int, file: Opened, offset: int, data: bytes) -> list[Turn]:
    # 2.2.21, 2.2.22
    request = pack("<HHIQ16sIIHHI", 49, 0x70, len(data), offset, file.file_id, 0, 0, 0, 0, 0)
    return _exchange(_WRITE, number, file, request + data, pack("<HHIIHH", 17, 0, len(data), 0, 0, 0))


def _transceive(number: int, file: Opened, said: bytes, answered: bytes) -> list[Turn]:
    # 2.2.31, 2.2.32
    request = pack("<HHI16sIIIIIIII", 57, 0, FSCTL_PIPE_TRANSCEIVE, file.file_id, 120, len(said), 0, 0, 0, 4280, 1, 0)
    answer = pack("<HHI16sIIIIII", 49, 0, FSCTL_PIPE_TRANSCEIVE, file.file_id, 112, 0, 112, len(answered), 0, 0)
    return _exchange(_IOCTL, number, file, request + said, answer + answered)


def file_transfer(pool: Pool) -> list[Turn]:
    """A file is opened, read or written in pieces of 64 KiB, and closed."""
    file = opened(pool)
    move = pool.chance.choice((_read, _read, _read, _write))
    count = pool.chance.choice(_TRANSFERS)
    talk = _create(_FIRST_MESSAGE, file, f"data\\{pool.chance.randrange(100_000)}.bin", count * _TRANSFER_OCTETS)
    for number in range(count):
        talk += move(_FIRST_MESSAGE + 1 + number, file, number * _TRANSFER_OCTETS, pool.draw(_TRANSFER_OCTETS))
    return talk + _close(_FIRST_MESSAGE + 1 + count, file)


def pipe(pool: Pool, name: str, pdus: Sequence[tuple[bytes, bytes]]) -> list[Turn]:
    """A named pipe through which PDUs go and come back, one pair an FSCTL_PIPE_TRANSCEIVE."""
    file = opened(pool)
    talk = _create(_FIRST_MESSAGE, file, name, 0)
    for number, (said, answered) in enumerate(pdus, _FIRST_MESSAGE + 1):
        talk += _transceive(number, file, said, answered)
    return talk + _close(_FIRST_MESSAGE + 1 + len(pdus), file)
