"""A ticket whose time is over, or has not come."""

from __future__ import annotations

from dataclasses import replace

import pytest
import refusal_records as records
from incident_records import at, exchange, refused, tgs_exchange, tgt, ticket
from refusal_records import HOST_TICKET, SERVER, SERVER_REALM, found, saw, sure

from rpctrace.diagnosis.rules import ticket_expired as rule
from rpctrace.report import Host


def test_a_session_setup_shows_it() -> None:
    """SMB answers MORE_PROCESSING_REQUIRED with the error, and the client leaves."""
    (finding,) = records.findings("causes", "ticket-expired.pcap")
    assert (finding.rule, finding.severity, finding.confidence) == ("ticket-expired", "medium", 0.9)


def test_what_a_new_ticket_made_good_is_low() -> None:
    """An ordinary step."""
    (finding,) = records.findings("causes", "ticket-expired-not.pcap")
    assert (finding.rule, finding.severity) == ("ticket-expired", "low")
    assert "later ticket was accepted" in finding.summary


@pytest.mark.parametrize(("code", "words"), [(32, "is over"), (33, "has not come"), (37, None), (41, None)])
def test_its_errors(code: int, words: str | None) -> None:
    """Of a server, not of a KDC."""
    weighed = found(rule.RULE, records.report(records.told("call-3", 5, code)))
    assert [words in each.hypothesis.summary for each in weighed if words] == [True] * bool(words)
    assert bool(weighed) is bool(words)
    assert not found(rule.RULE, records.report(exchange("krb-1", 5, **refused(code, "?"))))


def test_whose_clock_it_is() -> None:
    """The server's against a KDC's; a ticket that was issued just before."""
    answer = exchange("krb-2", 5, kind="AP", carried_in="dcerpc", call="call-3", server=Host(SERVER, 1, None),
                      server_ns=at(5.01 + 600), **refused(32, "EXPIRED"))  # fmt: skip
    (differs,) = found(rule.RULE, records.report(answer, records.told("call-3", 5, 32)))
    assert saw(differs, rule.CLOCK_DIFFERS)
    issued = tgs_exchange("krb-1", 1, tgt(SERVER_REALM), ticket(SERVER_REALM, "host", "ws2.domainb.com"))
    shown = records.ticket(SERVER_REALM, "host", "ws2.domainb.com", exchange="krb-1")
    (fresh,) = found(rule.RULE, records.report(issued, records.told("call-3", 5, 32, shown)))
    assert saw(fresh, rule.FRESH_TICKET)
    for old in (replace(issued, request_ns=at(-9 * 3600), reply_ns=at(-9 * 3600)), replace(issued, capture=1)):
        (spent,) = found(rule.RULE, records.report(old, records.told("call-3", 5, 32, shown)))
        assert not saw(spent, rule.FRESH_TICKET)
    assert fresh.confidence > sure(rule.RULE, records.report(records.told("call-3", 5, 32, HOST_TICKET)))


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
