"""Report -> what stands in a copy of the capture: a comment for each evidence frame, and which frames are evidence.

The comments are a colleague's way through the capture: what the frame shows, of which finding, and how sure that is.
The minimal capture holds the failed calls, the legs of their security contexts, the exchanges that issued their
tickets, what makes a finding less grave than it would be, what shows that a server's own talk was captured, and what
other frames the findings name.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import replace

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.recovery import Success, successes_beside
from rpctrace.encoding.text import safe_text
from rpctrace.network.flow import Endpoint
from rpctrace.record import record
from rpctrace.report import RESPONSE_TOO_BIG, Authentication, Call, Event, Finding, KerberosExchange, Report

MAXIMUM_COMMENTS_OF_A_FRAME = 8
LEGS_BEFORE = 16  # of one security context: more than any mechanism has; and of all others of a connection
_OTHERS = "others"  # security contexts than those of the calls that are wanted

Channel = tuple[str, Endpoint]  # the client's address, the server
Ends = tuple[Endpoint, Endpoint]  # of a connection, lower first: as in the flow of a segment


@record
class Extract:
    """What the evidence of one capture is.

    `connections`: those whose handshakes belong to it. `whole`: those of them of which more is needed than the evidence
    names, kept up to a bound: with authentications outside RPC (of which not every leg is known), and those to which
    something happened. `channels`: between whom RPC over HTTP went in the calls of the findings: its two connections
    are not told apart, and what a proxy and a server say to each other on them belongs to every call. `waiting`:
    addresses of clients that got no answer; that they would have heard one, and how long they waited, other frames
    show.
    """

    frames: frozenset[int]
    connections: frozenset[Ends]
    whole: frozenset[Ends]
    channels: frozenset[Channel]
    waiting: frozenset[str] = frozenset()


def comments_of(report: Report, capture: int) -> Mapping[int, tuple[str, ...]]:
    """Frame -> comments, for the findings above notes."""
    found: dict[int, dict[str, None]] = defaultdict(dict)
    for finding in _told(report):
        judged = f"{finding.rule}, {finding.severity}, {finding.confidence:.2f}"
        named: set[int | None] = set()
        for item in finding.evidence:
            if item.capture == capture and item.frame is not None:
                named.add(item.frame)
                side = "" if item.supports else "against: "
                found[item.frame][f"rpctrace [{judged}] {side}{safe_text(item.text)}"] = None
        for frame in finding.frames if finding.capture == capture else ():
            if frame not in named:
                found[frame][f"rpctrace [{judged}] {safe_text(finding.title)}"] = None
    return {frame: tuple(texts)[:MAXIMUM_COMMENTS_OF_A_FRAME] for frame, texts in sorted(found.items())}


def extract_of(report: Report, capture: int) -> Extract:
    """Every frame that somebody needs who is to understand the findings, and the connections that these lie in."""
    shown = _shown(report, capture)
    named = shown.union(*(finding.frames for finding in _told(report) if finding.capture == capture))
    calls = _with_connections(report, capture, _calls(report, capture, shown))
    exchanges = _exchanges(report, capture, shown, calls)
    authentications = _authentications(report, capture, shown)
    kept = {each.id for records in (calls, exchanges, authentications) for each in records}
    beside = _beside(report, capture, kept)
    calls += _with_connections(report, capture, [each for each in beside if isinstance(each, Call)])
    exchanges += (each for each in beside if isinstance(each, KerberosExchange))
    authentications += (each for each in beside if isinstance(each, Authentication))
    events = [each for each in report.events if each.capture == capture and not named.isdisjoint(each.frames)]
    frames = set(named)
    said: tuple[Success, ...] = (*calls, *exchanges, *authentications)
    for each in said:
        frames.update(_frames(each))
    for event in events:
        frames.update(event.frames)
    whole = frozenset(_ends((*authentications, *events)))
    over_http = ((call.client, call.server) for call in calls if call.transport == "ncacn_http")
    return Extract(
        frames=frozenset(frames),
        connections=whole.union(_ends((*calls, *exchanges))),
        whole=whole,
        channels=frozenset((client.address, Endpoint(server.address, server.port)) for client, server in over_http),
        waiting=frozenset(_waiting(calls, exchanges, events)),
    )


def _told(report: Report) -> Iterator[Finding]:
    return (finding for finding in report.findings if finding.severity != "note")


def _shown(report: Report, capture: int) -> frozenset[int]:
    """Frames that pieces of evidence name."""
    items = (item for finding in _told(report) for item in finding.evidence if item.capture == capture)
    return frozenset(item.frame for item in items if item.frame is not None)


def _calls(report: Report, capture: int, shown: frozenset[int]) -> list[Call]:
    """The calls of the findings, and those in which frames of the evidence are."""
    wanted = {identity for finding in _told(report) for identity in finding.calls}
    return [
        call
        for call in report.calls
        if call.capture == capture and (call.id in wanted or not shown.isdisjoint(_frames(call)))
    ]


def _with_connections(report: Report, capture: int, named: list[Call]) -> list[Call]:
    """The calls, and what their connections said that they are to be understood from."""
    wanted = {call.id for call in named}
    connections: dict[str, list[Call]] = {call.connection: [] for call in named}
    for call in report.calls:
        if call.capture == capture and call.connection in connections:
            connections[call.connection].append(call)
    return [*named, *(each for calls in connections.values() for each in _understood_from(calls, wanted))]


def _understood_from(calls: list[Call], wanted: Set[str]) -> Iterator[Call]:
    """Of one connection's calls, in order: the legs of the security contexts of those that are wanted, and of the other
    contexts before them; and before what failed first in a context, the last request of the connection and of that
    context which was answered. That a context was never set up is seen where nothing is missing before it."""
    contexts = {_context(call) for call in calls if call.id in wanted}
    last = max(at for at, call in enumerate(calls) if call.id in wanted)
    legs: dict[int | str | None, int] = defaultdict(int)
    answered: dict[int | str | None, Call] = {}
    judged: set[int | None] = set()
    for at, call in enumerate(calls):
        context = _context(call)
        if call.id in wanted and call.failed and context not in judged:
            judged.add(context)
            yield from (answered[each] for each in (_OTHERS, context) if each in answered)
            if call.kind == "request" and call.auth is not None and not legs[context] and at <= LEGS_BEFORE:
                yield from calls[:at]
        if call.kind != "request":
            whose = context if context in contexts else _OTHERS
            if legs[whose] < LEGS_BEFORE and (whose != _OTHERS or at < last):
                legs[whose] += 1
                yield call
        elif call.outcome == "answered":
            answered[_OTHERS] = answered[context] = call


def _context(call: Call) -> int | None:
    return call.auth.context_id if call.auth is not None else None


def _beside(report: Report, capture: int, kept: Set[str]) -> list[Success]:
    """What makes failures among the kept records less grave than they would be; and where a ticket was refused, that
    the server's secure channel was captured: that nothing went over it meanwhile tells something."""
    told = [finding for finding in _told(report) if finding.severity != "low"]
    grave = {identity for finding in told for identity in (*finding.calls, *finding.concerns)}
    evidence = Evidence(report)
    found: list[Success] = []
    for failure in evidence.failures:
        calls = tuple(each for each in failure.calls if each.id in kept)
        exchanges = tuple(each for each in failure.exchanges if each.id in kept)
        authentications = tuple(each for each in failure.authentications if each.id in kept)
        concerned = {each.id for records in (calls, exchanges, authentications) for each in records}
        if concerned and grave.isdisjoint(concerned):
            part = replace(failure, calls=calls, exchanges=exchanges, authentications=authentications)
            found += successes_beside(evidence, part)
        refused: list[Call | Authentication] = [*calls[:1], *authentications[:1]]
        channels = (evidence.secure_channel_of(each.server.address, each.capture) for each in refused if each.ticket)
        found += (channel for channel in channels if channel is not None)
    return [each for each in found if each.capture == capture and each.id not in kept]


def _exchanges(report: Report, capture: int, shown: frozenset[int], calls: Iterable[Call]) -> list[KerberosExchange]:
    """Those that the findings are about, those that issued the tickets of their calls, those in which frames of the
    evidence are; and every hop of a path that one of them is on."""
    wanted = {identity for finding in _told(report) for identity in finding.concerns}
    wanted |= {call.ticket.exchange for call in calls if call.ticket and call.ticket.exchange}
    here = [each for each in report.kerberos if each.capture == capture]
    named = {each.id for each in here if each.id in wanted or not shown.isdisjoint(_frames(each))}
    for path in report.referral_paths:
        if path.id in wanted or not named.isdisjoint(path.exchanges):
            named.update(path.exchanges)
    named.update(list(_over_tcp(here, named)))
    return [each for each in here if each.id in named]


def _over_tcp(exchanges: Iterable[KerberosExchange], named: Set[str]) -> Iterator[str]:
    """Where an answer did not fit UDP, the exchange over TCP that brought it: without it nobody seems to have."""
    awaited: set[tuple[str, str]] = set()
    for each in exchanges:
        who = each.client.address, (each.realm or "").casefold()
        if each.id in named and each.carried_in == "kdc_udp" and each.error == RESPONSE_TOO_BIG:
            awaited.add(who)
        elif who in awaited and each.carried_in == "kdc_tcp" and each.reply is not None:
            awaited.remove(who)
            yield each.id


def _authentications(report: Report, capture: int, shown: frozenset[int]) -> list[Authentication]:
    """Those that findings are about, and what the same two ends said to each other in that way before and after."""
    wanted = {identity for finding in _told(report) for identity in finding.concerns}
    here = [each for each in report.authentications if each.capture == capture]
    named = [each for each in here if each.id in wanted or not shown.isdisjoint(_frames(each))]
    between = {(each.client.address, each.server.address, each.carried_in) for each in named}
    return [each for each in here if (each.client.address, each.server.address, each.carried_in) in between]


def _frames(said: Success) -> tuple[int, ...]:
    return (*said.request_frames, *said.reply_frames)


def _waiting(calls: Iterable[Call], exchanges: Iterable[KerberosExchange], events: Iterable[Event]) -> Iterator[str]:
    yield from (each.client.address for each in calls if each.outcome == "unanswered")
    yield from (each.client.address for each in exchanges if each.outcome == "unanswered")
    yield from (each.client.address for each in events if each.kind == "no_answer")


def _ends(records: Iterable[Call | KerberosExchange | Authentication | Event]) -> Iterator[Ends]:
    for each in records:
        low, high = sorted(Endpoint(host.address, host.port) for host in (each.client, each.server))
        yield low, high
