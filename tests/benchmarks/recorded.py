"""What was said in the checkout's own captures: their conversations, to be said again between other addresses."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from struct import unpack_from
from typing import NamedTuple

from benchmarks import smb
from benchmarks.wire import CLIENT, SERVER, Turn

CAPTURES = Path(__file__).parents[2] / "captures"
# Those in which calls work, so that the planted ones are all that fail with 0x721; a KDC may say no. In this order:
# another one makes another corpus.
SOURCES = (
    "lab/xforest-rpcclient-tcp-seal.pcap",
    "lab/alter-ok.pcap",
    "lab/alter-ok.ipv6.pcap",
    "lab/test_assoc_group_ok1.pcap",
    "lab/test_no_auth_presentation_ctx_no_ndr64.pcap",
    "lab/clockskew-rpcclient-np.pcap",
    "lab/preauth-failed.tcp.pcap",
    "lab/preauth-failed.udp.pcap",
    "lab/xrealm-server-unknown.tcp.pcap",
    "u2u/u2u-ok.pcap",
    "u2u/u2u-ok-auth3.pcap",
    "u2u/u2u-ok-authtype16.pcap",
    "u2u/plain-apreq-ok-xforest.pcap",
    "built/kerberos-bind-accepted.pcap",
)
KERBEROS_PORT = 88
TCP, UDP = 6, 17
_FIN_SYN_RST, _SYN, _ACK = 0x07, 0x02, 0x10
_PCAP_MAGICS = (b"\xd4\xc3\xb2\xa1", b"\x4d\x3c\xb2\xa1")  # micro- and nanoseconds
_RPC_VERSION = b"\x05\x00"


class Recorded(NamedTuple):
    """One conversation: over what, to which port, and what was said, a turn for each segment or datagram."""

    protocol: int
    server_port: int
    talk: tuple[Turn, ...]

    @property
    def kind(self) -> str | None:
        """The class of traffic that it belongs to; None: nothing that a corpus wants."""
        if self.server_port == KERBEROS_PORT:
            return "kerberos"
        if self.server_port == smb.PORT:
            return "pipe"
        return "rpc" if self.protocol == TCP and self.talk[0][1].startswith(_RPC_VERSION) else None


class _Packet(NamedTuple):
    protocol: int
    source: tuple[bytes, int]
    destination: tuple[bytes, int]
    sequence: int
    flags: int
    payload: bytes


def frames(octets: bytes) -> Iterator[bytes]:
    """The frames of a pcap file with little endian numbers, as all of SOURCES are."""
    assert octets[:4] in _PCAP_MAGICS
    at = 24
    while at < len(octets):
        (size,) = unpack_from("<I", octets, at + 8)
        yield octets[at + 16 : at + 16 + size]
        at += 16 + size


def _packet(frame: bytes) -> _Packet | None:
    """The TCP or UDP packet of an Ethernet frame without tags and fragments."""
    if frame[12:14] == b"\x08\x00":
        at, protocol = 14 + 4 * (frame[14] & 15), frame[23]
        end = 14 + int(unpack_from(">H", frame, 16)[0])
        source, destination = frame[26:30], frame[30:34]
    elif frame[12:14] == b"\x86\xdd":
        at, protocol = 54, frame[20]
        end = 54 + int(unpack_from(">H", frame, 18)[0])
        source, destination = frame[22:38], frame[38:54]
    else:
        return None
    if protocol not in (TCP, UDP):
        return None
    ports = unpack_from(">HH", frame, at)
    sequence, flags, head_octets = 0, 0, 8
    if protocol == TCP:
        sequence, flags = unpack_from(">I", frame, at + 4)[0], frame[at + 13]
        head_octets = frame[at + 12] >> 4 << 2
    payload = frame[at + head_octets : end]
    return _Packet(protocol, (source, ports[0]), (destination, ports[1]), sequence, flags, payload)


def conversations(octets: bytes) -> list[Recorded]:
    """Every TCP connection that is there from its SYN on, and every exchange of datagrams, in order of their begin."""
    talks: dict[tuple[int, frozenset[tuple[bytes, int]]], tuple[tuple[bytes, int], int, list[Turn]]] = {}
    expected: dict[tuple[tuple[bytes, int], tuple[bytes, int]], int] = {}
    for packet in filter(None, map(_packet, frames(octets))):
        key = (packet.protocol, frozenset((packet.source, packet.destination)))
        begins = packet.protocol == UDP or packet.flags & (_FIN_SYN_RST | _ACK) == _SYN
        if key not in talks and begins:
            talks[key] = (packet.source, packet.destination[1], [])
        if key not in talks:
            continue
        way = (packet.source, packet.destination)
        if packet.flags & _SYN:
            expected[way] = packet.sequence + 1
        # a segment that is not the next one was sent twice; nothing is lost in these files
        if packet.payload and (packet.protocol == UDP or packet.sequence == expected.get(way)):
            expected[way] = packet.sequence + len(packet.payload) & 0xFFFF_FFFF
            talks[key][2].append((CLIENT if packet.source == talks[key][0] else SERVER, packet.payload))
    return [Recorded(key[0], port, tuple(talk)) for key, (_, port, talk) in talks.items() if talk]


@cache
def of_kind(kind: str) -> tuple[Recorded, ...]:
    """The conversations of SOURCES that belong to a class of traffic."""
    found = (talk for name in SOURCES for talk in conversations((CAPTURES / name).read_bytes()))
    return tuple(talk for talk in found if talk.kind == kind)
