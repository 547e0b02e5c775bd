"""What the recogniser lets through is what the framer takes for LDAP."""

from __future__ import annotations

import random

import pytest
from builders import ldap
from dissected import dissected, scanned_events, stream_events
from shared_captures import SHARED, needs_shared

from rpctrace.protocols.dissector import Problems
from rpctrace.protocols.ldap.connection import LdapConnection
from rpctrace.protocols.ldap.framing import LdapFramer
from rpctrace.protocols.ldap.recognition import HEAD, HEAD_OCTETS, RECOGNISER, begins, occurs
from rpctrace.stream.stream import Chunk, Connection

BIND = ldap.sasl_bind(2, ldap.GSS_SPNEGO, b"token")
MESSAGES = (BIND, ldap.long_form(ldap.search(1, "dc=domainb,dc=com")), ldap.start_tls(1), ldap.unbind(3),
            ldap.bind_response(300, 49), ldap.search_entry(70_000, "cn=x", 200))  # fmt: skip
OTHERS = (b"GET / HTTP/1.1\r\n\r\n", bytes.fromhex("16030102000100") + bytes(9), bytes.fromhex("05000b03100000004800"),
          b"\x00\x00\x00\x90\xfeSMB" + bytes(9), b"0\x0c" + bytes(12))  # fmt: skip


@pytest.mark.parametrize("octets", MESSAGES)
def test_messages_begin_so(octets: bytes) -> None:
    assert begins(octets)
    assert all(begins(octets[:length]) for length in range(HEAD_OCTETS))


@pytest.mark.parametrize("octets", [*MESSAGES, ldap.simple_bind(1, "cn=novice", "secret"), ldap.search(300, "dc=x")])
def test_a_head_is_told_from_its_first_octets(octets: bytes) -> None:
    assert HEAD.match(octets[:HEAD_OCTETS])


@pytest.mark.parametrize("octets", OTHERS)
def test_other_protocols_do_not(octets: bytes) -> None:
    assert not begins(octets)
    assert not occurs(octets)
    assert not RECOGNISER.is_other(octets)


def test_as_the_framer_does() -> None:
    rng = random.Random(6)
    for _ in range(5_000):
        head = bytearray(rng.choice(MESSAGES)[:HEAD_OCTETS].ljust(HEAD_OCTETS, b"\0"))
        for _ in range(rng.randrange(3)):
            head[rng.randrange(HEAD_OCTETS)] = rng.choice((0, 2, 0x30, 0x84, rng.randrange(256)))
        framer = LdapFramer(Problems(), {}, from_start=True)
        framer.feed(Chunk(0, 0, memoryview(bytes(head)), 1, 1))
        assert begins(bytes(head)) == framer.recognised


def test_binds_in_the_middle() -> None:
    for octets in (BIND, ldap.long_form(ldap.simple_bind(9, "cn=x", "y")), ldap.bind_response(5, 14, b"token")):
        assert occurs(b"\xee" * 33 + octets)
    assert not occurs(ldap.search(1, "dc=domainb"))


@needs_shared
@pytest.mark.parametrize("name", ["MS-RMSOD_Example2*", "MS-GPOD_Example3*", "MS-ADOD_Example2_17*"])
def test_a_capture_read_fast_says_what_it_says_in_full(name: str) -> None:
    (path,) = (SHARED / "netmon").glob(name + ".cap")

    def make(connection: Connection) -> LdapConnection:
        return LdapConnection(Problems(), joined_late=connection.guessed)

    whole = [said.provenance for _, said in dissected(stream_events(path), make)]
    assert [said.provenance for _, said in dissected(scanned_events(path, RECOGNISER), make)] == whole
