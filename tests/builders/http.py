"""Header sections, bodies and RTS PDUs -> octets of HTTP/1.1 (RFC 9112) and of RPC over HTTP ([MS-RPCH])."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from struct import pack
from uuid import UUID

RTS = 0x14  # [MS-RPCH] 2.2.3.1
# [MS-RPCH] 2.2.3.6
NONE, PING, OTHER_CMD, RECYCLE_CHANNEL, IN_CHANNEL, OUT_CHANNEL, EOF, ECHO = 0, 1, 2, 4, 8, 0x10, 0x20, 0x40
INNER_BANNER = b"ncacn_http/1.0"
CHANNEL_OCTETS = 1 << 30  # [MS-RPCH] 2.1.2.1.1: what a channel's Content-Length says
VIRTUAL, IN_COOKIE, OUT_COOKIE, GROUP = (UUID(int=number << 96 | 0xC00C1E) for number in (1, 2, 3, 4))

Fields = Sequence[tuple[str, str]]


def request(method: str, target: str, fields: Fields = (), body: bytes = b"", *, version: str = "1.1") -> bytes:
    """RFC 9112 3; a Content-Length is written for a body unless `fields` has one."""
    return _message(f"{method} {target} HTTP/{version}", [("Host", "web.domainb.com"), *fields], body)


def answer(status: int, fields: Fields = (), body: bytes = b"", *, reason: str = "Reason") -> bytes:
    """RFC 9112 4."""
    length = [] if any(name.lower() in _FRAMING for name, _ in fields) else [("Content-Length", str(len(body)))]
    return _message(f"HTTP/1.1 {status} {reason}", [*fields, *length], body)


_FRAMING = ("content-length", "transfer-encoding", "connection")


def _message(start: str, fields: Fields, body: bytes) -> bytes:
    names = [name.lower() for name, _ in fields]
    if body and not set(names) & set(_FRAMING):
        fields = [*fields, ("Content-Length", str(len(body)))]
    lines = [start, *(f"{name}: {value}" for name, value in fields)]
    return "\r\n".join([*lines, "", ""]).encode() + body


def token(scheme: str, octets: bytes) -> str:
    """A field value of Authorization or WWW-Authenticate (RFC 4559 4)."""
    return f"{scheme} {b64encode(octets).decode()}"


def chunked(*chunks: bytes, trailer: bytes = b"") -> bytes:
    """RFC 9112 7.1."""
    return b"".join(b"%x;q=1\r\n%s\r\n" % (len(each), each) for each in chunks) + b"0\r\n" + trailer + b"\r\n"


# [MS-RPCH] 2.2.3.5: commands


def number(kind: int, value: int) -> bytes:
    """ReceiveWindowSize, ConnectionTimeout, ChannelLifetime, ClientKeepalive, Version, Destination,
    PingTrafficSentNotify."""
    return pack("<II", kind, value)


def cookie(value: UUID, kind: int = 3) -> bytes:
    """Cookie, and AssociationGroupId (kind 0xC)."""
    return pack("<I", kind) + value.bytes_le


def flow_control_ack(received: int, window: int, channel: UUID) -> bytes:
    return pack("<III", 1, received, window) + channel.bytes_le


def client_address(packed: bytes) -> bytes:
    return pack("<II", 0xB, 0 if len(packed) == 4 else 1) + packed + bytes(12)


def padding(count: int) -> bytes:
    return pack("<II", 8, count) + bytes(count)


def bare(kind: int) -> bytes:
    """Empty, NegativeANCE, ANCE."""
    return pack("<I", kind)


def rts(flags: int, *commands: bytes) -> bytes:
    """[MS-RPCH] 2.2.3.6.1."""
    body = pack("<HH", flags, len(commands)) + b"".join(commands)
    return pack("<BBBBIHHI", 5, 0, RTS, 3, 0x10, 16 + len(body), 0, 0) + body


# [MS-RPCH] 2.2.4: sequences


def conn_a1(virtual: UUID = VIRTUAL, channel: UUID = OUT_COOKIE) -> bytes:
    return rts(NONE, number(6, 1), cookie(virtual), cookie(channel), number(0, 0x10000))


def conn_a2(virtual: UUID = VIRTUAL, channel: UUID = OUT_COOKIE) -> bytes:
    return rts(OUT_CHANNEL, number(6, 1), cookie(virtual), cookie(channel), number(4, 1 << 30), number(0, 0x10000))


def conn_a3() -> bytes:
    return rts(NONE, number(2, 120_000))


def conn_b1(virtual: UUID = VIRTUAL, channel: UUID = IN_COOKIE) -> bytes:
    return rts(
        NONE, number(6, 1), cookie(virtual), cookie(channel), number(4, 1 << 30), number(5, 300_000),
        cookie(GROUP, 0xC),
    )  # fmt: skip


def conn_b2(virtual: UUID = VIRTUAL, channel: UUID = IN_COOKIE) -> bytes:
    return rts(
        IN_CHANNEL, number(6, 1), cookie(virtual), cookie(channel), number(0, 0x10000), number(2, 120_000),
        cookie(GROUP, 0xC), client_address(bytes((10, 2, 0, 21))),
    )  # fmt: skip


def conn_c2() -> bytes:
    return rts(NONE, number(6, 1), number(0, 0x10000), number(2, 120_000))


def in_r1_a1(virtual: UUID, before: UUID, after: UUID) -> bytes:
    return rts(RECYCLE_CHANNEL, number(6, 1), cookie(virtual), cookie(before), cookie(after))


def out_r1_a3(virtual: UUID, before: UUID, after: UUID) -> bytes:
    return rts(RECYCLE_CHANNEL, number(6, 1), cookie(virtual), cookie(before), cookie(after), number(0, 0x10000))
