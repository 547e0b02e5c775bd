"""However a status, an interface or a reason is written, it is the same one."""

from __future__ import annotations

import pytest

from rpctrace.errors import UsageError
from rpctrace.report import Host
from rpctrace.spellings import (
    codes_spelled,
    host_spelled,
    host_words,
    interfaces_spelled,
    kerberos_errors_spelled,
    reject_reasons_spelled,
    statuses_spelled,
)

DC = Host("10.2.0.10", 88, "dc.child.domainA.com")
FILES = Host("fe80::1", 445, None)


@pytest.mark.parametrize(
    ("text", "is_dc", "is_files"),
    [
        ("10.2.0.10", True, False),
        ("10.2.0.10:88", True, False),
        ("10.2.0.10:89", False, False),
        ("10.2.0.0/16", True, False),
        ("10.2.0.0/16:88", True, False),
        ("DC.child.domaina.com", True, False),
        ("dc.child.domaina.com:88", True, False),
        ("dc", False, False),
        ("fe80::1", False, True),
        ("FE80:0:0:0:0:0:0:1", False, True),
        ("[fe80::1]", False, True),
        ("[fe80::1]:445", False, True),
        ("[fe80:0::1]:446", False, False),
        ("fe80::/10", False, True),
        ("[fe80::/10]:445", False, True),
        ("::/0", False, True),
    ],
)
def test_one_host(text: str, is_dc: bool, is_files: bool) -> None:
    """Address, network or name, with or without a port; an address of IPv6 in brackets, as in URLs."""
    agrees = host_spelled(text)
    assert (agrees(DC), agrees(FILES)) == (is_dc, is_files)


def test_what_is_shown_of_a_host_can_be_written() -> None:
    assert host_words(FILES) == "[fe80::1]:445"
    assert all(host_spelled(host_words(host))(host) for host in (DC, FILES))


@pytest.mark.parametrize("text", ["", " ", "[]", ":88", "10.0.0.0/99", "x/8", "dc1:65536", "[::1]:99999"])
def test_no_host(text: str) -> None:
    """An empty name is not that of every host without one."""
    with pytest.raises(UsageError):
        host_spelled(text)


@pytest.mark.parametrize(
    "text", ["0x721", "0x00000721", "1825", " 1825 ", "RPC_S_SEC_PKG_ERROR", "rpc_s_sec_package_error", "0X721"]
)
def test_one_status(text: str) -> None:
    """All the ways to write 0x721."""
    assert 0x721 in statuses_spelled(text)
    assert len(statuses_spelled(text)) <= 2


@pytest.mark.parametrize(
    ("text", "statuses", "kerberos"),
    [
        ("37", {37}, {37}),
        ("0xc0000022", {0xC0000022}, {0xC0000022}),
        ("STATUS_ACCESS_DENIED", {0xC0000022}, set()),
        ("KRB_AP_ERR_SKEW", set(), {37}),
        ("invalidcredentials", {49}, set()),
    ],
)
def test_codes(text: str, statuses: set[int], kerberos: set[int]) -> None:
    """A number may be anything's; a name says whose it is."""
    assert codes_spelled(text)[:2] == (statuses, kerberos)


def test_reject_reasons_are_codes() -> None:
    """Of a bind_nak by number too; those of presentation contexts by name."""
    assert codes_spelled("8").refusals == {8}
    assert codes_spelled("authentication_type_not_recognized") == (set(), set(), {8}, set())
    assert codes_spelled("ABSTRACT_SYNTAX_NOT_SUPPORTED") == (set(), set(), set(), {1})


def test_a_code_that_nobody_knows() -> None:
    for text in ("KRB_NOTHING", "", "IClassFactory"):
        with pytest.raises(UsageError, match="no status of RPC, Windows, LDAP or Kerberos"):
            codes_spelled(text)


def test_signed_and_unknown_statuses() -> None:
    """Logs print HRESULTs signed; a number that nobody knows is still that number; an unknown name is refused."""
    assert statuses_spelled("-2147023071") == {0x80070721}
    assert statuses_spelled("0xdeadbeef") == {0xDEADBEEF}
    for text in ("RPC_S_NOTHING", "IClassFactory", ""):
        with pytest.raises(UsageError):
            statuses_spelled(text)


@pytest.mark.parametrize(
    "text",
    ["00000001-0000-0000-c000-000000000046", "{00000001-0000-0000-C000-000000000046}", "iclassfactory"],
)
def test_one_interface(text: str) -> None:
    """UUID in any case, in braces, or by name."""
    assert interfaces_spelled(text) == {"00000001-0000-0000-c000-000000000046"}


def test_unknown_interfaces() -> None:
    """A UUID needs no name; a name needs to be known."""
    assert interfaces_spelled("deadbeef-0000-0000-0000-000000000001") == {"deadbeef-0000-0000-0000-000000000001"}
    with pytest.raises(UsageError):
        interfaces_spelled("INothing")


def test_reject_reasons() -> None:
    """Number or name of a bind_nak's reason."""
    assert reject_reasons_spelled("8") == {8}
    assert reject_reasons_spelled("0x8") == {8}
    with pytest.raises(UsageError):
        reject_reasons_spelled("no such reason")


def test_kerberos_errors() -> None:
    """Number or name, in the spellings of RFC 4120 and of others."""
    assert kerberos_errors_spelled("37") == kerberos_errors_spelled("KRB_AP_ERR_SKEW") == {37}
    with pytest.raises(UsageError):
        kerberos_errors_spelled("KRB_NOTHING")
