"""Fragments of IP datagrams -> the datagram, when its last missing octet arrives; in any order, within bounds.

Where copies of the same octets differ the first copy stays. A fragment that the snapshot length cut counts with its
length on the wire; the datagram then holds what was captured before the first cut octet. Which frames it came in is
told with it. Nothing here grows without a bound: datagrams, their octets and their age are limited, and what is
given up is counted.
"""

from __future__ import annotations

from bisect import bisect_right

from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.errors import Malformed
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.flow import CompletingFrame, all_frames
from rpctrace.network.ip import Fragment, Packet

MAXIMUM_DATAGRAMS = 4096
MAXIMUM_HELD_OCTETS = 16 * 1024 * 1024
MAXIMUM_DATAGRAM_OCTETS = 65_535  # RFC 791 3.1
MAXIMUM_AGE_NS = 30 * NS_PER_SECOND  # RFC 1122 3.3.2 says 60 to 120 s for a host; identifications come round sooner
PIECE_OVERHEAD_OCTETS = 256  # what keeping one piece costs besides its octets
FRAME_NUMBER_OCTETS = 40  # what keeping the number of a frame costs

FragmentKey = tuple[bytes, bytes, int, int, tuple[int, ...]]


class _Piece(NamedTuple):
    start: int
    end: int  # on the wire
    octets: bytes  # captured


class _Datagram:
    """What has arrived of one datagram."""

    __slots__ = ("covered", "first_ns", "frames", "held_octets", "pieces", "protocol", "starts", "total")

    def __init__(self, protocol: int, first_ns: int | None) -> None:
        self.protocol = protocol
        self.first_ns = first_ns
        self.pieces: list[_Piece] = []  # ascending, never overlapping
        self.starts: list[int] = []
        self.frames: list[int] = []  # those that brought octets
        self.covered = 0
        self.total: int | None = None
        self.held_octets = 0

    def add(self, start: int, end: int, octets: memoryview, frame: int) -> None:
        """Keeps of [start, end) what no earlier fragment brought, and from which frame."""
        before = self.covered
        index = max(0, bisect_right(self.starts, start) - 1)
        position = start
        while position < end:
            if index < len(self.pieces) and self.pieces[index].end <= position:
                index += 1
                continue
            following = self.pieces[index] if index < len(self.pieces) else None
            free_until = min(end, following.start) if following else end
            if free_until > position:
                self._insert(index, _Piece(position, free_until, bytes(octets[position - start : free_until - start])))
                index += 1
            position = following.end if following else end
        if self.covered > before:
            self.frames.append(frame)
            self.held_octets += FRAME_NUMBER_OCTETS * len(all_frames((frame,)))

    def _insert(self, index: int, piece: _Piece) -> None:
        self.pieces.insert(index, piece)
        self.starts.insert(index, piece.start)
        self.covered += piece.end - piece.start
        self.held_octets += len(piece.octets) + PIECE_OVERHEAD_OCTETS

    def captured(self) -> bytes:
        """The octets up to the first that the capture does not hold."""
        parts = []
        for piece in self.pieces:
            parts.append(piece.octets)
            if len(piece.octets) < piece.end - piece.start:
                break
        return b"".join(parts)


class Whole(NamedTuple):
    """A datagram put together, and the frame that completed it."""

    packet: Packet
    frame: CompletingFrame


class FragmentTable:
    """The datagrams that are not whole yet. `given_up` counts those dropped by a limit or by age."""

    def __init__(self) -> None:
        self._datagrams: dict[FragmentKey, _Datagram] = {}  # oldest first
        self._held_octets = 0
        self.given_up = 0

    def __len__(self) -> int:
        return len(self._datagrams)

    def add(
        self, packet: Packet, fragment: Fragment, tunnel: tuple[int, ...], timestamp_ns: int | None, frame: int
    ) -> Whole | None:
        """The whole datagram when `packet`, a `fragment` of it that came in `frame`, completes it. Raises `Malformed`
        for one that fits nowhere."""
        start, end = fragment.offset, fragment.offset + packet.length_octets
        if end > MAXIMUM_DATAGRAM_OCTETS:
            raise Malformed("ip.fragment", 0, f"ends at octet {end} of its datagram")
        if end == start or (fragment.more and end % 8):
            raise Malformed("ip.fragment", 0, f"{end - start} octets and more to follow")
        self._expire(timestamp_ns)
        # RFC 791 2.3 keys by protocol too; IPv6 (RFC 8200 4.5) must not: only the first fragment's next header counts
        protocol = packet.protocol if len(packet.source) == 4 else -1
        key = (packet.source, packet.destination, protocol, fragment.identification, tunnel)
        datagram = self._datagrams.get(key)
        if datagram is None:
            datagram = self._datagrams[key] = _Datagram(packet.protocol, timestamp_ns)
        before = datagram.held_octets
        self._place(datagram, packet, start, end, fragment.more, frame)
        self._held_octets += datagram.held_octets - before
        if datagram.total is not None and datagram.covered == datagram.total:
            self._drop(key)
            octets = memoryview(datagram.captured())
            whole = Packet(datagram.protocol, packet.source, packet.destination, octets, datagram.total, None)
            return Whole(whole, CompletingFrame(all_frames(sorted({*datagram.frames, frame}))))
        self._make_room()
        return None

    def _place(self, datagram: _Datagram, packet: Packet, start: int, end: int, more: bool, frame: int) -> None:
        last = datagram.pieces[-1].end if datagram.pieces else 0
        if datagram.total is None and not more:
            if end < last:
                raise Malformed("ip.fragment", 0, f"last fragment ends at octet {end}, another at {last}")
            datagram.total = end
        elif datagram.total is not None and end > datagram.total:
            raise Malformed("ip.fragment", 0, f"ends at octet {end}, its datagram at {datagram.total}")
        if start == 0:
            datagram.protocol = packet.protocol
        datagram.add(start, end, memoryview(bytes(packet.payload)), frame)

    def _drop(self, key: FragmentKey) -> None:
        self._held_octets -= self._datagrams.pop(key).held_octets

    def _expire(self, timestamp_ns: int | None) -> None:
        while timestamp_ns is not None and self._datagrams:
            key = next(iter(self._datagrams))
            first_ns = self._datagrams[key].first_ns
            if first_ns is None or timestamp_ns - first_ns <= MAXIMUM_AGE_NS:
                return
            self._drop(key)
            self.given_up += 1

    def _make_room(self) -> None:
        while len(self._datagrams) > MAXIMUM_DATAGRAMS or self._held_octets > MAXIMUM_HELD_OCTETS:
            self._drop(next(iter(self._datagrams)))
            self.given_up += 1
