"""Each tunnel header tells what is inside, where, and the network's number where both directions share one."""

from __future__ import annotations

from contextlib import suppress

import pytest

from rpctrace.errors import Malformed, ParseError
from rpctrace.network.link import ETHERNET, IPV4, IPV6, MPLS, NOTHING, PPP
from rpctrace.network.tunnels import IP_TUNNELS, UDP_TUNNELS, Inner

REST = bytes(24)

IP_HEADERS = [
    (4, "", Inner(IPV4, 0)),
    (41, "", Inner(IPV6, 0)),
    (97, "3000", Inner(ETHERNET, 2)),
    (137, "", Inner(MPLS, 0)),
    (47, "0000 0800", Inner(IPV4, 4)),
    (47, "8000 86dd 00000000", Inner(IPV6, 8)),
    (47, "b000 0800 00000000 00000009 00000001", Inner(IPV4, 16, (9,))),
    (47, "2000 6558 00138907", Inner(ETHERNET, 8, (0x1389,))),  # NVGRE: the last octet numbers flows
    (47, "2000 6558 00000907", Inner(ETHERNET, 8, (0x907,))),  # below NVGRE's range: a plain key
    (47, "3001 880b 00100042 00000001", Inner(PPP, 12)),  # PPTP: the key numbers one direction
    (47, "3081 880b 00100042 00000001 00000002", Inner(PPP, 16)),
    (47, "0000 88be", Inner(ETHERNET, 4)),  # ERSPAN I
    (47, "1000 88be 00000001 1005 0001 00000000", Inner(ETHERNET, 16)),  # II
    (47, "1000 22eb 00000001 2005 0001 00000000 0000 0000", Inner(ETHERNET, 20)),  # III
    (47, "1000 22eb 00000001 2005 0001 00000000 0000 0001 0000000000000000", Inner(ETHERNET, 28)),
    (47, "0000 0000", Inner(NOTHING, 4)),  # keep-alive
]

UDP_HEADERS = [
    (4789, "08000000 00002a00", Inner(ETHERNET, 8, (42,))),
    (4789, "00000000 00002a00", None),
    (8472, "08000000 00002a00", Inner(ETHERNET, 8, (42,))),
    (8472, "08000001 00002a00", None),
    (8472, "08000000 00002a01", None),
    (4790, "0c000001 00002a00", Inner(IPV4, 8, (42,))),
    (4790, "0c000003 00002a00", Inner(ETHERNET, 8, (42,))),
    (4790, "0c000063 00002a00", None),
    (4790, "08000000 00002a00", Inner(ETHERNET, 8, (42,))),
    (6081, "02006558 00002a00 0000000000000000", Inner(ETHERNET, 16, (42,))),
    (6081, "00000800 00002a00", Inner(IPV4, 8, (42,))),
    (6081, "80000800 00002a00", None),
    (1701, "0002 0001 0002", Inner(PPP, 6)),
    (1701, "4002 0020 0001 0002", Inner(PPP, 8)),
    (1701, "4a02 0020 0001 0002 0001 0001 0002 ffff", Inner(PPP, 16)),
    (1701, "c802 0014 0000 0000 0000 0000", None),  # control
    (1701, "0003 0000 00000001", None),
]


@pytest.mark.parametrize(("protocol", "header", "inner"), IP_HEADERS)
def test_over_ip(protocol: int, header: str, inner: Inner) -> None:
    octets = bytes.fromhex(header.replace(" ", ""))
    assert IP_TUNNELS[protocol](memoryview(octets + REST)) == inner
    for length in range(len(octets)):
        with suppress(ParseError):
            assert IP_TUNNELS[protocol](memoryview(octets[:length])).offset >= 0


@pytest.mark.parametrize(("port", "header", "inner"), UDP_HEADERS)
def test_over_udp(port: int, header: str, inner: Inner | None) -> None:
    octets = bytes.fromhex(header.replace(" ", ""))
    assert UDP_TUNNELS[port](memoryview(octets + REST)) == inner
    for length in range(len(octets)):
        with suppress(ParseError):
            cut = UDP_TUNNELS[port](memoryview(octets[:length]))
            assert cut is None or cut.identifiers in ((), (42,))


def test_source_routes_are_refused() -> None:
    with pytest.raises(Malformed):
        IP_TUNNELS[47](memoryview(bytes.fromhex("40000800") + REST))
