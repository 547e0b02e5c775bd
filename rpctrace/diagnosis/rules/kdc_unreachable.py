"""kdc-unreachable: a KDC does not answer on port 88, or refuses the connection.

What it means: without a KDC there are no tickets: logons fail or fall back to NTLM, with what the client still has in
its cache. A firewall, a domain controller that is down or whose Kerberos service is stopped, or an address from DNS
that no domain controller has any more.
How we know: requests over UDP or on an open connection without a reply, SYNs to port 88 without an answer or answered
by a reset, where the capture shows that the other direction was captured too.
What would refute it: an answer of that KDC to the same client a moment later: a datagram was lost, and asked again.
An answer of another KDC means that the client got on; then it is a note.
How to tell it from its neighbours: referral-broken is the KDC of another realm to which the client had been sent;
krb-udp-toobig is one that answers over UDP and not over TCP.
How sure: judgement. One request without a reply may be a lost datagram; several, to every KDC that was asked, are none.
No capture of the lab shows it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping

from rpctrace.correlation.timeline import Position
from rpctrace.diagnosis import kdc, network
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.observed import exchange_items, host_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import Event, EvidenceItem, KerberosExchange

SOON_NS = 60 * NS_PER_SECOND

NOBODY = Clue(0.5, "no KDC answered this client in these captures")
AGAIN = Clue(0.4, "the client asked several times")
WAS_REFUSED = Clue(0.5, "the connection was refused: nothing listens on port 88 there, or a firewall says so")
SENT_ON = Clue(0.6, "a KDC had just sent the client on to another realm: referral-broken says more", against=True)
ANSWERS_OTHERWISE = Clue(0.7, "the same KDC answered the same client at another time or over UDP", against=True)

_Referrals = Mapping[Place, list[KerberosExchange]]


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    silent = [failure for failure in evidence.of(FailureKind.KDC) if _is_silence(evidence, failure.exchange)]
    attempts = list(network.attempts(evidence, network.REFUSED, network.NO_ANSWER, port=kdc.KDC_PORT))
    if not silent and not attempts:
        return
    answered, referrals = _Answered(evidence), _referrals(evidence)
    for failure in silent:
        yield _no_reply(evidence, failure, answered)
    for failure in attempts:
        yield _no_connection(evidence, failure, answered, referrals)


def _is_silence(evidence: Evidence, exchange: KerberosExchange) -> bool:
    unanswered = exchange.error is None and exchange.outcome == "unanswered"
    return unanswered and not kdc.came_by_referral(evidence, exchange)


class _Answered:
    """The exchanges in which clients got an answer of a KDC, be it a refusal."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        self._first: dict[tuple[Place, Place], KerberosExchange] = {}
        # Of each client the two KDCs that answered it last, and when: one of them is not the one compared
        self._last: dict[Place, dict[Place, Position]] = defaultdict(dict)
        replied = [each for each in evidence.report.kerberos if each.reply is not None and each.with_kdc]
        for each in sorted(replied, key=evidence.asked_at):
            at, (client, server) = evidence.asked_at(each), evidence.hosts_of(each)
            self._first.setdefault((client, server), each)
            last = self._last[client]
            last.pop(server, None)
            last[server] = at
            if len(last) > 2:
                del last[next(iter(last))]

    def by(self, record: Event | KerberosExchange) -> KerberosExchange | None:
        """The first answer of the KDC that a client asked, or tried to reach."""
        return self._first.get(self._evidence.hosts_of(record))

    def at_all(self, client: Place) -> bool:
        return client in self._last

    def by_another_later(self, event: Event) -> bool:
        """Whether another KDC answered the client after it had tried this one."""
        (client, server), at = self._evidence.hosts_of(event), self._evidence.seen_at(event)
        return any(answered > at for other, answered in self._last.get(client, {}).items() if other != server)


def _no_reply(evidence: Evidence, failure: Failure, answered: _Answered) -> Hypothesis:
    exchange, settled = kdc.last(evidence, failure), kdc.went_on(evidence, failure)
    sent = sum(1 + len(each.copies) for each in failure.exchanges)
    what = "password service" if exchange.kind == "KPASSWD" else "KDC"
    return Hypothesis(
        failure,
        f"{kdc.capital(kdc.kdc_text(exchange))} did not answer {kdc.client_text(exchange)}, which asked for"
        f" {kdc.sname_text(exchange)} over {kdc.transport_text(exchange)}{settled.text if settled else ''}",
        (*exchange_items(failure.exchange), *((settled.item,) if settled is not None else ())),
        found(
            AGAIN.seen(f"sent {sent} times", exchange.capture, exchange.request_frame) if sent > 1 else None,
            *_clues(evidence, exchange, answered),
            network.ends_soon_after(evidence, exchange),
        ),
        title=f"A {what} does not answer",
        severity="note" if settled is not None else None,
    )


def _referrals(evidence: Evidence) -> _Referrals:
    """Client -> referrals that nothing followed, in order."""
    table: dict[Place, list[KerberosExchange]] = defaultdict(list)
    for failure in evidence.of(FailureKind.PATH):
        for path in failure.paths:
            end = evidence.exchanges.get(path.exchanges[-1])
            if end is not None and end.reply is not None:
                table[evidence.place_of(end, end.client)].append(end)
    for ends in table.values():
        ends.sort(key=evidence.asked_at)
    return table


def _sent_on(evidence: Evidence, event: Event, referrals: _Referrals) -> EvidenceItem | None:
    ends, at = referrals.get(evidence.place_of(event, event.client), []), evidence.seen_at(event)
    before = bisect_left(ends, at, key=evidence.asked_at)
    if not before or at[0] - evidence.asked_at(ends[before - 1])[0] > SOON_NS:
        return None
    end = ends[before - 1]
    return SENT_ON.seen(kdc.hop_item(end).text, end.capture, end.reply_frame)


def _no_connection(
    evidence: Evidence, failure: Failure, answered: _Answered, referrals: _Referrals
) -> Hypothesis:
    event, count = failure.event, network.tries(failure)
    was_refused = event.kind == network.REFUSED
    how = "refused the connection" if was_refused else "did not answer the attempt to connect"
    got_on = answered.by_another_later(max(failure.events, key=evidence.seen_at))
    return Hypothesis(
        failure,
        f"{host_text(event.server)} {how} of {event.client.address} to port {kdc.KDC_PORT}"
        f"{'; another KDC answered the client later' if got_on else ''}",
        network.event_items(failure),
        found(
            WAS_REFUSED.seen(event.text, event.capture, min(event.frames, default=None)) if was_refused else None,
            AGAIN.seen(f"tried {count} times", event.capture, max(event.frames, default=None))
            if count >= network.TRIES else None,
            *_clues(evidence, event, answered),
            _sent_on(evidence, event, referrals),
            network.ends_soon(evidence, event) if not was_refused else None,
        ),
        severity="note" if got_on else None,
    )  # fmt: skip


def _clues(evidence: Evidence, record: Event | KerberosExchange, answered: _Answered) -> Iterator[EvidenceItem]:
    client, same = record.client.address, answered.by(record)
    if same is not None:
        text = f"{kdc.kdc_text(same)} answered {client} over {kdc.transport_text(same)}"
        yield ANSWERS_OTHERWISE.seen(text, same.capture, same.reply_frame)
    elif not answered.at_all(evidence.place_of(record, record.client)):
        yield NOBODY.seen(f"no answer of any KDC to {client}", record.capture)


RULE = Rule(
    name="kdc-unreachable",
    title="A KDC cannot be reached on port 88",
    documentation=__doc__,
    severity="high",
    base=0.5,
    requires=("a request to a KDC without a reply, or a connection to port 88 that was refused or not answered",),
    find=find,
    clues=(NOBODY, AGAIN, WAS_REFUSED, SENT_ON, ANSWERS_OTHERWISE, network.ENDS_SOON),
    next_steps=(
        "See which domain controller the client finds: nltest /dsgetdc:<domain> /force /kdc.",
        "Try the port: Test-NetConnection <domain controller> -Port 88, and portqry -n <domain controller> -p udp "
        "-e 88.",
        "On the domain controller see that the Kerberos service runs: sc query kdc.",
        "See what DNS hands out: nslookup -type=srv _kerberos._tcp.dc._msdcs.<domain>; remove records of domain "
        "controllers that are gone.",
    ),
    references=("RFC 4120 7.2.1", "RFC 4120 7.2.2", "[MS-KILE] 2.1"),
)
