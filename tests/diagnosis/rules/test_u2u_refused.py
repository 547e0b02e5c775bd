"""A user-to-user ticket in a key that the server may not hold."""

from __future__ import annotations

from dataclasses import replace

import refusal_records as records
from incident_records import exchange, ticket
from refusal_records import USER_REALM, found, saw

from rpctrace.diagnosis.rules import u2u_refused as rule

CALL = records.refused("call-3", 5, records.user_ticket())
HANDED_OUT = records.leg("call-2", 3, "TGT-REQ", "TGT-REP")
WHOLE = records.stream(CALL.connection)
ISSUED = {"sname": ("bob-a",), "user_to_user": True, "ticket": ticket(USER_REALM, "bob-a")}


def of_exchange() -> object:
    return replace(CALL, ticket=replace(CALL.ticket, exchange="krb-1"))  # type: ignore[type-var]


def test_a_server_that_handed_out_nothing() -> None:
    """Samba's own refusal of a user-to-user ticket on a connection without TGT-REQ."""
    (finding,) = records.findings("u2u", "samba-dc-fault-721-u2u-apreq.pcap")
    assert (finding.rule, finding.severity, finding.confidence) == ("u2u-refused", "medium", 0.65)
    assert all(item.frame for item in finding.evidence)


def test_a_ticket_of_this_handshake_is_none() -> None:
    """Issued after the TGT-REP: its key is the server's."""
    for name in ("u2u-fault-721-flags23.pcap", "u2u-fault-5-access-denied.pcap", "u2u-ok.pcap"):
        assert "u2u-refused" not in records.rules(records.findings("u2u", name)), name


def test_a_ticket_from_the_cache_is_a_hypothesis() -> None:
    """A TGT-REP, and no exchange with a KDC after it."""
    said = records.findings("u2u", "u2u-fault-721-no-kdc-traffic.pcap")
    finding = records.of("u2u-refused", said)
    assert finding.severity == "note"
    assert finding.confidence < rule.KEY_NOT_SEEN.value


def test_the_order_of_the_exchange_decides() -> None:
    """Before the TGT-REP it is from the cache, after it fresh."""
    before, after = exchange("krb-1", 1, **ISSUED), exchange("krb-1", 4, **ISSUED)
    (cached,) = found(rule.RULE, records.report(before, HANDED_OUT, of_exchange(), WHOLE))
    assert saw(cached, rule.FROM_CACHE)
    assert not saw(cached, rule.NONE_HANDED_OUT)
    assert not found(rule.RULE, records.report(after, HANDED_OUT, of_exchange(), WHOLE))


def test_the_whole_connection_must_have_been_captured() -> None:
    """Joined late, or with a gap, nothing is known of a TGT-REP."""
    (alone,) = found(rule.RULE, records.report(CALL, WHOLE))
    assert saw(alone, rule.NONE_HANDED_OUT)
    assert alone.confidence > 0.5
    for stream in (replace(WHOLE, joined_late=True), replace(WHOLE, gaps=1)):
        (weighed,) = found(rule.RULE, records.report(CALL, stream))
        assert not saw(weighed, rule.NONE_HANDED_OUT)
        assert weighed.confidence <= rule.KEY_NOT_SEEN.value


def test_what_refutes_it() -> None:
    """The server read the ticket: it asked a domain controller, or accepted it elsewhere; and ordinary tickets."""
    assert not found(rule.RULE, records.report(CALL, WHOLE, records.logon("call-4", 5.001)))
    assert not found(rule.RULE, records.report(records.accepted("call-1", 1, records.user_ticket()), CALL, WHOLE))
    assert not found(rule.RULE, records.report(records.refused("call-3", 5), WHOLE))
    assert not found(rule.RULE, records.report(records.told("call-3", 5, 41, records.user_ticket()), WHOLE))


def test_the_rule_lists_what_it_weighs() -> None:
    """Every clue and ceiling of the file is in the rule, which `explain` prints."""
    clues, ceilings = records.constants(rule)
    assert clues == set(rule.RULE.clues)
    assert ceilings <= set(rule.RULE.ceilings)
