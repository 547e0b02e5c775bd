"""Which UDP datagrams may matter: by their ports, or by their first octets on any port."""

from __future__ import annotations

from collections.abc import Sequence

from rpctrace.network.flow import Segment
from rpctrace.network.tunnels import UDP_TUNNELS
from rpctrace.scan.candidates import DatagramRecogniser

_Octets = bytes | memoryview


def _in_a_frame(port: int) -> bytes:
    return port.to_bytes(2, "big")


class Datagrams:
    """What the recognisers want.

    `told_by` is for a hot loop: (sources, destinations, first octets), the ports as they stand in a frame. A datagram
    with none of these is passed over. The destinations have the ports of tunnels too: what is inside shows only when it
    is read.
    """

    def __init__(self, recognisers: Sequence[DatagramRecogniser] = ()) -> None:
        self.recognisers = tuple(recognisers)
        self._ports = frozenset(port for each in recognisers for port in each.ports)
        sources = frozenset(_in_a_frame(port) for port in self._ports)
        destinations = sources | frozenset(_in_a_frame(port) for port in UDP_TUNNELS)
        firsts = frozenset(each.first_octet for each in recognisers if each.first_octet is not None)
        self.told_by = sources, destinations, firsts

    def matters(self, datagram: Segment) -> bool:
        """Whether a datagram that was read may be of one of the protocols."""
        ports = self._ports
        if datagram.source.port in ports or datagram.destination.port in ports:
            return True
        return self._begins(datagram.payload)

    def may_matter(self, ports: bytes, octets: _Octets) -> bool:
        """Whether one has to be read: `ports` as in the frame, `octets` from its first on, with any that follow it."""
        sources, destinations, _firsts = self.told_by
        return ports[2:] in destinations or ports[:2] in sources or self._begins(octets)

    def _begins(self, octets: _Octets) -> bool:
        if not octets or octets[0] not in self.told_by[2]:
            return False
        return any(
            octets[0] == first and len(octets) >= head and begins(bytes(octets[:head]))
            for _name, _ports, first, head, begins in self.recognisers
        )


NO_DATAGRAMS = Datagrams()
