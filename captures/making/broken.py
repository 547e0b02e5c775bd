"""Connections that are not made, or break: each in the fewest frames that show it, and beside each what looks alike."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from builders import CLIENT, SERVER, Host, TcpConversation, TimedFrame, dcerpc, dcom, filler, kerberos, merged, spnego
from builders.dcerpc import Context, Head, Result
from builders.ndr import Ndr
from builders.tcp import ACK, PSH, RST, SYN, SYN_OPTIONS

from making import cast
from making.cast import DC_A, DC_B, DC_CHILD, EXPERT, MILLISECOND_NS, NOVICE, START_NS
from making.endpoints import DRSUAPI, SERVER_CLASS, TASKS, mapped, port_refused
from making.kdc_refusals import SECOND_NS, TO_PARENT, by_udp, error, granted, issued, logon, service
from making.speech import leg, offered, talk

MAPPER_PORT, KERBEROS_PORT, TOLD_PORT = 135, 88, 49158
AWAY = Host("192.168.137.1", cast.GATEWAY_MAC)  # a card of the server that clients cannot reach
FULL_SEGMENT_OCTETS = 1460


def in_vain(server: tuple[Host, int], at_ns: int, port: int = 50600, times: int = 3) -> list[TimedFrame]:
    """SYNs without an answer, three and six seconds apart as Windows sends them."""
    conversation = talk((EXPERT, port), server, at_ns)
    first = list(conversation.sequence)
    for attempt in range(times):
        conversation.now_ns = at_ns + 3 * attempt * attempt * SECOND_NS // 2
        conversation.sequence[:] = first
        conversation.segment(CLIENT, flags=SYN, options=SYN_OPTIONS)
    return conversation.frames


def refused(server: tuple[Host, int], at_ns: int, port: int = 50610) -> list[TimedFrame]:
    """A SYN that a reset answers."""
    conversation = talk((EXPERT, port), server, at_ns)
    conversation.segment(CLIENT, flags=SYN, options=SYN_OPTIONS)
    conversation.segment(SERVER, flags=RST | ACK)
    return conversation.frames


def heard(at_ns: int = START_NS, port: int = 50620) -> list[TimedFrame]:
    """A short connection of the client that is answered: what comes back to it is captured."""
    conversation = talk((EXPERT, port), (DC_B, 389), at_ns)
    conversation.connect()
    conversation.close()
    return conversation.frames


def later(seconds: int) -> list[TimedFrame]:
    """The same, so that the capture goes on for so long."""
    return heard(START_NS + seconds * SECOND_NS, 50621)


def silent(server: tuple[Host, int], before: list[TimedFrame] | None = None) -> list[TimedFrame]:
    """Attempts to reach a place where nobody answers, a second after what came before."""
    return merged(before or heard(), in_vain(server, START_NS + SECOND_NS), later(20))


def told_port() -> list[TimedFrame]:
    return mapped((EXPERT, 50601), START_NS, DRSUAPI, TOLD_PORT).frames


def toobig() -> list[TimedFrame]:
    """Error 52, and TCP port 88 does not answer."""
    return silent((DC_CHILD, KERBEROS_PORT), merged(heard(), by_udp(0, DC_CHILD, START_NS, logon(), error(52))))


def sent_on(then: list[TimedFrame]) -> list[TimedFrame]:
    """A referral to the parent realm, and what the client does with it."""
    host = kerberos.principal("host", cast.NOVICE_NAME)
    return merged(heard(), by_udp(0, DC_CHILD, START_NS, service(host), issued(TO_PARENT)), then)


def one_syn_lost() -> list[TimedFrame]:
    """A SYN to a KDC is sent twice; the second is answered, and a ticket comes."""
    conversation = talk((EXPERT, 50602), (DC_CHILD, KERBEROS_PORT), START_NS)
    first = list(conversation.sequence)
    conversation.segment(CLIENT, flags=SYN, options=SYN_OPTIONS)
    conversation.now_ns += 3 * SECOND_NS
    conversation.sequence[:] = first
    conversation.connect()
    conversation.send(CLIENT, kerberos.over_tcp(logon()))
    conversation.send(SERVER, kerberos.over_tcp(granted()))
    conversation.close()
    return conversation.frames


def registered_later() -> list[TimedFrame]:
    """The interface is not registered; two seconds later it is."""
    return merged(
        mapped((EXPERT, 50603), START_NS, TASKS, None).frames,
        mapped((EXPERT, 50604), START_NS + 2 * SECOND_NS, TASKS, TOLD_PORT).frames,
    )


def activation_tells(address: str) -> list[TimedFrame]:
    """RemoteGetClassObject without authentication, which names an address and a port of the server."""
    conversation = talk((EXPERT, 50605), (NOVICE, MAPPER_PORT), START_NS)
    conversation.connect()
    conversation.send(CLIENT, dcerpc.bind([Context(0, dcerpc.ISYSTEMACTIVATOR)], Head(1)))
    conversation.send(SERVER, dcerpc.bind_ack([Result()], Head(1), secondary_address="135"))
    asked = dcom.activation_request(Ndr(), [
        dcom.special_properties(), dcom.instantiation_info(SERVER_CLASS, (dcerpc.ICLASSFACTORY.uuid,)),
        dcom.activation_context(),
        dcom.security_info(cast.NOVICE_NAME), dcom.location_info(None), dcom.scm_request_info((7,)),
    ])  # fmt: skip
    bindings = dcom.bindings(((7, f"{address}[{TOLD_PORT}]"),), ((9, 0xFFFF, ""),))
    factory = dcom.objref(1, dcerpc.ICLASSFACTORY.uuid, dcom.std_objref(dcom.IPID) + dcom.bindings(((7, address),), ()))
    told = dcom.activation_response(Ndr(), [
        dcom.scm_reply_info(bindings), dcom.props_out([(dcerpc.ICLASSFACTORY.uuid, 0, factory)]),
    ])  # fmt: skip
    conversation.send(CLIENT, dcerpc.request(asked, Head(2), opnum=3))
    conversation.send(SERVER, dcerpc.response(told, Head(2)))
    conversation.close()
    return conversation.frames


def _bound() -> TcpConversation:
    """A connection with a bind that was accepted."""
    conversation = talk((EXPERT, 50606), (DC_B, TOLD_PORT), START_NS)
    conversation.connect()
    conversation.send(CLIENT, dcerpc.bind([Context(0, DRSUAPI)], Head(1)))
    conversation.send(SERVER, dcerpc.bind_ack([Result()], Head(1), secondary_address=str(TOLD_PORT)), acknowledge=True)
    return conversation


def again_and_again(octets: bytes) -> list[TimedFrame]:
    """The first segment of `octets` is sent three times and never acknowledged."""
    conversation = _bound()
    segment, first = octets[:FULL_SEGMENT_OCTETS], list(conversation.sequence)
    for attempt in range(3):
        conversation.now_ns += attempt * 300 * MILLISECOND_NS
        conversation.sequence[:] = first
        conversation.segment(CLIENT, segment, flags=ACK | PSH)
    return conversation.frames


def lost_token() -> list[TimedFrame]:
    """An alter_context whose token fills more than a packet."""
    name = kerberos.principal("ldap", "dc1.domainb.com")
    ticket = kerberos.ticket(cast.SERVER_REALM, name, cipher=filler("many groups", 1500))
    token = spnego.neg_token_init(mech_token=kerberos.ap_req(ticket))
    return again_and_again(dcerpc.alter_context(offered(DRSUAPI)[:1], leg(token)))


def lost_request() -> list[TimedFrame]:
    """A small request meets the same fate: no question of size."""
    return again_and_again(dcerpc.request(filler("stub", 200), Head(2), opnum=1))


def cut_after(silence_ns: int) -> list[TimedFrame]:
    """A call that works, silence, and a request that a reset answers."""
    conversation = _bound()
    conversation.send(CLIENT, dcerpc.request(filler("stub", 40), Head(2), opnum=1))
    conversation.send(SERVER, dcerpc.response(filler("answer", 40), Head(2)), acknowledge=True)
    conversation.now_ns += silence_ns
    acknowledged = conversation.sequence[CLIENT]
    conversation.send(CLIENT, dcerpc.request(filler("stub", 40), Head(3), opnum=1))
    conversation.now_ns += 5 * MILLISECOND_NS
    conversation.sequence[CLIENT] = acknowledged  # the reset does not acknowledge the request
    conversation.reset(SERVER)
    return conversation.frames


def closed_in_order() -> list[TimedFrame]:
    """The server closes the connection in order, with a request unanswered."""
    conversation = _bound()
    conversation.send(CLIENT, dcerpc.request(filler("stub", 40), Head(2), opnum=1))
    conversation.segment(SERVER)
    conversation.close(SERVER)
    return conversation.frames


BROKEN: dict[str, Callable[[], list[TimedFrame]]] = {
    "kdc-unreachable": partial(silent, (DC_CHILD, KERBEROS_PORT)),
    "kdc-unreachable-not": one_syn_lost,
    "krb-udp-toobig": toobig,
    "referral-broken": lambda: sent_on(merged(in_vain((DC_A, KERBEROS_PORT), START_NS + SECOND_NS), later(20))),
    "epm-not-registered": lambda: mapped((EXPERT, 50603), START_NS, TASKS, None).frames,
    "epm-not-registered-not": registered_later,
    "epm-blocked": partial(silent, (DC_B, MAPPER_PORT)),
    "epm-blocked-not": told_port,
    "dyn-port-blocked": lambda: silent((DC_B, TOLD_PORT), told_port()),
    "dyn-port-blocked-not": port_refused,
    "dyn-port-closed": lambda: merged(told_port(), refused((DC_B, TOLD_PORT), START_NS + SECOND_NS)),
    "dyn-port-closed-not": lambda: merged(told_port(), refused((DC_B, 445), START_NS + SECOND_NS)),
    "oxid-address": lambda: silent((AWAY, TOLD_PORT), activation_tells(AWAY.address)),
    "oxid-address-not": lambda: silent((NOVICE, TOLD_PORT), activation_tells(NOVICE.address)),
    "mtu-blackhole": lost_token,
    "mtu-blackhole-not": lost_request,
    "idle-drop": partial(cut_after, 900 * SECOND_NS),
    "idle-drop-not": partial(cut_after, 2 * SECOND_NS),
    "connection-reset": partial(cut_after, SECOND_NS),
    "connection-reset-not": closed_in_order,
}
