"""The recogniser agrees with the framer: what the one finds in octets, the other reads."""

from __future__ import annotations

import random
import time

import pytest
from builders import dcerpc
from builders import smb as write
from builders.smb_talk import Talk

from rpctrace.protocols.smb.recognition import RECOGNISER, begins, occurs

HEAD = write.Head()
NAMES = b"\x20" + b"CA" * 16 + b"\0" + b"\x20" + b"CA" * 16 + b"\0"
FIRST = [
    write.packet(write.negotiate_answer(HEAD)), write.packet(write.read_andx1(write.Head1())),
    write.packet(write.transform(1, bytes(40))), write.packet(write.compressed(b"", bytes(40), 50)),
    write.packet(NAMES, 0x81), b"\x82\0\0\0", b"\x83\0\0\x01\x82",
]  # fmt: skip
TLS = bytes.fromhex("16 0301 0200 01 0001fc 0303") + b"random"
OTHERS = (b"GET / HTTP/1.1\r\n", TLS, bytes(64), dcerpc.bind([dcerpc.Context(0, dcerpc.ICLASSFACTORY)]))


@pytest.mark.parametrize("octets", FIRST)
def test_how_it_begins(octets: bytes) -> None:
    assert begins(octets[:64])
    assert all(begins(octets[:length]) for length in range(8))


@pytest.mark.parametrize("octets", OTHERS)
def test_other_protocols_do_not_begin_so(octets: bytes) -> None:
    assert not begins(octets)
    assert not occurs(octets)


def test_the_framer_reads_what_begins_so() -> None:
    """20 000 heads, most of them nearly right: what the framer takes for SMB at the start begins so."""
    rng = random.Random(5)
    for _ in range(20_000):
        head = bytearray(FIRST[rng.randrange(5)][:68])
        for _ in range(rng.randrange(4)):
            head[rng.randrange(9)] = rng.choice((0, 0x81, 0xFE, 0xFF, rng.randrange(256)))
        talk = Talk()
        talk.client(bytes(head))
        talk.server(b"no SMB")
        assert begins(bytes(head)) or talk.reader.is_other or head[0] in range(0x81, 0x86)


def test_a_message_in_the_middle() -> None:
    """Wherever it stands, also behind octets that look alike."""
    for octets in FIRST[:4]:
        assert occurs(b"\xee" * 33 + octets)
        assert occurs(b"SMB\xfeSMB" + octets)
        assert not occurs(octets[1:])


def test_nothing_tells_that_it_is_none() -> None:
    assert not RECOGNISER.is_other(TLS)


def test_a_search_is_cheap() -> None:
    """Ten megabytes of what looks alike, in well under a second a megabyte."""
    octets = b"\xfeSMB" * 2_500_000
    start = time.perf_counter()
    assert not occurs(octets)
    assert time.perf_counter() - start < 10
