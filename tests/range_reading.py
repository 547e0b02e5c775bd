"""A capture read once in one go and once by ranges, for the tests of the latter: everything that a scan leaves."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from builders import dcerpc as write
from builders.network import IPV4, TCP, UDP, Host, TimedFrame, ethernet, ipv4_fragments, tcp_segment, udp_frame
from builders.tcp import CLIENT, SERVER, TcpConversation, merged
from scan_talk import BIND, START_NS

from rpctrace.capture.pcapng import Interface
from rpctrace.capture.storage import OpenedAgain, open_capture
from rpctrace.capture.stored import StoredFile
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment, Stretch
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan.candidates import DatagramRecogniser
from rpctrace.scan.datagrams import Datagrams
from rpctrace.scan.flows import FlowTable
from rpctrace.scan.merging import Helpers
from rpctrace.scan.range_records import index_of
from rpctrace.scan.ranges import Index, Range
from rpctrace.scan.scan import scan


def second_octet_is_low(octets: bytes) -> bool:
    return octets[1] < 128


DATAGRAMS = Datagrams(
    [
        DatagramRecogniser("by ports", frozenset((88, 464)), None, 0, second_octet_is_low),
        DatagramRecogniser("by octets", frozenset(), 4, 8, second_octet_is_low),
    ]
)


class Inline:
    """`Helpers` without a process; `reads` says which ranges are read ahead."""

    def __init__(
        self, file: StoredFile, range_octets: int, reads: Callable[[int], bool] = lambda _number: True
    ) -> None:
        self._file = OpenedAgain(file, 512)
        self._size = file.size
        self._octets = range_octets
        self._reads = reads
        self._interfaces: tuple[Interface, ...] = ()
        self.used: list[int] = []
        self.pauses = 0

    def range_at(self, offset: int) -> Range | None:
        number = -(-offset // self._octets)
        start = number * self._octets
        return Range(number, start, start + self._octets, self._interfaces) if start < self._size else None

    def turn(self, interfaces: tuple[Interface, ...] | None) -> None:
        self._interfaces = interfaces or ()

    def obtain(self, number: int) -> tuple[Range, Index] | None:
        wanted = self.range_at(number * self._octets)
        if wanted is None or not self._reads(number):
            return None
        index = index_of(self._file, wanted, RECOGNISERS, DATAGRAMS)
        if index is None:
            return None
        self.used.append(number)
        return wanted, index

    def pause(self) -> None:
        self.pauses += 1

    def close(self) -> None:
        self._file.close()


class Outcome(NamedTuple):
    """All that a scan says and leaves."""

    segments: list[Segment]
    flows: list[tuple[Any, ...]]
    facts: tuple[Any, ...]


def outcome(
    path: Path,
    helpers: Callable[[StoredFile], Helpers] | None = None,
    *,
    window_octets: int = 1 << 18,
    ignores: Callable[[Segment], bool] = lambda _segment: False,
    skipped_octets: int = 0,
    maximum_keys: int = 1 << 17,
) -> Outcome:
    """`ignores`: after which segments its flow turns out to be another protocol. `skipped_octets`: how many nobody will
    look at behind every third segment."""
    decoder, table, segments, frames = Decoder(), FlowTable(RECOGNISERS, maximum_keys=maximum_keys), [], []
    with open_capture(path, window_octets=window_octets) as capture:
        file = capture.stored_file()
        assert file is not None

        def take(segment: Segment) -> None:
            segments.append(segment)
            frames.append(segment.frames)
            if ignores(segment):
                table.ignore(segment.source, segment.destination, segment.tunnel)
            if skipped_octets and len(segments) % 3 == 0:
                sequence = (segment.sequence + segment.length_octets) & 0xFFFF_FFFF
                ends = segment.source, segment.destination
                table.skip(Stretch(*ends, segment.tunnel, sequence, skipped_octets, segment.frame_number))

        scan(capture, decoder, table, take, helpers(file) if helpers is not None else None, DATAGRAMS)
        flows = [
            (key, flow.stage, flow.ended, flow.now_ns, flow.touched, flow.held and flow.told(), flow.keys, flow.skips)
            for key, flow in table.flows.items()
        ]
        facts = (
            capture.frame_count, capture.first_ns, capture.last_ns, capture.complete, capture.problems,
            decoder.problems, table.limits, table.held_octets, set(table.heard), frames,
        )  # fmt: skip
    return Outcome(segments, flows, facts)


def same_by_ranges(path: Path, range_octets: int, **how: Any) -> list[int]:
    """Holds a reading by ranges against one without; the ranges that were read ahead."""
    made: list[Inline] = []
    reads = how.pop("reads", lambda _number: True)

    def helpers(file: StoredFile) -> Inline:
        made.append(Inline(file, range_octets, reads))
        return made[0]

    assert outcome(path, helpers, **how) == outcome(path, **how)
    made[0].close()
    return made[0].used


def babel(rng: random.Random, talks: int) -> list[TimedFrame]:
    """Connections of all kinds on few ports, so that their ends meet again; other traffic; and what goes wrong."""
    servers = [(Host("10.0.0.2", "02:00:00:00:00:02"), 135), (Host("2001:db8::2", "02:00:00:00:00:02"), 445)]
    spoken = []
    for number in range(talks):
        server = rng.choice(servers)
        client = Host("10.0.0.1" if server[0].address == "10.0.0.2" else "2001:db8::1"), 50_000 + rng.randrange(9)
        said = TcpConversation(client, server, START_NS + number * rng.randrange(4_000_000))
        said.sequence = [rng.getrandbits(32), rng.getrandbits(32)]
        if rng.random() < 0.8:
            said.connect()
        _speak(said, rng)
        if rng.random() < 0.5:
            said.close()
        spoken.append(said.frames)
    frames = merged(*spoken)
    for _ in range(talks):
        at = rng.randrange(len(frames))
        frames.insert(at, _other(rng, frames[at].timestamp_ns))
    return _mishaps([*frames, *_failed_attempts(rng)], rng)


def _failed_attempts(rng: random.Random) -> list[TimedFrame]:
    """Refused, or not answered, some of them again and again; then somebody else speaks on the same ports."""
    frames = []
    for number in range(rng.randrange(6)):
        server = Host("10.0.0.2", "02:00:00:00:00:02"), rng.choice((135, 9999))
        said = TcpConversation((Host("10.0.0.1"), 50_000 + rng.randrange(12)), server, START_NS + number * 40_000_000)
        said.sequence = [rng.getrandbits(32), 0]
        for _ in range(rng.randrange(1, 4)):
            said.sequence[0] += rng.choice((-1, 6)) if said.frames else 0
            said.segment(CLIENT, flags=2)
            if rng.random() < 0.6:
                said.segment(SERVER, flags=0x14)
        if rng.random() < 0.3:
            said.connect()
            _speak(said, rng)
        frames += said.frames
    return frames


def _speak(said: TcpConversation, rng: random.Random) -> None:
    ours = rng.random() < 0.3
    answers: Sequence[bytes] = (write.bind_ack([write.Result()]), b"HTTP/1.1 200 OK\r\n\r\n", b"\x16\x03\x01")
    said.send(CLIENT, BIND if ours else rng.choice((b"GET / HTTP/1.1\r\n\r\n", b"\x05", b"\x16\x03\x01" * 9)), 50)
    if rng.random() < 0.9:
        said.send(SERVER, answers[0] if ours else rng.choice(answers[1:]))
    for _ in range(rng.randrange(8)):
        body = write.request(rng.randbytes(rng.randrange(300))) if ours else rng.randbytes(rng.randrange(500))
        said.send(rng.choice((CLIENT, SERVER)), body, rng.choice((100, 1460)))


def _other(rng: random.Random, now_ns: int) -> TimedFrame:
    here, there = Host("10.0.0.1"), Host("10.0.0.2", "02:00:00:00:00:02")
    kind = rng.randrange(5)
    if kind == 0:
        return TimedFrame(now_ns, ethernet(here, there, 0x0806, bytes(28)))
    if kind == 1:
        ports = rng.choice((5353, 88, 464, 4789)), rng.choice((5353, 5353, 88, 4789))
        octets = rng.choice((b"", b"\4", b"\4" + bytes(6), b"\5")) + rng.randbytes(rng.choice((0, 1, 40)))
        return TimedFrame(now_ns, udp_frame((here, ports[0]), (there, ports[1]), octets))
    if kind == 2:  # a packet that says nothing sensible
        return TimedFrame(now_ns, ethernet(here, there, IPV4, bytes((0x45, 0, 0, 3)) + rng.randbytes(30)))
    told = tcp_segment((here, 50_000 + rng.randrange(9)), (there, 135), BIND, sequence=7, flags=rng.choice((2, 16)))
    pieces = ipv4_fragments(here, there, rng.choice((TCP, UDP)), told, 48)
    return TimedFrame(now_ns, rng.choice(pieces))


def _mishaps(frames: list[TimedFrame], rng: random.Random) -> list[TimedFrame]:
    for _ in range(len(frames) // 20):
        at = rng.randrange(len(frames))
        kind = rng.randrange(6)
        if kind == 0:
            frames.insert(max(0, at - rng.randrange(9)), frames.pop(at))
        elif kind == 1:
            frames.insert(min(len(frames), at + rng.randrange(9)), frames[at])
        elif kind == 2:
            del frames[at]
        elif kind == 3:  # a segmentation offload wrote no length; no header is that long
            octets = bytearray(frames[at].octets)
            place, value = rng.choice(((16, bytes(2)), (46, b"\xf0"), (46, b"\x40"), (47, b"\x02")))
            octets[place : place + len(value)] = value
            frames[at] = frames[at]._replace(octets=bytes(octets))
        else:
            octets = frames[at].octets
            frames[at] = frames[at]._replace(
                octets=octets[: rng.choice((14, 40, 60, 70))], original_length_octets=len(octets)
            )
    return frames
