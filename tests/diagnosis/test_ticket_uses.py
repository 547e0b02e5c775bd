"""Where a ticket was accepted, beside where it was refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import refusal_records as records
from incident_records import ap_exchange, exchange, ticket
from refusal_records import HOST_TICKET, PORT, SERVER

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.ticket_uses import TicketUses, folded_names
from rpctrace.report import Clock, Host

CALL = records.refused("call-3", 5)
AFTER = records.accepted("call-9", 9, replace(HOST_TICKET, fingerprint="h9"))


def uses(*said: Any, **changes: Any) -> TicketUses:
    return Evidence(records.report(CALL, *said, **changes)).tickets


def test_what_was_accepted_later() -> None:
    """The last use of the same client, server and service, whatever the case of the name."""
    assert uses(AFTER).accepted_later(CALL) == AFTER
    last = replace(AFTER, id="call-10", request_ns=10_000_000_000)
    folded = replace(last, ticket=replace(HOST_TICKET, sname=("HOST", "WS2.DOMAINB.COM")))
    assert uses(AFTER, folded).accepted_later(CALL) == folded


@pytest.mark.parametrize(
    "changes",
    [
        {"request_ns": 1_000_000_000},
        {"client": Host("10.77.0.99", 1, None)},
        {"server": Host("10.77.0.99", PORT, None)},
        {"ticket": replace(HOST_TICKET, sname=("cifs", "ws2.domainb.com"))},
        {"ticket": None},
        {"auth": records.auth("AP-REQ", "KRB-ERROR")},
        {"capture": 1},
    ],
    ids=["before", "client", "server", "service", "no ticket", "refused", "another time"],
)
def test_what_is_no_later_acceptance(changes: dict[str, Any]) -> None:
    """Each alone."""
    assert uses(replace(AFTER, **changes), captures=2).accepted_later(CALL) is None


def test_captures_with_a_common_time_are_one() -> None:
    """As the clocks say."""
    elsewhere = replace(AFTER, capture=1)
    clocks = (Clock(0, 0, 0, 0, 0), Clock(1, 0, 1000, 10, 5))
    assert uses(elsewhere, captures=2, clocks=clocks).accepted_later(CALL) == elsewhere


def test_the_same_ticket() -> None:
    """By its digest, at any port, or at the same one."""
    here = replace(AFTER, ticket=HOST_TICKET)
    assert uses(here).accepted_same_ticket(CALL, same_port=True) == here
    elsewhere = replace(here, server=Host(SERVER, 135, None))
    assert uses(elsewhere).accepted_same_ticket(CALL) == elsewhere
    assert uses(elsewhere).accepted_same_ticket(CALL, same_port=True) is None
    assert uses(AFTER).accepted_same_ticket(CALL) is None
    assert uses(here).accepted_same_ticket(replace(CALL, ticket=replace(HOST_TICKET, fingerprint=None))) is None
    assert uses(here).accepted_same_ticket(replace(CALL, ticket=None)) is None


def test_the_same_service() -> None:
    """Another ticket for it, of the same realm."""
    assert uses(AFTER).accepted_same_service(CALL) == AFTER
    foreign = replace(AFTER, ticket=replace(HOST_TICKET, realm="OTHER.COM"))
    assert uses(foreign).accepted_same_service(CALL) is None


def test_the_exchange_that_travelled_in_it() -> None:
    """By the call, or by carrier and frame."""
    inside = ap_exchange("krb-1", 5, ticket("R", "host", "ws2"), call="call-3")
    session = records.session("auth-1", 7, HOST_TICKET)
    beside = exchange("krb-2", 7, carried_in="smb", request_frame=session.request_frame)
    told = uses(inside, session, beside)
    assert told.exchange_in(CALL) == inside
    assert told.exchange_in(session) == beside
    assert told.exchange_in(replace(session, carried_in="ldap")) is None


def test_names_are_compared_without_case() -> None:
    """As Windows does."""
    assert folded_names(("HOST", "Ws2")) == ("host", "ws2")
