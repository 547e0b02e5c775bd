"""What led to a failed call: its ticket's origin, what its connection was for, what the server asked meanwhile."""

from __future__ import annotations

from dataclasses import replace

from report_values import (
    ENDPOINT,
    LATER_NS,
    PATH,
    SERVER,
    START_NS,
    answered_call,
    article_report,
    full_report,
    refused_call,
)

from rpctrace.render.beside import beside_lines
from rpctrace.render.words import ASCII_SIGNS
from rpctrace.report import Host, Report, SecureChannel, Sighting, TicketName

KDC = Host("10.2.0.10", 88, None)
ISSUED = replace(
    full_report().kerberos[0], id="krb-2", capture=0, error=None, error_name=None, ntstatus_hex=None, reply="TGS-REP",
    sname=("novice",), server=KDC, hop=2, ticket=TicketName("child.domainA.COM", ("novice",), 18, None, None),
)  # fmt: skip


def lines(report: Report) -> list[str]:
    return list(beside_lines(report, ASCII_SIGNS))


def test_where_the_ticket_of_a_failed_call_came_from() -> None:
    """The exchange that issued it and the way through realms; several calls with one ticket are one line."""
    ticket = replace(refused_call().ticket, exchange="krb-2", exchange_by="fingerprint")
    calls = tuple(refused_call(id=f"call-{number}", ticket=ticket) for number in (1, 2))
    report = article_report(calls=calls, kerberos=(ISSUED,), referral_paths=(replace(PATH, outcome="issued"),))
    (line,) = lines(report)
    assert line == (
        "novice@child.domainA.COM was issued in frames 10 -> 11, KDC 10.2.0.10:88, by way of child.domainA.COM -> "
        "DOMAINB.COM"
    )
    other = replace(ISSUED, ticket=TicketName("OTHER", ("HOST", "x"), 18, None, None))
    (line,) = lines(replace(report, kerberos=(other,)))
    assert line.endswith(", as HOST/x@OTHER: the same ticket under another name")


def test_a_join_by_names_says_so() -> None:
    """One of the two tickets was cut; of a ticket whose name was cut nothing is said."""
    ticket = replace(refused_call().ticket, exchange="krb-2", exchange_by="names")
    call = refused_call(ticket=ticket)
    (line,) = lines(article_report(calls=(call,), kerberos=(replace(ISSUED, path=None, hop=None),)))
    assert line.startswith("novice@child.domainA.COM was, by its names (one of the two is cut), issued in frames")
    nameless = refused_call(ticket=replace(ticket, sname=()))
    assert lines(article_report(calls=(nameless,), kerberos=(ISSUED,))) == []


def test_a_ticket_that_no_exchange_issued() -> None:
    """Said only where a KDC was captured at all."""
    (line, *_) = lines(article_report(kerberos=(replace(ISSUED, id="krb-9"),)))
    assert line.startswith("novice@child.domainA.COM was not issued in this capture")


def test_what_the_connection_of_a_failed_call_was_for() -> None:
    """Only of those that failed."""
    endpoint = replace(ENDPOINT, capture=0, status=0, purpose="objects of class X", source="RemoteGetClassObject")
    stream = replace(full_report().streams[0], id=refused_call().connection, server=SERVER, endpoint="endpoint-1")
    report = article_report(endpoints=(endpoint,), streams=(stream,))
    assert lines(report) == [
        "connection to 10.3.0.33:52042: RemoteGetClassObject (frame 7) had named objects of class X there"
    ]
    assert lines(replace(report, calls=())) == []


def test_connections_to_one_port_are_one_line() -> None:
    """Eighteen of them were told eighteen times; the answers that had named it are listed."""
    calls = tuple(refused_call(id=f"call-{n}", connection=f"tcp-{n}") for n in range(5))
    streams = tuple(replace(full_report().streams[0], id=f"tcp-{n}", endpoint=f"e{n}", server=SERVER) for n in range(5))
    told = replace(ENDPOINT, capture=0, status=0, purpose="samr")
    endpoints = tuple(replace(told, id=f"e{n}", frame=40 + n) for n in range(5))
    assert lines(article_report(calls=calls, streams=streams, endpoints=endpoints)) == [
        "5 connections to 10.3.0.33:52042: ept_map (frames 40, 41, 42 and 2 more) had named samr there"
    ]


def logon(capture: int, request_ns: int) -> object:
    channel = SecureChannel(
        "NetrLogonSamLogonEx", True, True, 752, 80, None, None, None, None, None, None, None, None, None, None, None,
        None, None,
    )  # fmt: skip
    return answered_call(
        id="call-9", capture=capture, client=Host("10.3.0.33", 50021, None), server=Host("10.3.0.10", 49157, None),
        operation="NetrLogonSamLogonEx", secure_channel=channel, request_frames=(13,), reply_frames=(14,),
        request_ns=request_ns, reply_ns=request_ns + 4_000_000,
    )  # fmt: skip


def test_what_the_server_asked_its_domain_controller_before_it_refused() -> None:
    """Between the ticket and the fault, by the clock of the capture that holds it; others are no part of it."""
    refused = refused_call(request_ns=START_NS, reply_ns=LATER_NS)
    between = logon(0, START_NS + 1_000_000_000)
    (line,) = lines(article_report(calls=(refused, between)))
    assert line == (
        "NetrLogonSamLogonEx (sealed) of 10.3.0.33:50021 to 10.3.0.10:49157, frames 13 -> 14, answered after 4 ms: "
        "between the ticket and the answer that refused it (frame 23)"
    )
    assert lines(article_report(calls=(refused, logon(0, START_NS - 1)))) == []
    assert lines(article_report(calls=(refused, logon(1, START_NS + 1_000_000_000)))) == []
    seen = replace(refused, also_seen=(Sighting(1, (12,), START_NS, (15,), LATER_NS),))
    assert len(lines(article_report(calls=(seen, logon(1, START_NS + 1_000_000_000))))) == 1
