"""What is an address, and what a name."""

from __future__ import annotations

from ipaddress import ip_address

import pytest

from rpctrace.encoding.addresses import address_of


@pytest.mark.parametrize("text", ["10.2.0.21", "::1", "0:0:0:0:0:0:0:1", "fe80::1%eth0", "::ffff:10.0.0.1"])
def test_addresses(text: str) -> None:
    assert address_of(text) == ip_address(text)


@pytest.mark.parametrize("text", ["", "dc1", "10.2.0", "10.2.0.256", "10.2.0.0/16", "10.2.0.21:88", "\u0661.1.1.1"])
def test_names(text: str) -> None:
    assert address_of(text) is None
