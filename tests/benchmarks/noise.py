"""Made-up conversations without any RPC: TLS, HTTP, DNS, and small packets of a protocol that nobody knows."""

from __future__ import annotations

from random import Random
from struct import pack

from benchmarks.wire import CLIENT, SERVER, Turn

TLS_PORTS = (443, 443, 443, 443, 8443, 5986)
HTTP_PORTS = (80, 80, 80, 8080, 5985)
CHATTER_PORTS = (1433, 3389, 50_123, 49_777)
DNS_PORT = 53

_POOL_OCTETS = 1 << 20
_RECORD_OCTETS = 16_401  # RFC 8446 5.2: 2**14 of content, its type, 16 of tag
_RECORDS = (1, 1, 1, 2, 3, 8)
_BODY_OCTETS = (0, 180, 900, 2_400, 7_000, 30_000, 120_000)
_HANDSHAKE, _APPLICATION_DATA = 0x16, 0x17


class Pool:
    """Octets that look like ciphertext, and who draws from them."""

    def __init__(self, chance: Random) -> None:
        self.chance = chance
        self._octets = chance.randbytes(_POOL_OCTETS)

    def draw(self, count: int) -> bytes:
        at = self.chance.randrange(_POOL_OCTETS - count)
        return self._octets[at : at + count]


def _record(kind: int, body: bytes) -> bytes:
    # RFC 8446 5.1
    return pack(">BHH", kind, 0x0303, len(body)) + body


def _hello(kind: int, choices: bytes, pool: Pool) -> bytes:
    # RFC 8446 4.1.2 and 4.1.3: version, random, session id, what is offered or chosen; no extensions
    body = b"\x03\x03" + pool.draw(32) + b"\x20" + pool.draw(32) + choices + b"\x00\x00"
    return _record(_HANDSHAKE, pack(">I", kind << 24 | len(body)) + body)


def tls(pool: Pool, exchanges: tuple[int, ...] = (1, 2, 3, 4)) -> list[Turn]:
    """A handshake whose rest is encrypted, then questions with answers of one record or of some dozen kilobytes."""
    talk = [
        (CLIENT, _hello(1, b"\x00\x04\x13\x02\x13\x01\x01\x00", pool)),
        (SERVER, _hello(2, b"\x13\x02\x00", pool) + _record(_APPLICATION_DATA, pool.draw(2_900))),
        (CLIENT, _record(_APPLICATION_DATA, pool.draw(69))),
    ]
    for _ in range(pool.chance.choice(exchanges)):
        talk.append((CLIENT, _record(_APPLICATION_DATA, pool.draw(420))))
        records = pool.chance.choice(_RECORDS)
        talk.append((SERVER, b"".join(_record(_APPLICATION_DATA, pool.draw(_RECORD_OCTETS)) for _ in range(records))))
    return talk


def http(pool: Pool) -> list[Turn]:
    """Some files over one connection (RFC 9112)."""
    talk: list[Turn] = []
    for _ in range(pool.chance.randrange(1, 6)):
        name = pool.chance.randrange(1_000_000)
        body = pool.draw(pool.chance.choice(_BODY_OCTETS))
        talk.append((CLIENT, b"GET /files/%d.bin HTTP/1.1\r\nHost: files.example.com\r\nAccept: */*\r\n\r\n" % name))
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n" % len(body)
        talk.append((SERVER, head + body))
    return talk


def dns(pool: Pool) -> list[Turn]:
    """One question for an address and its answer (RFC 1035 4.1)."""
    name = b"".join(bytes([len(label)]) + label for label in (b"h%d" % pool.chance.randrange(100_000), b"example"))
    question = name + b"\0" + pack(">HH", 1, 1)
    number = pool.chance.getrandbits(16)
    answer = pack(">HHHIH4s", 0xC00C, 1, 1, 300, 4, pool.draw(4))
    return [
        (CLIENT, pack(">6H", number, 0x0100, 1, 0, 0, 0) + question),
        (SERVER, pack(">6H", number, 0x8180, 1, 1, 0, 0) + question + answer),
    ]


def chatter(pool: Pool, exchanges: int = 120) -> list[Turn]:
    """Many small questions and answers, one segment each."""
    sizes = range(24, 72)
    return [(side, pool.draw(pool.chance.choice(sizes))) for _ in range(exchanges) for side in (CLIENT, SERVER)]
