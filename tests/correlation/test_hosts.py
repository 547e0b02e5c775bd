"""Addresses that are one host's, by the service tickets that were issued to one and presented by another."""

from __future__ import annotations

from incident_records import CLIENT, REALM_A, REALM_B, ap_exchange, as_exchange, tgs_exchange, tgt, ticket

from rpctrace.correlation.hosts import same_hosts
from rpctrace.report import Host

SERVICE = ticket(REALM_B, "cifs", "dc1.domainb.com", digest="aa")
ISSUED = tgs_exchange("krb-1", 1, None, SERVICE)
SIX, OTHER = Host("fd77::50", 50000, None), Host("192.0.2.7", 50001, None)


def test_a_client_of_two_families_is_one_host() -> None:
    known = same_hosts([ISSUED, ap_exchange("krb-2", 2, SERVICE, client=SIX)])
    assert known.get("fd77::50", "fd77::50") == known.get(CLIENT, CLIENT)


def test_three_addresses_are_one_host_too_whatever_the_order() -> None:
    presented = [ap_exchange("krb-2", 2, SERVICE, client=SIX), ap_exchange("krb-3", 3, SERVICE, client=OTHER)]
    for exchanges in ([ISSUED, *presented], [*reversed(presented), ISSUED]):
        known = same_hosts(exchanges)
        assert len({known.get(address, address) for address in (CLIENT, "fd77::50", "192.0.2.7")}) == 1


def test_a_forwarded_tgt_and_a_ticket_without_a_digest_prove_nothing() -> None:
    own = tgt(REALM_A, digest="bb")
    assert same_hosts([as_exchange("krb-1", 1, own), ap_exchange("krb-2", 2, own, client=SIX)]) == {}
    assert same_hosts([as_exchange("krb-1", 1, own), tgs_exchange("krb-2", 2, own, None, client=SIX)]) == {}
    cut = ticket(REALM_B, "cifs", "dc1.domainb.com")
    assert same_hosts([tgs_exchange("krb-1", 1, None, cut), ap_exchange("krb-2", 2, cut, client=SIX)]) == {}
