"""Proves: every source of a host's name is heard, and none is taken for another host's."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from incident_records import (
    CLIENT,
    REALM_A,
    REALM_B,
    SERVER,
    ap_exchange,
    call,
    endpoint,
    frame_at,
    ntlm_authentication,
    refused,
    report,
    shown,
    stream,
    tgs_exchange,
    tgt,
    ticket,
)
from report_values import EXTENDED_ERROR, KERBEROS, empty_report

from rpctrace.correlation.names import Telling, names_of_hosts, tellings
from rpctrace.report import Dcom, Host, Ntlm, SecureChannel

CHANNEL = SecureChannel("NetrServerReqChallenge", False, False, None, None, "WS1", *(None,) * 12)  # type: ignore[arg-type]  # all of them may be None
NTLM = replace(KERBEROS, mechanism="ntlm", ntlm=Ntlm("DOMAINB", "alice", "WS1", "DC1"))
FS1 = shown(ticket(REALM_B, "cifs", "fs1"), frame_at(1))
SPN = shown(ticket(REALM_B, "HTTP", "Web.DomainB.com:8080"), 1)


@pytest.mark.parametrize(
    ("record", "telling"),
    [
        (call("c", 1, server=Host(SERVER, 1, "dc1")), Telling(SERVER, "dc1", "name_resolution")),
        (call("c", 1, client=Host(CLIENT, 1, "ws1")), Telling(CLIENT, "ws1", "name_resolution")),
        (call("c", 1, ticket=SPN), Telling(SERVER, "Web.DomainB.com", "http_ticket")),
        (ap_exchange("k", 1, ticket(REALM_B, "cifs", "fs1")), Telling(SERVER, "fs1", "ticket")),
        (call("c", 1, ticket=FS1, auth=KERBEROS, outcome="rejected"), Telling(SERVER, "fs1", "refused_ticket")),
        (ntlm_authentication("a", 1, ticket=FS1, outcome="rejected"), Telling(SERVER, "fs1", "refused_ticket")),
        (ap_exchange("k", 1, ticket(REALM_B, "cifs", "fs1"), **refused(41)), Telling(SERVER, "fs1", "refused_ticket")),
        (call("c", 1, auth=NTLM), Telling(CLIENT, "WS1", "ntlm_workstation")),
        (call("c", 1, auth=NTLM), Telling(SERVER, "DC1", "ntlm_target")),
        (call("c", 1, auth=replace(NTLM, ntlm=Ntlm("DOMAINB", "alice", "WS1", "DOMAINB", computer="dc1.domainb.com"))),
         Telling(SERVER, "dc1.domainb.com", "ntlm_computer")),
        (ntlm_authentication("a", 1), Telling(CLIENT, "WS1", "ntlm_workstation")),
        (ntlm_authentication("a", 1, target=r"\\fs1\share"), Telling(SERVER, r"\\fs1\share", "target")),
        (call("c", 1, dcom=Dcom(None, None, None, None, None, server_name="FS1")),
         Telling(SERVER, "FS1", "dcom_server_name")),
        (call("c", 1, secure_channel=CHANNEL), Telling(CLIENT, "WS1", "netlogon_computer")),
        (call("c", 1, extended_error=(replace(EXTENDED_ERROR, computer="FS1"),)),
         Telling(SERVER, "FS1", "extended_error")),
    ],
)  # fmt: skip
def test_sources(record: Any, telling: Telling) -> None:
    assert telling in set(tellings(report(record)))


@pytest.mark.parametrize(
    "record",
    [
        call("c", 1),
        call("c", 1, ticket=shown(ticket(REALM_B, "novice"), 1)),
        call("c", 1, ticket=shown(tgt(REALM_B), 1)),
        call("c", 1, ticket=shown(ticket(REALM_B, "kadmin", "changepw"), 1)),
        call("c", 1, extended_error=(EXTENDED_ERROR, EXTENDED_ERROR)),
        tgs_exchange("k", 1, tgt(REALM_A), ticket(REALM_A, "cifs", "fs1")),
    ],
)
def test_what_names_nobody(record: Any) -> None:
    """A user's ticket, tickets for KDCs, a chain of records of several hosts, a ticket that was only issued."""
    assert names_of_hosts(report(record)) == {}


def test_where_an_endpoint_led() -> None:
    told = endpoint("e", 1, server="fs1.domainb.com", connections=("tcp-0-1",))
    other = stream("tcp-0-1", 2, server=Host("10.9.9.9", 49154, None))
    assert names_of_hosts(report(told, other)) == {"10.9.9.9": {"fs1.domainb.com", "fs1"}}


def test_short_and_whole_names_without_regard_to_case() -> None:
    assert names_of_hosts(report(call("c", 1, ticket=SPN))) == {SERVER: {"web.domainb.com", "web"}}


def test_an_address_is_no_name() -> None:
    said = ntlm_authentication("a", 1, target=SERVER, ntlm=None)
    six = ntlm_authentication("b", 1, target="fe80::1", ntlm=None)
    assert names_of_hosts(report(said, six)) == {}


def test_an_alias_of_the_web_is_not_sure() -> None:
    assert names_of_hosts(report(call("c", 1, ticket=SPN)), sure=True) == {}


def test_the_name_of_a_refused_ticket_is_not_sure() -> None:
    """Another server may have refused it; one that reads the ticket is the one that it names."""
    said = call("c", 1, ticket=FS1, auth=KERBEROS, outcome="rejected")
    assert names_of_hosts(report(said)) == {SERVER: {"fs1"}}
    assert names_of_hosts(report(said), sure=True) == {}
    late = replace(said, auth=replace(KERBEROS, kerberos_error=32))
    assert names_of_hosts(report(late), sure=True) == {SERVER: {"fs1"}}


def test_what_may_be_the_domain_s_name_is_not_sure() -> None:
    said = report(call("c", 1, auth=NTLM))
    assert names_of_hosts(said) == {SERVER: {"dc1"}, CLIENT: {"ws1"}}
    assert names_of_hosts(said, sure=True) == {CLIENT: {"ws1"}}


def test_the_addresses_of_one_host_share_their_names() -> None:
    """A ticket issued to one address and presented from another."""
    mine = ticket(REALM_B, "cifs", "fs1", digest="d")
    issued = tgs_exchange("k1", 1, tgt(REALM_B), mine, client=Host(CLIENT, 1, "ws1"))
    presented = ap_exchange("k2", 2, mine, client=Host("fd00::50", 1, None))
    names = names_of_hosts(report(issued, presented))
    assert names[CLIENT] == names["fd00::50"] == {"ws1"}


def test_nobody() -> None:
    assert names_of_hosts(empty_report()) == {}
