"""A set of addresses is one, of both versions."""

from __future__ import annotations

from rpctrace.network.addresses import Addresses

KNOWN = ("10.0.0.2", "255.255.255.255", "0.0.0.0", "fe80::1", "::ffff:10.0.0.2", "::")


def test_as_a_set() -> None:
    addresses = Addresses()
    for address in (*KNOWN, *KNOWN[::-1]):
        addresses.add(address)
    assert set(addresses) == set(KNOWN)
    assert len(addresses) == len(KNOWN)
    assert all(address in addresses for address in KNOWN)
    assert not any(address in addresses for address in ("10.0.0.1", "fe80::2", "::ffff:10.0.0.1", None))
