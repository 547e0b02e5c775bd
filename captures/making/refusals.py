"""Calls and logons that are refused, each for one cause, and for most a near miss: the same refusal for another cause.

What RPC, NTLM, DCOM, the Netlogon secure channel and trusts refuse; see rpctrace/diagnosis/rules.
"""

from __future__ import annotations

from collections.abc import Callable

from builders import (
    CLIENT,
    SERVER,
    TcpConversation,
    TimedFrame,
    dcerpc,
    dcom,
    filler,
    kerberos,
    merged,
    netlogon_rpc,
    ntlm,
    smb,
)
from builders.dcerpc import Context, Head, Result, Security, SyntaxId
from builders.kerberos import KdcRequest, principal
from builders.ndr import Ndr

from making import cast, ntlm_talk
from making.cast import DC_B, EXPERT, MILLISECOND_NS, NOVICE, START_NS
from making.domain_member import COMPUTER, NEGOTIATE_FLAGS, WORKSTATION_CHANNEL
from making.endpoints import HOST_TICKET, TASKS
from making.pipes import CONNECT_5, CONNECTED_5, SAMR, SESSION, say_all, served, set_up
from making.speech import HEADER_SIGNING, ask_kdc, authenticated_bind, cfx_mic, say, talk

EVENTS = SyntaxId("f6beaff7-1e19-4fbb-9f8f-b89e2018337c", 1)  # [MS-EVEN6] 1.9
DENIED, SEC_PKG_ERROR = 5, 0x721
CONTEXT_MISMATCH, TOO_BUSY = 0x1C00001A, 0x1C010014  # C706 Appendix N
CLASS_NOT_REGISTERED, NO_TRUST_ACCOUNT, FIREWALL_FAILED = 0x80040154, 0xC000018B, 0xC0000413
WRONG_PASSWORD, LOGON_HOURS, LOGON_TYPE = 0xC000006A, 0xC000006F, 0xC000015B
WEAK_FLAGS = ntlm.DEFAULT_FLAGS & ~0x2008_0000  # without 128-bit keys and extended session security
CONNECT_LEVEL = 2


def _talk(client_port: int, server_port: int = 49160) -> TcpConversation:
    conversation = talk((EXPERT, client_port), (NOVICE, server_port), START_NS)
    conversation.connect()
    return conversation


def _exchange(conversation: TcpConversation, *pdus: bytes) -> None:
    """PDUs by turns, the client's first; the server takes a millisecond."""
    for at, octets in enumerate(pdus):
        say(conversation, conversation.now_ns + at % 2 * MILLISECOND_NS, SERVER if at % 2 else CLIENT, octets)


def _signed(call_id: int, label: str, level: int = dcerpc.INTEGRITY) -> Head:
    return Head(call_id, dcerpc.WHOLE, Security(dcerpc.SPNEGO, level, cfx_mic(label), alignment=16))


def _authenticated(
    client_port: int, interface: SyntaxId, level: int = dcerpc.INTEGRITY, server_port: int = 49160
) -> TcpConversation:
    conversation = _talk(client_port, server_port)
    authenticated_bind(conversation, conversation.now_ns, interface, HOST_TICKET, level)
    return conversation


def _denied_call(
    client_port: int, interface: SyntaxId, level: int = dcerpc.INTEGRITY, server_port: int = 49160
) -> list[TimedFrame]:
    """A ticket that is accepted, and a request that is denied (5)."""
    conversation = _authenticated(client_port, interface, level, server_port)
    asked = dcerpc.request(filler(f"denied {client_port}", 96), _signed(3, "asked", level), opnum=4)
    _exchange(conversation, asked, dcerpc.fault(DENIED, Head(3)))
    conversation.close()
    return conversation.frames


def _without_trailer(*, authenticated: bool) -> list[TimedFrame]:
    """A bare request, on a connection that was authenticated at packet integrity or not at all; denied."""
    if authenticated:
        conversation = _authenticated(50410, EVENTS)
    else:
        conversation = _talk(50411)
        bound = dcerpc.bind_ack([Result()], Head(1), secondary_address="49160")
        _exchange(conversation, dcerpc.bind([Context(0, EVENTS)], Head(1)), bound)
    _exchange(conversation, dcerpc.request(filler("bare", 40), Head(3), opnum=1), dcerpc.fault(DENIED, Head(3)))
    conversation.close()
    return conversation.frames


def _ntlm_call(client_port: int, flags: int, status: int) -> list[TimedFrame]:
    """NTLM by auth3, and the first request is refused."""
    conversation = _talk(client_port)
    tokens = (
        ntlm.negotiate(flags=flags),
        ntlm.challenge("DOMAINB", [(ntlm.AV_NB_COMPUTER, COMPUTER)], flags=flags | ntlm.TARGET_FLAGS),
        ntlm.authenticate("DOMAINB", "expert", "EXPERT-PC", flags=flags),
    )
    legs = [Head(2, HEADER_SIGNING, Security(dcerpc.NTLM, dcerpc.INTEGRITY, token)) for token in tokens]
    verifier = Security(dcerpc.NTLM, dcerpc.INTEGRITY, b"\1\0\0\0" + filler("signature", 12), alignment=16)
    bound = dcerpc.bind_ack([Result()], legs[1], secondary_address="49160")
    _exchange(conversation, dcerpc.bind([Context(0, EVENTS)], legs[0]), bound)
    conversation.send(CLIENT, dcerpc.auth3(legs[2]))
    asked = dcerpc.request(filler("signed", 40), Head(2, security=verifier), opnum=1)
    _exchange(conversation, asked, dcerpc.fault(status, Head(2)))
    conversation.close()
    return conversation.frames


def _changed_type(auth_type: int) -> list[TimedFrame]:
    """SPNEGO in the bind; the alter_context with the last leg names this type, and is refused."""
    conversation = _talk(50414)
    first, second, third, _ = ntlm_talk.wrapped(COMPUTER, cast.NOVICE_NAME)
    contexts = [Context(0, EVENTS)]
    legs = [Head(2, HEADER_SIGNING, Security(dcerpc.SPNEGO, dcerpc.INTEGRITY, token, 1)) for token in (first, second)]
    last = Head(2, HEADER_SIGNING, Security(auth_type, dcerpc.INTEGRITY, third, 1))
    _exchange(
        conversation, dcerpc.bind(contexts, legs[0]), dcerpc.bind_ack([Result()], legs[1], secondary_address="49160"),
        dcerpc.alter_context(contexts, last), dcerpc.fault(SEC_PKG_ERROR, Head(2)),
    )  # fmt: skip
    conversation.close(SERVER)
    return conversation.frames


def _activation(level: int, hresult: int | None) -> list[TimedFrame]:
    """RemoteCreateInstance: denied by a fault, or answered with an HRESULT."""
    conversation = _authenticated(50416, dcerpc.ISYSTEMACTIVATOR, level, 135)
    asked = dcom.activation_request(Ndr(), [
        dcom.special_properties(), dcom.instantiation_info(dcom.CLSID), dcom.activation_context(),
        dcom.security_info(cast.NOVICE_NAME), dcom.location_info(None), dcom.scm_request_info((7,)),
    ], creates=True)  # fmt: skip
    answer = dcerpc.fault(DENIED, Head(3))
    if hresult is not None:
        answer = dcerpc.response(dcom.activation_response(Ndr(), None, hresult), _signed(3, "told", level))
    _exchange(conversation, dcerpc.request(asked, _signed(3, "asked", level), opnum=4), answer)
    conversation.close()
    return conversation.frames


def _secure_channel(*statuses: int) -> list[TimedFrame]:
    """NetrServerReqChallenge and NetrServerAuthenticate3 of a member, once for each status."""
    conversation = talk((NOVICE, 50418), (DC_B, cast.LOGON_PORT), START_NS)
    conversation.connect()
    bound = dcerpc.bind_ack([Result()], Head(1), secondary_address=str(cast.LOGON_PORT))
    _exchange(conversation, dcerpc.bind([Context(0, dcerpc.NETLOGON_INTERFACE)], Head(1)), bound)
    account = f"{COMPUTER}$"
    for at, status in enumerate(statuses):
        call = Head(2 + 2 * at)
        asked = netlogon_rpc.authenticate(Ndr(), account, WORKSTATION_CHANNEL, COMPUTER, NEGOTIATE_FLAGS)
        _exchange(
            conversation,
            dcerpc.request(netlogon_rpc.challenge(Ndr(), r"\\DC1", COMPUTER), call, opnum=4),
            dcerpc.response(netlogon_rpc.authenticated(Ndr(), None, None, 0), call),
            dcerpc.request(asked, Head(call.call_id + 1), opnum=26),
            dcerpc.response(netlogon_rpc.authenticated(Ndr(), NEGOTIATE_FLAGS, 0, status), Head(call.call_id + 1)),
        )
    conversation.close()
    return conversation.frames


def _policy(ntstatus: int) -> list[TimedFrame]:
    """A user of the other forest asks for a service: KDC_ERR_POLICY (12) with an NTSTATUS in its e-data."""
    sname = principal("cifs", cast.FILE_NAME)
    error = kerberos.krb_error(
        12, cast.SERVER_REALM, sname, server_time_ns=START_NS, data=kerberos.extended_error_data(ntstatus)
    )
    request = kerberos.tgs_req(KdcRequest(cast.SERVER_REALM, sname, cast.TILL_NS), cast.SERVER_TGT)
    return ask_kdc((EXPERT, 50420), DC_B, START_NS, request, error)


def _stale_handle(status: int) -> list[TimedFrame]:
    """SamrConnect5, SamrCloseHandle, and the closed handle is used again."""
    conversation = _talk(50422)
    handle = filler("handle", 20)
    bound = dcerpc.bind_ack([Result()], Head(1), secondary_address="49160")
    _exchange(
        conversation, dcerpc.bind([Context(0, SAMR)], Head(1)), bound,
        dcerpc.request(CONNECT_5, Head(2), opnum=64), dcerpc.response(CONNECTED_5, Head(2)),
        dcerpc.request(handle, Head(3), opnum=1), dcerpc.response(bytes(24), Head(3)),
        dcerpc.request(handle + bytes(8), Head(4), opnum=6), dcerpc.fault(status, Head(4)),
    )  # fmt: skip
    conversation.close()
    return conversation.frames


def _unanswered(*, reset: bool) -> list[TimedFrame]:
    """Two connections with an open request each. `reset`: the server resets both; else the capture just ends."""
    frames = []
    for client_port in (50424, 50425):
        conversation = _talk(client_port)
        bound = dcerpc.bind_ack([Result()], Head(1), secondary_address="49160")
        _exchange(conversation, dcerpc.bind([Context(0, EVENTS)], Head(1)), bound)
        conversation.send(CLIENT, dcerpc.request(filler("open", 40), Head(2), opnum=1), acknowledge=True)
        if reset:
            conversation.now_ns = START_NS + 300 * MILLISECOND_NS
            conversation.reset(SERVER)
        frames.append(conversation.frames)
    return merged(*frames)


def _smb_logon(client_port: int, now_ns: int, statuses: tuple[int, ...]) -> list[TimedFrame]:
    """NTLM over SMB, once for each status of its end, on a connection each."""
    frames = []
    for at, status in enumerate(statuses):
        conversation = served(client_port + at, now_ns + at * 40 * MILLISECOND_NS)
        conversation.connect()
        turns = set_up(ntlm_talk.wrapped("FS1", cast.FILE_NAME))
        if status:
            turns[-1] = (1, smb.error2(smb.SETUP, smb.Head(2, SESSION, 0, status=status)))
        say_all(conversation, turns)
        conversation.close()
        frames.append(conversation.frames)
    return merged(*frames)


def _unknown_service(*, then_refused: bool) -> list[TimedFrame]:
    """The KDC does not know cifs/fs1 (7), NTLM is tried at the file server, and refused; or the KDC is asked for
    another name and issues a ticket."""
    sname = principal("cifs", cast.FILE_NAME)
    unknown = kerberos.krb_error(7, cast.SERVER_REALM, sname, server_time_ns=START_NS)
    request = kerberos.tgs_req(KdcRequest(cast.SERVER_REALM, sname, cast.TILL_NS), cast.SERVER_TGT)
    asked = ask_kdc((EXPERT, 50428), DC_B, START_NS, request, unknown)
    if then_refused:
        return merged(asked, _smb_logon(50429, START_NS + 20 * MILLISECOND_NS, (WRONG_PASSWORD,)))
    issued = kerberos.tgs_rep(
        cast.CHILD_REALM, cast.EXPERT_USER, kerberos.ticket(cast.SERVER_REALM, sname, kvno=4)
    )
    return merged(asked, ask_kdc((EXPERT, 50431), DC_B, START_NS + 20 * MILLISECOND_NS, request, issued))


def _too_busy(status: int) -> list[TimedFrame]:
    conversation = _talk(50432)
    bound = dcerpc.bind_ack([Result()], Head(1), secondary_address="49160")
    _exchange(
        conversation, dcerpc.bind([Context(0, EVENTS)], Head(1)), bound,
        dcerpc.request(filler("busy", 40), Head(2), opnum=1), dcerpc.fault(status, Head(2)),
    )  # fmt: skip
    conversation.close()
    return conversation.frames


CAUSES: dict[str, Callable[[], list[TimedFrame]]] = {
    "sec-pkg-request-integrity": lambda: _without_trailer(authenticated=True),
    "sec-pkg-request-integrity-not": lambda: _without_trailer(authenticated=False),
    "ntlm-minsec-mismatch": lambda: _ntlm_call(50412, WEAK_FLAGS, SEC_PKG_ERROR),
    "ntlm-minsec-mismatch-not": lambda: _ntlm_call(50413, ntlm.DEFAULT_FLAGS, SEC_PKG_ERROR),
    "auth-type-changed": lambda: _changed_type(dcerpc.NTLM),
    "auth-type-changed-not": lambda: _changed_type(dcerpc.SPNEGO),
    "authlevel-unsupported": lambda: _denied_call(50433, TASKS),
    "authlevel-unsupported-not": lambda: _denied_call(50434, TASKS, dcerpc.PRIVACY),
    "rpc-authz-denied": lambda: _denied_call(50435, EVENTS),
    "dcom-hardening": lambda: _activation(CONNECT_LEVEL, None),
    "dcom-hardening-not": lambda: _activation(dcerpc.INTEGRITY, None),
    "dcom-activation-failed": lambda: _activation(dcerpc.INTEGRITY, CLASS_NOT_REGISTERED),
    "dcom-activation-failed-not": lambda: _activation(dcerpc.INTEGRITY, 0x80070005),
    "trust-broken": lambda: _secure_channel(NO_TRUST_ACCOUNT),
    "trust-broken-recovered": lambda: _secure_channel(0xC0000022, 0),
    "selective-auth": lambda: _policy(FIREWALL_FAILED),
    "selective-auth-not": lambda: _policy(LOGON_HOURS),
    "context-mismatch": lambda: _stale_handle(CONTEXT_MISMATCH),
    "server-too-busy": lambda: _too_busy(TOO_BUSY),
    "call-unanswered": lambda: _unanswered(reset=True),
    "call-unanswered-not": lambda: _unanswered(reset=False),
    "logon-refused": lambda: _smb_logon(50436, START_NS, (LOGON_TYPE,)),
    "logon-refused-recovered": lambda: _smb_logon(50437, START_NS, (LOGON_TYPE, 0)),
    "spn-unknown-ntlm": lambda: _unknown_service(then_refused=True),
    "spn-unknown-ntlm-not": lambda: _unknown_service(then_refused=False),
}
