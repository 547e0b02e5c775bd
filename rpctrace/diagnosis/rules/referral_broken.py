"""referral-broken: the way over the trusts stops, because the client did not reach a KDC of the next realm.

What it means: a KDC sent the client on to another realm with a ticket for its KDC. The client must find a KDC there by
DNS and ask it; it did not, or got no answer. Firewalls between the client and the domain controllers of the other
forest, and name servers that do not forward its names, do this. Applications then go on with NTLM, or fail.
How we know: the referral is clear text (a ticket for krbtgt of another realm). That nothing followed counts only where
the capture went on long enough and shows what else the client did.
What would refute it: an exchange with a KDC of that realm. A capture that was taken at the first KDC does not show the
client's other traffic, and one that ends with the referral shows nothing of what came after it.
How to tell it from its neighbours: spn-unknown is a path at whose end a KDC says that it does not know the service;
kdc-unreachable is the KDC of the client's own realm.
How sure: judgement. An unanswered request or a failed connection to port 88 right after the referral speaks for itself;
silence alone may be a ticket that somebody fetched to look at it. No capture of the lab shows it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Set

from rpctrace.correlation.paths import other_realm
from rpctrace.diagnosis import kdc, network
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import exchange_items, host_text
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found
from rpctrace.diagnosis.ticket_uses import Place, folded_names
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Authentication, Call, Event, EvidenceItem, KerberosExchange, ReferralPath, Stream

NO_REPLY = Clue(0.6, "a KDC of the next realm was asked and did not answer")
NO_CONNECTION = Clue(0.7, "right after the referral a connection to port 88 of another host failed")
NTLM_AFTER = Clue(0.4, "the client went on with NTLM")
WENT_ON = Clue(0.2, "the client did other things afterwards, and asked no KDC of the next realm")
AT_THE_KDC = Ceiling(
    0.3,
    "of the client, only its talk with the first KDC was captured",
    "a capture taken on the client, with its DNS queries and its traffic to the other realm",
)
NO_DNS = "the client's DNS queries for _kerberos._tcp.dc._msdcs.<realm> and their answers (they are not read here)"
SOON_NS = 60 * NS_PER_SECOND


class _Traffic(NamedTuple):
    """What a client did: failed connections to port 88 in order, and every other host that it talked to."""

    attempts: list[Event]
    servers: set[Place]
    ntlm: list[Authentication | Call]


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    paths = [failure for failure in evidence.of(FailureKind.PATH) if _stops(evidence, failure.path)]
    clients = frozenset(evidence.place_of(failure.path, failure.path.client) for failure in paths)
    traffic = _traffic(evidence, clients) if paths else {}
    issued = _issued(evidence) if paths else set()
    for failure in paths:
        path = failure.path
        end = evidence.exchanges[path.exchanges[-1]]
        place = evidence.place_of(path, path.client)
        client = traffic.get(place, _Traffic([], set(), []))
        elsewhere = client.servers - {evidence.place_of(end, end.server)}
        later = (place, folded_names(path.sname)) in issued
        yield Hypothesis(
            failure,
            f"{kdc.capital(kdc.client_text(end))} was sent from {' over '.join(_before(path, end))} to"
            f" {_next_realm(end)} for {kdc.sname_text(end)}, and {_how(end)}"
            f"{'; on another way it got the ticket' if later else ''}",
            (*kdc.path_items(evidence, end), *exchange_items(end)),
            found(*_clues(evidence, end, client), network.ends_soon_after(evidence, end)),
            () if elsewhere or end.outcome == "unanswered" else (AT_THE_KDC,),
            (NO_DNS,),
            severity="note" if later else None,
        )


def _stops(evidence: Evidence, path: ReferralPath) -> bool:
    """Whether a path ends behind a referral: with no answer, or with a referral that nobody followed."""
    end = evidence.exchanges.get(path.exchanges[-1])
    if end is None:
        return False
    if path.outcome == "unanswered":
        return kdc.came_by_referral(evidence, end)
    return end.reply is not None and _next_realm(end) is not None


def _next_realm(end: KerberosExchange) -> str | None:
    if end.outcome == "unanswered":
        return end.realm
    return other_realm(end.ticket) or end.referral_to


def _before(path: ReferralPath, end: KerberosExchange) -> tuple[str, ...]:
    realms = path.realms[:-1] if end.outcome == "unanswered" else path.realms
    return realms or ("another realm",)


def _how(end: KerberosExchange) -> str:
    if end.outcome == "unanswered":
        return f"{host_text(end.server)} did not answer"
    return "asked no KDC there"


def _traffic(evidence: Evidence, clients: Set[Place]) -> Mapping[Place, _Traffic]:
    """Of these clients alone: a table of all takes as much as the rest of the evidence."""
    report = evidence.report
    table: dict[Place, _Traffic] = defaultdict(lambda: _Traffic([], set(), []))
    for event in report.events:
        client, server = evidence.hosts_of(event)
        if client not in clients:
            continue
        known = table[client]
        known.servers.add(server)
        if event.server.port == kdc.KDC_PORT and event.kind in (network.REFUSED, network.NO_ANSWER):
            known.attempts.append(event)
    talks: tuple[Stream | Authentication | KerberosExchange, ...]
    talks = (*report.streams, *report.authentications, *report.kerberos)
    for each in talks:
        client, server = evidence.hosts_of(each)
        if client in clients:
            table[client].servers.add(server)
    logons: tuple[Authentication | Call, ...] = (*report.authentications, *report.calls)
    for said in logons:
        after = said.after_error if isinstance(said, Authentication) else said.auth.after_error if said.auth else None
        if (after is not None or _is_ntlm(said)) and evidence.place_of(said, said.client) in clients:
            table[evidence.place_of(said, said.client)].ntlm.append(said)
    for known in table.values():
        known.attempts.sort(key=evidence.seen_at)
        known.ntlm.sort(key=evidence.asked_at)
    return table


def _is_ntlm(said: Authentication | Call) -> bool:
    if isinstance(said, Authentication):
        return said.mechanism == "ntlm"
    return said.kind == "bind" and said.auth is not None and said.auth.mechanism == "ntlm"


def _clues(evidence: Evidence, end: KerberosExchange, client: _Traffic) -> Iterator[EvidenceItem | None]:
    at, server = evidence.answered_at(end) or evidence.asked_at(end), evidence.place_of(end, end.server)
    if end.outcome == "unanswered":
        yield NO_REPLY.seen(f"{host_text(end.server)} did not answer", end.capture, end.request_frame)
    first = bisect_left(client.attempts, at, key=evidence.seen_at)
    for event in client.attempts[first : first + 1]:
        if evidence.place_of(event, event.server) != server and evidence.seen_at(event)[0] - at[0] <= SOON_NS:
            text = f"{event.text}: {event.client.address} to {host_text(event.server)} port {kdc.KDC_PORT}"
            yield NO_CONNECTION.seen(text, event.capture, min(event.frames, default=None))
    first = bisect_left(client.ntlm, at, key=evidence.asked_at)
    for said in client.ntlm[first : first + 1]:
        if evidence.asked_at(said)[0] - at[0] <= SOON_NS:
            frame = said.request_frame if isinstance(said, Authentication) else next(iter(said.request_frames), None)
            yield NTLM_AFTER.seen(f"NTLM to {said.server.address}", said.capture, frame)
    if client.servers - {server} and network.ends_soon_after(evidence, end) is None:
        yield WENT_ON.seen("the capture shows other traffic of the client", end.capture, end.reply_frame)


def _issued(evidence: Evidence) -> set[tuple[Place, tuple[str, ...]]]:
    """Client and service for which a path led to the ticket."""
    paths = evidence.report.referral_paths
    return {
        (evidence.place_of(path, path.client), folded_names(path.sname)) for path in paths if path.outcome == "issued"
    }


RULE = Rule(
    name="referral-broken",
    title="The referral path stops: no KDC of the next realm was reached",
    documentation=__doc__,
    severity="medium",
    base=0.4,
    requires=("a referral to another realm, and after it a request without a reply, or none at all",),
    find=find,
    clues=(NO_REPLY, NO_CONNECTION, NTLM_AFTER, WENT_ON, network.ENDS_SOON),
    ceilings=(AT_THE_KDC,),
    next_steps=(
        "See whether the client finds a KDC of that realm: nltest /dsgetdc:<realm> /force /kdc, and nslookup -type=srv "
        "_kerberos._tcp.dc._msdcs.<realm>.",
        "Let DNS forward the names of the other forest: a conditional forwarder or a stub zone.",
        "Open UDP and TCP 88, 389 and 53 from the clients to the domain controllers of every realm of the path.",
        "Try it alone: klist purge, then klist get <service>/<host>.",
    ),
    references=("RFC 6806 8", "RFC 4120 1.2", "[MS-KILE] 3.3.5.7"),
)
