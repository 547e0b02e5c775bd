"""Pipes: which files they are, what goes through them, and what is said when it does not go."""

from __future__ import annotations

import pytest
from builders import dcerpc
from builders import smb as write
from builders.smb_talk import Heard, Talk

from rpctrace.protocols.smb.notice import SmbNoticeKind
from rpctrace.stream.stream import Chunk, Close, Gap, Seen

BIND = dcerpc.bind([dcerpc.Context(0, dcerpc.ICLASSFACTORY)])
HEAD, HEAD1 = write.Head(10), write.Head1(10)


def talk2(name: str = "lsarpc") -> Talk:
    talk = Talk()
    talk.turns(write.begun2() + write.opened2(name))
    return talk


def talk1() -> Talk:
    talk = Talk()
    talk.turns(write.begun1() + write.opened1())
    return talk


def kinds(heard: Heard) -> list[str]:
    return [f"{type(event).__name__}{getattr(event, 'direction', '')}" for _channel, event in heard.events]


def test_write_and_read() -> None:
    """[MS-SMB2] 2.2.19 to 2.2.22; a message without data is a sign that its direction is being captured."""
    talk = talk2("LSARPC")
    talk.turns([
        (0, write.write_request(HEAD, BIND)), (1, write.write_answer(HEAD, len(BIND))),
        (0, write.read_request(HEAD)), (1, write.read_answer(HEAD, BIND)),
        (0, write.close_request(HEAD)), (1, write.close_answer(HEAD)),
    ])  # fmt: skip
    heard = talk.end()
    (channel,) = heard.channels
    assert (channel.transport, channel.name, channel.joined_late) == ("ncacn_np", "\\pipe\\lsarpc", False)
    assert kinds(heard) == ["Chunk0", "Seen1", "Seen0", "Chunk1", "Seen0", "CloseNone"]
    assert heard.events[-1].event == Close(None, False, talk.frame, talk.frame * 1000)
    assert heard.octets(channel, 0) == heard.octets(channel, 1) == BIND


def test_transceive_and_more_by_read() -> None:
    """2.2.31: STATUS_BUFFER_OVERFLOW, the rest is read."""
    talk = talk2()
    talk.turns([
        (0, write.ioctl_request(HEAD, BIND)), (1, write.ioctl_answer(HEAD.but(status=write.OVERFLOW), BIND[:40])),
        (0, write.read_request(HEAD)), (1, write.read_answer(HEAD, BIND[40:])),
    ])  # fmt: skip
    heard = talk.end()
    assert heard.octets(heard.channels[0], 1) == BIND
    assert [(pdu.direction, pdu.frame) for pdu in heard.pdus] == [(0, talk.frame - 3), (0, talk.frame)]
    assert heard.notices == []


def test_an_answer_that_comes_later() -> None:
    """3.3.4.2: STATUS_PENDING with an AsyncId, then the answer."""
    talk = talk2()
    later = HEAD.but(number=11, asynchronous=True)
    talk.turns([
        (0, write.write_request(HEAD, BIND)), (0, write.read_request(HEAD.but(number=11))),
        (1, write.error2(write.READ, later.but(status=write.PENDING))), (1, write.write_answer(HEAD)),
        (1, write.read_answer(later, BIND)),
    ])  # fmt: skip
    heard = talk.end()
    assert kinds(heard) == ["Chunk0", "Seen0", "Seen1", "Seen1", "Chunk1", "CloseNone"]


def test_a_compound_on_the_file_that_it_opens() -> None:
    """3.2.4.1.4: related operations take session, tree and file from the one before."""
    last = HEAD.but(related=True, session=0xFFFF_FFFF_FFFF_FFFF, tree=0xFFFF_FFFF)
    talk = Talk()
    talk.turns(write.begun2())
    talk.turns([
        (0, write.compound(
            write.create_request(HEAD, "samr"), write.write_request(last.but(number=11), BIND, write.LAST),
            write.read_request(last.but(number=12), write.LAST))),
        (1, write.compound(
            write.create_answer(HEAD), write.write_answer(HEAD.but(number=11)),
            write.read_answer(HEAD.but(number=12), BIND))),
        (0, write.write_request(HEAD.but(number=13), BIND)),
    ])  # fmt: skip
    heard = talk.end()
    (channel,) = heard.channels
    assert channel.name == "\\pipe\\samr"
    assert heard.octets(channel, 0) == BIND * 2
    assert heard.octets(channel, 1) == BIND


@pytest.mark.parametrize("writes", ["andx", "raw", "core", "trans"])
def test_the_ways_of_smb1(writes: str) -> None:
    said = {
        "andx": write.write_andx1(HEAD1, BIND),
        "raw": write.write_andx1(HEAD1, len(BIND).to_bytes(2, "little") + BIND, mode=0x0C),
        "core": write.write1(HEAD1, BIND),
        "trans": write.trans1(HEAD1, BIND),
    }[writes]
    answers = {
        "andx": [(0, write.read_andx1(HEAD1)), (1, write.read_andx_answer1(HEAD1, BIND))],
        "raw": [(0, write.read_andx1(HEAD1)), (1, write.read_andx_answer1(HEAD1, BIND))],
        "core": [(0, write.read1(HEAD1)), (1, write.read_answer1(HEAD1, BIND))],
        "trans": [(1, write.trans_answer1(HEAD1, BIND))],
    }[writes]
    talk = talk1()
    talk.turns([(0, said), *answers, (0, write.close1(HEAD1)), (1, write.error1(4, HEAD1))])
    heard = talk.end()
    (channel,) = heard.channels
    assert channel.name == "\\pipe\\lsarpc"
    assert heard.octets(channel, 0) == heard.octets(channel, 1) == BIND
    assert kinds(heard)[-1] == "CloseNone"


def test_a_transaction_in_parts() -> None:
    """[MS-CIFS] 2.2.4.33, 2.2.4.34: both ways, around an interim answer."""
    talk = talk1()
    total = len(BIND)
    talk.turns([
        (0, write.trans1(HEAD1, BIND[:30], total=total)), (1, write.error1(0x25, HEAD1)),
        (0, write.trans_secondary1(HEAD1, BIND[30:], 30, total)),
        (1, write.trans_answer1(HEAD1, BIND[:20], 0, total)), (1, write.trans_answer1(HEAD1, BIND[20:], 20, total)),
    ])  # fmt: skip
    heard = talk.end()
    assert heard.octets(heard.channels[0], 0) == heard.octets(heard.channels[0], 1) == BIND
    assert len(heard.pdus) == 2


def test_an_open_by_the_older_command() -> None:
    """[MS-CIFS] 2.2.4.41, chained with the read of the file that it opens."""
    talk = Talk()
    talk.turns(write.begun1())
    talk.turns([
        (0, write.open_request1(HEAD1, "\\PIPE\\spoolss")), (1, write.open_answer1(HEAD1)),
        (0, write.write_andx1(HEAD1, BIND)),
    ])  # fmt: skip
    assert [channel.name for channel in talk.end().channels] == ["\\pipe\\spoolss"]


def test_a_server_that_says_it_is_a_pipe() -> None:
    """[MS-CIFS] 2.2.4.64.2 ResourceType, where the tree is not in the capture; and one that says it is none."""
    for resource, names in ((2, ["\\pipe\\lsarpc"]), (0, [])):
        talk = Talk(joined_late=True)
        talk.turns([
            (0, write.create_request1(HEAD1, "\\lsarpc")), (1, write.create_answer1(HEAD1, resource=resource)),
            (0, write.write_andx1(HEAD1, BIND[:10])), (0, write.write_andx1(HEAD1, BIND[10:])),
        ])  # fmt: skip
        assert [channel.name for channel in talk.end().channels] == names


def test_files_are_none() -> None:
    """Nothing of another share is looked at, were it a capture of DCE/RPC."""
    talk = Talk()
    talk.turns([*write.begun2(path="\\\\a\\data")[:-1], (1, write.tree_answer(write.Head(3), share_type=1))])
    talk.turns([
        *write.opened2("lsarpc"), (0, write.write_request(HEAD, BIND)), (0, write.read_request(HEAD)),
        (1, write.read_answer(HEAD, BIND)), (1, write.error2(write.CREATE, HEAD.but(status=write.DENIED))),
    ])  # fmt: skip
    heard = talk.end()
    assert (heard.events, heard.notices) == ([], [])


def test_a_pipe_with_something_else_in_it_is_silent() -> None:
    talk = talk2("psexesvc")
    talk.turns([
        (0, write.write_request(HEAD, b"\xc8" + bytes(15))), (1, write.write_answer(HEAD)),
        (0, write.write_request(HEAD, b"abcd")), (0, write.read_request(HEAD)),
        (1, write.error2(write.READ, HEAD.but(status=write.BROKEN))),
    ])  # fmt: skip
    heard = talk.end()
    assert (heard.events, heard.notices) == ([], [])


def test_a_header_in_two_writes() -> None:
    talk = talk2()
    talk.turns([(0, write.write_request(HEAD, BIND[:7])), (0, write.write_request(HEAD, BIND[7:]))])
    assert len(talk.end().pdus) == 1


def test_a_pdu_over_several_segments() -> None:
    """Five frames: each piece has its own."""
    talk = talk2()
    long = dcerpc.request(bytes(4000))
    first = talk.frame + 1
    talk.client(write.packet(write.write_request(HEAD, long)), 900)
    (pdu,) = talk.end().pdus
    assert pdu.framed.provenance.frames == tuple(range(first, first + 5))


@pytest.mark.parametrize(("ask", "refuse", "kind"), [
    (write.write_request(HEAD, BIND), write.WRITE, SmbNoticeKind.WRITE_FAILED),
    (write.read_request(HEAD), write.READ, SmbNoticeKind.READ_FAILED),
    (write.ioctl_request(HEAD, BIND), write.IOCTL, SmbNoticeKind.TRANSACT_FAILED),
])  # fmt: skip
def test_what_fails_on_a_pipe(ask: bytes, refuse: int, kind: SmbNoticeKind) -> None:
    """With the channel that it happened on; a read that the client cancelled is none."""
    talk = talk2()
    talk.turns([(0, write.write_request(HEAD.but(number=9), BIND)), (0, ask)])
    talk.turns([(1, write.error2(refuse, HEAD.but(status=write.BROKEN)))])
    talk.turns([(0, ask), (1, write.error2(refuse, HEAD.but(status=write.CANCELLED)))])
    heard = talk.end()
    (notice,) = heard.notices
    assert (notice.kind, notice.status, notice.name) == (kind, write.BROKEN, "\\pipe\\lsarpc")
    assert notice.channel is heard.channels[0]


def test_a_pipe_that_is_not_there() -> None:
    talk = Talk()
    talk.turns(write.begun2())
    talk.turns([(0, write.create_request(HEAD, "nobody")), (1, write.error2(5, HEAD.but(status=write.NOT_FOUND)))])
    heard = talk.end()
    assert [(n.kind, n.name, n.status, n.provenance.frame, n.channel) for n in heard.notices] == [
        (SmbNoticeKind.OPEN_REFUSED, "\\pipe\\nobody", write.NOT_FOUND, talk.frame, None)
    ]
    assert heard.events == []


def test_the_same_number_again() -> None:
    """A file id or FID that comes again is another file; the one before is closed."""
    talk = talk2()
    talk.turns([(0, write.write_request(HEAD, BIND)), *write.opened2("samr", 20), (0, write.write_request(HEAD, BIND))])
    heard = talk.end()
    assert [channel.name for channel in heard.channels] == ["\\pipe\\lsarpc", "\\pipe\\samr"]
    assert kinds(heard) == ["Chunk0", "CloseNone", "Chunk0", "CloseNone"]


def test_an_open_that_is_not_in_the_capture() -> None:
    """A pipe known by its data, without a name; the rest of a PDU that began before is not its start."""
    talk = Talk(joined_late=True)
    talk.turns([(0, write.write_request(HEAD, BIND[20:])), (0, write.write_request(HEAD, BIND))])
    talk.turns([(0, write.read_request(HEAD)), (1, write.read_answer(HEAD, BIND))])
    heard = talk.end()
    (channel,) = heard.channels
    assert (channel.name, channel.joined_late) == (None, True)
    assert kinds(heard) == ["Chunk0", "Seen0", "Chunk1", "CloseNone"]


def test_an_open_without_its_tree() -> None:
    """The name is known; that it is a pipe, from its data."""
    talk = Talk(joined_late=True)
    talk.turns([*write.opened2("samr"), *write.opened2("some\\file", 5, b"\x77" * 16)])
    talk.turns([(0, write.write_request(HEAD, BIND)), (0, write.write_request(HEAD, bytes(100), b"\x77" * 16))])
    assert [(each.name, each.joined_late) for each in talk.end().channels] == [("\\pipe\\samr", False)]


def test_answers_alone() -> None:
    """Only the server was captured: what it sends is of the one pipe that is known, or of one for the session."""
    talk = Talk(joined_late=True)
    talk.turns([(1, write.read_answer(HEAD, BIND)), (1, write.read_answer(HEAD.but(number=12), BIND))])
    heard = talk.end()
    assert len(heard.channels) == 1
    assert len(heard.pdus) == 2


def test_gaps() -> None:
    """In data of a pipe with their length; elsewhere every pipe of the session may have lost as much."""
    talk = talk2()
    octets = write.packet(write.write_request(HEAD, BIND))
    talk.client(octets[:150])
    talk.lose(0, 30)
    talk.client(octets[180:])
    talk.lose(0, 500)
    talk.turns([(0, write.write_request(HEAD, BIND))])
    heard = talk.end()
    events = [event for _channel, event in heard.events if isinstance(event, Chunk | Gap)]
    lengths = [len(event.octets) if isinstance(event, Chunk) else -event.length_octets for event in events]
    assert lengths == [150 - 116, -30, len(BIND) - 150 + 116 - 30, -500, len(BIND)]
    assert [event.offset for event in events] == [0, 34, 64, len(BIND), len(BIND) + 500]


def test_compressed_data_is_a_gap() -> None:
    """[MS-SMB2] 2.2.42: the head says whose it is and how much."""
    talk = talk2()
    answer = write.read_answer(HEAD, bytes(5000))
    talk.turns([(0, write.write_request(HEAD, BIND)), (0, write.read_request(HEAD))])
    talk.turns([(1, write.compressed(answer[:96], bytes(50), len(answer)))])
    heard = talk.end()
    assert kinds(heard) == ["Chunk0", "Seen0", "Gap1", "CloseNone"]
    assert [(notice.kind, notice.messages) for notice in heard.notices] == [(SmbNoticeKind.COMPRESSED, 1)]


def test_a_close_that_fails_leaves_the_pipe_open() -> None:
    """Unless the server has no such file any more."""
    for status, events in ((write.DENIED, ["Chunk0", "Seen0", "Chunk0"]), (write.FILE_CLOSED, ["Chunk0", "Seen0"])):
        talk = talk2()
        talk.turns([(0, write.write_request(HEAD, BIND)), (0, write.close_request(HEAD))])
        talk.turns([(1, write.error2(write.CLOSE, HEAD.but(status=status)))])
        talk.turns([(0, write.write_request(HEAD, bytes(40)))])
        assert kinds(talk.end())[: len(events) + 1] == [*events, "CloseNone"]


def test_seen_is_of_its_direction() -> None:
    talk = talk2()
    talk.turns([(0, write.write_request(HEAD, BIND)), (1, write.write_answer(HEAD))])
    assert talk.end().events[1].event == Seen(1, talk.frame, talk.frame * 1000)
