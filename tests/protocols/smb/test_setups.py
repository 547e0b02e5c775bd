"""Session setups as legs, trees, and what ends with them."""

from __future__ import annotations

from builders import dcerpc
from builders import smb as write
from builders.smb_talk import Heard, Talk

from rpctrace.protocols.gssapi.exchange import NtlmNames
from rpctrace.protocols.smb.notice import SmbNoticeKind
from rpctrace.protocols.smb.server import Servers
from rpctrace.stream.stream import Close

BIND = dcerpc.bind([dcerpc.Context(0, dcerpc.ICLASSFACTORY)])
SESSION = 0x4000_0000_0001
HEAD, HEAD1 = write.Head(10, SESSION), write.Head1(10)


def test_the_legs_of_a_session() -> None:
    """[MS-SMB2] 2.2.5, 2.2.6: the first request has no number yet, its leg has the one that the answer tells."""
    talk = Talk()
    talk.turns(write.begun2())
    legs = talk.end().legs
    assert [(leg.carried_in, leg.session, leg.direction, bytes(leg.octets)) for leg in legs] == [
        ("smb", SESSION, 0, b"one"), ("smb", SESSION, 1, b"two"), ("smb", SESSION, 0, b"three"),
        ("smb", SESSION, 1, b""),
    ]  # fmt: skip
    assert [(leg.status, leg.outcome) for leg in legs] == [(None, None), (write.MORE, None), (None, None), (0, True)]
    assert [leg.provenance.frame for leg in legs] == [3, 4, 5, 6]


def test_the_legs_of_smb1() -> None:
    talk = Talk()
    talk.turns(write.begun1())
    legs = talk.end().legs
    assert [(leg.session, leg.direction, bytes(leg.octets), leg.outcome) for leg in legs] == [
        (2048, 0, b"one", None), (2048, 1, b"two", None), (2048, 0, b"three", None), (2048, 1, b"", True),
    ]  # fmt: skip


def test_a_refused_session() -> None:
    talk = Talk()
    talk.turns(write.begun2()[:3])
    talk.turns([(1, write.error2(write.SETUP, write.Head(1, SESSION, status=0xC000_006D)))])
    first, answer = talk.end().legs
    assert (first.session, answer.session, answer.status, answer.outcome) == (SESSION, SESSION, 0xC000_006D, False)


def test_a_request_without_an_answer_is_a_leg_too() -> None:
    """At the end, and where another request has its number."""
    talk = Talk()
    talk.turns(write.begun2()[:3])
    talk.turns([(0, write.setup_request(write.Head(1, session=0), b"again"))])
    assert [bytes(leg.octets) for leg in talk.heard.legs] == [b"one"]
    assert [bytes(leg.octets) for leg in talk.end().legs] == [b"one", b"again"]


def test_a_token_that_the_capture_cuts() -> None:
    talk = Talk()
    talk.turns(write.begun2()[:2])
    octets = write.packet(write.setup_request(write.Head(1, session=0), b"token"))
    talk.client(octets[:-2])
    talk.lose(0, 2)
    assert bytes(talk.end().legs[0].octets) == b"tok"


def test_names_in_clear() -> None:
    """[MS-CIFS] 2.2.4.53: a session setup without extended security; said with the answer's session."""
    for unicode in (True, False):
        head = HEAD1.but(session=0, unicode=unicode)
        talk = Talk()
        talk.turns([
            (0, write.plain_setup_request1(head, "EXAMPLE", "alice")),
            (1, write.plain_setup_answer1(head.but(session=77, status=write.DENIED))),
        ])  # fmt: skip
        heard = talk.end()
        assert [(facts.session, facts.names) for facts in heard.facts] == [(77, NtlmNames("EXAMPLE", "alice"))]
        assert [(leg.session, bytes(leg.octets), leg.outcome) for leg in heard.legs] == [
            (77, b"", None), (77, b"", False),
        ]  # fmt: skip


def test_the_target() -> None:
    """The server in the path of the session's first tree; legs that come later have it."""
    talk = Talk()
    talk.turns(write.begun2())
    talk.turns([(0, write.setup_request(HEAD, b"once more")), (1, write.setup_answer(HEAD, b""))])
    heard = talk.end()
    assert [(facts.session, facts.target) for facts in heard.facts] == [(SESSION, "\\\\DC1.example.com")]
    assert [leg.target for leg in heard.legs] == [None] * 4 + ["\\\\DC1.example.com"] * 2


def test_a_refused_tree() -> None:
    for turns, refused in (
        (write.begun2()[:-1], write.error2(write.TREE, write.Head(3, status=write.DENIED))),
        (write.begun1()[:-1], write.error1(0x75, write.Head1(3, status=write.DENIED))),
    ):
        talk = Talk()
        talk.turns([*turns, (1, refused)])
        (notice,) = talk.end().notices
        assert (notice.kind, notice.status) == (SmbNoticeKind.TREE_REFUSED, write.DENIED)
        assert notice.name is not None
        assert notice.name.endswith("\\IPC$")


def test_session_and_tree_in_one_message() -> None:
    """[MS-CIFS] 2.2.3.4"""
    talk = Talk()
    head = HEAD1.but(session=0, tree=0)
    talk.turns([
        (0, write.chain(write.setup_request1(head, b"token"), write.tree_request1(head, "\\\\DC1\\IPC$"))),
        (1, write.chain(write.setup_answer1(HEAD1, b""), write.tree_answer1(HEAD1))),
        *write.opened1(), (0, write.write_andx1(HEAD1, BIND)),
    ])  # fmt: skip
    heard = talk.end()
    assert [channel.name for channel in heard.channels] == ["\\pipe\\lsarpc"]
    assert [(leg.session, leg.outcome) for leg in heard.legs] == [(2048, None), (2048, True)]


def test_what_ends_with_a_tree_or_session() -> None:
    for leave in (
        [(0, write.plain2(write.LEAVE, HEAD, answer=False)), (1, write.plain2(write.LEAVE, HEAD, answer=True))],
        [(0, write.plain2(write.LOGOFF, HEAD, answer=False)), (1, write.plain2(write.LOGOFF, HEAD, answer=True))],
    ):
        talk = Talk()
        talk.turns([*write.begun2(), *write.opened2(), (0, write.write_request(HEAD, BIND)), *leave])
        assert talk.heard.events[-1].event == Close(None, False, talk.frame, talk.frame * 1000)
        assert len(talk.end().events) == 2


def test_a_session_of_two_connections() -> None:
    """[MS-SMB2] 3.2.4.1.7: opened here, written there; closed when the last connection ends."""
    servers, heard = Servers(), Heard()
    one, two = Talk(servers=servers, heard=heard), Talk(servers=servers, heard=heard)
    one.turns(write.begun2() + write.opened2())
    two.turns(write.begun2()[:2])
    two.turns([
        (0, write.setup_request(HEAD, b"t", binding=True)), (1, write.setup_answer(HEAD, b"")),
        (0, write.write_request(HEAD, BIND)),
    ])  # fmt: skip
    one.turns([(0, write.read_request(HEAD)), (1, write.read_answer(HEAD, BIND))])
    assert len(heard.pdus) == 2
    one.end()
    (channel,) = heard.channels
    assert channel.name == "\\pipe\\lsarpc"
    assert not isinstance(heard.events[-1].event, Close)
    two.end()
    assert isinstance(heard.events[-1].event, Close)


def test_equal_numbers_are_of_different_sessions() -> None:
    """Of another server, of one that says nothing of itself, or of one that counts each connection's sessions."""
    for one_guid, other_guid in ((write.GUID, bytes(range(16))), (bytes(16), bytes(16)), (write.GUID, write.GUID)):
        servers, heard = Servers(), Heard()
        one, two = Talk(servers=servers, heard=heard), Talk(servers=servers, heard=heard)
        one.turns(write.begun2(guid=one_guid) + write.opened2())
        two.turns(write.begun2(guid=other_guid) + write.opened2("samr"))
        one.turns([(0, write.write_request(HEAD, BIND))])
        two.turns([(0, write.write_request(HEAD, BIND))])
        assert [channel.name for channel in heard.channels] == ["\\pipe\\lsarpc", "\\pipe\\samr"]
        one.end()
        assert len(heard.events) == 3


def test_a_session_that_nobody_knows_is_joined() -> None:
    """The connection that began it is not in the capture: its pipes have no names."""
    talk = Talk(servers=Servers())
    talk.turns(write.begun2()[:2])
    talk.turns([
        (0, write.setup_request(HEAD, b"t", binding=True)), (1, write.setup_answer(HEAD, b"")),
        (0, write.write_request(HEAD, BIND)),
    ])  # fmt: skip
    assert [(channel.name, channel.joined_late) for channel in talk.end().channels] == [(None, True)]
