"""Who talks to whom: endpoints, flows, directions, and one segment of a flow."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from rpctrace.named_tuple import NamedTuple


class Transport(IntEnum):
    """IANA protocol numbers of the transports that are followed."""

    TCP = 6
    UDP = 17


class TcpFlags(IntFlag):
    """RFC 9293 3.1 control bits."""

    FIN = 0x01
    SYN = 0x02
    RST = 0x04
    PSH = 0x08
    ACK = 0x10
    URG = 0x20


class Endpoint(NamedTuple):
    """An address (canonical text: dotted IPv4, RFC 5952 IPv6) and a port."""

    address: str
    port: int

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


class Flow(NamedTuple):
    """Both ends of a conversation, in the order that sorts lower first, so that both directions share one key.

    `tunnel` holds what keeps equal inner addresses apart (VXLAN network identifier and the like), () without a tunnel.
    """

    transport: Transport
    low: Endpoint
    high: Endpoint
    tunnel: tuple[int, ...] = ()


class Segment(NamedTuple):
    """One TCP segment or UDP datagram.

    `source`/`destination` tell the direction. `sequence` and `acknowledgement` are the raw 32-bit TCP numbers (0 for
    UDP; `acknowledgement` counts only with ACK set). `payload` is what was captured; `length_octets` is the payload's
    length on the wire, larger when the snapshot length cut the frame. `flags` are the bits of `TcpFlags`.
    """

    frame_number: int
    timestamp_ns: int | None
    transport: Transport
    source: Endpoint
    destination: Endpoint
    sequence: int
    acknowledgement: int
    flags: int
    payload: memoryview
    length_octets: int
    tunnel: tuple[int, ...] = ()

    @property
    def flow(self) -> Flow:
        low, high = sorted((self.source, self.destination))
        return Flow(self.transport, low, high, self.tunnel)


class Stretch(NamedTuple):
    """Octets of one direction of a TCP connection that nobody will look at: `length_octets` from the raw 32-bit number
    `sequence` on. `frame_number`: the connection's last frame when that was decided."""

    source: Endpoint
    destination: Endpoint
    tunnel: tuple[int, ...]
    sequence: int
    length_octets: int
    frame_number: int
