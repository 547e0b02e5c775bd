"""A captured frame -> the TCP segment or UDP datagram in it, or None: link, IP, fragments, tunnels, transport.

This is the plain reading, which follows the specifications header by header. `Decoder` keeps one thing between frames,
the table of IP fragments. It never raises on a frame: what cannot be read is None, and a problem where the frame itself
is at fault. A header cut by the snapshot length is no fault. A datagram put together from fragments has the number and
time of the frame that completed it, and the number tells the others (`flow.CompletingFrame`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from rpctrace.capture.frame import Frame, LinkType
from rpctrace.errors import Malformed, ParseError
from rpctrace.network.flow import Endpoint, Segment, Transport
from rpctrace.network.fragments import FragmentTable, Whole
from rpctrace.network.ip import IP_VERSIONS, Fragment, Packet, address_text, without_extensions
from rpctrace.network.link import LINKS, Step, find_ip
from rpctrace.network.transport import Header, tcp, udp
from rpctrace.network.tunnels import IP_TUNNELS, UDP_TUNNELS, Inner
from rpctrace.record import record

MAXIMUM_NESTING = 8  # IP packets inside IP packets
MAXIMUM_PROBLEM_KINDS = 64
MAXIMUM_CACHED_ENDPOINTS = 8_192

_TCP, _UDP = int(Transport.TCP), int(Transport.UDP)
_HEADERS: dict[int, Callable[[memoryview, int], Header]] = {_TCP: tcp, _UDP: udp}
_TRANSPORTS = {int(transport): transport for transport in Transport}


@lru_cache(MAXIMUM_CACHED_ENDPOINTS)
def endpoint(address: bytes, port: int) -> Endpoint:
    """The endpoint of an address as it stands in an IP header."""
    return Endpoint(address_text(address), port)


@record
class NetworkProblem:
    """Frames that could not be read, one entry a kind: the first one's text and number, and how many there were."""

    layer: str
    text: str
    frame_number: int
    count: int


class Decoder:
    """Frames in, segments out, one at a time."""

    def __init__(self) -> None:
        self._fragments = FragmentTable()
        self._problems: dict[tuple[str, type], NetworkProblem] = {}
        self._frame_number = 0

    @property
    def problems(self) -> tuple[NetworkProblem, ...]:
        """What was wrong so far, in order of first appearance."""
        given_up = self._fragments.given_up
        if not given_up:
            return tuple(self._problems.values())
        text = "IP datagrams given up: fragments missing, or too many at a time"
        return (*self._problems.values(), NetworkProblem("ip.fragment", text, self._frame_number, given_up))

    def decode(self, frame: Frame) -> Segment | None:
        """The segment that this frame carries or completes."""
        if frame.link_type == LinkType.NOT_A_PACKET:
            return None
        self._frame_number = frame.number
        try:
            return self._decode(frame)
        except Malformed as error:
            self._note(error, frame.number)
        except ParseError as error:
            if len(frame.octets) >= frame.original_length_octets:  # else the snapshot length cut it, which is no fault
                self._note(error, frame.number)
        return None

    def _note(self, error: ParseError, frame_number: int) -> None:
        kind = (error.layer, type(error))
        known = self._problems.get(kind)
        if known is not None:
            self._problems[kind] = replace(known, count=known.count + 1)
        elif len(self._problems) < MAXIMUM_PROBLEM_KINDS:
            self._problems[kind] = NetworkProblem(error.layer, str(error), frame_number, 1)

    def _decode(self, frame: Frame) -> Segment | None:
        link = LINKS.get(frame.link_type)
        if link is None:
            raise Malformed(f"link_type_{int(frame.link_type)}", 0, "link type not known, its frames are not read")
        octets, length_octets = frame.octets, max(frame.original_length_octets, len(frame.octets))
        protocol, offset = find_ip(link(octets, 0), octets)
        tunnel: tuple[int, ...] = ()
        number = frame.number
        for _ in range(MAXIMUM_NESTING):
            read = IP_VERSIONS.get(protocol)
            if read is None:
                return None
            packet: Packet | None = read(octets[offset:], length_octets - offset)
            if packet is not None and packet.fragment is not None:
                whole = self._whole(packet, packet.fragment, tunnel, frame.timestamp_ns, number)
                packet, number = whole or (None, number)
            if packet is None:
                return None
            inner, header = _inside(packet)
            if inner is None:
                return None if header is None else _segment(number, frame.timestamp_ns, packet, header, tunnel)
            carrier = packet if header is None else header
            octets, length_octets = carrier.payload, carrier.length_octets
            protocol, offset = find_ip(Step(inner.protocol, inner.offset), octets)
            tunnel += inner.identifiers
        raise Malformed("ip", 0, f"more than {MAXIMUM_NESTING} packets inside one another")

    def _whole(
        self, packet: Packet, fragment: Fragment, tunnel: tuple[int, ...], timestamp_ns: int | None, frame_number: int
    ) -> Whole | None:
        whole = self._fragments.add(packet, fragment, tunnel, timestamp_ns, frame_number)
        if whole is None or len(whole.packet.source) == 4:
            return whole
        return whole._replace(packet=without_extensions(whole.packet))


def _inside(packet: Packet) -> tuple[Inner | None, Header | None]:
    """The tunnel in a packet, and its transport header where it has one; neither when the payload is not ours."""
    tunnel = IP_TUNNELS.get(packet.protocol)
    if tunnel is not None:
        return tunnel(packet.payload), None
    read = _HEADERS.get(packet.protocol)
    if read is None:
        return None, None
    header = read(packet.payload, packet.length_octets)
    udp_tunnel = UDP_TUNNELS.get(header.destination_port) if packet.protocol == _UDP else None
    return (None if udp_tunnel is None else udp_tunnel(header.payload)), header


def _segment(
    frame_number: int, timestamp_ns: int | None, packet: Packet, header: Header, tunnel: tuple[int, ...]
) -> Segment:
    return Segment(
        frame_number,
        timestamp_ns,
        _TRANSPORTS[packet.protocol],
        endpoint(packet.source, header.source_port),
        endpoint(packet.destination, header.destination_port),
        header.sequence,
        header.acknowledgement,
        header.flags,
        # a copy: octets that wait in a stream must not keep a whole window of the file
        memoryview(bytes(header.payload)),
        header.length_octets,
        tunnel,
    )
