"""Who says what -> the frames of a TCP conversation, with right sequence numbers, acknowledgements and checksums;
and what a bad capture does to frames: another order, twice, lost, cut.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from struct import pack
from typing import Literal

from builders.network import TCP, Host, TimedFrame, ip_frame, tcp_segment

FIN, SYN, RST, PSH, ACK = 0x01, 0x02, 0x04, 0x08, 0x10
Direction = Literal[0, 1]
CLIENT: Direction = 0
SERVER: Direction = 1
MAXIMUM_SEGMENT_OCTETS = 1460
# RFC 9293 3.7.1 maximum segment size; RFC 7323 2.2 window scale 8; RFC 2018 2 SACK permitted
SYN_OPTIONS = pack(">BBH", 2, 4, MAXIMUM_SEGMENT_OCTETS) + bytes.fromhex("01030308 01010402")


@dataclass(slots=True)
class TcpConversation:
    """One TCP connection that writes itself down.

    `now_ns` is the clock: each frame takes it and moves it on by `step_ns`; set it to let time pass. `sequence` holds
    the next number of each direction (start close to 2**32 to see it wrap). Frames that go in a direction named in
    `padded` are filled to 60 octets. Every method returns the frames it made; `frames` keeps them all.
    """

    client: tuple[Host, int]
    server: tuple[Host, int]
    now_ns: int = 1_331_717_210_000_000_000
    step_ns: int = 200_000
    sequence: list[int] = field(default_factory=lambda: [0x1000_0000, 0x7000_0000])
    vlans: tuple[int, ...] = ()
    padded: Collection[Direction] = ()
    frames: list[TimedFrame] = field(default_factory=list)
    identification: list[int] = field(default_factory=lambda: [0x2A00, 0x1C00])

    def segment(
        self, direction: Direction, octets: bytes = b"", *, flags: int = ACK, options: bytes = b""
    ) -> TimedFrame:
        """One segment; SYN and FIN take a sequence number each, as RFC 9293 3.4 says."""
        source, destination = (self.client, self.server) if direction == CLIENT else (self.server, self.client)
        told = tcp_segment(
            source, destination, octets,
            sequence=self.sequence[direction], acknowledgement=self.sequence[1 - direction] if flags & ACK else 0,
            flags=flags, options=options,
        )  # fmt: skip
        frame = TimedFrame(
            self.now_ns,
            ip_frame(
                source[0], destination[0], TCP, told, identification=self.identification[direction],
                vlans=self.vlans, padded=direction in self.padded,
            ),
        )  # fmt: skip
        self.identification[direction] += 1
        self.now_ns += self.step_ns
        consumed = len(octets) + bool(flags & SYN) + bool(flags & FIN)
        self.sequence[direction] = (self.sequence[direction] + consumed) & 0xFFFF_FFFF
        self.frames.append(frame)
        return frame

    def connect(self) -> list[TimedFrame]:
        """SYN, SYN+ACK, ACK."""
        return [
            self.segment(CLIENT, flags=SYN, options=SYN_OPTIONS),
            self.segment(SERVER, flags=SYN | ACK, options=SYN_OPTIONS),
            self.segment(CLIENT),
        ]

    def send(
        self, direction: Direction, octets: bytes, segment_size: int | None = None, *, acknowledge: bool = False
    ) -> list[TimedFrame]:
        """`octets` in segments of at most `segment_size` (1460), PSH on the last; `acknowledge`: the peer says so."""
        size = segment_size or MAXIMUM_SEGMENT_OCTETS
        sent = []
        for at in range(0, len(octets), size):
            last = at + size >= len(octets)
            sent.append(self.segment(direction, octets[at : at + size], flags=ACK | PSH * last))
        if acknowledge:
            sent.append(self.segment(SERVER if direction == CLIENT else CLIENT))
        return sent

    def close(self, first: Direction = CLIENT) -> list[TimedFrame]:
        """FIN of either side and the last acknowledgement; `first` begins."""
        second = SERVER if first == CLIENT else CLIENT
        return [self.segment(first, flags=FIN | ACK), self.segment(second, flags=FIN | ACK), self.segment(first)]

    def reset(self, direction: Direction = CLIENT) -> list[TimedFrame]:
        """RST."""
        return [self.segment(direction, flags=RST | ACK)]


def merged(*conversations: Iterable[TimedFrame]) -> list[TimedFrame]:
    """All frames in order of time; equal times keep the order of the arguments."""
    return sorted((frame for frames in conversations for frame in frames), key=lambda frame: frame.timestamp_ns)


def reordered(frames: Sequence[TimedFrame], order: Sequence[int]) -> list[TimedFrame]:
    """The frames in another order of arrival: times stay ascending, the octets move. `order` is a permutation."""
    return [
        frame._replace(timestamp_ns=clock.timestamp_ns)
        for clock, frame in zip(frames, (frames[at] for at in order), strict=True)
    ]


def duplicated(frames: Sequence[TimedFrame], indexes: Collection[int], delay_ns: int = 1_000) -> list[TimedFrame]:
    """The frames named in `indexes` twice, the copy right behind."""
    result = []
    for index, frame in enumerate(frames):
        result.append(frame)
        if index in indexes:
            result.append(frame._replace(timestamp_ns=frame.timestamp_ns + delay_ns))
    return result


def dropped(frames: Sequence[TimedFrame], indexes: Collection[int]) -> list[TimedFrame]:
    """Without the frames named in `indexes`."""
    return [frame for index, frame in enumerate(frames) if index not in indexes]


def cut(frames: Iterable[TimedFrame], snapshot_octets: int) -> list[TimedFrame]:
    """As a capture with a snapshot length keeps them."""
    return [
        frame._replace(octets=frame.octets[:snapshot_octets], original_length_octets=frame.wire_length_octets)
        for frame in frames
    ]


def shifted(frames: Iterable[TimedFrame], offset_ns: int) -> list[TimedFrame]:
    """The same frames at another time."""
    return [frame._replace(timestamp_ns=frame.timestamp_ns + offset_ns) for frame in frames]
