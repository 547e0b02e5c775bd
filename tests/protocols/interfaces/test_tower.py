"""Towers of every protocol sequence; hostile ones; impacket's towers as second opinion."""

from __future__ import annotations

from struct import pack

import pytest
from builders import epm
from builders.dcerpc import LSARPC, NDR
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.interfaces.tower import MAXIMUM_FLOORS, Endpoint, parse_tower

UDP = epm.tower(LSARPC, epm.floor(epm.UDP, b"", pack(">H", 1028)), rpc=epm.CONNECTIONLESS)
HTTP = epm.tower(LSARPC, epm.floor(epm.HTTP, b"", pack(">H", 593)))
LOCAL = epm.tower(LSARPC, epm.floor(epm.LOCAL_ENDPOINT, b"", b"lsapolicylookup\0"), rpc=epm.LOCAL)
TCP = epm.tcp_tower(LSARPC, 49664, "192.0.2.7")
PIPE = epm.pipe_tower(LSARPC, "\\PIPE\\lsass", "\\\\DC1")


@pytest.mark.parametrize(
    ("octets", "protocol", "address", "port", "pipe"),
    [
        (TCP, "ncacn_ip_tcp", "192.0.2.7", 49664, None),
        (UDP, "ncadg_ip_udp", None, 1028, None),
        (HTTP, "ncacn_http", None, 593, None),
        (LOCAL, "ncalrpc", None, None, "lsapolicylookup"),
        (PIPE, "ncacn_np", "\\\\DC1", None, "\\PIPE\\lsass"),
    ],
)
def test_protocol_sequences(
    octets: bytes, protocol: str, address: str | None, port: int | None, pipe: str | None
) -> None:
    """[C706] Appendix I, [MS-RPCE] 2.2.1.2."""
    assert parse_tower(octets) == Endpoint(tuple(LSARPC), tuple(NDR), protocol, address, port, pipe)


def test_an_unknown_transport_leaves_the_interface() -> None:
    """And what follows it, which may be anything, is stepped over."""
    found = parse_tower(epm.tower(LSARPC, epm.floor(0x44, b"", b"\x01\x02\x03\x04")))
    assert (found.interface, found.protocol, found.port) == (tuple(LSARPC), None, None)


@pytest.mark.parametrize(
    "octets",
    [
        pack("<H", MAXIMUM_FLOORS + 1) + bytes(400),
        pack("<H", 1) + bytes(4),  # no protocol identifier
        epm.tower(LSARPC, epm.floor(epm.TCP, b"", b"\x01")),
        epm.tower(LSARPC, epm.floor(epm.IP, b"", b"\x01\x02\x03")),
        pack("<H", 1) + epm.floor(0x0D, bytes(3), bytes(2)),
    ],
)
def test_what_cannot_be_a_tower(octets: bytes) -> None:
    with pytest.raises(Malformed):
        parse_tower(octets)


def test_every_cut_says_so() -> None:
    for octets in (TCP, UDP, HTTP, LOCAL, PIPE):
        for length in range(len(octets)):
            with pytest.raises(Truncated):
                parse_tower(octets[:length])


@given(st.binary(max_size=120))
def test_any_octets(octets: bytes) -> None:
    try:
        parse_tower(octets)
    except ParseError as error:
        assert error.layer == "epm.tower"


def test_impackets_tower() -> None:
    """What impacket builds of a string binding reads as that binding."""
    impacket_epm = pytest.importorskip("impacket.dcerpc.v5.epm")
    floors = impacket_epm.EPMRPCInterface()
    floors["InterfaceUUID"], floors["MajorVersion"], floors["MinorVersion"] = bytes.fromhex("00112233" * 4), 3, 1
    port = impacket_epm.EPMPortAddr()
    port["IpPort"] = 49152
    found = parse_tower(pack("<H", 2) + floors.getData() + port.getData())
    assert found.interface == ("33221100-1100-3322-0011-223300112233", 3, 1)
    assert found.port == 49152
