"""Proves: what a log could have a line about, what lines agree with it, and that finding these compares few of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from incident_records import REALM_A, SERVER, call, ntlm_authentication, report
from log_records import SERVER_NAME, START_S, accepted, auth, entries_of, logon, refused, sam_logon
from report_values import KERBEROS

from rpctrace.correlation import log_subjects as module
from rpctrace.correlation.log_subjects import (
    About,
    Index,
    Interest,
    Said,
    agreement,
    is_enough_without_time,
    said_of,
    subjects_of,
)
from rpctrace.report import Ntlm

NS = 10**9
NAMES = frozenset((SERVER_NAME,))
TICKET = About(NAMES, True, "kerberos", REALM_A.casefold(), None, SERVER)
USER = About(NAMES, True, "ntlm", "contoso", "alice", SERVER)
SEALED = About(NAMES, True, None, None, None, SERVER)
GENERIC = Said("generic", "kerberos", frozenset((REALM_A.casefold(),)), None, "resource-win73")
NETWORK = Said("network", None, frozenset(("contoso",)), "alice", "resource-win73")


def test_subjects_of_calls() -> None:
    made = report(refused(1, 5), accepted(2, 6), sam_logon(3, 7), call("call-4", 8), refused(5, 9, auth=None))
    assert [(each.about, each.call, each.failed) for each in subjects_of(made)] == [
        (TICKET, "call-1", True), (TICKET, "call-2", False), (SEALED, "call-3", None),
    ]  # fmt: skip
    first = subjects_of(made)[0]
    assert (first.start_ns, round((first.end_ns - first.start_ns) / 10**6)) == ((START_S + 5) * NS, 10)


def test_a_call_that_kept_its_ticket_to_itself_is_none() -> None:
    """Requests of an accepted context carry no token: their logon was before."""
    assert subjects_of(report(accepted(1, 5, auth=replace(KERBEROS, token=None)))) == []
    assert subjects_of(report(refused(1, 5, request_ns=None, reply_ns=None))) == []


def test_subjects_of_authentications() -> None:
    """Outside RPC only NTLM asks a domain controller, and only with a user."""
    said = [ntlm_authentication("a1", 5), ntlm_authentication("a2", 6, mechanism="kerberos"),
            ntlm_authentication("a3", 7, ntlm=Ntlm(None, None, None, "DC1"))]  # fmt: skip
    (subject,) = subjects_of(report(*said))
    assert subject.about == About(frozenset(("dc1",)), False, "ntlm", "domainb", "alice", said[0].server.address)
    assert (subject.call, subject.failed) == (None, False)


@pytest.mark.parametrize(
    ("changes", "names"),
    [
        ({"server": "files.domainb.com"}, {"files.domainb.com", "files"}),
        ({"auth": auth(ntlm=Ntlm("D", "alice", None, "RESOURCE-WIN73"))}, {"resource-win73"}),
        ({"auth": auth(ntlm=Ntlm("D", "alice", None, "DOMAINB", computer="resource-win73.domainb.com"))},
         {"domainb", "resource-win73.domainb.com", "resource-win73"}),
        ({"server": "resource-windows73.domainb.com"},
         {"resource-windows73.domainb.com", "resource-windows73", "resource-window"}),
    ],
)  # fmt: skip
def test_names_of_a_server(changes: dict[str, Any], names: set[str]) -> None:
    """All that the capture knows, from whomever; a log cuts a name after 15 characters, as NetBIOS does."""
    said = {"server": None, "ticket": None, "auth": auth(ntlm=Ntlm("D", "alice", None, None)), **changes}
    (subject,) = subjects_of(report(refused(1, 5, **said)))
    assert subject.about.servers == names


@pytest.mark.parametrize(
    ("about", "said", "by"),
    [
        (TICKET, GENERIC, ("package", "realm", "server")),
        (TICKET._replace(servers=frozenset()), GENERIC, ("package", "realm")),
        (TICKET, GENERIC._replace(via=None), ("package", "realm")),
        (TICKET, GENERIC._replace(domains=frozenset()), ("package", "server")),
        (TICKET, GENERIC._replace(via=None, domains=frozenset()), None),
        (TICKET, GENERIC._replace(via="other"), None),
        (TICKET._replace(sure=False), GENERIC._replace(via="other"), ("package", "realm")),
        (TICKET, GENERIC._replace(domains=frozenset(("domaina.com",))), None),
        (TICKET, GENERIC._replace(domains=frozenset(("x", REALM_A.casefold()))), ("package", "realm", "server")),
        (TICKET, GENERIC._replace(package=None), None),
        (TICKET, NETWORK, None),
        (USER, NETWORK, ("package", "realm", "server", "user")),
        (USER, NETWORK._replace(user="alice@contoso.com", domains=frozenset()), ("package", "server", "user")),
        (USER, NETWORK._replace(user="bob"), None),
        (USER, NETWORK._replace(domains=frozenset(("fabrikam",))), None),
        (USER, NETWORK._replace(domains=frozenset(("contoso.com",))), ("package", "server", "user")),
        (USER, NETWORK._replace(package="ntlm"), ("package", "realm", "server", "user")),
        (USER, GENERIC, None),
        (USER._replace(user=None, servers=frozenset()), NETWORK, None),
        (TICKET, GENERIC._replace(via="resource-win73.domainb.com"), ("package", "realm", "server")),
        (TICKET, GENERIC._replace(via=SERVER), ("package", "realm", "server")),
        (TICKET, GENERIC._replace(via="10.250.0.9"), ("package", "realm")),
        (SEALED, GENERIC, ("server",)),
        (SEALED, NETWORK, ("server",)),
        (SEALED, GENERIC._replace(via=None), None),
    ],
)
def test_agreement(about: About, said: Said, by: tuple[str, ...] | None) -> None:
    assert agreement(about, said) == by


def test_what_a_logon_says() -> None:
    """Both lines' domains, in no case."""
    _, (entered, returned) = entries_of(logon(5))
    assert said_of(returned, None) == GENERIC
    other = replace(entered, domain="X")
    assert said_of(returned, other).domains == {"x", REALM_A.casefold()}


@pytest.mark.parametrize("about", [TICKET, USER, SEALED, TICKET._replace(domain=None)])
def test_the_index_finds_what_comparing_all_finds(about: About) -> None:
    kinds = [
        each._replace(via=via, domains=frozenset(domains), user=user)
        for each in (GENERIC, NETWORK)
        for via in (None, "resource-win73", "resource-win73.domainb.com", SERVER, "other")
        for domains in ((), (REALM_A.casefold(),), ("contoso", "x"))
        for user in (None, "alice", "alice@contoso.com")
    ]
    found = {place: by for by, places in Index((said, at) for at, said in enumerate(kinds)).agreeing(about)
             for place in places}  # fmt: skip
    assert found == {at: by for at, said in enumerate(kinds) if (by := agreement(about, said)) is not None}


def test_the_index_compares_few(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a thousand users' logons those of the one."""
    compared: list[Any] = []

    def counting(about: About, said: Said) -> tuple[str, ...] | None:
        compared.append(said)
        return agreement(about, said)

    monkeypatch.setattr(module, "agreement", counting)
    index = Index((NETWORK._replace(user=f"user{number}"), number) for number in range(1000))
    assert [places for _, places in index.agreeing(USER._replace(user="user7"))] == [[7]]
    assert len(compared) == 1


def test_interest() -> None:
    interest = Interest([TICKET, USER])
    assert interest.wants(REALM_A, None, "x", "Kerberos")
    assert interest.wants(None, "ALICE@contoso.com", None, None)
    assert interest.wants(None, None, "RESOURCE-WIN73", None)
    assert interest.wants(None, None, "Resource-Win73.domainb.com", None)
    assert interest.wants(None, None, SERVER, None)
    assert not interest.wants(REALM_A, "bob", "x", None)  # the realm is of use for tickets alone
    assert not interest.wants("contoso", "bob", "x", "Kerberos")


def test_without_time_a_server_that_nobody_names_is_no_obstacle_to_a_ticket() -> None:
    """The support article's two frames and two lines; where the server has names, one of them must be in the line."""
    unnamed = About(frozenset(), False, module.KERBEROS, "child.domaina.com", None, SERVER)
    named = unnamed._replace(servers=frozenset(("ws2",)))
    assert is_enough_without_time(unnamed, ("package", "realm"))
    assert not is_enough_without_time(named, ("package", "realm"))
    assert is_enough_without_time(named, ("package", "realm", "server"))
    assert not is_enough_without_time(unnamed._replace(package=module.NTLM), ("package", "realm", "user"))
