"""Network Monitor media type and record octets -> link type and packet octets.

Most media are a link type and nothing more. Wi-Fi records carry radio metadata before the 802.11 frame, and an ETW
event of a packet capture provider carries the packet as its user data: both are unwrapped, octets and lengths. What is
no packet stays as it is, under `LinkType.NOT_A_PACKET`. Never raises; never gives more octets than it was given.
"""

from __future__ import annotations

from struct import Struct
from uuid import UUID

from rpctrace.capture.frame import LinkType
from rpctrace.named_tuple import NamedTuple

WIFI = 6
PCAP_BASE, PCAP_MASK = 0xE000, 0x0FFF
NET_EVENT, NETWORK_INFO_EX, FILTER_TEXT = 0xFFE0, 0xFFFB, 0xFFFF
# Payload header, network info and DNS cache: records of the file's own, which get no frame number.
NOT_NUMBERED = frozenset({0xFFFC, 0xFFFD, 0xFFFE})
_LINK_TYPES = {
    0: LinkType.ETHERNET,  # seen in captures of VPN adapters
    1: LinkType.ETHERNET,
    2: LinkType.TOKEN_RING,
    3: LinkType.FDDI,
    7: LinkType.RAW,  # tunnel
    8: LinkType.RAW,  # wireless WAN
    9: LinkType.RAW,
}
# No pcap link types although they look so: Wi-Fi messages, Message Analyzer's metadata, the filtering platform.
_NOT_PCAP = range(0xE080, 0xE08B)
_NAMES = {
    4: "ATM",
    5: "IP over IEEE 1394",
    NETWORK_INFO_EX: "network information",
    FILTER_TEXT: "filter text",
    NET_EVENT: "event",
}
_EXPECTED = frozenset({NETWORK_INFO_EX, FILTER_TEXT, NET_EVENT})  # records that are no packets, and nothing is missing

_EVENT_OCTETS = 89
_USER_DATA_LENGTH = Struct("<H")  # at 86
_PROVIDER = slice(24, 40)
_EVENT_ID = Struct("<H")  # at 40
_KEYWORD = Struct("<Q")  # at 48
_NDIS_PACKET_CAPTURE = UUID("2ed6006e-4729-4609-b423-3ee7bcd678ef").bytes_le
_NDIS_PACKET = 1001
_NDIS_HEADER = Struct("<III")  # miniport interface, lower interface, fragment size
_KEYWORD_WIRELESS_WAN, _KEYWORD_TUNNEL, _KEYWORD_WIFI = 0x200, 0x8000, 0x10000
_KEYWORD_START, _KEYWORD_END = 0x4000_0000, 0x8000_0000
_PKTMON = UUID("4d4f80d9-c8bd-4d73-bb5b-19c90402c5ac").bytes_le
_PKTMON_PACKET = 160  # 170 is the same for a packet that was dropped, which nobody received
_PKTMON_HEADER = Struct("<QHHHHHHHIIHH")  # group, number, appearance, direction, type, ..., original size, logged size
_PKTMON_LINK_TYPES = {1: LinkType.ETHERNET, 2: LinkType.IEEE802_11, 3: LinkType.RAW}
_PROTECTED = 0x40


class Packet(NamedTuple):
    """What a record holds. `unread` says why a medium that carries packets was not read, "" when nothing is missing."""

    link_type: LinkType
    octets: bytes
    original_length_octets: int
    unread: str = ""


def packet(media: int, octets: bytes, original_length_octets: int) -> Packet:
    """The packet in a record of media type `media`."""
    original = max(original_length_octets, len(octets))
    known = _LINK_TYPES.get(media)
    if known is not None:
        return Packet(known, octets, original)
    if media == WIFI:
        return _wifi(octets, original)
    if media == NET_EVENT:
        return _event(octets) or Packet(LinkType.NOT_A_PACKET, octets, original)
    if media & ~PCAP_MASK == PCAP_BASE and media not in _NOT_PCAP:
        link_type = LinkType(media & PCAP_MASK)
        unread = "" if link_type.is_known else f"link type {link_type.value} is not known"
        return Packet(link_type, octets, original, unread)
    unread = "" if media in _EXPECTED else f"media type {_NAMES.get(media, f'0x{media:04x}')} is not known"
    return Packet(LinkType.NOT_A_PACKET, octets, original, unread)


def media_is_plausible(media: int) -> bool:
    """Whether some version of Network Monitor writes this number; for telling records from other octets."""
    return media <= 11 or media & ~PCAP_MASK == PCAP_BASE or media == NET_EVENT or media >= NETWORK_INFO_EX


def _wifi(octets: bytes, original: int) -> Packet:
    """u8 version, u16 length of the metadata, which the 802.11 frame follows."""
    length = int.from_bytes(octets[1:3], "little")
    if len(octets) < 3 or not 3 <= length <= len(octets):
        return Packet(LinkType.NOT_A_PACKET, octets, original, "Wi-Fi metadata is cut or damaged")
    return Packet(LinkType.IEEE802_11, octets[length:], original - length)


def _event(octets: bytes) -> Packet | None:
    """The packet of an event of a packet capture provider; None for all other events."""
    if len(octets) < _EVENT_OCTETS:
        return None
    length = _USER_DATA_LENGTH.unpack_from(octets, 86)[0]
    user_data = octets[_EVENT_OCTETS : _EVENT_OCTETS + length]
    event_id = _EVENT_ID.unpack_from(octets, 40)[0]
    if octets[_PROVIDER] == _NDIS_PACKET_CAPTURE and event_id == _NDIS_PACKET:
        return _ndis(user_data, _KEYWORD.unpack_from(octets, 48)[0])
    if octets[_PROVIDER] == _PKTMON and event_id == _PKTMON_PACKET:
        return _pktmon(user_data)
    return None


def _ndis(user_data: bytes, keyword: int) -> Packet | None:
    """A packet that one event holds, or the first of several; the later parts are no packets by themselves."""
    if len(user_data) < _NDIS_HEADER.size:
        return None
    size = _NDIS_HEADER.unpack_from(user_data)[2]
    octets = user_data[_NDIS_HEADER.size :][:size]
    if keyword & _KEYWORD_END and not keyword & _KEYWORD_START:
        return Packet(LinkType.NOT_A_PACKET, octets, len(octets), "packets split over several events are not joined")
    # A size over 65,535 fits no event: it is damage, not a length on the wire.
    original = size if size <= 0xFFFF else len(octets)
    if keyword & _KEYWORD_WIFI:
        return Packet(LinkType.IEEE802_11, _unprotected(octets), original)
    if keyword & (_KEYWORD_WIRELESS_WAN | _KEYWORD_TUNNEL):
        return Packet(LinkType.RAW, octets, original)
    return Packet(LinkType.ETHERNET, octets, original)


def _pktmon(user_data: bytes) -> Packet | None:
    if len(user_data) < _PKTMON_HEADER.size:
        return None
    fields = _PKTMON_HEADER.unpack_from(user_data)
    kind, original, logged = fields[4], fields[10], fields[11]
    octets = user_data[_PKTMON_HEADER.size :][:logged]
    original = max(original, len(octets))
    link_type = _PKTMON_LINK_TYPES.get(kind)
    if link_type is None:
        return Packet(LinkType.NOT_A_PACKET, octets, original, f"packet monitor type {kind} is not known")
    return Packet(link_type, _unprotected(octets) if link_type is LinkType.IEEE802_11 else octets, original)


def _unprotected(octets: bytes) -> bytes:
    """Windows hands out 802.11 frames decrypted and leaves the Protected bit set, which would hide the body."""
    if len(octets) < 2 or not octets[1] & _PROTECTED:
        return octets
    return octets[:1] + bytes([octets[1] & ~_PROTECTED]) + octets[2:]
