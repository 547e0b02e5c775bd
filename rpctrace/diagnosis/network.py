"""What the rules about the network share: connections that were not made, or broke, and who was heard meanwhile."""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping

from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.observed import host_text
from rpctrace.diagnosis.rule import Clue, required
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import Call, Endpoint, Event, EvidenceItem, KerberosExchange, Stream

REFUSED, NO_ANSWER, RESET, RETRANSMITTED, IDLE = "refused", "no_answer", "reset", "retransmitted", "idle"
TRIES = 2  # SYNs of one attempt: one alone may have been lost
ENOUGH_NS = 5 * NS_PER_SECOND  # after it clients of Kerberos and RPC have asked again, or gone to another server
ENDS_SOON = Clue(0.8, "the capture ends before the client could try again", against=True)


def attempts(evidence: Evidence, *kinds: str, port: int | None = None) -> Iterator[Failure]:
    """Failures of connections of these kinds, to this port if one is given."""
    for failure in evidence.of(FailureKind.CONNECTION):
        if failure.event.kind in kinds and port in (None, failure.event.server.port):
            yield failure


def tries(failure: Failure) -> int:
    """How often the client tried."""
    return sum(event.count for event in failure.events)


def event_items(failure: Failure) -> tuple[EvidenceItem, ...]:
    """What was seen of the connections, each with its first frame."""
    return tuple(
        required(
            f"{event.text}: {event.client.address} to {host_text(event.server)} port {event.server.port},"
            f" {event.count} {'times' if event.count > 1 else 'time'}",
            event.capture, min(event.frames, default=None),
        )
        for event in failure.events
    )  # fmt: skip


def ends_soon(evidence: Evidence, event: Event) -> EvidenceItem | None:
    """Whether the capture holds too little after the event to say that nothing followed."""
    end_ns = evidence.end_ns(event.capture)
    if end_ns is None or event.last_ns is None or end_ns - event.last_ns >= ENOUGH_NS:
        return None
    left = (end_ns - event.last_ns) / NS_PER_SECOND
    return ENDS_SOON.seen(f"the capture ends {left:.1f} s later", event.capture, max(event.frames, default=None))


def ends_soon_after(evidence: Evidence, exchange: KerberosExchange) -> EvidenceItem | None:
    """The same, of an exchange."""
    remaining = evidence.remaining_ns(exchange)
    if remaining is None or remaining >= ENOUGH_NS:
        return None
    frame = exchange.reply_frame if exchange.reply_frame is not None else exchange.request_frame
    return ENDS_SOON.seen(f"the capture ends {remaining / NS_PER_SECOND:.1f} s later", exchange.capture, frame)


def told_item(endpoint: Endpoint) -> EvidenceItem:
    """The answer that had named the port."""
    name = endpoint.interface_name or endpoint.interface_uuid or endpoint.purpose or "an object"
    where = f"{endpoint.server or endpoint.teller} port {endpoint.port}"
    return required(f"{endpoint.source} of {endpoint.teller} told {where} for {name}", endpoint.capture, endpoint.frame)


def is_elsewhere(event: Event, endpoint: Endpoint, evidence: Evidence) -> bool:
    """Whether the answer sent the client to another host than the one that gave it."""
    return evidence.host(event.server.address) != evidence.host(endpoint.teller)


def connected_to(evidence: Evidence) -> Mapping[Hashable, Stream]:
    """Client and server of an event, as `hosts_of` has them, with and without the server's port -> the first connection
    that was made and carried RPC."""
    made: dict[Hashable, Stream] = {}
    between = (each for each in evidence.report.streams if evidence.hosts_of(each) in evidence.in_trouble)
    for each in sorted(between, key=evidence.began_at):
        pair = evidence.hosts_of(each)
        made.setdefault(pair, each)
        made.setdefault((*pair, each.server.port), each)
    return made


def ends_key(record: Event | Call | Stream) -> Hashable:
    """Both ends of a connection with their ports."""
    client, server = record.client, record.server
    return record.capture, client.address, client.port, server.address, server.port
