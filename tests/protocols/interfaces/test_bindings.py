"""String and security bindings: names, ports, pipes, and arrays that contradict themselves."""

from __future__ import annotations

from struct import pack

import pytest
from builders import dcom
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.encoding.reader import Reader
from rpctrace.errors import Malformed, Truncated
from rpctrace.protocols.interfaces.bindings import (
    MAXIMUM_BINDINGS,
    Bindings,
    StringBinding,
    endpoints_of,
    parse_bindings,
)
from rpctrace.protocols.interfaces.stub import NamedEndpoint


def parse(octets: bytes, *, little_endian: bool = True) -> Bindings:
    return parse_bindings(Reader(octets, "t", little_endian=little_endian))


@pytest.mark.parametrize("order", "<>")
def test_both_lists(order: str) -> None:
    found = parse(dcom.bindings(order=order), little_endian=order == "<")
    assert [tuple(each) for each in found.strings] == list(dcom.STRINGS)
    assert [tuple(each) for each in found.securities] == list(dcom.SECURITIES)


@pytest.mark.parametrize(
    ("address", "host", "endpoint", "port"),
    [
        ("DC1[49724]", "DC1", "49724", 49724),
        ("2001:db8::7[135]", "2001:db8::7", "135", 135),
        ("DC1", "DC1", None, None),
        ("\\\\DC1[\\pipe\\atsvc]", "DC1", "\\pipe\\atsvc", None),
        ("DC1[65536]", "DC1", "65536", None),
        ("DC1[\u0661\u0662]", "DC1", "\u0661\u0662", None),
        ("DC1[", "DC1", "", None),
    ],
)
def test_network_addresses(address: str, host: str, endpoint: str | None, port: int | None) -> None:
    binding = StringBinding(7, address)
    assert (binding.host, binding.endpoint, binding.port) == (host, endpoint, port)


def test_endpoints_of_an_exporter() -> None:
    """Port, or pipe; a binding without either names none."""
    strings = parse(dcom.bindings()).strings
    found = list(endpoints_of((*strings, StringBinding(7, "DC1")), dcom.OXID, dcom.REM_UNKNOWN_IPID))
    known = {"oxid": dcom.OXID, "ipid_rem_unknown": dcom.REM_UNKNOWN_IPID}
    assert found == [
        NamedEndpoint("ncacn_ip_tcp", "DC1", 49724, None, **known),
        NamedEndpoint("ncacn_ip_tcp", "192.0.2.10", 49724, None, **known),
        NamedEndpoint("ncacn_np", "DC1", None, "\\pipe\\atsvc", **known),
    ]


def test_an_unknown_tower_keeps_its_number() -> None:
    assert StringBinding(0x44, "x").protocol == "tower 0x44"


def test_an_offset_behind_the_end() -> None:
    """All entries are string bindings then; what is no whole entry is left out."""
    assert parse(pack("<HH", 3, 200) + pack("<3H", 7, 65, 0)) == (((7, "A"),), ())
    assert parse(pack("<HH", 2, 200) + pack("<2H", 7, 65)) == ((), ())
    assert parse(bytes(4)) == ((), ())


def test_more_bindings_than_are_kept() -> None:
    most = [(7, "A")] * MAXIMUM_BINDINGS, [(9, 1, "")] * MAXIMUM_BINDINGS
    assert [len(each) for each in parse(dcom.bindings(*most))] == [MAXIMUM_BINDINGS] * 2
    for one_more in ((most[0] + most[0][:1], most[1]), (most[0], most[1] + most[1][:1])):
        with pytest.raises(Malformed):
            parse(dcom.bindings(*one_more))


@given(st.binary(max_size=200))
def test_any_octets(octets: bytes) -> None:
    try:
        found = parse(octets)
    except Truncated as error:
        assert error.needed > error.available
    else:
        assert all(binding.network_address.count("\0") == 0 for binding in found.strings)
