"""Which realm a host belongs to: as given, by tickets for its services, by its name; users' tickets tell nothing."""

from __future__ import annotations

from dataclasses import replace

import pytest
from incident_records import SERVER, call, ntlm_authentication, report, shown, ticket
from report_values import TICKET, refused_call

from rpctrace.correlation.realms import (
    BY_NAME,
    BY_TICKET,
    GIVEN,
    dns_suffix,
    is_below,
    is_host_service,
    realms_of_hosts,
    same_realm,
)
from rpctrace.report import Host

RPCSS = shown(ticket("DOMAINB.COM", "RPCSS", "ws2.domainb.com"), 7)


def test_a_ticket_for_a_service_of_the_host_names_its_realm() -> None:
    """Whatever carries it, with the frame that shows it."""
    (claim,) = realms_of_hosts(report(call("call-1", 1, ticket=RPCSS)))[SERVER]
    assert (claim.realm, claim.surety, claim.capture, claim.frame) == ("DOMAINB.COM", BY_TICKET, 0, 7)
    over_smb = ntlm_authentication("auth-1", 1, ticket=RPCSS)
    assert realms_of_hosts(report(over_smb))[SERVER][0].realm == "DOMAINB.COM"


@pytest.mark.parametrize(
    "shown_ticket",
    [
        TICKET,  # user-to-user, one component
        shown(ticket("CHILD.DOMAINA.COM", "novice"), 7),
        shown(ticket("CHILD.DOMAINA.COM", "krbtgt", "DOMAINB.COM"), 7),
        replace(RPCSS, user_to_user=True),
        replace(RPCSS, realm=None),
    ],
)
def test_other_tickets_tell_nothing(shown_ticket: object) -> None:
    """A user's, a ticket-granting one, one that was cut."""
    assert SERVER not in realms_of_hosts(report(call("call-1", 1, ticket=shown_ticket)))


def test_a_name_is_a_likeness_and_what_is_given_is_sure() -> None:
    """The surest first; one claim a realm; names and addresses in any case."""
    server = Host(SERVER, 1, "Resource-Win73.domainb.com")
    named = refused_call(server=server, ticket=replace(RPCSS, realm="domainb.com"))
    claims = realms_of_hosts(report(named), {"resource-win73": "OTHER.NET"})[SERVER]
    assert [(claim.realm, claim.surety) for claim in claims] == [("OTHER.NET", GIVEN), ("domainb.com", BY_TICKET)]
    unseen = realms_of_hosts(report(replace(named, ticket=None)))[SERVER]
    assert [(claim.realm, claim.surety) for claim in unseen] == [("DOMAINB.COM", BY_NAME)]
    assert realms_of_hosts(report(), {"10.9.9.9": "X.NET"})["10.9.9.9"][0].realm == "X.NET"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ws2.domainb.com", "domainb.com"), ("ws2.domainb.com.", "domainb.com"), ("ws2", None), ("ws2.local", None),
        ("10.0.0.1", None), ("fe80::1", None), (None, None), ("", None),
    ],
)  # fmt: skip
def test_suffixes_of_names(name: str | None, expected: str | None) -> None:
    """Of addresses and names without a domain, none."""
    assert dns_suffix(name) == expected


def test_realms_compare_without_case() -> None:
    """And children are told by their names."""
    assert same_realm("child.domainA.COM", "CHILD.DOMAINA.COM.")
    assert not same_realm(None, None)
    assert is_below("CHILD.DOMAINA.COM", "domaina.com")
    assert not is_below("domaina.com", "DOMAINA.COM")
    assert not is_below("xdomaina.com", "domaina.com")


def test_services_of_hosts() -> None:
    """Two components, and no ticket-granting service."""
    assert is_host_service(("host", "ws2"))
    assert not is_host_service(("novice",))
    assert not is_host_service(("krbtgt", "DOMAINB.COM"))
