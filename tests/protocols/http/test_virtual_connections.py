"""RPC over HTTP: two TCP connections -> one channel, with nothing in it but PDUs of calls."""

from __future__ import annotations

import random
from uuid import UUID

import pytest
from builders import CLIENT, SERVER, Host, TcpConversation, dcerpc, http, merged, ntlm, pcap
from dissected import Talk, channel_octets
from tshark_reading import fields

from rpctrace.protocols.dcerpc.framing import PduFramer
from rpctrace.protocols.dissector import Channel, ChannelEvent, Problems
from rpctrace.protocols.http.connection import HttpConnection
from rpctrace.protocols.http.rts import parse_rts
from rpctrace.protocols.http.virtual_connections import Hop, VirtualConnections
from rpctrace.stream.stream import Chunk, Close, Gap

TARGET = "/rpc/rpcproxy.dll?dc1.domainb.com:593"
ENDLESS = [("Content-Length", str(http.CHANNEL_OCTETS))]
BIND = dcerpc.bind([dcerpc.Context(0, dcerpc.ICLASSFACTORY)])
ACK = dcerpc.bind_ack([dcerpc.Result()], secondary_address="593")
REQUEST, RESPONSE = dcerpc.request(b"stub of a request"), dcerpc.response(b"stub of a response" * 40)
SAYS = BIND + REQUEST
ANSWERS = ACK + RESPONSE
PING = http.rts(http.PING)


class Pair:
    """A client that opens a virtual connection over two TCP connections of one capture."""

    def __init__(self, *, joined_late: bool = False) -> None:
        self.problems = Problems()
        self.virtual = VirtualConnections(self.problems)
        self.incoming = self.connect(joined_late=joined_late)
        self.outgoing = self.connect(joined_late=joined_late)

    def connect(self, *, joined_late: bool = False) -> Talk:
        return Talk(HttpConnection(self.problems, joined_late=joined_late, virtual=self.virtual))

    def open_out(self, talk: Talk, first: bytes) -> None:
        talk.send(0, http.request("RPC_OUT_DATA", TARGET, body=first))
        talk.send(1, http.answer(200, ENDLESS, http.conn_a3() + http.conn_c2(), reason="Success"))

    def open_in(self, talk: Talk, first: bytes) -> None:
        talk.send(0, http.request("RPC_IN_DATA", TARGET, ENDLESS))
        talk.send(0, first)

    def open(self) -> None:
        self.open_out(self.outgoing, http.conn_a1())
        self.open_in(self.incoming, http.conn_b1())


def channels(*talks: Talk) -> list[Channel]:
    found: dict[int, Channel] = {}
    for talk in talks:
        for each in talk.said:
            if isinstance(each, ChannelEvent):
                found.setdefault(id(each.channel), each.channel)
    return list(found.values())


@pytest.mark.parametrize("piece", [None, 1, 5, 16, 100])
def test_both_halves_are_one_channel(piece: int | None) -> None:
    pair = Pair()
    pair.open()
    pair.incoming.send(0, SAYS + PING + SAYS, piece)
    pair.outgoing.send(1, ANSWERS + PING + ANSWERS, piece)
    (channel,) = channels(pair.incoming, pair.outgoing)
    assert (channel.transport, channel.name, channel.joined_late) == ("ncacn_http", str(http.VIRTUAL), False)
    assert pair.virtual.server_of(channel) == "dc1.domainb.com:593"
    carried = channel_octets(pair.incoming.said + pair.outgoing.said)
    assert carried == {(id(channel), 0): SAYS * 2, (id(channel), 1): ANSWERS * 2}
    assert list(pair.problems) == []


def test_frames_of_the_octets_are_kept() -> None:
    """A header that comes in two segments is told of both."""
    pair = Pair()
    pair.open()
    before = pair.incoming.frame
    pair.incoming.send(0, BIND, 10)
    frames = sorted({each.event.frame_number for each in pair.incoming.said})
    assert frames == list(range(before, pair.incoming.frame))
    framer = PduFramer(from_start=True)
    pdus = [pdu for each in pair.incoming.said for pdu in framer.feed(each.event)]
    assert [pdu.provenance.frames for pdu in pdus] == [tuple(frames)]


def test_two_virtual_connections_do_not_mix() -> None:
    pair = Pair()
    pair.open()
    other_in, other_out = pair.connect(), pair.connect()
    cookie = UUID(int=77)
    pair.open_out(other_out, http.conn_a1(cookie))
    pair.open_in(other_in, http.conn_b1(cookie))
    other_in.send(0, REQUEST)
    pair.incoming.send(0, BIND)
    other_out.send(1, RESPONSE)
    assert len(channels(pair.incoming, pair.outgoing, other_in, other_out)) == 2
    second = channels(other_in)
    assert channel_octets(other_in.said + other_out.said) == {
        (id(second[0]), 0): REQUEST, (id(second[0]), 1): RESPONSE,
    }  # fmt: skip


def test_a_recycled_channel_goes_on() -> None:
    """The successor carries on where the predecessor ended, whose end is not the channel's."""
    pair = Pair()
    pair.open()
    pair.incoming.send(0, BIND)
    pair.outgoing.send(1, ACK)
    successor_in, successor_out = pair.connect(), pair.connect()
    pair.open_in(successor_in, http.in_r1_a1(http.VIRTUAL, http.IN_COOKIE, UUID(int=5)))
    pair.open_out(successor_out, http.out_r1_a3(http.VIRTUAL, http.OUT_COOKIE, UUID(int=6)))
    assert pair.incoming.close() == []
    assert pair.outgoing.close() == []
    successor_in.send(0, REQUEST)
    successor_out.send(1, RESPONSE)
    said = pair.incoming.said + pair.outgoing.said + successor_in.said + successor_out.said
    (channel,) = channels(pair.incoming, pair.outgoing, successor_in, successor_out)
    assert channel_octets(said) == {(id(channel), 0): SAYS, (id(channel), 1): ANSWERS}
    ends = [each.event for each in successor_in.close() + successor_out.close()]
    assert [(end.direction, end.reset) for end in ends] == [(0, False), (1, False)]
    assert all(isinstance(end, Close) and end.frame_number for end in ends)


def test_losses_inside_and_between_pdus() -> None:
    """A gap inside a PDU leaves the next one in its place; another one makes the reader search, RTS PDUs or not."""
    pair = Pair()
    pair.open()
    pair.outgoing.send(1, RESPONSE[:100])
    (told,) = pair.outgoing.lose(1, len(RESPONSE) - 150)
    assert told.event == Gap(1, 100, len(RESPONSE) - 150, told.event.frame_number)
    pair.outgoing.send(1, RESPONSE[-50:] + PING + ACK)
    pair.outgoing.lose(1, 999)
    pair.outgoing.send(1, b"half a PDU")
    pair.outgoing.send(1, PING + RESPONSE)
    (channel,) = channels(pair.outgoing)
    carried = channel_octets(pair.outgoing.said)[id(channel), 1]
    lost = bytes(len(RESPONSE) - 150)
    assert carried == RESPONSE[:100] + lost + RESPONSE[-50:] + ACK + bytes(999) + b"half a PDU" + RESPONSE


def test_a_loss_inside_an_rts_pdu() -> None:
    pair = Pair()
    pair.open()
    ack = http.rts(http.OTHER_CMD, http.flow_control_ack(1, 2, http.OUT_COOKIE))
    pair.incoming.send(0, ack[:20])
    assert pair.incoming.lose(0, 10) == []
    pair.incoming.send(0, ack[30:] + BIND)
    (channel,) = channels(pair.incoming)
    assert channel_octets(pair.incoming.said) == {(id(channel), 0): BIND}


def test_joined_late_each_half_stands_alone() -> None:
    pair = Pair()
    pair.outgoing.send(0, http.request("RPC_OUT_DATA", TARGET, [("Content-Length", "76")]))
    pair.outgoing.lose(0, 76)
    pair.outgoing.send(1, http.answer(200, ENDLESS, ACK))
    pair.incoming.send(0, http.request("RPC_IN_DATA", TARGET, ENDLESS) + BIND)
    first, second = channels(pair.outgoing, pair.incoming)
    assert (first.name, second.name) == (None, None)
    assert channel_octets(pair.outgoing.said) == {(id(first), 1): ACK}


def test_octets_that_are_no_pdus_go_on_as_they_are() -> None:
    pair = Pair()
    pair.open()
    pair.incoming.send(0, b"\x07" * 40)
    pair.incoming.send(0, BIND)
    (channel,) = channels(pair.incoming)
    assert channel_octets(pair.incoming.said) == {(id(channel), 0): b"\x07" * 40 + BIND}


def test_refused_before_it_opened() -> None:
    """The proxy wants authentication: no channel, and the same connection may try again."""
    pair = Pair()
    pair.outgoing.send(0, http.request("RPC_OUT_DATA", TARGET, [("Content-Length", "0")]))
    pair.outgoing.send(1, http.answer(401, [("WWW-Authenticate", "NTLM")], b"<html>"))
    assert pair.outgoing.said == []
    pair.open_out(pair.outgoing, http.conn_a1())
    pair.outgoing.send(1, ACK)
    assert [channel.name for channel in channels(pair.outgoing)] == [str(http.VIRTUAL)]


def test_a_channel_that_was_announced_and_refused() -> None:
    """The proxy answers the header section of an endless body; the client authenticates instead of sending it."""
    pair = Pair()
    pair.incoming.send(0, http.request("RPC_IN_DATA", TARGET, ENDLESS))
    pair.incoming.send(1, http.answer(401, [("WWW-Authenticate", "NTLM")]))
    legs = ((ntlm.negotiate(), ntlm.challenge("DOMAINB")), (ntlm.authenticate("DOMAINB", "novice", "WS1"), b""))
    for octets, answered in legs:
        authorization = ("Authorization", http.token("NTLM", octets))
        pair.incoming.send(0, http.request("RPC_IN_DATA", TARGET, [*ENDLESS, authorization]))
        if answered:
            pair.incoming.send(1, http.answer(401, [("WWW-Authenticate", http.token("NTLM", answered))]))
    pair.incoming.send(0, http.conn_b1() + BIND)
    (channel,) = channels(pair.incoming)
    assert channel.name == str(http.VIRTUAL)
    assert channel_octets(pair.incoming.said) == {(id(channel), 0): BIND}
    (told,) = pair.incoming.exchanges()
    assert told.tokens == ("NEGOTIATE", "CHALLENGE", "AUTHENTICATE")


def test_version_1_is_one_connection() -> None:
    """[MS-RPCH] 2.1.1.1: RPC_CONNECT, then PDUs both ways."""
    pair = Pair()
    talk = pair.connect()
    talk.send(0, http.request("RPC_CONNECT", "dc1:593", version="1.0"))
    talk.send(1, http.answer(401, [("WWW-Authenticate", "NTLM")]))
    talk.send(0, http.request("RPC_CONNECT", "dc1:593", version="1.0"))
    talk.send(1, b"HTTP/1.1 200 Connection Established\r\n\r\n")
    talk.send(0, BIND)
    talk.send(1, ACK)
    talk.send(0, REQUEST)
    (channel,) = channels(talk)
    assert (channel.transport, channel.name) == ("ncacn_http", None)
    assert pair.virtual.server_of(channel) == "dc1:593"
    assert channel_octets(talk.said) == {(id(channel), 0): SAYS, (id(channel), 1): ACK}
    assert [each.event.direction for each in talk.close()] == [0, 1]


@pytest.mark.parametrize("piece", [None, 1, 9])
def test_the_inner_hop_without_virtual_connection(piece: int | None) -> None:
    """[MS-RPCH] 2.1.1.2.1: the server's first octets, then PDUs both ways."""
    talk = Pair().connect()
    talk.send(1, http.INNER_BANNER, piece)
    talk.send(0, BIND)
    talk.send(1, ACK)
    (channel,) = channels(talk)
    assert channel_octets(talk.said) == {(id(channel), 0): BIND, (id(channel), 1): ACK}


def test_both_hops_of_a_proxy_are_two_channels() -> None:
    """The same cookie, once between client and proxy and once between proxy and server."""
    pair = Pair()
    pair.open()
    inner_in, inner_out = pair.connect(), pair.connect()
    for talk, first in ((inner_in, http.conn_b2()), (inner_out, http.conn_a2())):
        talk.send(1, http.INNER_BANNER)
        talk.send(0, first)
    for talk in (pair.incoming, inner_in):
        talk.send(0, BIND)
    for talk in (inner_out, pair.outgoing):
        talk.send(1, ACK)
    outer, inner = channels(pair.incoming, pair.outgoing, inner_in, inner_out)
    assert outer.name == inner.name == str(http.VIRTUAL)
    assert channel_octets(inner_in.said + inner_out.said) == {(id(inner), 0): BIND, (id(inner), 1): ACK}
    assert [each.event.direction for each in inner_out.close()] == [1]
    assert [each.event.direction for each in inner_in.close()] == [0]


def test_what_is_known_is_bounded() -> None:
    virtual = VirtualConnections(Problems(), maximum=2)
    for number in range(3):
        tunnel = virtual.half(Hop.PROXY, f"dc1:{number}", joined_late=False)
        tunnel.rts(http.conn_a1(UUID(int=number + 1)), 1, 1)
    assert virtual.limits == {"virtual_connections": 1}


def test_damage_never_raises() -> None:
    rng = random.Random(12)
    for _ in range(300):
        pair = Pair()
        pair.open()
        for _ in range(6):
            octets = bytearray(rng.choice((SAYS, PING, http.conn_b1(), ANSWERS)))
            for _ in range(rng.randrange(3)):
                octets[rng.randrange(len(octets))] = rng.choice((0, 1, 5, 0x14, 0xFF))
            direction, talk = rng.choice(((0, pair.incoming), (1, pair.outgoing)))
            talk.send(direction, bytes(octets[: rng.randrange(1, len(octets) + 1)]), rng.choice((None, 3, 17)))
            if rng.random() < 0.2:
                talk.lose(direction, rng.randrange(1, 200))
        channel_octets(pair.incoming.said + pair.outgoing.said)
        assert all(isinstance(each.event, Chunk | Gap) for each in pair.incoming.said)


FIRST, SECOND = UUID(int=5), UUID(int=6)
SEQUENCES = {
    "CONN/A1": http.conn_a1(),
    "CONN/A2": http.conn_a2(),
    "CONN/A3": http.conn_a3(),
    "CONN/B1": http.conn_b1(),
    "CONN/B2": http.conn_b2(),
    "CONN/C2": http.conn_c2(),
    "IN_R1/A1": http.in_r1_a1(http.VIRTUAL, FIRST, SECOND),
    "OUT_R1/A3": http.out_r1_a3(http.VIRTUAL, FIRST, SECOND),
}


def test_tshark_reads_the_same() -> None:
    """What the builder writes are these sequences for tshark too, with these cookies, and bodies hold them in HTTP."""
    client, proxy = Host("10.2.0.21", "02:00:00:00:00:21"), Host("10.2.0.73", "02:00:00:00:00:73")
    inner = TcpConversation((client, 50211), (proxy, 593))
    inner.connect()
    inner.send(SERVER, http.INNER_BANNER)
    for octets in SEQUENCES.values():
        inner.send(CLIENT, octets)
    inner.send(CLIENT, BIND)
    inner.send(SERVER, ACK)
    outer = TcpConversation((client, 50212), (proxy, 80), now_ns=inner.now_ns)
    outer.connect()
    outer.send(CLIENT, http.request("RPC_OUT_DATA", TARGET, body=http.conn_a1()))
    written = pcap(merged(inner.frames, outer.frames))
    found = fields(
        written, "dcerpc", "dcerpc.pkt_type", "dcerpc.cn_rts_command.cookie", "_ws.col.Info", "http.request.method"
    )
    assert [row[0] for row in found] == ["20"] * len(SEQUENCES) + ["11", "12", "20"]
    for name, octets, row in zip(SEQUENCES, SEQUENCES.values(), found, strict=False):
        assert name in row[2]
        assert row[1] == ",".join(parse_rts(octets).cookies)
    assert "CONN/A1" in found[-1][2]
    assert found[-1][3] == "RPC_OUT_DATA"
