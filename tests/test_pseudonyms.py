"""Names that stand for names: structure kept, one for each, none twice; well-known ones stay."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.pseudonyms import Pseudonyms

NAMES = Pseudonyms(b"key")


def test_a_child_stays_a_child_and_a_host_in_its_domain() -> None:
    """By labels, without regard to case; spellings that differ in case still do."""
    assert NAMES.name("child.domainA.COM") == NAMES.name("child") + "." + (NAMES.name("domainA.COM") or "")  # type: ignore[operator]
    assert (NAMES.name("ws2.domainb.com") or "").endswith("." + (NAMES.name("domainb.com") or ""))
    assert len({(NAMES.name(text) or "").casefold() for text in ("novice", "Novice", "NOVICE", "noVice")}) == 1
    assert len({NAMES.name(text) for text in ("novice", "Novice", "NOVICE", "noVice")}) == 4
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


@pytest.mark.parametrize("host", ["2a00:1450::77", "[2a00:1450::77]", "fs1.domainb.com", "\\\\FS1"])
def test_a_binding_keeps_its_form(host: str) -> None:
    """A host is a name or an address with colons; ports and well-known pipes stay, others are somebody's."""
    bare = host.strip("[]\\")
    other = host.replace(bare, NAMES.name(bare) or "")
    assert NAMES.binding(f"ncacn_ip_tcp:{host}[135]") == f"ncacn_ip_tcp:{other}[135]"
    assert NAMES.binding(f"ncacn_ip_tcp:{host}") == f"ncacn_ip_tcp:{other}"
    assert NAMES.binding(f"ncacn_np:{host}[\\pipe\\lsass]") == f"ncacn_np:{other}[\\pipe\\lsass]"
    assert NAMES.binding(f"ncacn_np:{host}[\\pipe\\mine]") == f"ncacn_np:{other}[\\pipe\\{NAMES.name('mine')}]"


def test_no_script_hides_a_name() -> None:
    """Within a text that is not ours: letters of every alphabet, combining marks, octets that are no text."""
    for name in ("Müller", "Łukasz", "Mu\u0308ller", "中文机", "ГОРОД", "caf\udce9tier"):
        told = NAMES.within(f"user {name}, ({name}): {name}")
        assert not any(sign in told for sign in name if not sign.isascii())
        assert [sign for sign in told if sign in ",():"] == [*",():"]


@pytest.mark.parametrize("sign", "$.\\@/-:_[")
def test_a_name_of_signs_alone(sign: str) -> None:
    """However long, in no time: what a capture holds is hostile."""
    text = sign * 100_000
    assert NAMES.name(text) is not None
    assert NAMES.within(text) is not None
    assert NAMES.binding(f"ncacn_np:{text}") is not None
    assert NAMES.within(f"of ws2.{sign}").startswith(f"{NAMES.name('of')} {NAMES.name('ws2')}")


def test_a_sid_stays_a_sid() -> None:
    """Of a domain, the same for all its accounts; what Windows gives everywhere stays."""
    domain = NAMES.name("S-1-5-21-11-22-33") or ""
    assert domain.startswith("S-1-5-21-")
    assert domain != "S-1-5-21-11-22-33"
    assert NAMES.name("S-1-5-21-11-22-33-500") == f"{domain}-500"
    account = NAMES.name("s-1-5-21-11-22-33-1105") or ""
    assert account.casefold().startswith(f"{domain}-".casefold())
    assert not account.endswith("-1105")
    assert NAMES.name("S-1-5-18") == "S-1-5-18"


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


KINDS = {
    kind: ip_network(kind)
    for kind in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "127.0.0.0/8",
        "192.0.2.0/24", "224.0.0.0/4", "240.0.0.0/4", "fd00::/8", "fe80::/64", "ff00::/8", "2001:db8::/32", "2000::/3",
    )
}  # fmt: skip
OF_PROTOCOLS = (ip_network("192.0.0.0/24"), ip_network("2001::/23"))  # RFC 6890 2.2.2, 2.2.3


def kinds(address: str) -> list[str]:
    return [kind for kind, network in KINDS.items() if ip_address(address) in network]


@given(st.sampled_from(sorted(KINDS)), st.integers(0, 2**128))
def test_an_address_stays_of_its_kind(kind: str, place: int) -> None:
    """Private, shared, link-local, loopback, unique local, multicast: a reader sees what it is for."""
    network = KINDS[kind]
    address = str(network[place % network.num_addresses])
    assert kinds(NAMES.address(address)) == kinds(address)


@given(st.ip_addresses(v=4) | st.ip_addresses(network="2000::/3"))
def test_what_is_public_stays_public(address: IPv4Address | IPv6Address) -> None:
    """And what is not does not become so, by the standard library's list of RFC 6890. Newer versions of it know some
    addresses that are public in the networks of the IETF's protocols, which are not: there, that does not count."""
    made = ip_address(NAMES.address(str(address)))
    assert kinds(str(made)) == kinds(str(address))
    assert made.is_global or not address.is_global or any(address in each for each in OF_PROTOCOLS)
    assert (made.is_multicast, made.is_loopback, made.is_unspecified) == (
        address.is_multicast, address.is_loopback, address.is_unspecified,
    )  # fmt: skip


def test_the_private_networks_of_a_capture() -> None:
    """Two hosts of one network, one of the next: still in 10/8, and still so."""
    one, other, third = (IPv4Address(NAMES.address(text)) for text in ("10.2.0.73", "10.2.0.21", "10.3.0.21"))
    assert {each.packed[0] for each in (one, other, third)} == {10}
    assert one.packed[:3] == other.packed[:3] != third.packed[:3]
    assert (one, other, third) != (IPv4Address("10.2.0.73"), IPv4Address("10.2.0.21"), IPv4Address("10.3.0.21"))
    assert NAMES.address("::ffff:10.2.0.73") == str(IPv6Address(f"::ffff:{one}"))


def test_addresses_of_everybody_stay() -> None:
    for text in ("0.0.0.0", "127.0.0.1", "255.255.255.255", "::1", "224.0.0.252", "ff02::fb"):
        assert NAMES.address(text) == text
    assert NAMES.address("fe80::1").startswith("fe80:")


def test_a_fingerprint_tells_same_from_other_and_no_more() -> None:
    assert NAMES.digest("0123456789abcdef") == NAMES.digest("0123456789abcdef")
    assert NAMES.digest("0123456789abcdef") not in ("0123456789abcdef", NAMES.digest("0123456789abcdee"))
    assert len(NAMES.digest("0123456789abcdef") or "") == 16
