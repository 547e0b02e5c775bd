"""Octets -> Ethernet frames with IPv4 or IPv6 and TCP or UDP around them; checksums are right."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from struct import pack
from typing import NamedTuple

IPV4, IPV6, VLAN, QINQ = 0x0800, 0x86DD, 0x8100, 0x88A8
TCP, UDP = 6, 17
ETHERNET_MINIMUM_OCTETS = 60  # IEEE 802.3 4.2.3.3 without the frame check sequence


class Host(NamedTuple):
    """A station on the wire."""

    address: str
    mac: str = "02:00:00:00:00:01"

    @property
    def packed_address(self) -> bytes:
        return ipaddress.ip_address(self.address).packed

    @property
    def packed_mac(self) -> bytes:
        return bytes.fromhex(self.mac.replace(":", ""))


class TimedFrame(NamedTuple):
    """A frame as a capture file stores it. `original_length_octets` None = nothing was cut."""

    timestamp_ns: int
    octets: bytes
    original_length_octets: int | None = None
    interface: int = 0
    comments: tuple[str, ...] = ()

    @property
    def wire_length_octets(self) -> int:
        return len(self.octets) if self.original_length_octets is None else self.original_length_octets


def internet_checksum(octets: bytes) -> int:
    """RFC 1071."""
    padded = octets + b"\0" * (len(octets) % 2)
    total = sum(int.from_bytes(padded[at : at + 2], "big") for at in range(0, len(padded), 2))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ethernet(source: Host, destination: Host, ether_type: int, payload: bytes, *, vlans: Sequence[int] = ()) -> bytes:
    """IEEE 802.3 with EtherType; `vlans` are 802.1Q tags, outermost first."""
    tags = b"".join(pack(">HH", VLAN, tag) for tag in vlans)
    return destination.packed_mac + source.packed_mac + tags + pack(">H", ether_type) + payload


def ipv4(
    source: Host,
    destination: Host,
    protocol: int,
    payload: bytes,
    *,
    identification: int = 0,
    time_to_live: int = 128,
    flags_and_offset: int = 0x4000,
    options: bytes = b"",
) -> bytes:
    """RFC 791 3.1; don't-fragment is set unless told otherwise."""
    words = 5 + len(options) // 4
    head = pack(
        ">BBHHHBBH4s4s", 0x40 | words, 0, 4 * words + len(payload), identification & 0xFFFF, flags_and_offset,
        time_to_live, protocol, 0, source.packed_address, destination.packed_address,
    )  # fmt: skip
    checksum = internet_checksum(head + options)
    return head[:10] + pack(">H", checksum) + head[12:] + options + payload


def ipv6(source: Host, destination: Host, protocol: int, payload: bytes, *, hop_limit: int = 128) -> bytes:
    """RFC 8200 3."""
    head = pack(">IHBB", 6 << 28, len(payload), protocol, hop_limit)
    return head + source.packed_address + destination.packed_address + payload


def _pseudo_header(source: Host, destination: Host, protocol: int, length: int) -> bytes:
    # RFC 9293 3.1 for IPv4, RFC 8200 8.1 for IPv6: the same sum, differently padded
    return source.packed_address + destination.packed_address + pack(">II", length, protocol)


def tcp_segment(
    source: tuple[Host, int],
    destination: tuple[Host, int],
    payload: bytes = b"",
    *,
    sequence: int = 0,
    acknowledgement: int = 0,
    flags: int = 0x18,
    window: int = 0x0100,
    options: bytes = b"",
) -> bytes:
    """RFC 9293 3.1; sequence numbers wrap by themselves."""
    padded = options + bytes(-len(options) % 4)
    head = pack(
        ">HHIIBBHHH", source[1], destination[1], sequence & 0xFFFF_FFFF, acknowledgement & 0xFFFF_FFFF,
        (5 + len(padded) // 4) << 4, flags, window, 0, 0,
    )  # fmt: skip
    whole = head + padded + payload
    checksum = internet_checksum(_pseudo_header(source[0], destination[0], TCP, len(whole)) + whole)
    return whole[:16] + pack(">H", checksum) + whole[18:]


def udp_datagram(source: tuple[Host, int], destination: tuple[Host, int], payload: bytes) -> bytes:
    """RFC 768."""
    head = pack(">HHHH", source[1], destination[1], 8 + len(payload), 0)
    checksum = internet_checksum(_pseudo_header(source[0], destination[0], UDP, len(head + payload)) + head + payload)
    return head[:6] + pack(">H", checksum or 0xFFFF) + payload


def ip_frame(
    source: Host,
    destination: Host,
    protocol: int,
    payload: bytes,
    *,
    identification: int = 0,
    vlans: Sequence[int] = (),
    padded: bool = False,
) -> bytes:
    """An Ethernet frame around an IP packet, of the version that the addresses are of; `padded` fills it to 60 octets,
    as a station sees frames that it receives (its own are captured before they are padded)."""
    if len(source.packed_address) == 4:
        packet, ether_type = ipv4(source, destination, protocol, payload, identification=identification), IPV4
    else:
        packet, ether_type = ipv6(source, destination, protocol, payload), IPV6
    frame = ethernet(source, destination, ether_type, packet, vlans=vlans)
    return frame.ljust(ETHERNET_MINIMUM_OCTETS, b"\0") if padded else frame


def udp_frame(
    source: tuple[Host, int], destination: tuple[Host, int], payload: bytes, *, padded: bool = False
) -> bytes:
    """An Ethernet frame around one UDP datagram."""
    return ip_frame(source[0], destination[0], UDP, udp_datagram(source, destination, payload), padded=padded)


def ipv4_fragments(
    source: Host, destination: Host, protocol: int, payload: bytes, size_octets: int, *, identification: int = 0x4242
) -> list[bytes]:
    """Ethernet frames of one IPv4 packet in fragments of `size_octets` (a multiple of 8) of payload (RFC 791 3.2)."""
    frames = []
    for at in range(0, len(payload), size_octets):
        more = 0x2000 if at + size_octets < len(payload) else 0
        piece = payload[at : at + size_octets]
        packet = ipv4(
            source, destination, protocol, piece, identification=identification, flags_and_offset=more | at // 8
        )
        frames.append(ethernet(source, destination, IPV4, packet))
    return frames


def ipv6_fragments(
    source: Host, destination: Host, protocol: int, payload: bytes, size_octets: int, *, identification: int = 0x4242
) -> list[bytes]:
    """The same of an IPv6 packet (RFC 8200 4.5)."""
    frames = []
    for at in range(0, len(payload), size_octets):
        more = at + size_octets < len(payload)
        header = pack(">BBHI", protocol, 0, at | more, identification)
        packet = ipv6(source, destination, 44, header + payload[at : at + size_octets])
        frames.append(ethernet(source, destination, IPV6, packet))
    return frames
