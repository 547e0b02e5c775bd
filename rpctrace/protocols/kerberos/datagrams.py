"""Kerberos over UDP: datagrams of all clients and servers -> exchanges with their ends.

A datagram with the same octets as one that is open is the same request sent again. A reply may be captured shortly
before its request (several queues, several interfaces): one that answers nothing waits a moment for it. What is open is
bounded in number and in age; both bounds give out what they close.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence

from rpctrace.encoding.digests import blake2b
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.errors import ParseError
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.flow import Endpoint, Flow, Segment, Transport
from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.kerberos.exchange import (
    KdcExchange,
    KdcOutcome,
    Pairing,
    Request,
    answers,
    kind_of,
    names_agree,
    parse_exchanged,
)
from rpctrace.protocols.kerberos.kdc_messages import KdcRep, KdcReq
from rpctrace.protocols.kerberos.kpasswd import KpasswdRep, KpasswdReq
from rpctrace.protocols.kerberos.messages import KrbError
from rpctrace.protocols.kerberos.recognition import is_kerberos_datagram
from rpctrace.stream.stream import Direction

MAXIMUM_PAIRS_OF_ENDS = 16_384
MAXIMUM_SERVERS_HEARD = 4_096
MAXIMUM_IDLE_NS = 120 * NS_PER_SECOND  # clients give up within half a minute
REORDERING_NS = 10_000_000  # how far the order of a capture may be from that of the wire
MAXIMUM_EARLY_REPLIES = 8  # between two ends
REPLY_FIRST = "the reply was captured before the request"
_DIGEST_OCTETS = 16
RECENT_DATAGRAMS = 16  # between two ends


class DatagramExchange(NamedTuple):
    """An exchange over UDP and its ends; `client` is the one that sent the request. `tunnel` as in `Flow`."""

    client: Endpoint
    server: Endpoint
    tunnel: tuple[int, ...]
    exchange: KdcExchange


class _Ends:
    """What is open between two ends, and the digests of their last datagrams: late copies of those are no news."""

    __slots__ = ("early", "last_ns", "pairing", "recent")

    def __init__(self, limits: dict[str, int]) -> None:
        self.pairing = Pairing("kdc_udp", limits)
        self.recent: deque[tuple[bytes, Direction]] = deque(maxlen=RECENT_DATAGRAMS)
        self.early: list[KdcExchange] = []  # replies that answer nothing so far
        self.last_ns: int | None = None

    def wait(self, reply: KdcExchange) -> list[KdcExchange]:
        """A reply waits for its request; the one that is given out for it, when there are too many."""
        self.early.append(reply)
        return [self.early.pop(0)] if len(self.early) > MAXIMUM_EARLY_REPLIES else []

    def too_late(self, now_ns: int | None) -> list[KdcExchange]:
        """The replies whose request does not come any more."""
        told: list[KdcExchange] = []
        while self.early and (now_ns is None or now_ns - _reply_ns(self.early[0]) > REORDERING_NS):
            told.append(self.early.pop(0))
        return told

    def answered_before(self, request: Request, direction: Direction) -> list[KdcExchange]:
        """The exchange of a request whose reply came first."""
        for each in self.early:
            reply, seen = each.reply, each.reply_seen
            if reply is None or seen is None or each.client_direction != direction:
                continue
            if answers(reply, kind_of(request)) and names_agree(request, reply):
                self.early.remove(each)
                paired = self.pairing.reply(reply, 0 if direction else 1, seen)
                return [paired._replace(notes=(*paired.notes, REPLY_FIRST))]
        return []


class KdcDatagrams:
    """All datagrams of a capture. `limits` counts the bounds reached, `late_copies` datagrams of an exchange that was
    given out already."""

    def __init__(
        self,
        problems: Problems,
        *,
        maximum_pairs_of_ends: int = MAXIMUM_PAIRS_OF_ENDS,
        maximum_idle_ns: int = MAXIMUM_IDLE_NS,
    ) -> None:
        self._problems = problems
        self._maximum_pairs_of_ends = maximum_pairs_of_ends
        self._maximum_idle_ns = maximum_idle_ns
        self._ends: OrderedDict[Flow, _Ends] = OrderedDict()  # the longest untouched first
        self._heard: set[Endpoint] = set()
        self.limits: dict[str, int] = {}
        self.late_copies = 0

    def feed(self, segment: Segment) -> Sequence[DatagramExchange]:
        """One datagram; others than Kerberos on its ports say nothing."""
        source, destination, payload = segment.source, segment.destination, segment.payload
        if segment.transport is not Transport.UDP or not is_kerberos_datagram(payload, source.port, destination.port):
            return ()
        told = self._expired(segment.timestamp_ns)
        flow = segment.flow
        ends = self._ends.get(flow)
        if ends is None:
            told += self._made_room()
            ends = self._ends[flow] = _Ends(self.limits)
        self._ends.move_to_end(flow)
        ends.last_ns = segment.timestamp_ns
        return told + [_with_ends(flow, each) for each in self._take(ends, 0 if source == flow.low else 1, segment)]

    def _take(self, ends: _Ends, direction: Direction, segment: Segment) -> list[KdcExchange]:
        payload = segment.payload
        seen = Provenance((segment.frame_number,), segment.timestamp_ns, 0)
        digest = blake2b(payload, digest_size=_DIGEST_OCTETS).digest()
        is_open = ends.pairing.copy_of(digest, direction)
        if is_open is not None:
            ends.pairing.copied(is_open, seen)
            return []
        is_whole = len(payload) == segment.length_octets
        if is_whole and (digest, direction) in ends.recent:
            self.late_copies += 1
            return []
        ends.recent.append((digest, direction))
        try:
            message = parse_exchanged(payload)
        except ParseError as error:
            if is_whole:
                self._problems.add(error, segment.frame_number)
            return []
        if message.problem is not None and is_whole:  # of a datagram that the snapshot length cut it is no fault
            self._problems.add(message.problem, segment.frame_number)
        told = ends.too_late(segment.timestamp_ns)
        if isinstance(message, KdcReq | KpasswdReq):
            told += ends.pairing.request(message, direction, seen, digest=digest)
            told += ends.answered_before(message, direction)
        elif isinstance(message, KdcRep | KrbError | KpasswdRep):
            self._hear(segment.source)
            exchange = ends.pairing.reply(message, direction, seen)
            told += [exchange] if exchange.request is not None else ends.wait(exchange)
        return told

    def close(self) -> Sequence[DatagramExchange]:
        """The capture is at its end: requests without a reply and replies without a request, in order of frames."""
        told = [each for flow, ends in self._ends.items() for each in self._given_out(flow, ends)]
        self._ends.clear()
        return sorted(told, key=_first_frame)

    def _hear(self, server: Endpoint) -> None:
        if len(self._heard) < MAXIMUM_SERVERS_HEARD:
            self._heard.add(server)
        elif server not in self._heard:
            self._reach("servers_heard")

    def _expired(self, now_ns: int | None) -> list[DatagramExchange]:
        """The requests of ends that have been silent for too long."""
        told: list[DatagramExchange] = []
        while self._ends and now_ns is not None:
            flow, ends = next(iter(self._ends.items()))
            if ends.last_ns is None or now_ns - ends.last_ns <= self._maximum_idle_ns:
                break
            del self._ends[flow]
            told += self._given_out(flow, ends)
        return told

    def _made_room(self) -> list[DatagramExchange]:
        if len(self._ends) < self._maximum_pairs_of_ends:
            return []
        flow, ends = self._ends.popitem(last=False)
        if ends.pairing.open:
            self._reach("pairs_of_ends")
        return [_with_ends(flow, each) for each in (*ends.early, *ends.pairing.given_up())]

    def _given_out(self, flow: Flow, ends: _Ends) -> list[DatagramExchange]:
        """A server that answers others, or a client that asks again, shows that no reply came; else the capture may
        have one direction alone."""
        told = [_with_ends(flow, each) for each in ends.early]
        for request in ends.pairing.open:
            server = flow.low if request.direction else flow.high
            heard = bool(request.copies) or server in self._heard
            outcome = KdcOutcome.UNANSWERED if heard else KdcOutcome.NOT_CAPTURED
            told.append(_with_ends(flow, ends.pairing.finished(request, outcome)))
        return told

    def _reach(self, name: str) -> None:
        self.limits[name] = self.limits.get(name, 0) + 1


def _reply_ns(exchange: KdcExchange) -> int:
    seen = exchange.reply_seen
    return 0 if seen is None or seen.timestamp_ns is None else seen.timestamp_ns


def _with_ends(flow: Flow, exchange: KdcExchange) -> DatagramExchange:
    client, server = (flow.high, flow.low) if exchange.client_direction else (flow.low, flow.high)
    return DatagramExchange(client, server, flow.tunnel, exchange._replace(client_direction=0))


def _first_frame(told: DatagramExchange) -> int:
    seen = told.exchange.request_seen or told.exchange.reply_seen
    return 0 if seen is None else seen.frame
