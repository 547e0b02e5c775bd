"""RPC over HTTP version 2 ([MS-RPCH] 3.2.1.5): a virtual connection out of two channels, NTLM in HTTP and inside."""

from __future__ import annotations

from struct import pack

from builders import CLIENT, SERVER, Host, TcpConversation, TimedFrame, dcerpc, filler, http, merged
from builders.dcerpc import Context, Head, Result, Security, SyntaxId

from making import ntlm_talk
from making.cast import EXPERT, MILLISECOND_NS, START_NS
from making.speech import say, talk

EMSMDB = SyntaxId("a4f1db00-ca47-1067-b31f-00dd010662da", 0, 81)
TARGET = "/rpc/rpcproxy.dll?mail.domainb.com:6001"
PROXY = Host("10.2.0.40", "00:1b:21:0a:02:40")
TOKENS = ntlm_talk.messages("PROXY", "web.domainb.com")


def _asked(method: str, content_octets: int, token: bytes) -> bytes:
    return http.request(method, TARGET, [
        ("Cache-Control", "no-cache"), ("Connection", "Keep-Alive"), ("Pragma", "No-cache"),
        ("Accept", "application/rpc"), ("User-Agent", "MSRPC"), ("Content-Length", str(content_octets)),
        ("Authorization", http.token("NTLM", token)),
    ])  # fmt: skip


def _channel(method: str, client_port: int, content_octets: int, now_ns: int) -> TcpConversation:
    """A channel's connection up to the request that stays open."""
    conversation = talk((EXPERT, client_port), (PROXY, 80), now_ns)
    conversation.connect()
    conversation.send(CLIENT, _asked(method, 0, TOKENS[0]))
    challenge = ("WWW-Authenticate", http.token("NTLM", TOKENS[1]))
    conversation.send(SERVER, http.answer(401, [challenge, ("Content-Length", "0")], reason="Unauthorized"))
    conversation.send(CLIENT, _asked(method, content_octets, TOKENS[2]))
    return conversation


def over_http() -> list[TimedFrame]:
    """CONN/A1 and B1, A3 and C2; a bind with NTLM on the IN channel, what answers it on the OUT channel, fault 5."""
    ins = _channel("RPC_IN_DATA", 50320, http.CHANNEL_OCTETS, START_NS)
    outs = _channel("RPC_OUT_DATA", 50321, 76, START_NS + MILLISECOND_NS)
    answered = [("Content-Type", "application/rpc"), ("Content-Length", str(http.CHANNEL_OCTETS))]
    first, second, third = (
        Head(2, security=Security(dcerpc.NTLM, dcerpc.INTEGRITY, token))
        for token in ntlm_talk.messages("MAIL", "mail.domainb.com")
    )
    verifier = Security(dcerpc.NTLM, dcerpc.INTEGRITY, pack("<I", 1) + filler("ntlm signature", 12), alignment=16)
    asked = dcerpc.request(filler("connect", 320), Head(2, security=verifier), opnum=10)
    told = (
        (10, outs, CLIENT, http.conn_a1()),
        (11, ins, CLIENT, http.conn_b1()),
        (14, outs, SERVER, http.answer(200, answered, reason="Success")),
        (15, outs, SERVER, http.conn_a3()),
        (16, outs, SERVER, http.conn_c2()),
        (20, ins, CLIENT, dcerpc.bind([Context(0, EMSMDB)], first)),
        (24, outs, SERVER, dcerpc.bind_ack([Result()], second, secondary_address="6001")),
        (25, ins, CLIENT, dcerpc.auth3(third)),
        (26, ins, CLIENT, asked),
        (34, outs, SERVER, dcerpc.fault(5, Head(2))),
    )
    for at, conversation, direction, octets in told:
        say(conversation, START_NS + at * MILLISECOND_NS, direction, octets)
    for conversation in (ins, outs):
        conversation.now_ns = START_NS + 40 * MILLISECOND_NS
        conversation.close()
    return merged(ins.frames, outs.frames)
