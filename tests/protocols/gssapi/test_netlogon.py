"""[MS-NRPC] 2.2.1.3.1: who asks for a secure channel."""

from __future__ import annotations

import pytest

from rpctrace.errors import ParseError
from rpctrace.protocols.gssapi.netlogon import NlMessageType, parse_nl_auth_message

REQUEST = bytes.fromhex("000000001f000000") + (
    b"DOMAINB\0WS2\0" + b"\x07domainb\x03com\0" + b"\x03ws2\x07domainb\x03com\0" + b"\x03WS2\0"
)


def test_a_request_names_the_machine() -> None:
    """NetBIOS and DNS names in the order of the flags."""
    said = parse_nl_auth_message(REQUEST)
    assert (said.message_type, said.netbios_domain, said.netbios_computer) == (
        NlMessageType.NEGOTIATE_REQUEST, "DOMAINB", "WS2",
    )  # fmt: skip
    assert (said.dns_domain, said.dns_host, said.netbios_computer_utf8) == ("domainb.com", "ws2.domainb.com", "WS2")


def test_truncations_and_other_types() -> None:
    """A cut request keeps the names before the cut; an unknown type is refused."""
    for length in range(4, len(REQUEST)):
        assert not parse_nl_auth_message(REQUEST[:length]).complete
    with pytest.raises(ParseError):
        parse_nl_auth_message(bytes.fromhex("09000000"))
