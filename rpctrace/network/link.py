"""A frame's link type and octets -> the protocol of what it carries, and the offset where that starts.

`LINKS` is the table of link types, `ENCAPSULATIONS` the table of what may stand between a link header and IP: tags,
labels, PPP. Each entry is one function of (octets, offset) that gives the next (protocol, offset); protocols are
EtherTypes (IEEE registry), LLC has none and is written as 0. A walk ends because every step moves forward. Raises only
`Truncated` (the header is cut) and `Malformed`; a protocol without an entry is not an error, merely not ours.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from rpctrace.capture.frame import LinkType
from rpctrace.errors import Malformed, Truncated
from rpctrace.named_tuple import NamedTuple

LLC = 0x0000  # any value below 0x0600 is a length, and IEEE 802.2 follows
IPV4, IPV6 = 0x0800, 0x86DD
VLAN, PROVIDER_VLAN, OLD_PROVIDER_VLAN = 0x8100, 0x88A8, 0x9100
ETHERNET, PPP, PPPOE_SESSION = 0x6558, 0x880B, 0x8864
MPLS, MPLS_UPSTREAM = 0x8847, 0x8848
CISCO_METADATA, PROVIDER_BACKBONE = 0x8909, 0x88E7
NOTHING = -1  # a frame that carries no packet of ours (management, encrypted, keep-alive)

_SMALLEST_ETHERTYPE = 0x0600  # IEEE 802.3 3.2.6
_U16 = Struct(">H")
_U32 = Struct(">I")
_SNAP = Struct(">BBB3sH")


class Step(NamedTuple):
    """What comes next, and where in the octets."""

    protocol: int
    offset: int


Walk = Callable[[memoryview, int], Step]


def require(octets: memoryview, offset: int, count: int, layer: str) -> None:
    """Raises `Truncated` unless `count` octets stand at `offset`."""
    available = len(octets) - offset
    if available < count:
        raise Truncated(layer, offset, count, max(0, available))


def _ethertype(octets: memoryview, offset: int, layer: str) -> Step:
    require(octets, offset, 2, layer)
    value: int = _U16.unpack_from(octets, offset)[0]
    return Step(value if value >= _SMALLEST_ETHERTYPE else LLC, offset + 2)


def ethernet(octets: memoryview, offset: int) -> Step:
    """IEEE 802.3 3.1.1: destination, source, length or type."""
    return _ethertype(octets, offset + 12, "ethernet")


def _vlan(octets: memoryview, offset: int) -> Step:
    """IEEE 802.1Q 9.6: two octets of tag control, then the type of what is tagged."""
    return _ethertype(octets, offset + 2, "vlan")


def _provider_backbone(_octets: memoryview, offset: int) -> Step:
    """IEEE 802.1Q 9.7: four octets of service instance, then the customer's Ethernet header."""
    return Step(ETHERNET, offset + 4)


def _cisco_metadata(octets: memoryview, offset: int) -> Step:
    """Version, length in 4-octet words of the options, options, then the type of what is tagged."""
    require(octets, offset, 2, "cisco_metadata")
    return _ethertype(octets, offset + 2 + 4 * octets[offset + 1], "cisco_metadata")


def llc(octets: memoryview, offset: int) -> Step:
    """IEEE 802.2 3.2, and SNAP of RFC 1042 (organisation 0, or 0000F8 of IEEE 802.1H)."""
    require(octets, offset, 3, "llc")
    if octets[offset] == octets[offset + 1] == 0x06:
        return Step(IPV4, offset + 3)
    if octets[offset] != 0xAA:
        return Step(NOTHING, offset)
    require(octets, offset, 8, "snap")
    _dsap, _ssap, _control, organisation, protocol = _SNAP.unpack_from(octets, offset)
    known = organisation in (b"\0\0\0", b"\0\0\xf8") and protocol >= _SMALLEST_ETHERTYPE
    return Step(protocol if known else NOTHING, offset + 8)


_PPP_PROTOCOLS = {0x21: IPV4, 0x57: IPV6, 0x281: MPLS, 0x283: MPLS_UPSTREAM}


def ppp(octets: memoryview, offset: int) -> Step:
    """RFC 1661 2, RFC 1662 3.1. Address and control may be left out, and the protocol's first octet (6.5, 6.6)."""
    require(octets, offset, 2, "ppp")
    first: int = _U16.unpack_from(octets, offset)[0]
    if first in (0x0F00, 0x8F00):  # Cisco HDLC: address, control, EtherType
        return _ethertype(octets, offset + 2, "cisco_hdlc")
    if first == 0xFF03:
        offset += 2
        require(octets, offset, 2, "ppp")
    protocol, length = (octets[offset], 1) if octets[offset] & 1 else (_U16.unpack_from(octets, offset)[0], 2)
    return Step(_PPP_PROTOCOLS.get(protocol, NOTHING), offset + length)


def _pppoe(octets: memoryview, offset: int) -> Step:
    """RFC 2516 4: version and type 1, code 0 for session data, session, length."""
    require(octets, offset, 6, "pppoe")
    is_data = octets[offset] == 0x11 and octets[offset + 1] == 0
    return Step(PPP if is_data else NOTHING, offset + 6)


def _mpls(octets: memoryview, offset: int) -> Step:
    """RFC 3032 2.1: labels up to the one with the bottom-of-stack bit; what follows shows in its first octet only."""
    bottom = False
    while not bottom:
        require(octets, offset, 4, "mpls")
        bottom = bool(octets[offset + 2] & 1)
        offset += 4
    require(octets, offset, 1, "mpls")
    version = octets[offset] >> 4
    if version in (4, 6):
        return Step(IPV4 if version == 4 else IPV6, offset)
    has_control_word = version == 0 and (_is_ethernet(octets, offset + 4) or not _is_ethernet(octets, offset))
    return Step(ETHERNET, offset + 4 if has_control_word else offset)  # RFC 4448 4.6, 4.7


def _is_ethernet(octets: memoryview, offset: int) -> bool:
    """Does a type that we know stand where an Ethernet header at `offset` has it?"""
    if len(octets) < offset + 14:
        return False
    protocol: int = _U16.unpack_from(octets, offset + 12)[0]
    return protocol in (IPV4, IPV6) or (protocol >= _SMALLEST_ETHERTYPE and protocol in ENCAPSULATIONS)


def _ip_version(octets: memoryview, offset: int) -> Step:
    """No link header: the first four bits are the IP version."""
    require(octets, offset, 1, "raw_ip")
    return Step({4: IPV4, 6: IPV6}.get(octets[offset] >> 4, NOTHING), offset)


_FAMILIES = {2: IPV4, 10: IPV6, 23: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}  # AF_INET; AF_INET6 by operating system


def _loopback(octets: memoryview, offset: int) -> Step:
    """A 4-octet address family in the order of the capturing host (NULL) or the network's (LOOP): both are tried."""
    require(octets, offset, 4, "loopback")
    family: int = _U32.unpack_from(octets, offset)[0]
    swapped = int.from_bytes(octets[offset : offset + 4], "little")
    return Step(_FAMILIES.get(family, _FAMILIES.get(swapped, NOTHING)), offset + 4)


def _linux_cooked(octets: memoryview, offset: int) -> Step:
    """LINKTYPE_LINUX_SLL: packet type, hardware type, address length, address, protocol."""
    return _ethertype(octets, offset + 14, "linux_sll")


def _linux_cooked_2(octets: memoryview, offset: int) -> Step:
    """LINKTYPE_LINUX_SLL2: protocol first, then interface, hardware type, packet type, address."""
    require(octets, offset, 20, "linux_sll2")
    return Step(_ethertype(octets, offset, "linux_sll2").protocol, offset + 20)


def _fddi(_octets: memoryview, offset: int) -> Step:
    """ANSI X3.139: frame control, destination, source, then LLC."""
    return Step(LLC, offset + 13)


def _token_ring(octets: memoryview, offset: int) -> Step:
    """IEEE 802.5 3.2: access and frame control, destination, source; a set first source bit announces a route."""
    require(octets, offset, 15, "token_ring")
    route = octets[offset + 14] & 0x1F if octets[offset + 8] & 0x80 else 0
    return Step(LLC, offset + 14 + route)


def _wireless(octets: memoryview, offset: int) -> Step:
    """IEEE 802.11 9.2.3, 9.3.2.1: data frames in clear text, then LLC."""
    require(octets, offset, 24, "ieee80211")
    control, flags = octets[offset], octets[offset + 1]
    carries_data = control & 0x4C == 0x08  # type data, not one of the subtypes without a body
    if not carries_data or flags & 0x40:  # protected: the body is cipher text
        return Step(NOTHING, offset)
    length = 24 + 6 * (flags & 0x03 == 0x03)  # to and from the distribution system: a fourth address
    if control & 0x80:  # QoS control; with the order bit also HT control
        length += 2 + 4 * bool(flags & 0x80)
    return Step(LLC, offset + length)


def _radiotap(octets: memoryview, offset: int) -> Step:
    """radiotap.org: version, pad, length of the whole header (little endian), then IEEE 802.11."""
    require(octets, offset, 4, "radiotap")
    return _wireless(octets, offset + int.from_bytes(octets[offset + 2 : offset + 4], "little"))


def _per_packet_information(octets: memoryview, offset: int) -> Step:
    """PPI 3.1: version, flags, length of the whole header, link type of what follows (little endian)."""
    require(octets, offset, 8, "ppi")
    length = int.from_bytes(octets[offset + 2 : offset + 4], "little")
    inner = LINKS.get(int.from_bytes(octets[offset + 4 : offset + 8], "little"))
    if inner is None or inner is _per_packet_information:
        raise Malformed("ppi", offset + 4, "link type inside is not known")
    return inner(octets, offset + length)


LINKS: dict[int, Walk] = {
    LinkType.NULL: _loopback,
    LinkType.ETHERNET: ethernet,
    LinkType.TOKEN_RING: _token_ring,
    LinkType.PPP: ppp,
    LinkType.FDDI: _fddi,
    LinkType.RAW_BSD: _ip_version,
    LinkType.RAW_OPENBSD: _ip_version,
    LinkType.PPP_HDLC: ppp,
    LinkType.PPP_ETHER: _pppoe,
    LinkType.RAW: _ip_version,
    LinkType.IEEE802_11: _wireless,
    LinkType.LOOP: _loopback,
    LinkType.LINUX_SLL: _linux_cooked,
    LinkType.IEEE802_11_RADIOTAP: _radiotap,
    LinkType.PPI: _per_packet_information,
    LinkType.IPV4: _ip_version,
    LinkType.IPV6: _ip_version,
    LinkType.LINUX_SLL2: _linux_cooked_2,
}

ENCAPSULATIONS: dict[int, Walk] = {
    LLC: llc,
    VLAN: _vlan,
    PROVIDER_VLAN: _vlan,
    OLD_PROVIDER_VLAN: _vlan,
    ETHERNET: ethernet,
    PROVIDER_BACKBONE: _provider_backbone,
    PPP: ppp,
    PPPOE_SESSION: _pppoe,
    MPLS: _mpls,
    MPLS_UPSTREAM: _mpls,
    CISCO_METADATA: _cisco_metadata,
}


def find_ip(step: Step, octets: memoryview) -> Step:
    """Steps over encapsulations up to the first protocol that is none (`IPV4`, `IPV6`, or not ours)."""
    while (walk := ENCAPSULATIONS.get(step.protocol)) is not None:
        step = walk(octets, step.offset)
    return step
