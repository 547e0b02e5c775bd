"""krb-udp-toobig: the KDC's answer does not fit UDP, and over TCP none came.

What it means: a ticket with many groups is larger than a datagram may be. The KDC then answers KRB_ERR_RESPONSE_TOO_BIG
and the client must ask over TCP. That is ordinary; where TCP port 88 is closed between the two, it is the end.
How we know: the error 52 is clear text, and after it no KDC of that realm answered the client over TCP in the capture.
Attempts to connect to port 88 that were refused or not answered prove the rest.
What would refute it: an answer over TCP, or over UDP to a smaller request.
How to tell it from its neighbours: kdc-unreachable is a KDC that does not answer over UDP either. Error 52 with an
answer over TCP behind it is no failure and gives no finding.
How sure: judgement: half without more, since a capture filter that lets UDP alone pass looks the same. No capture of
the lab shows it; in all of them TCP follows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rpctrace.diagnosis import kdc, network
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import host_text
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.report import RESPONSE_TOO_BIG, Authentication, Event, EvidenceItem, KerberosExchange, Stream

CONNECTION_FAILED = Clue(0.8, "the client's connection to TCP port 88 was refused or not answered")
NO_REPLY = Clue(0.6, "the client asked over TCP, and got no reply")
ASKED_AGAIN = Clue(0.2, "the client asked over UDP again")
NO_TCP_SEEN = Ceiling(
    0.45,
    "nothing that the client did over TCP was captured: a filter may have left it out",
    "a capture without a filter on UDP",
)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    failures = list(kdc.refusals(evidence, RESPONSE_TOO_BIG))
    failed = _failed_connections(evidence) if failures else {}
    waiting = _waiting_over_tcp(evidence) if failures else {}
    seen = _clients_over_tcp(evidence) if failures else frozenset()
    for failure in failures:
        exchange = kdc.last(evidence, failure)
        client, kdc_asked = evidence.hosts_of(exchange)
        clues = found(
            _connection_clue(failed.get((client, kdc_asked)) or failed.get((client, None))),
            _reply_clue(waiting.get(client)),
            ASKED_AGAIN.seen(f"asked {failure.count} times over UDP", exchange.capture, exchange.request_frame)
            if failure.count > 1 else None,
            network.ends_soon_after(evidence, exchange),
        )  # fmt: skip
        yield Hypothesis(
            failure,
            f"{kdc.capital(kdc.kdc_text(exchange))} told {kdc.client_text(exchange)} that the answer for"
            f" {kdc.sname_text(exchange)} does not fit UDP; over TCP no KDC of the realm answered it",
            kdc.refusal_items(evidence, failure),
            clues,
            () if client in seen else (NO_TCP_SEEN,),
        )


def _failed_connections(evidence: Evidence) -> Mapping[tuple[Place, Place | None], Event]:
    """Client and KDC, and client alone -> its connection to port 88 that failed."""
    failed: dict[tuple[Place, Place | None], Event] = {}
    for failure in network.attempts(evidence, network.REFUSED, network.NO_ANSWER, port=kdc.KDC_PORT):
        event = failure.event
        client, server = evidence.hosts_of(event)
        failed.setdefault((client, server), event)
        failed.setdefault((client, None), event)
    return failed


def _waiting_over_tcp(evidence: Evidence) -> Mapping[Place, KerberosExchange]:
    return {
        evidence.place_of(each, each.client): each
        for each in evidence.report.kerberos
        if each.carried_in == "kdc_tcp" and each.outcome == "unanswered"
    }


def _clients_over_tcp(evidence: Evidence) -> frozenset[Place]:
    """Clients of which something over TCP was captured."""
    report = evidence.report
    over_tcp: list[Stream | Event | Authentication | KerberosExchange] = [*report.events, *report.authentications]
    over_tcp += [each for each in report.streams if each.transport == "ncacn_ip_tcp"]
    over_tcp += [each for each in report.kerberos if each.carried_in == "kdc_tcp"]
    return frozenset(evidence.place_of(each, each.client) for each in over_tcp)


def _connection_clue(event: Event | None) -> EvidenceItem | None:
    if event is None:
        return None
    text = f"{event.text}: {event.client.address} to {host_text(event.server)} port {kdc.KDC_PORT}"
    return CONNECTION_FAILED.seen(text, event.capture, min(event.frames, default=None))


def _reply_clue(exchange: KerberosExchange | None) -> EvidenceItem | None:
    if exchange is None:
        return None
    return NO_REPLY.seen(f"asked over TCP at {host_text(exchange.server)}", exchange.capture, exchange.request_frame)


RULE = Rule(
    name="krb-udp-toobig",
    title="The KDC's answer does not fit UDP, and TCP port 88 does not work",
    documentation=__doc__,
    severity="high",
    base=0.5,
    requires=("KRB_ERR_RESPONSE_TOO_BIG (52) over UDP, and no answer of a KDC of that realm over TCP after it",),
    find=find,
    clues=(CONNECTION_FAILED, NO_REPLY, ASKED_AGAIN, network.ENDS_SOON),
    ceilings=(NO_TCP_SEEN,),
    next_steps=(
        "Try the port: Test-NetConnection <domain controller> -Port 88; open TCP 88 beside UDP 88 in every firewall "
        "between the two.",
        "Let the client ask over TCP at once: REG_DWORD MaxPacketSize = 1 under "
        "HKLM\\SYSTEM\\CurrentControlSet\\Control\\Lsa\\Kerberos\\Parameters (KB244474).",
        "See how large the tickets are: the user's groups, whoami /groups.",
    ),
    references=("RFC 4120 7.2.1", "[MS-KILE] 2.1", "KB244474"),
)
