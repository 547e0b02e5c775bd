"""Every protocol that is read can be recognised."""

from __future__ import annotations

from rpctrace.protocols.registry import RECOGNISERS


def test_names_are_unique_and_heads_short() -> None:
    names = [each.name for each in RECOGNISERS]
    assert names == ["dcerpc", "smb", "kerberos", "ldap", "http"]
    assert all(0 < each.head_octets <= 4096 for each in RECOGNISERS)
