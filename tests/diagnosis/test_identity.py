"""Who a host is, by what it asks, answers, accepts and tells."""

from __future__ import annotations

from dataclasses import replace

import pytest
import refusal_records as records
from incident_records import KDC_A, KDC_B, REALM_A, REALM_B, as_exchange, exchange, refused, tgs_exchange, tgt, ticket
from refusal_records import CONTROLLER, HOST_TICKET, SERVER

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.identity import accepted, names_of_hosts, service_host, short_name, shown_realms
from rpctrace.report import Dcom, Host


@pytest.mark.parametrize(
    ("name", "short"),
    [("WS2.domainb.com", "ws2"), ("ws2$", "ws2"), ("\\\\Ws2\\IPC$", "ws2"), ("ws2[49170]", "ws2"), ("10.77.0.51", None),
     ("fe80::51", None), ("", None), (None, None), ("1ws.domainb.com", "1ws"),
     ("db1.domainb.com:1433", "db1"), ("db1:INSTANCE", "db1"), ("10.77.0.51:1433", None), ("::1", None)],
)  # fmt: skip
def test_names_are_compared_without_their_domain(name: str | None, short: str | None) -> None:
    """And addresses are no names."""
    assert short_name(name) == short


def test_the_host_of_a_service() -> None:
    """Service/host; a user, a computer account and krbtgt have none."""
    assert service_host(("cifs", "FS1.domainb.com", "domainb.com")) == "fs1"
    for sname in (("novice",), ("WS2$",), ("krbtgt", "DOMAINB.COM"), ()):
        assert service_host(sname) is None


def test_what_a_server_is_called() -> None:
    """By the ticket that it accepted, the account it logs on with, its bindings; a resolved name is less sure."""
    logon = as_exchange("krb-1", 1, tgt(REALM_B), cname=("WS2$",), client=Host(SERVER, 5, None))
    named = records.accepted("call-1", 1, HOST_TICKET, server=Host(SERVER, 135, "alias.domainb.com"))
    told = replace(named, id="call-2", ticket=None, dcom=Dcom(*[None] * 6, bindings=("ncacn_ip_tcp:FRONT[135]",)))
    names = names_of_hosts(records.report(logon, named, told))[SERVER]
    assert [(claim.name, claim.sure) for claim in names] == [("ws2", True), ("front", True), ("alias", False)]
    assert names[0].frame == logon.request_frame


def test_a_refused_ticket_names_nobody() -> None:
    """Nor does a logon that the KDC refused, or one of a user."""
    user = as_exchange("krb-1", 1, tgt(REALM_B), cname=("bob",), client=Host(SERVER, 5, None))
    failed = as_exchange("krb-2", 1, None, cname=("WS2$",), client=Host(SERVER, 5, None), **refused())
    assert names_of_hosts(records.report(records.refused("call-3", 5), user, failed)) == {}


def test_names_are_bounded() -> None:
    """A forged capture may give an address any number of names."""
    calls = [records.accepted(f"call-{n}", n, records.ticket("R", "host", f"h{n}")) for n in range(100)]
    assert len(names_of_hosts(records.report(*calls))[SERVER]) == 16


def test_realms_that_show() -> None:
    """A KDC by what it issues, whatever the request called the realm; a computer account; a member's secure channel."""
    issued = as_exchange("krb-1", 1, tgt(REALM_A), realm="CHILD")
    joined = tgs_exchange("krb-2", 2, tgt(REALM_B), ticket(REALM_B, "cifs", "fs"), server=Host(KDC_B, 88, None))
    member = records.logon("call-4", 5)
    realms = {(address, claim.realm) for address, claim in shown_realms(records.report(issued, joined, member))}
    assert realms == {(KDC_A, REALM_A), (KDC_B, REALM_B), (SERVER, REALM_B)}
    assert CONTROLLER == KDC_B
    computer = as_exchange("krb-1", 1, tgt(REALM_B), cname=("WS2$",), client=Host(SERVER, 5, None))
    claim = Evidence(records.report(computer)).realm_of(SERVER)
    assert claim is not None
    assert (claim.realm, claim.surety) == (REALM_B, 0.9)


def test_an_error_shows_no_realm() -> None:
    """A KDC that refuses names the realm that was asked for."""
    assert list(shown_realms(records.report(exchange("krb-1", 1, **refused())))) == []


def test_a_realm_that_was_given_is_surest() -> None:
    """Over what the captures show."""
    computer = as_exchange("krb-1", 1, tgt(REALM_B), cname=("WS2$",), client=Host(SERVER, 5, None))
    claim = Evidence(records.report(computer), {SERVER: "OTHER.COM"}).realm_of(SERVER)
    assert claim is not None
    assert claim.realm == "OTHER.COM"


def test_acceptance() -> None:
    """An AP-REP to this very AP-REQ, or an accepted authentication; not a later leg, not NTLM."""
    assert accepted(records.accepted("call-1", 1, HOST_TICKET))
    assert not accepted(records.refused("call-1", 1))
    assert not accepted(records.leg("call-2", 2, "AP-REP", "NegTokenResp", ticket=HOST_TICKET))
    assert accepted(records.session("auth-1", 1, HOST_TICKET, outcome="accepted"))
    assert not accepted(records.session("auth-1", 1, HOST_TICKET))
    assert not accepted(records.session("auth-1", 1, None, outcome="accepted", mechanism="ntlm"))
