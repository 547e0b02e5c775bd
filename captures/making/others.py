"""Conversations beside the article's: what else looks like it, and what a reader must not trip over."""

from __future__ import annotations

from struct import pack

from builders import (
    CLIENT,
    SERVER,
    TcpConversation,
    TimedFrame,
    dcerpc,
    filler,
    kerberos,
    ntlm,
    spnego,
    udp_frame,
)
from builders.dcerpc import Context, Head, Result, Security
from builders.dcerpc_datagram import Activity, DatagramType, datagram, datagram_status
from builders.extended_error import ErrorRecord, ParameterType, extended_error
from builders.kerberos import principal

from making import cast
from making.cast import DC_B, EXPERT, MILLISECOND_NS, NOVICE, START_NS
from making.speech import ACCEPTED, HEADER_SIGNING, authenticated_bind, leg, offered, say, sealed, sealed_call, talk

HOST_TICKET = kerberos.ticket(cast.SERVER_REALM, principal("host", cast.NOVICE_NAME), kvno=4)
OTHER_TICKET = kerberos.ticket(cast.SERVER_REALM, principal("dcom", "app1.domainb.com"), kvno=3)
LOGON_DENIED = 0x8009030C  # SEC_E_LOGON_DENIED


def refusal_records(location: int, status: int = 0x721) -> bytes:
    """Extended error information as a server writes it when a token was refused: the runtime's record, then the
    security provider's."""
    legs = (
        (ParameterType.LONG, LOGON_DENIED),
        (ParameterType.LONG, dcerpc.SPNEGO),
        (ParameterType.LONG, dcerpc.PRIVACY),
    )
    named = ErrorRecord(status, location, 2, "RESOURCE-WIN73", 0x4A0, START_NS, parameters=legs)
    return extended_error(named, ErrorRecord(LOGON_DENIED, 0, 3, None, 0x4A0, START_NS))


def _on_call(port: int = cast.CLASS_FACTORY_PORT, client_port: int = 50300) -> TcpConversation:
    conversation = talk((EXPERT, client_port), (NOVICE, port), START_NS)
    conversation.connect()
    return conversation


def refused_in_bind() -> list[TimedFrame]:
    """A ticket of another account in a bind of auth type 16: bind_nak 9 with extended error information."""
    conversation = _on_call()
    presented = Head(2, HEADER_SIGNING, Security(dcerpc.KERBEROS, dcerpc.PRIVACY, kerberos.ap_req(OTHER_TICKET)))
    conversation.send(CLIENT, dcerpc.bind(offered(dcerpc.ICLASSFACTORY), presented))
    conversation.send(SERVER, dcerpc.bind_nak(9, Head(2), extended_error=refusal_records(73)))
    conversation.close()
    return conversation.frames


def accepted_in_bind() -> list[TimedFrame]:
    """The ordinary case: AP-REQ in the bind, third leg in the alter_context, a sealed call."""
    conversation = _on_call(135)
    authenticated_bind(conversation, START_NS, dcerpc.ISYSTEMACTIVATOR, HOST_TICKET)
    sealed_call(conversation, conversation.now_ns, 4, 2, (720, 620))
    conversation.close()
    return conversation.frames


def refused_third_leg() -> list[TimedFrame]:
    """AP-REQ accepted (the server's AP-REP is there), then the client's own AP-REP refused with 0x721."""
    conversation = _on_call()
    contexts = offered(dcerpc.ICLASSFACTORY)
    first = spnego.neg_token_init(mech_token=kerberos.ap_req(HOST_TICKET))
    second = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, kerberos.MS_KRB5, kerberos.ap_rep())
    third = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, None, kerberos.ap_rep(cipher=filler("damaged leg", 68)))
    conversation.send(CLIENT, dcerpc.bind(contexts, leg(first)))
    conversation.send(SERVER, dcerpc.bind_ack(ACCEPTED, leg(second), secondary_address="49834"))
    conversation.send(CLIENT, dcerpc.alter_context(contexts[:1], leg(third)))
    conversation.send(SERVER, dcerpc.fault(0x721))
    conversation.close()
    return conversation.frames


def refused_second_context() -> list[TimedFrame]:
    """A connection that works (context 0); a second security context presents another ticket, on a call id of its own,
    and is refused; the first goes on working."""
    conversation = _on_call()
    authenticated_bind(conversation, START_NS, dcerpc.ICLASSFACTORY, HOST_TICKET)
    sealed_call(conversation, conversation.now_ns, 3, 2, (120, 260))
    token = spnego.neg_token_init(mech_token=kerberos.ap_req(OTHER_TICKET))
    second = leg(token, context_id=1, call_id=3)
    say(
        conversation,
        START_NS + 40 * MILLISECOND_NS,
        CLIENT,
        dcerpc.alter_context(offered(dcerpc.ICLASSFACTORY)[:1], second),
    )
    conversation.send(SERVER, dcerpc.fault(0x721, Head(3)))
    sealed_call(conversation, conversation.now_ns, 3, 4, (120, 260))
    conversation.close()
    return conversation.frames


def clock_skew() -> list[TimedFrame]:
    """KRB_AP_ERR_SKEW (37) inside the bind_ack, then the client leaves."""
    conversation = _on_call()
    first = spnego.neg_token_init(mech_token=kerberos.ap_req(HOST_TICKET))
    error = kerberos.krb_error(
        37, cast.SERVER_REALM, principal("host", cast.NOVICE_NAME), server_time_ns=START_NS,
        client_time_ns=START_NS + 1200 * 1_000_000_000,
    )  # fmt: skip
    framed = kerberos.gss_frame(kerberos.TOKEN_ERROR, error)
    second = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, kerberos.MS_KRB5, framed)
    conversation.send(CLIENT, dcerpc.bind(offered(dcerpc.ICLASSFACTORY), leg(first)))
    conversation.send(SERVER, dcerpc.bind_ack(ACCEPTED, leg(second), secondary_address="49834"))
    conversation.reset()
    return conversation.frames


def ntlm_refused(status: int) -> list[TimedFrame]:
    """NTLM: the third message goes out in an auth3, which nobody answers; the refusal meets the first request."""
    conversation = _on_call(135)
    target: list[tuple[int, str | bytes]] = [
        (ntlm.AV_NB_DOMAIN, "RESOURCE"), (ntlm.AV_NB_COMPUTER, "RESOURCE-WIN73"), (ntlm.AV_DNS_DOMAIN, "domainB.com"),
        (ntlm.AV_DNS_COMPUTER, cast.NOVICE_NAME), (ntlm.AV_TIMESTAMP, filler("ntlm time", 8)),
    ]  # fmt: skip
    tokens = (ntlm.negotiate(), ntlm.challenge("RESOURCE", target), ntlm.authenticate("CHILD", "expert", "EXPERT"))
    first, second, third = (Head(2, HEADER_SIGNING, Security(dcerpc.NTLM, dcerpc.INTEGRITY, token)) for token in tokens)
    verifier = Security(dcerpc.NTLM, dcerpc.INTEGRITY, pack("<I", 1) + filler("ntlm signature", 12), alignment=16)
    conversation.send(CLIENT, dcerpc.bind(offered(dcerpc.ISYSTEMACTIVATOR), first))
    conversation.send(SERVER, dcerpc.bind_ack(ACCEPTED, second, secondary_address="135"))
    conversation.send(CLIENT, dcerpc.auth3(third))
    conversation.send(CLIENT, dcerpc.request(filler("signed stub", 640), Head(2, security=verifier), opnum=300))
    conversation.send(SERVER, dcerpc.fault(status, Head(2)))
    conversation.close()
    return conversation.frames


def several_in_a_segment() -> list[TimedFrame]:
    """Three requests in one segment, and their answers in one: response, fault, response."""
    conversation = _on_call(135)
    conversation.send(CLIENT, dcerpc.bind([Context(0, dcerpc.IOBJECTEXPORTER)], Head(1)))
    conversation.send(SERVER, dcerpc.bind_ack([Result()], Head(1), secondary_address="135"))
    opnums = {2: 3, 3: 99, 4: 3}
    conversation.send(CLIENT, b"".join(dcerpc.request(b"", Head(call), opnum=opnum) for call, opnum in opnums.items()))
    alive = [dcerpc.response(bytes(4), Head(call)) for call in (2, 4)]
    conversation.send(SERVER, alive[0] + dcerpc.fault(0x1C010002, Head(3)) + alive[1])
    conversation.close()
    return conversation.frames


def big_endian() -> list[TimedFrame]:
    """The refused user-to-user AP-REQ from peers that write big endian."""
    conversation = _on_call()
    form = dcerpc.BIG_ENDIAN
    contexts = [Context(0, dcerpc.ICLASSFACTORY)]
    tgt = kerberos.ticket(cast.CHILD_REALM, kerberos.ticket_granting(cast.CHILD_REALM), kvno=2)
    ticket = kerberos.ticket(cast.ARTICLE_REALM, cast.NOVICE_USER)
    options = kerberos.USE_SESSION_KEY | kerberos.MUTUAL_REQUIRED
    tokens = (
        spnego.neg_token_init(mech_token=kerberos.gss_tgt_request(cast.NOVICE_USER, cast.CHILD_REALM)),
        spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, kerberos.MS_KRB5, kerberos.gss_tgt_reply(tgt)),
        spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, None, kerberos.ap_req(ticket, ap_options=options)),
    )
    asked, told, presented = (
        Head(2, HEADER_SIGNING, Security(dcerpc.SPNEGO, dcerpc.PRIVACY, token), form) for token in tokens
    )
    conversation.send(CLIENT, dcerpc.bind(contexts, asked))
    conversation.send(SERVER, dcerpc.bind_ack([Result()], told, secondary_address="49834"))
    conversation.send(CLIENT, dcerpc.alter_context(contexts, presented))
    conversation.send(SERVER, dcerpc.fault(0x721, Head(2, form=form)))
    conversation.close()
    return conversation.frames


def datagrams() -> list[TimedFrame]:
    """Two calls over UDP (C706 9): one answered, one refused with nca_s_op_rng_error."""
    activity = Activity(dcerpc.EPMAPPER)
    client, server = (EXPERT, 50400), (DC_B, 135)
    told = (
        (client, server, datagram(DatagramType.REQUEST, activity, filler("stub", 24), opnum=40, flags_1=0x20)),
        (server, client, datagram(DatagramType.RESPONSE, activity, filler("answer", 16), opnum=40, flags_1=0x08)),
        (client, server, datagram(DatagramType.REQUEST, activity, opnum=99, sequence=1, flags_1=0x20)),
        (server, client, datagram_status(DatagramType.FAULT, activity, 0x1C010002, opnum=99, sequence=1)),
    )
    return [
        TimedFrame(START_NS + at * MILLISECOND_NS, udp_frame(source, destination, octets))
        for at, (source, destination, octets) in enumerate(told)
    ]


def secure_channel(status_octets: int) -> list[TimedFrame]:
    """The novice's computer asks its domain controller to validate the PAC: NetrLogonSamLogonEx (opnum 39), sealed
    ([MS-NRPC] 2.2.1.3, [MS-APDS] 3.2.5.1). Only opnum, sizes and times show."""
    conversation = talk((NOVICE, 50021), (DC_B, cast.LOGON_PORT), START_NS + 10 * MILLISECOND_NS)
    conversation.connect()
    negotiate = pack("<II", 0, 3) + b"RESOURCE\0RESOURCE-WIN73\0"
    asked = Head(2, HEADER_SIGNING, Security(dcerpc.NETLOGON, dcerpc.PRIVACY, negotiate))
    agreed = Head(2, HEADER_SIGNING, Security(dcerpc.NETLOGON, dcerpc.PRIVACY, pack("<III", 1, 0, 0)))
    conversation.send(CLIENT, dcerpc.bind(offered(dcerpc.NETLOGON_INTERFACE), asked))
    conversation.send(SERVER, dcerpc.bind_ack(ACCEPTED, agreed, secondary_address=str(cast.LOGON_PORT)))
    for direction, size in enumerate((420, status_octets)):
        signature = pack("<HHHH", 0x13, 0x1A, 0xFFFF, 0) + filler(f"netlogon {direction}", 48)
        head = Head(3, security=Security(dcerpc.NETLOGON, dcerpc.PRIVACY, signature, alignment=16))
        stub = filler(f"netlogon stub {direction}", size)
        octets = dcerpc.response(stub, head) if direction else dcerpc.request(stub, head, opnum=39)
        say(conversation, START_NS + (157 + 4 * direction) * MILLISECOND_NS, direction, octets)
    return conversation.frames


def deferred_refusal() -> list[TimedFrame]:
    """A good Kerberos context, then 0x721 on a request: a signature that does not verify, no ticket in question."""
    conversation = _on_call(135)
    authenticated_bind(conversation, START_NS, dcerpc.ISYSTEMACTIVATOR, HOST_TICKET)
    sealed_call(conversation, conversation.now_ns, 4, 2, (720, 620))
    conversation.send(
        CLIENT, dcerpc.request(filler("changed on the way", 640), Head(3, security=sealed("bad")), opnum=4)
    )
    conversation.send(SERVER, dcerpc.fault(0x721, Head(3), extended_error=refusal_records(130)))
    conversation.close()
    return conversation.frames
