"""Sentences of which conversations are made: a question to a KDC, a name resolved, a mutually authenticated bind."""

from __future__ import annotations

from struct import pack

from builders import CLIENT, SERVER, Host, TcpConversation, TimedFrame, dcerpc, dns, filler, kerberos, spnego, udp_frame
from builders.dcerpc import Context, Head, Pfc, Result, Security, SyntaxId

from making.cast import MILLISECOND_NS

HEADER_SIGNING = dcerpc.WHOLE | Pfc.SUPPORT_HEADER_SIGN


def talk(client: tuple[Host, int], server: tuple[Host, int], now_ns: int) -> TcpConversation:
    """A conversation as the client's own network card sees it: what comes in is padded to 60 octets."""
    seed = filler(f"{client} {server} {now_ns}", 8)
    numbers = [int.from_bytes(seed[:4], "big"), int.from_bytes(seed[4:], "big")]
    return TcpConversation(client, server, now_ns, sequence=numbers, padded=(SERVER,))


def say(
    conversation: TcpConversation, at_ns: int, direction: int, octets: bytes, segment_size: int | None = None
) -> None:
    """Sends at a given time, not before the conversation's own clock."""
    conversation.now_ns = max(conversation.now_ns, at_ns)
    conversation.send(SERVER if direction else CLIENT, octets, segment_size)


def ask_kdc(client: tuple[Host, int], kdc: Host, now_ns: int, request: bytes, reply: bytes) -> list[TimedFrame]:
    """One question and answer over TCP 88 on a connection of its own (RFC 4120 7.2.2)."""
    conversation = talk(client, (kdc, 88), now_ns)
    conversation.connect()
    conversation.send(CLIENT, kerberos.over_tcp(request))
    say(conversation, conversation.now_ns + MILLISECOND_NS, SERVER, kerberos.over_tcp(reply))
    conversation.close()
    return conversation.frames


def look_up(
    client: tuple[Host, int], server: Host, now_ns: int, name: str, records: list[bytes], kind: int = dns.A
) -> list[TimedFrame]:
    """A DNS question and its answer."""
    identifier = client[1]
    asked = udp_frame(client, (server, 53), dns.query(identifier, name, kind))
    told = udp_frame((server, 53), client, dns.answer(identifier, name, records, kind), padded=True)
    return [TimedFrame(now_ns, asked), TimedFrame(now_ns + MILLISECOND_NS, told)]


def offered(interface: SyntaxId) -> list[Context]:
    """The contexts of a Windows client: NDR, NDR64, and the features it can do."""
    return [
        Context(0, interface, (dcerpc.NDR,)),
        Context(1, interface, (dcerpc.NDR64,)),
        Context(2, interface, (dcerpc.bind_time_features(),)),
    ]


ACCEPTED = [Result(), dcerpc.REJECTED_TRANSFER, dcerpc.FEATURES_ACCEPTED]


def cfx_mic(label: str) -> bytes:
    """RFC 4121 4.2.6.1 a MIC token with a made-up checksum."""
    return bytes.fromhex("0404 04ff ffff ffff") + bytes(8) + filler(label, 12)


def cfx_wrap(label: str, number: int = 0) -> bytes:
    """RFC 4121 4.2.6.2 a Wrap token's header with made-up ciphertext, as it stands behind a sealed stub."""
    return bytes.fromhex("0504 06ff 0000 001c") + pack(">Q", number) + filler(label, 60)


def sealed(label: str, context_id: int = 0, auth_type: int = dcerpc.SPNEGO) -> Security:
    """The trailer of a request or response under packet privacy."""
    return Security(auth_type, dcerpc.PRIVACY, cfx_wrap(label), context_id, alignment=16)


def leg(token: bytes, level: int = dcerpc.PRIVACY, context_id: int = 0, call_id: int = 2) -> Head:
    """The head of a PDU that carries a SPNEGO token."""
    return Head(call_id, HEADER_SIGNING, Security(dcerpc.SPNEGO, level, token, context_id))


def authenticated_bind(
    conversation: TcpConversation, at_ns: int, interface: SyntaxId, ticket: bytes, level: int = dcerpc.PRIVACY
) -> None:
    """The ordinary four PDUs of a Kerberos bind ([MS-KILE] 3.4.5.1): AP-REQ, AP-REP, AP-REP of the client, done."""
    contexts = offered(interface)
    mechanisms = (kerberos.MS_KRB5, kerberos.KRB5, spnego.NEGOEX, spnego.NTLMSSP)
    first = spnego.neg_token_init(mechanisms, kerberos.ap_req(ticket))
    second = spnego.neg_token_resp(spnego.ACCEPT_INCOMPLETE, kerberos.MS_KRB5, kerberos.ap_rep())
    third = spnego.neg_token_resp(
        spnego.ACCEPT_INCOMPLETE, None, kerberos.ap_rep(cipher=filler("third leg", 68)), mech_list_mic=cfx_mic("client")
    )
    fourth = spnego.neg_token_resp(spnego.ACCEPT_COMPLETED, None, None, mech_list_mic=cfx_mic("server"))
    address = str(conversation.server[1])
    say(conversation, at_ns, CLIENT, dcerpc.bind(contexts, leg(first, level)))
    say(
        conversation,
        at_ns + 2 * MILLISECOND_NS,
        SERVER,
        dcerpc.bind_ack(ACCEPTED, leg(second, level), secondary_address=address),
    )
    say(conversation, at_ns + 3 * MILLISECOND_NS, CLIENT, dcerpc.alter_context(contexts[:1], leg(third, level)))
    say(conversation, at_ns + 4 * MILLISECOND_NS, SERVER, dcerpc.alter_context_resp([Result()], leg(fourth, level)))


def sealed_call(
    conversation: TcpConversation, at_ns: int, opnum: int, call_id: int, stub_octets: tuple[int, int]
) -> None:
    """A request and its response, both sealed: opnum and sizes are all that shows."""
    for direction, size in enumerate(stub_octets):
        head = Head(call_id, security=sealed(f"{opnum}/{call_id}/{direction}"))
        stub = filler(f"sealed {opnum} {call_id} {direction}", size)
        octets = dcerpc.response(stub, head) if direction else dcerpc.request(stub, head, opnum=opnum)
        say(conversation, at_ns + direction * 12 * MILLISECOND_NS, direction, octets)
