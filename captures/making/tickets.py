"""Tickets from the first question to their use: referrals, and what a client does when there is none."""

from __future__ import annotations

from builders import (
    CLIENT,
    SERVER,
    Host,
    TimedFrame,
    dcerpc,
    der,
    filler,
    kerberos,
    ldap,
    merged,
    smb,
    spnego,
    udp_frame,
)
from builders.dcerpc import Context, Head, Result
from builders.kerberos import KdcRequest, Principal, principal
from builders.ndr import Ndr

from making import cast, ntlm_talk
from making.cast import DC_A, DC_B, DC_CHILD, EXPERT, MILLISECOND_NS, NOVICE, START_NS
from making.pipes import INTER_PROCESS, SESSION, SRVSVC, in_pipe, say_all, served, set_up
from making.speech import ask_kdc, authenticated_bind, sealed_call, talk

HOST = principal("host", cast.NOVICE_NAME)
FILE_SERVICE = principal("cifs", cast.FILE_NAME)
DIRECTORY = principal("ldap", "dc1.domainb.com")
HOST_TICKET = kerberos.ticket(cast.SERVER_REALM, HOST, kvno=4)
# As Active Directory writes it: SEC_E_LOGON_DENIED, the place, ERROR_LOGON_FAILURE in hexadecimal, and an octet of 0.
LOGON_REFUSED = "8009030C: LdapErr: DSID-0C0904DC, comment: AcceptSecurityContext error, data 52e, v1db1\0"


def _by_udp(client_port: int, kdc: Host, now_ns: int, request: bytes, reply: bytes) -> list[TimedFrame]:
    """One question and answer in a datagram each (RFC 4120 7.2.1)."""
    asked, told = (EXPERT, client_port), (kdc, 88)
    return [
        TimedFrame(now_ns, udp_frame(asked, told, request)),
        TimedFrame(now_ns + MILLISECOND_NS, udp_frame(told, asked, reply, padded=True)),
    ]


def _error(code: int, realm: str, sname: Principal, now_ns: int, preauthentication: bytes | None = None) -> bytes:
    return kerberos.krb_error(code, realm, sname, server_time_ns=now_ns, data=preauthentication)


def _logon(now_ns: int) -> list[TimedFrame]:
    """The expert's first ticket: asked without pre-authentication (25), with it (52: too big for UDP), over TCP."""
    realm, sname = cast.CHILD_REALM, kerberos.ticket_granting(cast.CHILD_REALM)
    body = KdcRequest(realm, sname, cast.TILL_NS, cname=cast.EXPERT_USER)
    bare = kerberos.as_req(body, [kerberos.pa_pac_request(True)])
    proved = kerberos.as_req(body, [kerberos.pa_enc_timestamp(), kerberos.pa_pac_request(True)])
    methods = der.sequence(
        kerberos.pa_etype_info2((kerberos.AES256, "CHILD.DOMAINA.COMexpert")), kerberos.padata(2, b"")
    )
    granted = kerberos.as_rep(cast.CHILD_REALM, cast.EXPERT_USER, cast.CHILD_TGT)
    at = [now_ns + step * 5 * MILLISECOND_NS for step in range(3)]
    return [
        *_by_udp(50340, DC_CHILD, at[0], bare, _error(25, realm, sname, at[0], methods)),
        *_by_udp(50341, DC_CHILD, at[1], proved, _error(52, realm, sname, at[1])),
        *ask_kdc((EXPERT, 50342), DC_CHILD, at[2], proved, granted),
    ]


def _tgs(realm: str, sname: Principal, with_ticket: bytes) -> bytes:
    return kerberos.tgs_req(KdcRequest(realm, sname, cast.TILL_NS), with_ticket)


def _granted(ticket: bytes) -> bytes:
    return kerberos.tgs_rep(cast.CHILD_REALM, cast.EXPERT_USER, ticket)


def _referred(now_ns: int, sname: Principal, last: bytes) -> list[TimedFrame]:
    """Up the tree, across the forest trust; `last` is what the third KDC says (RFC 6806 8). The second exchange goes
    over UDP, whose datagrams a ticket of 300 octets fits into."""
    short = kerberos.ticket(
        cast.PARENT_REALM, kerberos.ticket_granting(cast.SERVER_REALM), kvno=3, cipher=filler("short", 300)
    )
    parent = kerberos.ticket(
        cast.CHILD_REALM, kerberos.ticket_granting(cast.PARENT_REALM), kvno=5, cipher=filler("parent", 400)
    )
    at = [now_ns + step * 8 * MILLISECOND_NS for step in range(3)]
    asked = [
        _tgs(cast.CHILD_REALM, sname, cast.CHILD_TGT),
        _tgs(cast.PARENT_REALM, sname, parent),
        _tgs(cast.SERVER_REALM, sname, short),
    ]
    return [
        *ask_kdc((EXPERT, 50343), DC_CHILD, at[0], asked[0], _granted(parent)),
        *_by_udp(50344, DC_A, at[1], asked[1], _granted(short)),
        *ask_kdc((EXPERT, 50345), DC_B, at[2], asked[2], last),
    ]


def referral() -> list[TimedFrame]:
    """Logon, two referrals, the ticket for the novice's computer, and a bind that presents it and is accepted."""
    conversation = talk((EXPERT, 50346), (NOVICE, cast.CLASS_FACTORY_PORT), START_NS + 45 * MILLISECOND_NS)
    conversation.connect()
    authenticated_bind(conversation, START_NS + 47 * MILLISECOND_NS, dcerpc.ICLASSFACTORY, HOST_TICKET)
    sealed_call(conversation, START_NS + 55 * MILLISECOND_NS, 3, 2, (120, 260))
    conversation.close()
    referred = _referred(START_NS + 20 * MILLISECOND_NS, HOST, _granted(HOST_TICKET))
    return merged(_logon(START_NS), referred, conversation.frames)


def referral_stops() -> list[TimedFrame]:
    """The same way, and the last KDC does not know the service (7)."""
    at_ns = START_NS + 20 * MILLISECOND_NS
    unknown = _error(7, cast.SERVER_REALM, HOST, at_ns)
    return merged(_logon(START_NS), _referred(at_ns, HOST, unknown))


def ntlm_fallback() -> list[TimedFrame]:
    """The KDC does not know cifs/fs1.domainb.com (7); within a second the client logs on there with NTLM instead, is
    accepted, and calls NetrShareEnum in the pipe srvsvc."""
    unknown = _error(7, cast.SERVER_REALM, FILE_SERVICE, START_NS)
    asked = ask_kdc((EXPERT, 50347), DC_B, START_NS, _tgs(cast.SERVER_REALM, FILE_SERVICE, cast.SERVER_TGT), unknown)
    conversation = served(50348, START_NS + 20 * MILLISECOND_NS)
    conversation.connect()
    head = smb.Head(3, SESSION, 0)
    # [MS-SRVS] 3.1.4.8: level 1, an empty container; one share comes back
    asked_for = Ndr().optional_text(f"\\\\{cast.FILE_NAME}").u32(1).u32(1).pointer().u32(0).pointer(False)
    listed = Ndr().u32(1).u32(1).pointer().u32(1).pointer().wide(1).pointer().u32(0).pointer().text("tools").text("")
    shares = dcerpc.request(asked_for.u32(0xFFFF_FFFF).pointer(False).done(), Head(2), opnum=15)
    answer = dcerpc.response(listed.u32(1).pointer(False).u32(0).done(), Head(2))
    say_all(conversation, [
        *set_up(ntlm_talk.wrapped("FS1", cast.FILE_NAME)),
        (0, smb.tree_request(head, INTER_PROCESS)),
        (1, smb.tree_answer(head.but(tree=1))),
        (0, smb.create_request(head.but(number=4, tree=1), "srvsvc")),
        (1, smb.create_answer(head.but(number=4, tree=1))),
        *in_pipe(5, dcerpc.bind([Context(0, SRVSVC)], Head(1)), dcerpc.bind_ack([Result()], Head(1))),
        *in_pipe(6, shares, answer),
    ])  # fmt: skip
    conversation.close()
    return merged(asked, conversation.frames)


def ldap_bind_refused() -> list[TimedFrame]:
    """A SASL bind by GSS-SPNEGO whose ticket the directory refuses: invalidCredentials (49)."""
    ticket = kerberos.ticket(cast.SERVER_REALM, DIRECTORY, kvno=4)
    token = kerberos.gss_frame(kerberos.TOKEN_AP_REQ, kerberos.ap_req(ticket))
    presented = ldap.sasl_bind(7, ldap.GSS_SPNEGO, spnego.neg_token_init(mech_token=token))
    refused = ldap.bind_response(7, ldap.INVALID_CREDENTIALS, said=LOGON_REFUSED)
    conversation = talk((EXPERT, 50349), (DC_B, 389), START_NS)
    conversation.connect()
    conversation.send(CLIENT, presented)
    conversation.now_ns += 3 * MILLISECOND_NS
    conversation.send(SERVER, refused)
    conversation.send(CLIENT, ldap.unbind(8))
    conversation.close()
    return conversation.frames
