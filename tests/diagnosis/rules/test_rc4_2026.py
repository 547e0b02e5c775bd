"""RC4 tickets that end: a hypothesis beside the certain one, from the dates of the updates on."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

from causes import judged, named, sample, seen, stays_silent
from incident_records import SECOND, call, shown, ticket
from report_values import KERBEROS

from rpctrace.diagnosis.rules import rc4_2026
from rpctrace.report import KerberosExchange

SERVICE = ("HTTP", "web.child.domaina.com")


def when(year: int, month: int, day: int) -> float:
    return datetime(year, month, day, 10, tzinfo=UTC).timestamp()


def issued(identity: str, second: float, etype: int) -> KerberosExchange:
    from incident_records import tgs_exchange

    return tgs_exchange(identity, second, None, ticket("CHILD.DOMAINA.COM", *SERVICE, etype=etype))


def test_a_service_whose_rc4_tickets_end() -> None:
    """It is told beside etype-nosupp, which is right in any case, and not beyond what the event log would prove."""
    held = sample("rc4-2026")
    assert held.findings[0].rule == "etype-nosupp"
    (finding,) = named(held.findings, "rc4-2026")
    assert (finding.severity, finding.confidence) == ("note", 0.7)
    assert finding.limited_by
    assert seen(finding, rc4_2026.RC4_BEFORE.weight)
    assert seen(finding, rc4_2026.ENFORCED.weight)


def test_not_before_the_updates() -> None:
    assert named(stays_silent("rc4-2026").findings, "rc4-2026") == []


def test_the_dates_are_those_of_the_article() -> None:
    """KB5073381: 13 January 2026; the updates of April came on the 14th."""
    assert datetime(2026, 1, 13, tzinfo=UTC).timestamp() * SECOND == rc4_2026.RELEASED_NS
    assert datetime(2026, 4, 14, tzinfo=UTC).timestamp() * SECOND == rc4_2026.ENFORCED_NS


def test_a_ticket_in_aes_that_the_service_cannot_open() -> None:
    """It had one in RC4 before; a ticket that was in AES before says nothing."""
    second = when(2026, 5, 12)
    auth = replace(KERBEROS, kerberos_error=45, kerberos_error_name="KRB_AP_ERR_NOKEY")
    presented = shown(ticket("CHILD.DOMAINA.COM", *SERVICE, etype=18), 700)
    refused = call(
        "call-1", second + 60, kind="bind", outcome="rejected", reply="bind_nak", auth=auth, ticket=presented
    )
    for etype, count in ((23, 1), (18, 0)):
        found = judged(issued("krb-1", second, etype), refused, rule="rc4-2026", until=second + 100)
        assert len(found) == count
    assert seen(judged(issued("krb-1", second, 23), refused, rule="rc4-2026")[0], rc4_2026.SWITCHED.weight)
    # A third leg comes after the service had opened the ticket
    third = replace(refused, kind="alter_context", outcome="faulted", reply="fault", status=0x721,
                    auth=replace(KERBEROS, token="AP-REP"))  # fmt: skip
    assert judged(issued("krb-1", second, 23), third, rule="rc4-2026") == []
    first = replace(third, auth=replace(KERBEROS, token="AP-REQ"))
    assert judged(issued("krb-1", second, 23), first, rule="rc4-2026")
    early = judged(issued("krb-1", when(2025, 5, 12), 23), replace(refused, request_ns=0), rule="rc4-2026")
    assert early == []
