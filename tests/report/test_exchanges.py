"""Which Kerberos exchanges went to a KDC, and which of them count as refused."""

from __future__ import annotations

from incident_records import exchange


def test_with_a_kdc_is_what_no_other_protocol_carried() -> None:
    carriers = ("kdc_tcp", "kdc_udp", "dcerpc", "smb", "ldap", "http")
    assert [exchange("k", 1, carried_in=each).with_kdc for each in carriers] == [True, True, *[False] * 4]


def test_to_ask_for_more_is_no_refusal() -> None:
    """25: pre-authentication required, 52: too big for UDP; the other errors are refusals, a reply is none."""
    assert [exchange("k", 1, error=each).refused for each in (None, 25, 52, 7, 37)] == [False, False, False, True, True]
