"""The recogniser agrees with the framer: what the one finds in octets, the other lets through."""

from __future__ import annotations

import random

import pytest
from builders import dcerpc as write

from rpctrace.protocols.dcerpc.framing import PduFramer
from rpctrace.protocols.dcerpc.recognition import RECOGNISER, begins, occurs
from rpctrace.stream.stream import Chunk

BIND = write.bind([write.Context(0, write.ICLASSFACTORY)])
TLS = bytes.fromhex("16 0301 0200 01 0001fc 0303") + b"random"
SMB = bytes.fromhex("00 000090") + b"\xfeSMB" + bytes(60)
OTHERS = (b"GET / HTTP/1.1\r\n", TLS, SMB, bytes(64))


@pytest.mark.parametrize("octets", OTHERS)
def test_other_protocols_do_not_begin_so(octets: bytes) -> None:
    assert not begins(octets)
    assert not occurs(octets)


def test_as_the_framer_does() -> None:
    """20 000 heads, most of them nearly right: a framer at the start of a stream accepts exactly those."""
    rng = random.Random(5)
    for _ in range(20_000):
        head = bytearray(BIND[:16])
        for _ in range(rng.randrange(4)):
            head[rng.randrange(16)] = rng.choice((0, 1, 5, 16, rng.randrange(256)))
        framer = PduFramer(from_start=True)
        framer.feed(Chunk(0, 0, memoryview(bytes(head)), 1, 1))
        assert begins(bytes(head)) == (not framer.is_other_protocol)


@pytest.mark.parametrize("length", range(16))
def test_the_beginning_of_a_header_may_be_one(length: int) -> None:
    assert begins(BIND[:length])


def test_a_header_in_the_middle() -> None:
    """Wherever it stands, and from its second octet on where the octets end in it."""
    for before in (b"", b"\xee" * 33):
        assert occurs(before + BIND)
        assert [occurs(before + BIND[:length]) for length in range(10)] == [False, False, *[True] * 8]


def test_what_shows_another_protocol() -> None:
    assert RECOGNISER.is_other(b"....\xfeSMB....")
    assert not RECOGNISER.is_other(BIND)
