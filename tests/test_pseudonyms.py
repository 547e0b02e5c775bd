"""Names that stand for names: structure kept, one for each, none twice; well-known ones stay."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.pseudonyms import Pseudonyms

NAMES = Pseudonyms(b"key")


def test_a_child_stays_a_child_and_a_host_in_its_domain() -> None:
    """By labels, without regard to case; a whole name's case is kept."""
    assert NAMES.name("child.domainA.COM") == NAMES.name("child") + "." + (NAMES.name("domainA.COM") or "")  # type: ignore[operator]
    assert (NAMES.name("ws2.domainb.com") or "").endswith("." + (NAMES.name("domainb.com") or ""))
    assert NAMES.name("RESOURCE-WIN73") == (NAMES.name("resource-win73") or "").upper()
    assert (NAMES.name("resource-win73.domainb.com") or "").split(".")[0] == NAMES.name("resource-win73")


@pytest.mark.parametrize(
    ("text", "sign", "parts"),
    [("DOMAINB\\novice", "\\", 2), ("novice@child.domainA.COM", "@", 2), ("WS2$", "$", 2)],
)
def test_signs_stay_where_they_are(text: str, sign: str, parts: int) -> None:
    """DOMAIN\\user, user@realm, COMPUTER$."""
    made = NAMES.name(text)
    assert made is not None
    assert len(made.split(sign)) == parts
    assert made.split(sign)[0] == NAMES.name(text.split(sign)[0])


def test_services_and_pipes_stay() -> None:
    """They are everybody's."""
    assert NAMES.principal(("krbtgt", "DOMAINB.COM")) == ("krbtgt", NAMES.name("DOMAINB.COM"))
    assert NAMES.principal(("HTTP", "web.domainb.com:8080"))[1] == f"{NAMES.name('web.domainb.com')}:8080"
    assert NAMES.principal(("novice",)) == (NAMES.name("novice"),)
    assert NAMES.principal(("host",)) == (NAMES.name("host"),)
    assert NAMES.principal(()) == ()
    assert NAMES.path("\\pipe\\lsarpc") == "\\pipe\\lsarpc"
    assert NAMES.path("\\\\FS1\\IPC$") == f"\\\\{NAMES.name('FS1')}\\IPC$"
    assert NAMES.binding("ncacn_ip_tcp:fs1[135]") == f"ncacn_ip_tcp:{NAMES.name('fs1')}[135]"


def test_nothing_stays_nothing() -> None:
    assert NAMES.name(None) is None
    assert NAMES.name("") == ""
    assert NAMES.path(None) is None
    assert NAMES.digest(None) is None


_UNICAST = st.ip_addresses().filter(lambda each: each.is_global or each.is_private).filter(
    lambda each: not (each.is_multicast or each.is_loopback or each.is_unspecified or each.is_reserved)
)


@given(_UNICAST, _UNICAST, st.integers(0, 7))
def test_networks_stay_networks(one: IPv4Address | IPv6Address, other: IPv4Address | IPv6Address, parts: int) -> None:
    """Unicast stays unicast, two stay two, and who is in one network stays in one, by whole parts of an address."""
    made = ip_address(NAMES.address(str(one)))
    assert (NAMES.address(str(one)) == NAMES.address(str(other))) == (one == other)
    assert not made.is_multicast
    assert not made.is_loopback
    prefix = (8 if one.version == 4 else 16) * min(parts, 3 if one.version == 4 else 7)
    neighbour = type(one)(int(one) ^ 1)
    if not (neighbour.is_loopback or neighbour.is_unspecified or neighbour.is_multicast):
        moved = ip_address(NAMES.address(str(neighbour)))
        assert moved in ip_network(f"{made}/{prefix}", strict=False)


@given(st.text(max_size=40))
def test_any_text_is_a_name(text: str) -> None:
    """Whatever a capture holds; the same again."""
    made = NAMES.name(text)
    assert made == Pseudonyms(b"key").name(text)
    assert NAMES.within(text) is not None
    text.isascii() or made


def test_addresses_of_everybody_stay() -> None:
    for text in ("0.0.0.0", "127.0.0.1", "255.255.255.255", "::1", "224.0.0.252", "ff02::fb"):
        assert NAMES.address(text) == text
    assert NAMES.address("fe80::1").startswith("fe80:")


def test_a_fingerprint_tells_same_from_other_and_no_more() -> None:
    assert NAMES.digest("0123456789abcdef") == NAMES.digest("0123456789abcdef")
    assert NAMES.digest("0123456789abcdef") not in ("0123456789abcdef", NAMES.digest("0123456789abcdee"))
    assert len(NAMES.digest("0123456789abcdef") or "") == 16
