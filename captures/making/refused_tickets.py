"""Tickets that servers refuse, each for a cause of its own, and beside each the near miss: the same with another cause,
or none. The servers are the novice's computer (RPC) and the file server (SMB) of domainB.com.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from struct import pack

from builders import CLIENT, SERVER, Host, TcpConversation, TimedFrame, dcerpc, filler, kerberos, merged, smb, spnego
from builders import netlogon_rpc as netlogon
from builders.dcerpc import Context, Head, Result, Security
from builders.kerberos import KdcRequest, principal
from builders.ndr import Ndr
from builders.tcp import SYN, SYN_OPTIONS

from making import cast
from making.article import ARTICLE, novice_tgt, user_to_user_ticket
from making.cast import DC_B, EXPERT, MILLISECOND_NS, NOVICE, START_NS
from making.pipes import SESSION, served
from making.speech import ACCEPTED, HEADER_SIGNING, ask_kdc, authenticated_bind, leg, offered, say, talk

SECOND_NS = 1000 * MILLISECOND_NS
HOST = principal("host", cast.NOVICE_NAME)
HOST_TICKET = kerberos.ticket(cast.SERVER_REALM, HOST, kvno=4)
FILES = principal("cifs", cast.FILE_NAME)
PRESENTED_NS = START_NS + 20 * MILLISECOND_NS
SECOND_DC = Host("10.2.0.11", "00:1b:21:0a:02:11")
BAD_STUB_DATA, ACCESS_DENIED = 0x6F7, 5
CNAME_IN_ADDITIONAL_TICKET = 0x0002_0000  # [MS-SFU] 2.2.3
Frames = list[TimedFrame]


# PAC validation, at the novice's computer


def _user_to_user(refused_ns: int) -> TcpConversation:
    """TGT-REQ, TGT-REP, AP-REQ at 20 ms, and 0x721 when `refused_ns` have gone by since."""
    conversation = talk((EXPERT, 50400), (NOVICE, cast.CLASS_FACTORY_PORT), START_NS)
    conversation.connect()
    contexts = offered(dcerpc.ICLASSFACTORY)
    asked = spnego.neg_token_init(mech_token=kerberos.gss_tgt_request(cast.NOVICE_USER, cast.CHILD_REALM))
    told = spnego.neg_token_resp(
        spnego.ACCEPT_INCOMPLETE, kerberos.MS_KRB5, kerberos.gss_tgt_reply(novice_tgt(ARTICLE).ticket)
    )
    options = kerberos.USE_SESSION_KEY | kerberos.MUTUAL_REQUIRED
    shown = kerberos.ap_req(user_to_user_ticket(ARTICLE).ticket, ap_options=options)
    presented = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, None, shown)
    conversation.send(CLIENT, dcerpc.bind(contexts, leg(asked)))
    conversation.send(SERVER, dcerpc.bind_ack(ACCEPTED, leg(told), secondary_address=str(cast.CLASS_FACTORY_PORT)))
    say(conversation, PRESENTED_NS, CLIENT, dcerpc.alter_context(contexts, leg(presented)))
    say(conversation, PRESENTED_NS + refused_ns, SERVER, dcerpc.fault(0x721))
    conversation.close()
    return conversation


def _secure_channel(sealed: bool) -> TcpConversation:
    """The novice's computer is bound to the Netlogon interface of its domain controller since before."""
    conversation = talk((NOVICE, 50401), (DC_B, cast.LOGON_PORT), START_NS - 50 * MILLISECOND_NS)
    conversation.connect()
    asked, agreed = Head(2), Head(2)
    if sealed:
        names = pack("<II", 0, 3) + b"RESOURCE\0RESOURCE-WIN73\0"
        asked = Head(2, HEADER_SIGNING, Security(dcerpc.NETLOGON, dcerpc.PRIVACY, names))
        agreed = Head(2, HEADER_SIGNING, Security(dcerpc.NETLOGON, dcerpc.PRIVACY, pack("<III", 1, 0, 0)))
    conversation.send(CLIENT, dcerpc.bind(offered(dcerpc.NETLOGON_INTERFACE), asked))
    conversation.send(SERVER, dcerpc.bind_ack(ACCEPTED, agreed, secondary_address=str(cast.LOGON_PORT)))
    return conversation


def _sealed(call_id: int, label: str) -> Head:
    signature = pack("<HHHH", 0x13, 0x1A, 0xFFFF, 0) + filler(f"netlogon {label}", 48)
    return Head(call_id, security=Security(dcerpc.NETLOGON, dcerpc.PRIVACY, signature, alignment=16))


def _sealed_logons(answers: Sequence[bytes | None]) -> Frames:
    """NetrLogonSamLogonEx, sealed, every 4 ms after the AP-REQ; None: nothing answers."""
    conversation = _secure_channel(sealed=True)
    for at, answer in enumerate(answers):
        now = PRESENTED_NS + (1 + 4 * at) * MILLISECOND_NS
        asked = dcerpc.request(filler(f"logon {at}", 420), _sealed(3 + at, f"asked {at}"), opnum=39)
        say(conversation, now, CLIENT, asked)
        if answer is not None:
            say(conversation, now + 2 * MILLISECOND_NS, SERVER, answer)
    return conversation.frames


def _sealed_answer(call_id: int) -> bytes:
    return dcerpc.response(filler(f"logged on {call_id}", 32), _sealed(call_id, f"told {call_id}"))


def _clear_logon(status: int) -> Frames:
    """NetrLogonSamLogonEx of level Generic, package Kerberos, not sealed: its status is seen."""
    conversation = _secure_channel(sealed=False)
    asked = netlogon.sam_logon_ex(Ndr(), 4, (cast.ARTICLE_REALM, None, None), validation=5)
    say(conversation, PRESENTED_NS + MILLISECOND_NS, CLIENT, dcerpc.request(asked, Head(3), opnum=39))
    told = dcerpc.response(netlogon.logged_on(Ndr(), status), Head(3))
    say(conversation, PRESENTED_NS + 3 * MILLISECOND_NS, SERVER, told)
    return conversation.frames


def _in_vain(server: Host, port: int, now_ns: int) -> Frames:
    """Three SYNs that nothing answers, as Windows sends them."""
    attempt = talk((NOVICE, 50402), (server, port), now_ns)
    first = list(attempt.sequence)
    for wait in (0, 3, 9):
        attempt.now_ns = now_ns + wait * SECOND_NS
        attempt.sequence[:] = first[0], 0
        attempt.segment(CLIENT, flags=SYN, options=SYN_OPTIONS)
    return attempt.frames


def no_domain_controller() -> Frames:
    """The logon request is not answered, another domain controller neither; the refusal comes after 21 seconds."""
    lost = _sealed_logons([None])
    attempt = _in_vain(SECOND_DC, 135, PRESENTED_NS + SECOND_NS)
    return merged(_user_to_user(21 * SECOND_NS).frames, lost, attempt)


def domain_controller_answers() -> Frames:
    """The same at once: the domain controller answers the logon request, and the refusal follows."""
    return merged(_user_to_user(7 * MILLISECOND_NS).frames, _sealed_logons([_sealed_answer(3)]))


def validated_as(status: int) -> Callable[[], Frames]:
    """A secure channel that is not sealed: the domain controller's answer to the validation is seen."""
    return lambda: merged(_user_to_user(7 * MILLISECOND_NS).frames, _clear_logon(status))


def ticket_logon_unknown() -> Frames:
    """The domain controller answers the logon request with 0x6F7; no second one follows, and the ticket is refused."""
    return merged(
        _user_to_user(7 * MILLISECOND_NS).frames, _sealed_logons([dcerpc.fault(BAD_STUB_DATA, Head(3))])
    )  # fmt: skip


def logon_denied() -> Frames:
    """A logon request that gets fault 5, and one that is answered: nothing that a ticket logon gives."""
    return _sealed_logons([dcerpc.fault(ACCESS_DENIED, Head(3)), _sealed_answer(4)])


def _delegated(ticket: bytes, options: int, additional: Iterable[bytes]) -> Frames:
    wanted = principal("http", "web1.domainb.com")
    asked = kerberos.tgs_req(
        KdcRequest(cast.SERVER_REALM, wanted, cast.TILL_NS, options, additional_tickets=tuple(additional)), ticket
    )
    refused = kerberos.krb_error(41, cast.SERVER_REALM, wanted, server_time_ns=START_NS)
    return ask_kdc((NOVICE, 50403), DC_B, START_NS, asked, refused)


def delegation_refused() -> Frames:
    """Constrained delegation: the KDC refuses the service ticket that it is shown as modified (41)."""
    own = kerberos.ticket(cast.SERVER_REALM, kerberos.ticket_granting(cast.SERVER_REALM), kvno=2)
    return _delegated(own, kerberos.WINDOWS_TGS_OPTIONS | CNAME_IN_ADDITIONAL_TICKET, [HOST_TICKET])


def referral_refused() -> Frames:
    """The same error to an ordinary request with a referral ticket: keys of the trust."""
    return _delegated(cast.SERVER_TGT, kerberos.WINDOWS_TGS_OPTIONS, [])


# Errors of the server itself


def _said(code: int, sname: kerberos.Principal, now_ns: int) -> bytes:
    error = kerberos.krb_error(code, cast.SERVER_REALM, sname, server_time_ns=now_ns)
    return kerberos.gss_frame(kerberos.TOKEN_ERROR, error)


def answered_with(code: int) -> Callable[[], Frames]:
    """An AP-REQ for the novice's computer in a bind; its bind_ack holds a KRB-ERROR, and the client leaves."""

    def make() -> Frames:
        conversation = talk((EXPERT, 50404), (NOVICE, 135), START_NS)
        conversation.connect()
        first = spnego.neg_token_init(mech_token=kerberos.ap_req(HOST_TICKET))
        second = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, kerberos.MS_KRB5, _said(code, HOST, START_NS))
        conversation.send(CLIENT, dcerpc.bind(offered(dcerpc.ISYSTEMACTIVATOR), leg(first)))
        conversation.send(SERVER, dcerpc.bind_ack(ACCEPTED, leg(second), secondary_address="135"))
        conversation.close()
        return conversation.frames

    return make


def refused_once() -> Frames:
    """A second security context presents the very ticket that the same port has accepted for the first: 0x721. The key
    is right, whatever else is not."""
    conversation = talk((EXPERT, 50405), (NOVICE, cast.CLASS_FACTORY_PORT), START_NS)
    conversation.connect()
    authenticated_bind(conversation, START_NS, dcerpc.ICLASSFACTORY, HOST_TICKET)
    token = spnego.neg_token_init(mech_token=kerberos.ap_req(HOST_TICKET, authenticator_cipher=filler("changed", 256)))
    second = leg(token, context_id=1, call_id=3)
    asked = dcerpc.alter_context(offered(dcerpc.ICLASSFACTORY)[:1], second)
    say(conversation, START_NS + 10 * MILLISECOND_NS, CLIENT, asked)
    conversation.send(SERVER, dcerpc.fault(0x721, Head(3)))
    conversation.close()
    return conversation.frames


def _set_up(conversation: TcpConversation, number: int, ticket: bytes, error: bytes | None) -> None:
    """A session setup of SMB 2 with an AP-REQ; `error`: the KRB-ERROR with which it is answered."""
    head = smb.Head(number, 0)
    token = spnego.neg_token_init(
        (kerberos.MS_KRB5,), kerberos.gss_frame(kerberos.TOKEN_AP_REQ, kerberos.ap_req(ticket))
    )
    reply = error or kerberos.gss_frame(kerberos.TOKEN_AP_REP, kerberos.ap_rep())
    state = spnego.ACCEPT_INCOMPLETE if error else spnego.ACCEPT_COMPLETED
    told = spnego.neg_token_resp(state, kerberos.MS_KRB5, reply)
    conversation.send(CLIENT, smb.packet(smb.setup_request(head, token)))
    conversation.now_ns += MILLISECOND_NS
    answered = head.but(session=SESSION, status=smb.MORE if error else 0)
    conversation.send(SERVER, smb.packet(smb.setup_answer(answered, told)))


def expired_over_smb(*, renewed: bool) -> Callable[[], Frames]:
    """A session setup whose ticket is expired (32); `renewed`: a new ticket is got and accepted."""

    def make() -> Frames:
        old = kerberos.ticket(cast.SERVER_REALM, FILES, kvno=4, cipher=filler("old ticket", 420))
        new = kerberos.ticket(cast.SERVER_REALM, FILES, kvno=4, cipher=filler("new ticket", 420))
        conversation = served(50406)
        conversation.connect()
        head = smb.Head(0, 0)
        conversation.send(CLIENT, smb.packet(smb.negotiate_request(head, (0x210,))))
        conversation.send(SERVER, smb.packet(smb.negotiate_answer(head, dialect=0x210)))
        _set_up(conversation, 1, old, _said(32, FILES, START_NS))
        if not renewed:
            conversation.close()
            return conversation.frames
        asked = kerberos.tgs_req(KdcRequest(cast.SERVER_REALM, FILES, cast.TILL_NS), cast.SERVER_TGT)
        reply = kerberos.tgs_rep(cast.CHILD_REALM, cast.EXPERT_USER, new)
        granted = ask_kdc((EXPERT, 50407), DC_B, conversation.now_ns, asked, reply)
        conversation.now_ns += 20 * MILLISECOND_NS
        _set_up(conversation, 2, new, None)
        conversation.close()
        return merged(conversation.frames, granted)

    return make


def used_twice() -> Frames:
    """Two connections present the same ticket, each with its own authenticator, and both are accepted."""
    frames: Frames = []
    for at in range(2):
        conversation = talk((EXPERT, 50408 + at), (NOVICE, 135), START_NS + at * SECOND_NS)
        conversation.connect()
        authenticated_bind(conversation, conversation.now_ns, dcerpc.ISYSTEMACTIVATOR, HOST_TICKET)
        conversation.close()
        frames += conversation.frames
    return frames


# Handshakes


def _accepted(end: bool) -> Frames:
    conversation = talk((EXPERT, 50410), (NOVICE, 135), START_NS)
    conversation.connect()
    contexts = [Context(0, dcerpc.ISYSTEMACTIVATOR)]
    first = spnego.neg_token_init(mech_token=kerberos.ap_req(HOST_TICKET))
    second = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, kerberos.MS_KRB5, kerberos.ap_rep())
    conversation.send(CLIENT, dcerpc.bind(contexts, leg(first)))
    conversation.send(SERVER, dcerpc.bind_ack([Result()], leg(second), secondary_address="135"))
    if end:
        conversation.close()
    return conversation.frames


def broken_off() -> Frames:
    """The server accepts the ticket (AP-REP), and the client closes the connection without the third leg."""
    return _accepted(end=True)


def cut_off() -> Frames:
    """The same, and the capture ends with the AP-REP: what followed is not known."""
    return _accepted(end=False)
