"""RPC in named pipes of SMB: version 1, version 2 joined in the middle, version 3 where encryption hides all of it."""

from __future__ import annotations

from builders import SERVER, TcpConversation, TimedFrame, dcerpc, filler, kerberos, smb, spnego
from builders.dcerpc import Context, Head, Result, Security, SyntaxId
from builders.kerberos import principal
from builders.ndr import Ndr
from builders.smb import Head1

from making import cast, ntlm_talk
from making.cast import EXPERT, FILE_SERVER, MILLISECOND_NS, START_NS
from making.speech import HEADER_SIGNING, talk

SAMR = SyntaxId("12345778-1234-abcd-ef00-0123456789ac", 1)
SRVSVC = SyntaxId("4b324fc8-1670-01d3-1278-5a47bf6ee188", 3)
FILE_TICKET = kerberos.ticket(cast.SERVER_REALM, principal("cifs", cast.FILE_NAME), kvno=4)
INTER_PROCESS = f"\\\\{cast.FILE_NAME}\\IPC$"
SESSION = 0x0000_0400_0000_0019
ENCRYPT_DATA = 4  # [MS-SMB2] 2.2.6


def served(client_port: int, now_ns: int = START_NS) -> TcpConversation:
    """The expert's computer and the file server on port 445."""
    return talk((EXPERT, client_port), (FILE_SERVER, 445), now_ns)


def say_all(conversation: TcpConversation, turns: list[smb.Turn]) -> None:
    """Messages in packets of their own; the server takes a millisecond."""
    for direction, message in turns:
        if direction:
            conversation.now_ns += MILLISECOND_NS
        conversation.send(SERVER if direction else 0, smb.packet(message))


def set_up(tokens: tuple[bytes, ...], *, dialect: int = 0x210, flags: int = 0) -> list[smb.Turn]:
    """Negotiation and session setup, tokens by turns of client and server ([MS-SMB2] 3.2.4.2)."""
    head = smb.Head(0, SESSION, 0)
    turns: list[smb.Turn] = [
        (0, smb.negotiate_request(head.but(session=0), (dialect,))),
        (1, smb.negotiate_answer(head.but(session=0), dialect=dialect)),
    ]
    for at in range(0, len(tokens), 2):
        last = at + 2 >= len(tokens)
        asked = head.but(number=1 + at // 2, session=SESSION if at else 0)
        answered = asked.but(session=SESSION, status=0 if last else smb.MORE)
        turns.append((0, smb.setup_request(asked, tokens[at])))
        turns.append((1, smb.setup_answer(answered, tokens[at + 1], flags=flags if last else 0)))
    return turns


def in_pipe(number: int, pdu: bytes, answer: bytes) -> list[smb.Turn]:
    """FSCTL_PIPE_TRANSCEIVE: a PDU goes, its answer comes ([MS-SMB2] 2.2.31)."""
    head = smb.Head(number, SESSION)
    return [(0, smb.ioctl_request(head, pdu)), (1, smb.ioctl_answer(head, answer))]


# [MS-SAMR] 3.1.5.1.1 SamrConnect5: revision information in, out; a handle; status
CONNECT_5 = Ndr().optional_text(f"\\\\{cast.FILE_NAME}").u32(0x30).u32(1).u32(1).u32(3).u32(0).done()
CONNECTED_5 = Ndr().u32(1).u32(1).u32(3).u32(0).raw(filler("handle", 20)).u32(0).done()


def smb1() -> list[TimedFrame]:
    """SMB 1: NTLM, the pipe samr, and inside TransactNmPipe a bind and a request that is refused with 5."""
    conversation = served(50310)
    conversation.connect()
    first, second, third, done = ntlm_talk.wrapped("FS1", cast.FILE_NAME)
    head = Head1()
    more, in_session = head.but(number=2, tree=0), head.but(number=3, tree=0)
    bound = dcerpc.bind([Context(0, SAMR)], Head(1))
    agreed = dcerpc.bind_ack([Result()], Head(1), secondary_address="\\PIPE\\samr")
    asked = dcerpc.request(CONNECT_5, Head(2), opnum=64)
    say_all(conversation, [
        (0, smb.negotiate_request1(head.but(session=0, tree=0))),
        (1, smb.negotiate_answer1(head.but(session=0, tree=0))),
        (0, smb.setup_request1(more.but(session=0), first)),
        (1, smb.setup_answer1(more.but(status=smb.MORE), second)),
        (0, smb.setup_request1(in_session, third)),
        (1, smb.setup_answer1(in_session, done)),
        (0, smb.tree_request1(head.but(number=4, tree=0xFFFF), INTER_PROCESS)),
        (1, smb.tree_answer1(head.but(number=4))),
        (0, smb.create_request1(head.but(number=5), "\\samr")),
        (1, smb.create_answer1(head.but(number=5))),
        (0, smb.trans1(head.but(number=6), bound)),
        (1, smb.trans_answer1(head.but(number=6), agreed)),
        (0, smb.trans1(head.but(number=7), asked)),
        (1, smb.trans_answer1(head.but(number=7), dcerpc.fault(5, Head(2)))),
    ])  # fmt: skip
    conversation.close()
    return conversation.frames


def joined_late() -> list[TimedFrame]:
    """The capture begins on an open pipe of SMB 2: no session setup, no tree, no name of the pipe; a bind, then an
    alter_context whose AP-REQ is refused with 0x721."""
    conversation = served(50311)
    contexts = [Context(0, SAMR)]
    presented = spnego.neg_token_init(mech_token=kerberos.ap_req(FILE_TICKET))
    secured = Head(3, HEADER_SIGNING, Security(dcerpc.SPNEGO, dcerpc.INTEGRITY, presented))
    say_all(conversation, [
        *in_pipe(41, dcerpc.bind(contexts, Head(1)), dcerpc.bind_ack([Result()], Head(1))),
        *in_pipe(42, dcerpc.request(CONNECT_5, Head(2), opnum=64), dcerpc.response(CONNECTED_5, Head(2))),
        *in_pipe(43, dcerpc.alter_context(contexts, secured), dcerpc.fault(0x721, Head(3))),
    ])  # fmt: skip
    conversation.close()
    return conversation.frames


def encrypted() -> list[TimedFrame]:
    """SMB 3.0.2: Kerberos accepted in the session setup; from then on every message is encrypted, pipes with them."""
    conversation = served(50312)
    conversation.connect()
    first = spnego.neg_token_init(mech_token=kerberos.gss_frame(kerberos.TOKEN_AP_REQ, kerberos.ap_req(FILE_TICKET)))
    replied = kerberos.gss_frame(kerberos.TOKEN_AP_REP, kerberos.ap_rep())
    last = spnego.neg_token_resp(spnego.ACCEPT_COMPLETED, kerberos.MS_KRB5, replied)
    hidden = [(at % 2, smb.transform(SESSION, filler(f"hidden {at}", 120 + 40 * at))) for at in range(8)]
    say_all(conversation, [*set_up((first, last), dialect=0x302, flags=ENCRYPT_DATA), *hidden])
    conversation.close()
    return conversation.frames
