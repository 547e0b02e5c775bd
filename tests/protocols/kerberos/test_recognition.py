"""The recogniser agrees with the framer, and neither takes another protocol for Kerberos nor the other way round."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from builders import dcerpc, kerberos
from protocols.kerberos.kdc_talk import AS_REQ, EVERY_MESSAGE, KPASSWD_REQ, TGS_REQ
from scan_talk import listed
from shared_captures import SHARED, captures_in, name_of, needs_shared

from rpctrace.capture.storage import open_capture
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment, Transport
from rpctrace.protocols.dcerpc import recognition as rpc
from rpctrace.protocols.kerberos.framing import MessageFramer
from rpctrace.protocols.kerberos.recognition import RECOGNISER, begins, is_kerberos_datagram, occurs
from rpctrace.scan.candidates import Recogniser
from rpctrace.scan.flows import FlowTable
from rpctrace.stream.stream import Chunk

TLS = bytes.fromhex("16 0301 0200 01 0001fc 0303") + b"random"
SMB = bytes.fromhex("00 000090") + b"\xfeSMB" + bytes(60)
BIND = dcerpc.bind([dcerpc.Context(0, dcerpc.ICLASSFACTORY)])
LDAP = bytes.fromhex("30 84 00000052 020101 60 84 00000049 020103") + bytes(70)
AP_REQ = kerberos.ap_req(kerberos.ticket("R", kerberos.principal("s")))
OTHERS = (b"GET / HTTP/1.1\r\n", TLS, SMB, BIND, LDAP, AP_REQ, bytes(64), kerberos.over_tcp(AP_REQ))


@pytest.mark.parametrize("octets", OTHERS)
def test_other_protocols_do_not_begin_so(octets: bytes) -> None:
    assert not begins(octets)
    assert not occurs(octets)


@pytest.mark.parametrize("name", EVERY_MESSAGE)
def test_every_message_begins_so_and_is_no_rpc(name: str) -> None:
    octets = kerberos.over_tcp(EVERY_MESSAGE[name])
    assert begins(octets)
    assert begins(octets[:11])
    assert not rpc.begins(octets)
    assert octets[0] != TLS[0]


def test_as_the_framer_does() -> None:
    """20 000 heads, most of them nearly right: a framer at the start of a stream accepts exactly those."""
    rng = random.Random(5)
    accepted = 0
    for _ in range(20_000):
        head = bytearray(kerberos.over_tcp(rng.choice((AS_REQ, KPASSWD_REQ)))[:11])
        for _ in range(rng.randrange(3)):
            head[rng.randrange(11)] = rng.choice((0, 1, 0x6A, 0x6E, 0x82, rng.randrange(256)))
        framer = MessageFramer(from_start=True)
        framer.feed(Chunk(0, 0, memoryview(bytes(head)), 1, 1))
        accepted += begins(bytes(head))
        assert begins(bytes(head)) == (not framer.is_other_protocol)
    assert 5_000 < accepted < 15_000


@pytest.mark.parametrize("length", range(11))
def test_the_beginning_of_a_head_may_be_one(length: int) -> None:
    assert begins(kerberos.over_tcp(AS_REQ)[:length])


@pytest.mark.parametrize("message", [AS_REQ, TGS_REQ, KPASSWD_REQ])
def test_a_message_in_the_middle(message: bytes) -> None:
    """Wherever it stands; where the octets end in the head of one, from the tag on."""
    marked = kerberos.over_tcp(message)
    for before in (b"", b"\xee" * 33, bytes(20)):
        assert occurs(before + marked)
        assert occurs(before + marked[:11])
    if message is not KPASSWD_REQ:
        assert [occurs(b"\xee" * 9 + marked[:length]) for length in range(11)] == [False] * 5 + [True] * 6


def test_chance_does_not_make_one() -> None:
    """A million random octets, and a million of zero with a few others among them."""
    rng = random.Random(1)
    assert not occurs(rng.randbytes(1_000_000))
    assert not occurs(bytes(rng.choice((0, 0, 0, 1, 0x30, 0x6A, 0x82)) for _ in range(100_000)))


def test_what_shows_another_protocol() -> None:
    assert RECOGNISER.is_other(b"....\xfeSMB....")
    assert not RECOGNISER.is_other(kerberos.over_tcp(AS_REQ))


def test_datagrams_by_port_and_shape() -> None:
    for message in EVERY_MESSAGE.values():
        assert is_kerberos_datagram(message, 50_000, 88)
        assert is_kerberos_datagram(memoryview(message), 464, 50_000)
        assert is_kerberos_datagram(message[:60], 50_000, 88)  # cut by the snapshot length
        assert not is_kerberos_datagram(message, 50_000, 53)
        assert not is_kerberos_datagram(message + b"\0", 50_000, 88)
    assert not is_kerberos_datagram(AS_REQ[:6], 50_000, 88)
    assert not is_kerberos_datagram(bytes(60), 50_000, 88)
    assert not is_kerberos_datagram(AP_REQ, 50_000, 88)


RECORDED = [*captures_in(SHARED / "lab" / "d-kerberos"), *captures_in(SHARED / "lab" / "f-capture-variants"),
            *captures_in(SHARED / "public"), *captures_in(SHARED / "netmon")]  # fmt: skip


def to_a_kdc(segments: list[Segment]) -> list[Segment]:
    """Those of connections that say something on a port of a KDC."""
    mine = [segment for segment in segments if {segment.source.port, segment.destination.port} & {88, 464}
            and segment.transport is Transport.TCP]  # fmt: skip
    speaking = {segment.flow for segment in mine if segment.length_octets}
    return [segment for segment in mine if segment.flow in speaking]


def scanned(path: Path, *recognisers: Recogniser) -> list[Segment]:
    with open_capture(path) as capture:
        segments = to_a_kdc(listed(capture, Decoder(), FlowTable(recognisers)))
    return sorted(segments, key=lambda segment: segment.frame_number)


@needs_shared
@pytest.mark.parametrize("path", RECORDED, ids=name_of)
def test_the_scan_follows_every_connection_to_a_kdc(path: Path) -> None:
    """With the recogniser in the table beside DCE/RPC's, none of their segments is passed over."""
    decoder = Decoder()
    with open_capture(path) as capture:
        decoded = to_a_kdc([segment for frame in capture if (segment := decoder.decode(frame)) is not None])
    assert scanned(path, rpc.RECOGNISER, RECOGNISER) == decoded


@needs_shared
def test_without_it_the_scan_passes_them_over() -> None:
    for name in ("kpasswd.tcp.pcap", "ok-forwardable-renew.tcp.pcap"):
        path = SHARED / "lab" / "d-kerberos" / name
        assert scanned(path, rpc.RECOGNISER) == []
        assert len(scanned(path, RECOGNISER)) > 20
