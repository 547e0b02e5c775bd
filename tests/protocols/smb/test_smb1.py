"""SMB 1: the fields that are read of each command, AndX chains, transactions, and what cannot be right."""

from __future__ import annotations

from struct import pack_into

import pytest
from builders import smb as write

from rpctrace.errors import Malformed
from rpctrace.protocols.smb import smb1
from rpctrace.protocols.smb.operation import Kind, Message, Operation

HEAD = write.Head1(7, session=100, tree=5, process=0x0001_0002)
DATA = bytes(range(200))


def read(octets: bytes, length: int | None = None) -> Message:
    return smb1.read(memoryview(octets), len(octets) if length is None else length)


def only(octets: bytes) -> Operation:
    (operation,) = read(octets).operations
    return operation


def test_what_is_common() -> None:
    """2.2.3.1: a request is known by process and multiplex identifiers."""
    operation = only(write.write_andx1(HEAD, DATA))
    assert (operation.kind, operation.answer) == (Kind.WRITE, False)
    assert operation.key == (0x0001_0002, 7, Kind.WRITE.value)
    assert (operation.session, operation.tree, operation.scope, operation.file) == (100, (0, 5), 5, 0x4000)


BODIES = [
    (write.setup_request1(HEAD, b"token"), "token", b"token"),
    (write.setup_answer1(HEAD.but(status=write.MORE), b"answer"), "token", b"answer"),
    (write.tree_request1(HEAD, "\\\\a\\IPC$"), "text", "\\\\a\\IPC$\0".encode("utf-16-le") + b"?????\0"),
    (write.create_request1(HEAD, "\\samr"), "text", "\\samr".encode("utf-16-le")),
    (write.create_request1(HEAD.but(unicode=False), "\\samr"), "text", b"\\samr"),
    (write.open_request1(HEAD, "\\samr"), "text", "\\samr\0".encode("utf-16-le")),
    (write.write_andx1(HEAD, DATA), "data", DATA),
    (write.write_andx1(HEAD, b"\xc8\0" + DATA, mode=0x0C), "data", DATA),
    (write.read_andx_answer1(HEAD, DATA), "data", DATA),
    (write.write1(HEAD, DATA), "data", DATA),
    (write.read_answer1(HEAD, DATA), "data", DATA),
    (write.trans1(HEAD, DATA), "data", DATA),
    (write.trans_secondary1(HEAD, DATA, 100, 300), "data", DATA),
    (write.trans_answer1(HEAD, DATA), "data", DATA),
]


@pytest.mark.parametrize(("octets", "field", "value"), BODIES)
def test_where_its_octets_stand(octets: bytes, field: str, value: bytes) -> None:
    start, length = getattr(only(octets), field)
    assert octets[start : start + length] == value


@pytest.mark.parametrize(("octets", "field", "value"), BODIES)
def test_how_much_it_takes(octets: bytes, field: str, value: bytes) -> None:
    """Step by step from four octets on; of data no more than its first sixteen."""
    at = 4
    while True:
        message = read(octets[:at], len(octets))
        if message.head_octets <= at:
            break
        at = message.head_octets
    assert message.operations == read(octets).operations
    start = getattr(message.operations[0], field).start
    if message.operations[0].kind is Kind.SESSION_SETUP:
        assert at == len(octets)
    else:
        assert at == start + (min(16, len(value)) if field == "data" else len(value))


FILES = [
    write.create_answer1(HEAD), write.open_answer1(HEAD), write.read_andx1(HEAD), write.read1(HEAD), write.close1(HEAD),
    write.write1(HEAD, DATA), write.trans1(HEAD, DATA),
]  # fmt: skip


@pytest.mark.parametrize("octets", FILES)
def test_which_file(octets: bytes) -> None:
    assert only(octets).file == 0x4000


def test_what_is_a_pipe() -> None:
    """2.2.4.55.2 Service; 2.2.4.64.2 ResourceType"""
    assert only(write.tree_answer1(HEAD)).pipe is True
    assert only(write.tree_answer1(HEAD, b"A:")).pipe is False
    assert only(write.create_answer1(HEAD, resource=0)).pipe is False
    assert only(write.open_answer1(HEAD)).pipe is True


def test_parts_of_a_transaction() -> None:
    """2.2.4.34, 2.2.4.33.2: answers follow until all data is there; the interim answer has neither words nor data."""
    assert only(write.trans_secondary1(HEAD, DATA, 100, 300)).more
    assert only(write.trans_answer1(HEAD, DATA[:120], 0, 200)).more
    assert not only(write.trans_answer1(HEAD, DATA[120:], 120, 200)).more
    assert only(write.error1(0x25, HEAD)).more
    assert not only(write.error1(0x25, HEAD.but(status=write.BROKEN))).more


def test_other_transactions_are_none_of_a_pipe() -> None:
    assert read(write.trans1(HEAD, DATA, function=0x23)).operations == ()


def test_names_in_clear() -> None:
    """2.2.4.53.1"""
    octets = write.plain_setup_request1(HEAD, "EXAMPLE", "alice")
    operation = only(octets)
    found = octets[operation.text.start : operation.text.end].decode("utf-16-le").split("\0")
    assert found[:2] == ["alice", "EXAMPLE"]
    assert operation.token.length == 0
    assert only(write.plain_setup_answer1(HEAD)).token.length == 0


def test_a_chain() -> None:
    """2.2.3.4: session setup and tree connect in one message; the status is that of the last command."""
    octets = write.chain(write.setup_request1(HEAD, b"token"), write.tree_request1(HEAD, "\\\\a\\IPC$"))
    setup, tree = read(octets).operations
    assert (setup.kind, tree.kind) == (Kind.SESSION_SETUP, Kind.TREE_CONNECT)
    assert "\\\\a\\IPC$".encode("utf-16-le") in octets[tree.text.start : tree.text.end]
    refused = write.chain(
        write.setup_answer1(HEAD.but(status=write.DENIED), b"t"), write.error1(0x75, HEAD.but(status=write.DENIED))
    )
    assert [operation.failed for operation in read(refused).operations] == [False, True]


def test_a_chain_ends() -> None:
    """One that leads back is left, one that leads out is wrong."""
    octets = bytearray(write.chain(write.open_request1(HEAD, "a"), write.read_andx1(HEAD)))
    pack_into("<H", octets, 35, 32)
    assert len(read(bytes(octets)).operations) == 1
    pack_into("<H", octets, 35, 0xFFF0)
    with pytest.raises(Malformed):
        read(bytes(octets))


def test_errors_of_dos() -> None:
    """2.2.1.5: class and code, unless the flags say NTSTATUS. ERRDOS, ERRnoaccess."""
    assert only(write.error1(0x2E, HEAD.but(status=0x0005_0001, nt_status=False))).failed
    assert not only(write.write_andx_answer1(HEAD.but(nt_status=False), 5)).failed


def test_messages_of_no_interest_take_their_header() -> None:
    octets = write.message1(0x32, HEAD, bytes(30), bytes(100), answer=True)
    assert read(octets).head_octets == 33
    assert read(write.message1(0x24, HEAD, bytes(16), b"", answer=False)).answer is None  # a broken oplock


@pytest.mark.parametrize(("octets", "field", "value"), BODIES)
def test_what_leaves_the_message(octets: bytes, field: str, value: bytes) -> None:
    """A message that ends where its octets should begin."""
    start = getattr(only(octets), field).start
    with pytest.raises(Malformed):
        read(octets[: start - 3])
    if field == "data" and octets[4] not in (0x0A, 0x0B):  # of those the number of octets says how much it is
        with pytest.raises(Malformed):
            read(octets[: start + len(value) - 1])
