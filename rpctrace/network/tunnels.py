"""The header of a tunnel -> the protocol inside, where it starts, and what tells this tunnel from another.

`IP_TUNNELS` is keyed by IP protocol, `UDP_TUNNELS` by destination port. `identifiers` go into `Segment.tunnel` so that
equal addresses in two virtual networks do not merge. Only identifiers that are the same in both directions may go in,
or a connection would fall apart: L2TP numbers each direction for itself, and ERSPAN mirrors a network and is none of
its own; both give none. A UDP tunnel returns None where the octets are not that tunnel's: any program may use any port.
Raises only `Truncated` and `Malformed`.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct

from rpctrace.errors import Malformed
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.link import ETHERNET, IPV4, IPV6, MPLS, NOTHING, PPP, require

_U16 = Struct(">H")
_U32 = Struct(">I")
_GRE = Struct(">HH")

_ERSPAN, _ERSPAN_3 = 0x88BE, 0x22EB
_GRE_CHECKSUM, _GRE_ROUTING, _GRE_KEY, _GRE_SEQUENCE = 0x8000, 0x4000, 0x2000, 0x1000
_GRE_ACKNOWLEDGEMENT = 0x0080  # RFC 2637 4.1, version 1 only
_NVGRE_LOWEST_SUBNET = 0x1000  # RFC 7637 3.2


class Inner(NamedTuple):
    """What a tunnel carries: a protocol as in `link`, its offset behind the start of the tunnel's header."""

    protocol: int
    offset: int
    identifiers: tuple[int, ...] = ()


Tunnel = Callable[[memoryview], Inner]
UdpTunnel = Callable[[memoryview], Inner | None]


def _ip_in_ip(_octets: memoryview) -> Inner:
    """RFC 2003 3.1, RFC 2473 3."""
    return Inner(IPV4, 0)


def _ipv6_in_ip(_octets: memoryview) -> Inner:
    """RFC 4213 3."""
    return Inner(IPV6, 0)


def _ethernet_in_ip(_octets: memoryview) -> Inner:
    """RFC 3378 3: two octets of version, then Ethernet."""
    return Inner(ETHERNET, 2)


def _mpls_in_ip(_octets: memoryview) -> Inner:
    """RFC 4023 3."""
    return Inner(MPLS, 0)


def gre(octets: memoryview) -> Inner:
    """RFC 2784 2.1 with RFC 2890 2.1 (key, sequence), RFC 7637 3.2 (NVGRE), RFC 2637 4.1 (version 1), and ERSPAN."""
    require(octets, 0, 4, "gre")
    flags, protocol = _GRE.unpack_from(octets)
    if flags & _GRE_ROUTING:
        raise Malformed("gre", 0, "source routes, which RFC 2784 withdrew")
    offset = 4 + 4 * bool(flags & _GRE_CHECKSUM)
    identifiers: tuple[int, ...] = ()
    if flags & _GRE_KEY:
        require(octets, offset, 4, "gre.key")
        if flags & 7 == 0:  # version 1 keeps a length and a call number of this direction here
            identifiers = (_network_of(_U32.unpack_from(octets, offset)[0], protocol),)
        offset += 4
    offset += 4 * bool(flags & _GRE_SEQUENCE)
    if flags & 7 == 1 and flags & _GRE_ACKNOWLEDGEMENT:
        offset += 4
    if protocol in (_ERSPAN, _ERSPAN_3):
        return Inner(ETHERNET, offset + _erspan_octets(octets, offset, protocol, bool(flags & _GRE_SEQUENCE)))
    return Inner(protocol or NOTHING, offset, identifiers)  # 0: a keep-alive


def _network_of(key: int, protocol: int) -> int:
    """NVGRE's key is a subnet of 24 bits and a flow number of 8, which differs by direction."""
    subnet: int = key >> 8
    return subnet if protocol == ETHERNET and subnet >= _NVGRE_LOWEST_SUBNET else key


def _erspan_octets(octets: memoryview, offset: int, protocol: int, has_sequence: bool) -> int:
    """draft-foschiano-erspan 4: type I has no header (and no GRE sequence number), II has 8 octets, III 12 or 20."""
    if protocol == _ERSPAN:
        return 8 if has_sequence else 0
    require(octets, offset, 12, "erspan")
    return 20 if octets[offset + 11] & 1 else 12


def _vxlan(octets: memoryview) -> Inner | None:
    """RFC 7348 5: flags with bit 0x08, network identifier of 24 bits."""
    if len(octets) < 8 or not octets[0] & 0x08:
        return None
    return Inner(ETHERNET, 8, (_U32.unpack_from(octets, 4)[0] >> 8,))


def _vxlan_elsewhere(octets: memoryview) -> Inner | None:
    """VXLAN on a port that is not its own: believed only with every reserved bit 0."""
    return _vxlan(octets) if bytes(octets[:4]) == b"\x08\0\0\0" and bytes(octets[7:8]) == b"\0" else None


_GENERIC_PROTOCOLS = {1: IPV4, 2: IPV6, 3: ETHERNET, 5: MPLS}


def _vxlan_generic(octets: memoryview) -> Inner | None:
    """draft-ietf-nvo3-vxlan-gpe 3.1: as VXLAN, with bit 0x04 and the protocol in the fourth octet."""
    if len(octets) < 8 or not octets[0] & 0x08:
        return None
    protocol = _GENERIC_PROTOCOLS.get(octets[3]) if octets[0] & 0x04 else ETHERNET
    return None if protocol is None else Inner(protocol, 8, (_U32.unpack_from(octets, 4)[0] >> 8,))


def _geneve(octets: memoryview) -> Inner | None:
    """RFC 8926 3.4: version 0, length of the options in words, protocol, network identifier, options."""
    if len(octets) < 8 or octets[0] >> 6:
        return None
    options = 4 * (octets[0] & 0x3F)
    return Inner(_U16.unpack_from(octets, 2)[0] or NOTHING, 8 + options, (_U32.unpack_from(octets, 4)[0] >> 8,))


def _l2tp(octets: memoryview) -> Inner | None:
    """RFC 2661 3.1: data messages of version 2, then PPP."""
    if len(octets) < 6:
        return None
    flags: int = _U16.unpack_from(octets)[0]
    if flags & 0x800F != 2:  # a control message, or another version
        return None
    offset = 6 + 2 * bool(flags & 0x4000) + 4 * bool(flags & 0x0800)
    if flags & 0x0200:
        require(octets, offset, 2, "l2tp.offset")
        offset += 2 + _U16.unpack_from(octets, offset)[0]
    return Inner(PPP, offset)


IP_TUNNELS: dict[int, Tunnel] = {4: _ip_in_ip, 41: _ipv6_in_ip, 47: gre, 97: _ethernet_in_ip, 137: _mpls_in_ip}

UDP_TUNNELS: dict[int, UdpTunnel] = {
    1701: _l2tp,
    4789: _vxlan,
    4790: _vxlan_generic,
    6081: _geneve,
    8472: _vxlan_elsewhere,  # the Linux kernel's port before there was a registered one
}
