"""SMB 2/3: the fields that are read of each body, how much of a message that takes, and what cannot be right."""

from __future__ import annotations

from struct import pack_into

import pytest
from builders import smb as write

from rpctrace.errors import Malformed
from rpctrace.protocols.smb import smb2
from rpctrace.protocols.smb.operation import Cover, Kind, Message, Operation

HEAD = write.Head(7, session=0x1122, tree=5)
DATA = bytes(range(200))


def read(octets: bytes, remaining: int | None = None) -> Message:
    return smb2.read(memoryview(octets), len(octets) if remaining is None else remaining)


def only(octets: bytes) -> Operation:
    (operation,) = read(octets).operations
    return operation


def test_what_is_common() -> None:
    """2.2.1.2"""
    operation = only(write.write_request(HEAD, DATA))
    assert (operation.kind, operation.answer, operation.key) == (Kind.WRITE, False, 7)
    assert (operation.session, operation.tree, operation.scope) == (0x1122, (0x1122, 5), 0x1122)
    assert not operation.related
    assert operation.status == 0


def test_an_asynchronous_message_has_no_tree() -> None:
    """2.2.1.1: AsyncId stands in its place."""
    operation = only(write.read_answer(HEAD.but(asynchronous=True), DATA))
    assert (operation.tree, operation.key, operation.session) == (None, 7, 0x1122)


BODIES = [
    (write.setup_request(HEAD, b"token"), "token", b"token"),
    (write.setup_answer(HEAD.but(status=write.MORE), b"answer"), "token", b"answer"),
    (write.tree_request(HEAD, "\\\\a\\IPC$"), "text", "\\\\a\\IPC$".encode("utf-16-le")),
    (write.create_request(HEAD, "samr"), "text", "samr".encode("utf-16-le")),
    (write.write_request(HEAD, DATA), "data", DATA),
    (write.read_answer(HEAD, DATA), "data", DATA),
    (write.read_answer(HEAD.but(status=write.OVERFLOW), DATA), "data", DATA),
    (write.ioctl_request(HEAD, DATA), "data", DATA),
    (write.ioctl_answer(HEAD, DATA), "data", DATA),
]


@pytest.mark.parametrize(("octets", "field", "value"), BODIES)
def test_where_its_octets_stand(octets: bytes, field: str, value: bytes) -> None:
    start, length = getattr(only(octets), field)
    assert octets[start : start + length] == value


FILES = [
    write.create_answer(HEAD), write.close_request(HEAD), write.read_request(HEAD), write.write_request(HEAD, DATA),
    write.ioctl_request(HEAD, DATA), write.ioctl_answer(HEAD, DATA),
]  # fmt: skip


@pytest.mark.parametrize("octets", FILES)
def test_which_file(octets: bytes) -> None:
    assert only(octets).file == write.FILE


def test_the_shares_type_and_the_servers_identifier() -> None:
    """2.2.10, 2.2.4, 2.2.5"""
    assert only(write.tree_answer(HEAD)).pipe is True
    assert only(write.tree_answer(HEAD, share_type=1)).pipe is False
    assert only(write.negotiate_answer(HEAD)).server == write.GUID
    assert only(write.setup_request(HEAD, b"t", binding=True)).binding
    assert not only(write.setup_request(HEAD, b"t")).binding


def test_other_controls_of_a_file_are_none_of_a_pipe() -> None:
    """2.2.31: only FSCTL_PIPE_TRANSCEIVE has data of a pipe; FSCTL_PIPE_WAIT has none."""
    assert read(write.ioctl_request(HEAD, DATA, code=0x0011_0018)).operations == ()


def test_an_error_has_no_body() -> None:
    """2.2.2; STATUS_PENDING is not the last answer."""
    assert only(write.error2(write.READ, HEAD.but(status=write.BROKEN))).failed
    pending = only(write.error2(write.READ, HEAD.but(status=write.PENDING)))
    assert pending.more
    assert not pending.failed


@pytest.mark.parametrize(("octets", "field", "value"), BODIES)
def test_how_much_it_takes(octets: bytes, field: str, value: bytes) -> None:
    """Step by step from four octets on; of data no more than its first sixteen."""
    at = 4
    while True:
        message = read(octets[:at], len(octets))
        assert message.length == len(octets)
        if message.head_octets <= at:
            break
        at = message.head_octets
    assert message.operations == read(octets).operations
    start = getattr(message.operations[0], field).start
    assert at == start + (min(16, len(value)) if field == "data" else len(value))


def test_messages_of_no_interest_take_their_header() -> None:
    message = read(write.message2(write.QUERY_INFO, HEAD, bytes(500), answer=True)[:64], 564)
    assert message == (64, 564, True, (), None, 0)


def test_a_compound() -> None:
    """2.2.1: NextCommand is the length of an element."""
    octets = write.compound(write.create_request(HEAD, "samr"), write.write_request(HEAD.but(related=True), DATA))
    first = read(octets)
    assert first.length % 8 == 0
    (second,) = read(octets[first.length :]).operations
    assert (first.operations[0].kind, second.kind, second.related) == (Kind.CREATE, Kind.WRITE, True)


@pytest.mark.parametrize(("place", "value"), [(20, 8), (20, 0xFFFF_0000), (66, 0xFFFF), (68, 0x7FFF_FFFF)])
def test_what_leaves_the_message(place: int, value: int) -> None:
    """NextCommand, DataOffset and Length of a WRITE."""
    octets = bytearray(write.write_request(HEAD, DATA))
    pack_into("<H" if value == 0xFFFF else "<I", octets, place, value)
    with pytest.raises(Malformed):
        read(bytes(octets))


@pytest.mark.parametrize("octets", FILES)
def test_a_message_without_room_for_its_body(octets: bytes) -> None:
    with pytest.raises(Malformed):
        read(octets[:70])


def test_encrypted() -> None:
    """2.2.41"""
    octets = write.transform(0x99, bytes(90))
    message = smb2.read_transform(memoryview(octets), len(octets))
    assert (message.cover, message.session, message.length) == (Cover.ENCRYPTED, 0x99, len(octets))
    assert smb2.read_transform(memoryview(octets[:10]), len(octets)).head_octets == 52


def test_compressed() -> None:
    """2.2.42: the head may be plain; then it is read, and its data is known to be missing."""
    inner = write.read_answer(HEAD, bytes(5000))
    octets = write.compressed(inner[:80], bytes(40), len(inner))
    message = smb2.read_compressed(memoryview(octets), len(octets))
    assert (message.cover, message.operations[0].data.length) == (Cover.COMPRESSED, 5000)
    nothing_plain = write.compressed(b"", bytes(90), len(inner))
    assert smb2.read_compressed(memoryview(nothing_plain), len(nothing_plain)).operations == ()
