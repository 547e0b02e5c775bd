"""How a client comes to an endpoint: asked of the endpoint mapper, or told by an activation; and when it does not."""

from __future__ import annotations

from builders import CLIENT, SERVER, Host, TcpConversation, TimedFrame, dcerpc, dcom, epm, kerberos, merged, spnego
from builders.dcerpc import Context, Head, Pfc, Result, Security, SyntaxId
from builders.kerberos import principal
from builders.ndr import Ndr
from builders.tcp import ACK, RST, SYN, SYN_OPTIONS

from making import cast
from making.cast import DC_B, EXPERT, MILLISECOND_NS, NOVICE, START_NS
from making.speech import HEADER_SIGNING, authenticated_bind, cfx_mic, say, talk

DRSUAPI = SyntaxId("e3514235-4b06-11d1-ab04-00c04fc2dcd2", 4)
TASKS = SyntaxId("86d35949-83c9-4044-b424-db363231fd0c", 1)  # [MS-TSCH] 1.9 ITaskSchedulerService
REM_UNKNOWN = SyntaxId("00000131-0000-0000-c000-000000000046")
NOT_REGISTERED = 0x16C9A0D6  # C706 Appendix E ept_s_not_registered
SERVER_CLASS = "833e4010-aff7-4ac3-aac2-9f24c1457bce"  # [MS-RAI] 1.9
ICLASSFACTORY_2 = "b196b28f-bab4-101a-b69c-00aa00341d07"
SECOND_IPID = "0000cc0c-0668-04ec-0953-aacaf2a4d05b"
RPCSS_TICKET = kerberos.ticket(cast.SERVER_REALM, principal("RPCSS", cast.NOVICE_NAME), kvno=4)
HOST_TICKET = kerberos.ticket(cast.SERVER_REALM, principal("host", cast.NOVICE_NAME), kvno=4)
OTHER_TICKET = kerberos.ticket(cast.SERVER_REALM, principal("dcom", "app1.domainb.com"), kvno=3)


def mapped(client: tuple[Host, int], now_ns: int, interface: SyntaxId, port: int | None) -> TcpConversation:
    """ept_map on port 135 of the domain controller (C706 Appendix O); `port` None: the interface is not registered."""
    conversation = talk(client, (DC_B, 135), now_ns)
    conversation.connect()
    asked, answered = Ndr(), Ndr()
    question = epm.map_request(asked, epm.tcp_tower(interface, 135), object_uuid=dcerpc.NO_SYNTAX.uuid)
    answered.referent = asked.referent  # C706 14.3.10: full pointers, whose numbers go on from request to response
    if port is None:
        answer = epm.map_response(answered, [], status=NOT_REGISTERED)
    else:
        answer = epm.map_response(answered, [epm.tcp_tower(interface, port, DC_B.address)])
    conversation.send(CLIENT, dcerpc.bind([Context(0, dcerpc.EPMAPPER)], Head(1)))
    conversation.send(SERVER, dcerpc.bind_ack([Result()], Head(1), secondary_address="135"))
    conversation.send(CLIENT, dcerpc.request(question, Head(2), opnum=3))
    conversation.send(SERVER, dcerpc.response(answer, Head(2)))
    conversation.close()
    return conversation


def port_refused() -> list[TimedFrame]:
    """The endpoint mapper names a port at which nothing listens: the SYN goes out three times, half a second apart,
    as Windows does, and each is answered by RST."""
    asked = mapped((EXPERT, 50330), START_NS, DRSUAPI, 49158)
    refused = talk((EXPERT, 50331), (DC_B, 49158), asked.now_ns + MILLISECOND_NS)
    first = list(refused.sequence)
    for attempt in range(3):
        refused.now_ns = asked.now_ns + (1 + 500 * attempt) * MILLISECOND_NS
        refused.sequence[:] = first[0], 0
        refused.segment(CLIENT, flags=SYN, options=SYN_OPTIONS)
        refused.segment(SERVER, flags=RST | ACK)
    return merged(asked.frames, refused.frames)


def not_registered() -> list[TimedFrame]:
    """The endpoint mapper does not know the interface: the service does not run."""
    return mapped((EXPERT, 50332), START_NS, TASKS, None).frames


def _signed(call_id: int, label: str, flags: Pfc = dcerpc.WHOLE) -> Head:
    """Integrity: the stub stays clear, a MIC stands behind it."""
    return Head(call_id, flags, Security(dcerpc.SPNEGO, dcerpc.INTEGRITY, cfx_mic(label), alignment=16))


def _bindings(port: int | None = None) -> bytes:
    address = cast.NOVICE_NAME if port is None else f"{cast.NOVICE_NAME}[{port}]"
    return dcom.bindings(((7, address),), ((9, 0xFFFF, ""), (16, 0xFFFF, f"RPCSS/{cast.NOVICE_NAME}")))


def _get_class_object(now_ns: int) -> TcpConversation:
    """RemoteGetClassObject ([MS-DCOM] 3.1.2.5.2.3.2) on port 135: asked for a class factory, told of a port."""
    conversation = talk((EXPERT, 50333), (NOVICE, 135), now_ns)
    conversation.connect()
    authenticated_bind(conversation, conversation.now_ns, dcerpc.ISYSTEMACTIVATOR, RPCSS_TICKET, dcerpc.INTEGRITY)
    asked = dcom.activation_request(Ndr(), [
        dcom.special_properties(), dcom.instantiation_info(SERVER_CLASS, (dcerpc.ICLASSFACTORY.uuid,)),
        dcom.activation_context(),
        dcom.security_info(cast.NOVICE_NAME), dcom.location_info(None), dcom.scm_request_info((7,)),
    ])  # fmt: skip
    factory = dcom.objref(1, dcerpc.ICLASSFACTORY.uuid, dcom.std_objref(dcom.IPID) + _bindings())
    told = dcom.activation_response(Ndr(), [
        dcom.scm_reply_info(_bindings(cast.CLASS_FACTORY_PORT)),
        dcom.props_out([(dcerpc.ICLASSFACTORY.uuid, 0, factory)]),
    ])  # fmt: skip
    conversation.send(CLIENT, dcerpc.request(asked, _signed(2, "asked"), opnum=3))
    conversation.now_ns += 9 * MILLISECOND_NS
    conversation.send(SERVER, dcerpc.response(told, _signed(2, "told")))
    return conversation


def activation() -> list[TimedFrame]:
    """RemoteGetClassObject tells a port; there RemQueryInterface works with a ticket for the host, and an
    alter_context for IClassFactory that presents another ticket is refused with 0x721. One causality id runs through
    both connections."""
    activated = _get_class_object(START_NS)
    server = (NOVICE, cast.CLASS_FACTORY_PORT)
    exported = talk((EXPERT, 50334), server, activated.now_ns + 2 * MILLISECOND_NS)
    exported.connect()
    authenticated_bind(exported, exported.now_ns, REM_UNKNOWN, HOST_TICKET, dcerpc.INTEGRITY)
    query = dcom.query_interface(Ndr(), [ICLASSFACTORY_2])
    exported.send(CLIENT, dcerpc.request(query, _signed(2, "query"), opnum=3, object_uuid=dcom.REM_UNKNOWN_IPID))
    exported.send(SERVER, dcerpc.response(dcom.queried(Ndr(), [(0, SECOND_IPID)]), _signed(2, "found")))
    token = spnego.neg_token_init(mech_token=kerberos.ap_req(OTHER_TICKET))
    presented = Head(3, HEADER_SIGNING, Security(dcerpc.SPNEGO, dcerpc.INTEGRITY, token, context_id=1))
    contexts = [Context(3, dcerpc.ICLASSFACTORY)]
    say(exported, exported.now_ns + MILLISECOND_NS, CLIENT, dcerpc.alter_context(contexts, presented))
    say(exported, exported.now_ns + 6 * MILLISECOND_NS, SERVER, dcerpc.fault(0x721, Head(3), context_id=3))
    for conversation in (exported, activated):
        conversation.now_ns = max(exported.now_ns, activated.now_ns)
        conversation.close()
    return merged(activated.frames, exported.frames)
