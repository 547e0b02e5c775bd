"""Who says what -> the frames of a TCP or UDP conversation, with right lengths, numbers and checksums.

The builders of tests/builders say everything about a frame; here some microseconds a frame are all there is. Checksums
use that 2**16 is 1 modulo 2**16 - 1: the ones' complement sum of any octets is the number that they spell, modulo that.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from struct import Struct
from typing import NamedTuple

CLIENT, SERVER = 0, 1
Turn = tuple[int, bytes]  # who speaks, what
FIN, SYN, PSH, ACK = 0x01, 0x02, 0x08, 0x10
MAXIMUM_SEGMENT_OCTETS = 1460
JUMBO_SEGMENT_OCTETS = 8948
SHORTEST_FRAME_OCTETS = 60  # IEEE 802.3 4.2.3.3: a shorter frame is padded before it is sent

_MACS = (bytes.fromhex("020000000001"), bytes.fromhex("020000000002"))
_IPV6_PREFIX = bytes.fromhex("fd000000 00000000 00000000")  # RFC 4193
_ETHER_TYPES = {False: b"\x08\x00", True: b"\x86\xdd"}
_TCP, _UDP = 6, 17
_ONES = 0xFFFF
_WINDOW = 8192
_TIME_TO_LIVE = 128
_SYN_OPTIONS = bytes.fromhex("020405b4 01030308 01010402")  # maximum segment size, window scale, SACK permitted

_IPV4 = Struct(">HHHHBBH")
_IPV6 = Struct(">IHBB")
_TCP_HEAD = Struct(">HHIIHHHH")
_UDP_HEAD = Struct(">HHHH")
_SEGMENT_GAP_US, _ACK_GAP_US, _ROUND_TRIP_US = 12, 15, 400
_PAUSES_US = {CLIENT: (300, 2_000, 9_000, 40_000, 150_000), SERVER: (250, 700, 1_500, 4_000, 20_000)}


class Ends(NamedTuple):
    """Who talks to whom. Addresses are IPv4's four octets; with `ipv6` they are the last four of a longer one."""

    client: bytes
    client_port: int
    server: bytes
    server_port: int
    ipv6: bool = False
    vlan: int | None = None


class Packet(NamedTuple):
    """A frame, when (after the begin of its conversation), and where the client's four octets stand in it."""

    time_us: int
    frame: bytes
    client_at: int


def checksum(total: int) -> int:
    """The Internet checksum (RFC 1071) of octets that spell `total`, or of the sum of several such numbers."""
    return -total % _ONES


def _spelled(octets: bytes) -> int:
    number = int.from_bytes(octets, "big")
    return number << 8 if len(octets) & 1 else number


class _Path:
    """One direction's Ethernet and IP header, as far as it is the same for every packet."""

    def __init__(self, ends: Ends, side: int, protocol: int) -> None:
        tag = b"" if ends.vlan is None else b"\x81\x00" + ends.vlan.to_bytes(2, "big")
        link = _MACS[1 - side] + _MACS[side] + tag + _ETHER_TYPES[ends.ipv6]
        prefix = _IPV6_PREFIX if ends.ipv6 else b""
        client, server = prefix + ends.client, prefix + ends.server
        self.link, self.ipv6, self.protocol = link, ends.ipv6, protocol
        self.addresses = client + server if side == CLIENT else server + client
        self.sum = _spelled(self.addresses) + protocol
        self.ports = (ends.client_port, ends.server_port) if side == CLIENT else (ends.server_port, ends.client_port)
        ahead = 8 if ends.ipv6 else 12
        size = len(client)
        self.client_at = len(link) + ahead + size - 4 + (0 if side == CLIENT else size)
        self._ipv4_sum = _spelled(self.addresses) + 0x4500 + 0x4000 + (_TIME_TO_LIVE << 8 | protocol)

    def frame(self, transport: bytes, payload: bytes, identification: int) -> bytes:
        size = len(transport) + len(payload)
        if self.ipv6:
            return b"".join(
                (self.link, _IPV6.pack(6 << 28, size, self.protocol, _TIME_TO_LIVE), self.addresses, transport, payload)
            )
        head = _IPV4.pack(
            0x4500, size + 20, identification, 0x4000, _TIME_TO_LIVE, self.protocol,
            checksum(self._ipv4_sum + size + 20 + identification),
        )  # fmt: skip
        return b"".join((self.link, head, self.addresses, transport, payload))


class TcpConversation:
    """One connection that writes itself down in `packets`; as a station beside the client sees it, so that what the
    server sends is padded to the least that Ethernet carries."""

    def __init__(self, ends: Ends, chance: Random, *, segment_octets: int = MAXIMUM_SEGMENT_OCTETS) -> None:
        self.packets: list[Packet] = []
        self.now_us = 0
        self.segment_octets = segment_octets
        self._chance = chance
        self._paths = (_Path(ends, CLIENT, _TCP), _Path(ends, SERVER, _TCP))
        self._sequence = [chance.getrandbits(32), chance.getrandbits(32)]
        self._identification = [chance.getrandbits(16), chance.getrandbits(16)]

    def segment(self, side: int, flags: int, payload: bytes = b"", options: bytes = b"") -> None:
        """One segment now."""
        path = self._paths[side]
        sequence = self._sequence[side]
        acknowledgement = self._sequence[1 - side] if flags & ACK else 0
        words = (20 + len(options)) << 10 | flags
        size = 20 + len(options) + len(payload)
        source, destination = path.ports
        total = path.sum + size + source + destination + sequence + acknowledgement + words + _WINDOW
        total += _spelled(options) + _spelled(payload)
        head = _TCP_HEAD.pack(
            source, destination, sequence, acknowledgement, words, _WINDOW, checksum(total), 0
        )  # fmt: skip
        identification = self._identification[side]
        frame = path.frame(head + options, payload, identification)
        if side == SERVER and len(frame) < SHORTEST_FRAME_OCTETS:
            frame = frame.ljust(SHORTEST_FRAME_OCTETS, b"\0")
        self.packets.append(Packet(self.now_us, frame, path.client_at))
        self._identification[side] = (identification + 1) & 0xFFFF
        consumed = len(payload) + (1 if flags & (SYN | FIN) else 0)
        self._sequence[side] = (sequence + consumed) & 0xFFFF_FFFF

    def connect(self) -> None:
        """SYN, SYN+ACK, ACK."""
        self.segment(CLIENT, SYN, options=_SYN_OPTIONS)
        self.now_us += _ROUND_TRIP_US
        self.segment(SERVER, SYN | ACK, options=_SYN_OPTIONS)
        self.now_us += _ACK_GAP_US
        self.segment(CLIENT, ACK)

    def send(self, side: int, octets: bytes, *, acknowledged: bool = True) -> None:
        """`octets` after a pause, in segments; the peer acknowledges every second one, or all with what it says."""
        self.now_us += self._chance.choice(_PAUSES_US[side])
        size = self.segment_octets
        last = len(octets) - size
        for number, at in enumerate(range(0, len(octets), size)):
            self.segment(side, ACK | PSH if at >= last else ACK, octets[at : at + size])
            self.now_us += _SEGMENT_GAP_US
            if number & 1 and acknowledged:
                self.segment(1 - side, ACK)
                self.now_us += _ACK_GAP_US

    def close(self) -> None:
        """FIN of the client, FIN of the server, the last acknowledgement."""
        self.now_us += _ROUND_TRIP_US
        for side, flags in ((CLIENT, FIN | ACK), (SERVER, FIN | ACK), (CLIENT, ACK)):
            self.segment(side, flags)
            self.now_us += _ROUND_TRIP_US


def tcp(
    ends: Ends, talk: Iterable[Turn], chance: Random, *, segment_octets: int = MAXIMUM_SEGMENT_OCTETS
) -> list[Packet]:
    """A whole connection in which `talk` is said."""
    conversation = TcpConversation(ends, chance, segment_octets=segment_octets)
    conversation.connect()
    for side, octets in talk:
        conversation.send(side, octets)
    conversation.close()
    return conversation.packets


def udp(ends: Ends, talk: Iterable[Turn], chance: Random) -> list[Packet]:
    """`talk`, a datagram a turn."""
    paths = (_Path(ends, CLIENT, _UDP), _Path(ends, SERVER, _UDP))
    now_us = 0
    packets = []
    for side, octets in talk:
        path = paths[side]
        source, destination = path.ports
        size = 8 + len(octets)
        total = path.sum + 2 * size + source + destination + _spelled(octets)
        head = _UDP_HEAD.pack(source, destination, size, checksum(total) or _ONES)
        packets.append(Packet(now_us, path.frame(head, octets, chance.getrandbits(16)), path.client_at))
        now_us += chance.choice(_PAUSES_US[SERVER])
    return packets
