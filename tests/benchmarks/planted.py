"""Calls that fail with fault 0x721, which a reader must find, and what it must say of them."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from builders import dcerpc, filler, kerberos, spnego
from builders.dcerpc import Head, Result, Security

from benchmarks.rpc import ENDPOINT_MAPPER_PORT
from benchmarks.wire import CLIENT, JUMBO_SEGMENT_OCTETS, MAXIMUM_SEGMENT_OCTETS, SERVER, Ends, Packet, TcpConversation

STATUS = 0x721  # RPC_S_SEC_PKG_ERROR
SMALL_SEGMENT_OCTETS = 200
VLAN = 120
BIND, ALTER_CONTEXT = "bind", "alter_context"


class Quirk(NamedTuple):
    """What is odd about the wire in one planted conversation."""

    ipv6: bool = False
    vlan: int | None = None
    segment_octets: int = MAXIMUM_SEGMENT_OCTETS
    rearranged: Callable[[list[Packet], int, int], None] | None = None  # packets, first and last of the request
    coalesced: bool = False  # a call before it in the same segments, its answer before the fault's


def _sent_again(packets: list[Packet], first: int, last: int) -> None:
    # the segment is there once more, its copy right behind it; the later frames are counted on
    del last
    again = packets[first]
    packets.insert(first + 1, again._replace(time_us=again.time_us + 4))


def _swapped(packets: list[Packet], first: int, last: int) -> None:
    early, late = packets[last - 1], packets[last]
    assert last > first
    packets[last - 1], packets[last] = late._replace(time_us=early.time_us), early._replace(time_us=late.time_us)


QUIRKS = {
    "none": Quirk(),
    "small segments": Quirk(segment_octets=SMALL_SEGMENT_OCTETS),
    "VLAN": Quirk(vlan=VLAN),
    "IPv6": Quirk(ipv6=True),
    "retransmission": Quirk(rearranged=_sent_again),
    "reordered": Quirk(segment_octets=SMALL_SEGMENT_OCTETS * 3, rearranged=_swapped),
    "coalesced": Quirk(segment_octets=JUMBO_SEGMENT_OCTETS, coalesced=True),
}
# A bind is the first thing that a client says: nothing can stand before it in its segment.
VARIANTS = [
    (kind, name)
    for name, quirk in QUIRKS.items()
    for kind in (BIND, ALTER_CONTEXT)
    if not (kind == BIND and quirk.coalesced)
]


class Presented(NamedTuple):
    """A ticket as the wire shows it."""

    realm: str
    sname: tuple[str, ...]
    server_port: int
    auth_type: int = dcerpc.SPNEGO
    user_to_user: bool = False


TICKETS = (
    Presented("child.domainA.COM", ("novice",), 49_834, user_to_user=True),
    Presented("DOMAINB.COM", ("host", "dc1.domainb.com"), ENDPOINT_MAPPER_PORT),
    Presented("CHILD.DOMAINA.COM", ("RPCSS", "expert.child.domaina.com"), 50_411, dcerpc.KERBEROS),
    Presented("EXAMPLE.COM", ("ldap", "dc3.example.com", "example.com"), 49_670),
)


class Truth(NamedTuple):
    """What must be said of one planted call. The frames are those in which the octets of a PDU became complete,
    counted from 1; in a conversation by itself, and then in the corpus."""

    kind: str
    quirk: str
    client: str
    client_port: int
    server: str
    server_port: int
    call_id: int
    realm: str
    sname: str
    request_frame: int
    fault_frame: int
    status: str = f"0x{STATUS:08x}"


def address_text(octets: bytes, *, ipv6: bool) -> str:
    if not ipv6:
        return ".".join(map(str, octets))
    return f"fd00::{int.from_bytes(octets[:2], 'big'):x}:{int.from_bytes(octets[2:], 'big'):x}"


def _token(presented: Presented, number: int) -> bytes:
    name = kerberos.principal(*presented.sname)
    cipher = filler(f"planted {number}", 1_020 + number % 97)
    ticket = kerberos.ticket(presented.realm, name, kvno=None if presented.user_to_user else 4, cipher=cipher)
    options = kerberos.MUTUAL_REQUIRED | kerberos.USE_SESSION_KEY * presented.user_to_user
    token = kerberos.ap_req(ticket, ap_options=options)
    return spnego.neg_token_init(mech_token=token) if presented.auth_type == dcerpc.SPNEGO else token


def _say(conversation: TcpConversation, side: int, octets: bytes) -> tuple[int, int]:
    """Says it; the indexes of its first and its last packet."""
    first = len(conversation.packets)
    conversation.send(side, octets, acknowledged=False)
    return first, len(conversation.packets) - 1


def planted(number: int, ends: Ends, chance: Random) -> tuple[list[Packet], Truth]:
    """The `number`th planted conversation: variants and tickets in turn."""
    kind, name = VARIANTS[number % len(VARIANTS)]
    quirk = QUIRKS[name]
    presented = TICKETS[number % len(TICKETS)]
    ends = ends._replace(server_port=presented.server_port, ipv6=quirk.ipv6, vlan=quirk.vlan)
    conversation = TcpConversation(ends, chance, segment_octets=quirk.segment_octets)
    conversation.connect()
    call_id = chance.randrange(1, 4_000)
    contexts = [dcerpc.Context(0, dcerpc.ICLASSFACTORY)]
    said, answered = b"", b""
    if kind == ALTER_CONTEXT:
        _say(conversation, CLIENT, dcerpc.bind(contexts, Head(call_id)))
        _say(conversation, SERVER, dcerpc.bind_ack([Result()], Head(call_id), secondary_address="49834"))
        call_id += 1
    if quirk.coalesced:
        said, answered = dcerpc.request(bytes(24), Head(call_id), opnum=3), dcerpc.response(bytes(8), Head(call_id))
        call_id += 1
    head = Head(call_id, dcerpc.WHOLE, Security(presented.auth_type, dcerpc.PRIVACY, _token(presented, number)))
    request = dcerpc.bind(contexts, head) if kind == BIND else dcerpc.alter_context(contexts, head)
    first, last = _say(conversation, CLIENT, said + request)
    _, fault = _say(conversation, SERVER, answered + dcerpc.fault(STATUS, Head(call_id)))
    conversation.close()
    before = len(conversation.packets)
    if quirk.rearranged is not None:
        quirk.rearranged(conversation.packets, first, last)
    added = len(conversation.packets) - before
    truth = Truth(
        kind, name, address_text(ends.client, ipv6=quirk.ipv6), ends.client_port,
        address_text(ends.server, ipv6=quirk.ipv6), ends.server_port, call_id, presented.realm,
        "/".join(presented.sname), last + 1 + (added if last > first else 0), fault + 1 + added,
    )  # fmt: skip
    return conversation.packets, truth
