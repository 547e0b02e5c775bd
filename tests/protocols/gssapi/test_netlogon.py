"""NL_AUTH_MESSAGE of the lab and of the specification's example; cut and damaged ones keep what comes before."""

from __future__ import annotations

import pytest
from authentication_tokens import mutants, octets

from rpctrace.errors import Malformed, ParseError, Truncated
from rpctrace.protocols.gssapi.netlogon import NlAuthMessage, NlMessageType, parse_nl_auth_message

REQUEST, RESPONSE = NlMessageType.NEGOTIATE_REQUEST, NlMessageType.NEGOTIATE_RESPONSE
# [MS-NRPC] 3.3.4.1.1 shows this token
EXAMPLE = bytes.fromhex(
    "00000000 17000000 4e5444455600 4e41534b4f00 056e74646576 04636f7270 096d6963726f736f6674 03636f6d 00"
    "054e41534b4f00"
)
EXAMPLE_NAMES = NlAuthMessage(REQUEST, "NTDEV", "NASKO", "ntdev.corp.microsoft.com", None, "NASKO")


@pytest.mark.parametrize(("whole", "expected"), [
    (octets("netlogon_request"), NlAuthMessage(REQUEST, "DOMAINB", "DC1", "", None, "DC1")),
    (octets("netlogon_response"), NlAuthMessage(RESPONSE)),
    (EXAMPLE, EXAMPLE_NAMES),
    (b"\0" * 8, NlAuthMessage(REQUEST)),
    (bytes.fromhex("00000000 18000000 026463016100 02444300"), NlAuthMessage(REQUEST, None, None, None, "dc.a", "DC")),
    (bytes.fromhex("00000000 02000000 44e943 00"), NlAuthMessage(REQUEST, None, "D\udce9C")),
])  # fmt: skip
def test_whole_messages(whole: bytes, expected: NlAuthMessage) -> None:
    """Names in the order of their flags; a domain without a DNS name writes an empty one; a response names nobody."""
    assert parse_nl_auth_message(whole) == expected
    assert parse_nl_auth_message(whole).complete


def test_every_truncation() -> None:
    """Names before the cut stay, the one that is cut and those behind it are None."""
    order = [getattr(EXAMPLE_NAMES, name) for name in ("netbios_domain", "netbios_computer", "dns_domain",
                                                       "netbios_computer_utf8")]  # fmt: skip
    for end in range(4, len(EXAMPLE)):
        value = parse_nl_auth_message(EXAMPLE[:end])
        found = [value.netbios_domain, value.netbios_computer, value.dns_domain, value.netbios_computer_utf8]
        whole = [end >= 14, end >= 20, end >= 46, False]
        assert found == [name if there else None for name, there in zip(order, whole, strict=True)]
        assert isinstance(value.problem, Truncated)
    for end in range(4):
        with pytest.raises(Truncated):
            parse_nl_auth_message(EXAMPLE[:end])


def test_a_pointer_ends_its_name_only() -> None:
    """RFC 1035 pointers are not followed (so they cannot loop); the next name is still read."""
    value = parse_nl_auth_message(bytes.fromhex("00000000 14000000 0161c008 02444300"))
    assert (value.dns_domain, value.netbios_computer_utf8) == (None, "DC")
    assert isinstance(value.problem, Malformed)


def test_other_types_are_none() -> None:
    """Neither request nor response: `Malformed`."""
    with pytest.raises(Malformed):
        parse_nl_auth_message(bytes.fromhex("0200000017000000"))


def test_mutants_raise_nothing_but_parse_errors() -> None:
    """2000 damaged copies."""
    read = 0
    for mutant in mutants(EXAMPLE, seed=4, count=2000):
        try:
            read += bool(parse_nl_auth_message(mutant))
        except ParseError:
            continue
    assert read
