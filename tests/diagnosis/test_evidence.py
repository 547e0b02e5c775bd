"""What rules may ask: legs, the server's own calls meanwhile, what made an error good, realms."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from incident_records import CLIENT, SERVER, at, call, event, refused, report, shown, tgs_exchange, tgt, ticket
from report_values import KERBEROS

from rpctrace.diagnosis.evidence import MEANWHILE_LOOKED_THROUGH, Evidence
from rpctrace.report import Call, Clock, Host, SecureChannel

DC = "10.77.0.1"
LOGON = SecureChannel(
    "NetrLogonSamLogonEx", True, True, 400, 120, None, None, None, None, None, None, None, None, None, None, None, None,
    None,
)  # fmt: skip


def logon(identity: str, second: float, **changes: Any) -> Call:
    ends = {"client": Host(SERVER, 5000, None), "server": Host(DC, 49157, None)}
    return call(identity, second, **{"secure_channel": LOGON, "connection": "tcp-dc", **ends, **changes})


def test_legs_are_those_of_the_same_context_before() -> None:
    """Not of another context, not later, not a request."""
    legs = [
        call("bind", 1, kind="bind", auth=KERBEROS),
        call("other", 2, kind="alter_context", auth=replace(KERBEROS, context_id=9)),
        call("alter", 3, kind="alter_context", auth=KERBEROS),
        call("request", 4, auth=KERBEROS),
        call("later", 5, kind="alter_context", auth=KERBEROS),
    ]
    evidence = Evidence(report(*legs))
    assert [leg.id for leg in evidence.context_legs(legs[3])] == ["bind", "alter"]
    assert [leg.id for leg in evidence.context_legs(legs[2])] == ["bind", "alter"]
    assert [each.id for each in evidence.later_on_connection(legs[2])] == ["request", "later"]
    assert len(evidence.on_connection(legs[0])) == 5


def test_logons_between_a_call_and_its_answer() -> None:
    """Of that server alone, within the time alone; by the common clock of several captures."""
    failed = call("call-1", 10, reply_ns=at(10.5), reply_frames=(1051,))
    inside, before, after = logon("inside", 10.2), logon("before", 9), logon("after", 11)
    other = logon("other", 10.2, client=Host("10.77.0.99", 1, None))
    evidence = Evidence(report(failed, inside, before, after, other))
    assert [each.id for each in evidence.logons_between(SERVER, failed)] == ["inside"]
    assert evidence.secure_channel_of(SERVER, 0) is not None
    assert evidence.secure_channel_of(SERVER, 1) is None
    assert evidence.secure_channel_of(CLIENT, 0) is None
    elsewhere = logon("elsewhere", 110.2, capture=1)
    merged = report(failed, elsewhere, captures=2, clocks=(Clock(1, 0, -100_000_000_000, 0, 4),))
    assert [each.id for each in Evidence(merged).logons_between(SERVER, failed)] == ["elsewhere"]
    assert not Evidence(replace(merged, clocks=())).logons_between(SERVER, failed)


def test_what_a_server_did_during_a_call_without_an_answer_is_bounded() -> None:
    """The first of its logons and attempts, from the call on."""
    waiting = call("call-1", 10, outcome="unanswered", reply=None, reply_frames=(), reply_ns=None)
    logons = [logon(f"logon-{number}", 9 + number) for number in range(MEANWHILE_LOOKED_THROUGH + 9)]
    attempts = [event(9 + number, client=Host(SERVER, 5000, None)) for number in range(MEANWHILE_LOOKED_THROUGH + 9)]
    evidence = Evidence(report(waiting, *logons, *attempts))
    found = [each.id for each in evidence.logons_between(SERVER, waiting)]
    assert found == [f"logon-{number + 1}" for number in range(MEANWHILE_LOOKED_THROUGH)]
    assert evidence.attempts_between(SERVER, waiting) == tuple(attempts[1 : MEANWHILE_LOOKED_THROUGH + 1])


def test_who_is_seen_to_act() -> None:
    """Silence of a host means something only where its own traffic was captured."""
    evidence = Evidence(report(call("call-1", 1), logon("dc", 2)))
    assert evidence.acts_as_client(CLIENT, 0)
    assert evidence.acts_as_client(SERVER, 0)
    assert not evidence.acts_as_client(DC, 0)
    assert Evidence(report(event(1))).acts_as_client(CLIENT, 0)


def test_a_host_is_known_by_its_line_of_time_and_its_address() -> None:
    """Of captures without a common clock the same address may be two hosts'."""
    here, there = call("call-1", 1), call("call-2", 1, capture=1)
    apart = Evidence(report(here, there, captures=2))
    assert apart.hosts_of(here) == (apart.place_of(here, here.client), apart.place_of(here, here.server))
    assert apart.hosts_of(here) != apart.hosts_of(there)
    merged = Evidence(report(here, there, captures=2, clocks=(Clock(1, 0, 0, 0, 4),)))
    assert merged.hosts_of(here) == merged.hosts_of(there)


def test_a_table_is_made_once() -> None:
    """Of each evidence, whoever asks."""
    made: list[Evidence] = []

    def table(evidence: Evidence) -> int:
        made.append(evidence)
        return len(made)

    one, other = Evidence(report()), Evidence(report())
    assert (one.once(table), one.once(table), other.once(table)) == (1, 1, 2)


def test_an_error_is_made_good_by_a_later_ticket_for_the_same() -> None:
    """Not by an earlier one, nor by one for another service."""
    asked, client_tgt = ("host", "app1"), tgt("DOMAINB.COM")
    error = tgs_exchange("krb-1", 1, client_tgt, None, **refused(), sname=asked)
    later = tgs_exchange("krb-2", 2, client_tgt, ticket("DOMAINB.COM", "HOST", "app1"))
    other = tgs_exchange("krb-3", 3, client_tgt, ticket("DOMAINB.COM", "host", "app2"))
    assert Evidence(report(error, later)).made_good(error)
    assert not Evidence(report(error, other)).made_good(error)
    assert not Evidence(report(replace(later, reply_ns=at(0.5)), error)).made_good(error)


def test_the_surest_realm_of_a_host() -> None:
    """What the user says goes before tickets."""
    presented = call("call-1", 1, ticket=shown(ticket("DOMAINB.COM", "RPCSS", "ws2"), 7))
    claim = Evidence(report(presented)).realm_of(SERVER)
    assert claim is not None
    assert claim.realm == "DOMAINB.COM"
    given = Evidence(report(presented), {SERVER: "C.NET"}).realm_of(SERVER)
    assert given is not None
    assert given.realm == "C.NET"
    assert Evidence(report(presented)).realm_of("10.1.1.1") is None
