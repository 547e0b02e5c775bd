"""Kerberos over UDP: datagrams of all clients and servers -> exchanges with their ends.

A datagram with the same octets as one that is open is the same request sent again. What is open is bounded in number
and in age; both bounds give out what they close.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Sequence
from hashlib import blake2b
from typing import NamedTuple

from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.errors import ParseError
from rpctrace.network.flow import Endpoint, Flow, Segment, Transport
from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.kerberos.exchange import KdcExchange, KdcOutcome, Pairing, parse_exchanged
from rpctrace.protocols.kerberos.kdc_messages import KdcRep, KdcReq
from rpctrace.protocols.kerberos.kpasswd import KpasswdRep, KpasswdReq
from rpctrace.protocols.kerberos.messages import KrbError
from rpctrace.protocols.kerberos.recognition import is_kerberos_datagram
from rpctrace.stream.stream import Direction

MAXIMUM_PAIRS_OF_ENDS = 16_384
MAXIMUM_SERVERS_HEARD = 4_096
MAXIMUM_IDLE_NS = 120 * NS_PER_SECOND  # clients give up within half a minute
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

    __slots__ = ("last_ns", "pairing", "recent")

    def __init__(self, limits: dict[str, int]) -> None:
        self.pairing = Pairing("kdc_udp", limits)
        self.recent: deque[tuple[bytes, Direction]] = deque(maxlen=RECENT_DATAGRAMS)
        self.last_ns: int | None = None


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
        direction: Direction = 0 if source == flow.low else 1
        seen = Provenance((segment.frame_number,), segment.timestamp_ns, 0)
        digest = blake2b(payload, digest_size=_DIGEST_OCTETS).digest()
        is_open = ends.pairing.copy_of(digest, direction)
        if is_open is not None:
            ends.pairing.copied(is_open, seen)
            return told
        is_whole = len(payload) == segment.length_octets
        if is_whole and (digest, direction) in ends.recent:
            self.late_copies += 1
            return told
        ends.recent.append((digest, direction))
        try:
            message = parse_exchanged(payload)
        except ParseError as error:
            if is_whole:
                self._problems.add(error, segment.frame_number)
            return told
        if message.problem is not None and is_whole:  # of a datagram that the snapshot length cut it is no fault
            self._problems.add(message.problem, segment.frame_number)
        if isinstance(message, KdcReq | KpasswdReq):
            given = ends.pairing.request(message, direction, seen, digest=digest)
            told += [_with_ends(flow, each) for each in given]
        elif isinstance(message, KdcRep | KrbError | KpasswdRep):
            self._hear(source)
            told.append(_with_ends(flow, ends.pairing.reply(message, direction, seen)))
        return told

    def close(self) -> Sequence[DatagramExchange]:
        """The capture is at its end: every request that got no reply, in the order of their frames."""
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
        if not ends.pairing.open:
            return []
        self._reach("pairs_of_ends")
        return [_with_ends(flow, each) for each in ends.pairing.given_up()]

    def _given_out(self, flow: Flow, ends: _Ends) -> list[DatagramExchange]:
        """A server that answers others, or a client that asks again, shows that no reply came; else the capture may
        have one direction alone."""
        told: list[DatagramExchange] = []
        for request in ends.pairing.open:
            server = flow.low if request.direction else flow.high
            heard = bool(request.copies) or server in self._heard
            outcome = KdcOutcome.UNANSWERED if heard else KdcOutcome.NOT_CAPTURED
            told.append(_with_ends(flow, ends.pairing.finished(request, outcome)))
        return told

    def _reach(self, name: str) -> None:
        self.limits[name] = self.limits.get(name, 0) + 1


def _with_ends(flow: Flow, exchange: KdcExchange) -> DatagramExchange:
    client, server = (flow.high, flow.low) if exchange.client_direction else (flow.low, flow.high)
    return DatagramExchange(client, server, flow.tunnel, exchange._replace(client_direction=0))


def _first_frame(told: DatagramExchange) -> int:
    seen = told.exchange.request_seen
    return 0 if seen is None else seen.frame
