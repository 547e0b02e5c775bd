"""One direction -> heads and wanted octets: in any cut, over gaps, with what is stepped over never looked at."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest
from builders import smb as write

from rpctrace.protocols.dissector import Channel, Problems, Provenance
from rpctrace.protocols.smb.framing import MAXIMUM_SEARCH_OCTETS, Framer, Wanted, find_message
from rpctrace.protocols.smb.operation import Kind, Message
from rpctrace.protocols.smb.pipe import Pipe, Session, Way
from rpctrace.stream.stream import Chunk, Gap

HEAD = write.Head()
WAY = Way(Pipe(Channel("ncacn_np", None, False), Session(1), None, sure=True), 0)
DATA = bytes(range(256)) * 20


class Notes:
    """Writes down what a framer says; wants the data of every WRITE."""

    def __init__(self) -> None:
        self.kinds: list[Kind] = []
        self.frames: list[tuple[int, ...]] = []
        self.controls: list[int] = []
        self.pieces: list[tuple[int, bytes]] = []
        self.holes: list[int] = []
        self.losses: list[int] = []

    def message(self, message: Message, _octets: memoryview, provenance: Provenance) -> Sequence[Wanted]:
        operations = message.operations
        self.kinds.append(operations[0].kind)
        self.frames.append(provenance.frames)
        return [Wanted(*each.data, WAY) for each in operations if each.kind is Kind.WRITE and each.data.length]

    def control(self, packet_type: int, _octets: memoryview, _provenance: Provenance) -> None:
        self.controls.append(packet_type)

    def data(self, way: Way, octets: memoryview, frame_number: int, _timestamp_ns: int | None) -> None:
        assert way is WAY
        self.pieces.append((frame_number, bytes(octets)))

    def missing(self, _way: Way, length_octets: int, _frame_number: int) -> None:
        self.holes.append(length_octets)

    def lost(self, length_octets: int, _frame_number: int) -> None:
        self.losses.append(length_octets)

    @property
    def octets(self) -> bytes:
        return b"".join(octets for _frame, octets in self.pieces)


class Line:
    """A framer with what is fed to it, each piece a frame."""

    def __init__(self, *, from_start: bool = True) -> None:
        self.notes = Notes()
        self.problems = Problems()
        self.framer = Framer(self.notes, self.problems, from_start=from_start)
        self.at, self.frame = 0, 0

    def feed(self, octets: bytes, size: int | None = None) -> Line:
        step = size or max(1, len(octets))
        for at in range(0, len(octets), step):
            piece = octets[at : at + step]
            self.frame += 1
            self.framer.feed(Chunk(0, self.at, memoryview(piece), self.frame, self.frame))
            self.at += len(piece)
        return self

    def lose(self, length: int) -> Line:
        self.frame += 1
        self.framer.gap(Gap(0, self.at, length, self.frame))
        self.at += length
        return self


WRITE = write.packet(write.write_request(HEAD, DATA))
READ = write.packet(write.read_request(HEAD))
ANSWER = write.packet(write.read_answer(HEAD, DATA))
CREATE = write.packet(write.create_request(HEAD, "samr"))
STREAM = CREATE + WRITE + READ + write.packet(b"", 0x85) + WRITE


@pytest.mark.parametrize("size", [None, 1, 3, 4, 7, 64, 68, 100, 1460, 5000])
def test_in_any_cut(size: int | None) -> None:
    """The same heads and the same octets, whole and octet by octet."""
    notes = Line().feed(STREAM, size).notes
    assert notes.kinds == [Kind.CREATE, Kind.WRITE, Kind.READ, Kind.WRITE]
    assert notes.octets == DATA * 2
    assert (notes.holes, notes.losses, notes.controls) == ([], [], [0x85])


def test_packets_that_are_chunks_of_their_own() -> None:
    """They read as they do in any cut, and between two that are cut; of wanted octets none comes twice."""
    small = write.packet(write.write_request(HEAD, DATA[:100]))
    line = Line()
    for octets in (CREATE, small, READ, write.packet(b"", 0x85), small):
        line.feed(octets)
    cut = Line().feed(CREATE + small + READ + write.packet(b"", 0x85) + small, 7)
    assert (line.notes.kinds, line.notes.octets) == (cut.notes.kinds, cut.notes.octets)
    assert line.notes.pieces == [(2, DATA[:100]), (5, DATA[:100])]
    assert line.notes.frames == [(1,), (2,), (3,), (5,)]
    line.feed(small[:50]).feed(small[50:] + READ).feed(READ)
    assert line.notes.kinds[4:] == [Kind.WRITE, Kind.READ, Kind.READ]
    assert line.notes.octets == DATA[:100] * 3


def test_every_piece_has_the_frame_that_brought_it() -> None:
    """Also those that were collected with the head."""
    line = Line().feed(WRITE, 50)
    assert b"".join(octets for _frame, octets in line.notes.pieces) == DATA
    at = 4 + 112
    for frame, octets in line.notes.pieces:
        assert (at // 50) + 1 == frame
        at += len(octets)
    assert line.notes.frames == [(1, 2, 3)]


def test_what_nobody_wants_is_stepped_over() -> None:
    """`skippable` counts down; the octets may be anything."""
    line = Line().feed(ANSWER[:200])
    assert line.framer.skippable == len(ANSWER) - 200
    line.feed(b"\xfeSMB" * 100)
    assert line.framer.skippable == len(ANSWER) - 600
    line.feed(bytes(len(ANSWER) - 600))
    assert line.framer.skippable == 0
    assert line.feed(READ).notes.kinds == [Kind.READ, Kind.READ]


def test_a_compound() -> None:
    octets = write.compound(
        write.create_request(HEAD, "samr"), write.write_request(HEAD.but(related=True), DATA),
        write.read_request(HEAD.but(related=True), write.LAST),
    )  # fmt: skip
    for size in (None, 1, 90):
        notes = Line().feed(write.packet(octets) + READ, size).notes
        assert notes.kinds == [Kind.CREATE, Kind.WRITE, Kind.READ, Kind.READ]
        assert notes.octets == DATA


def test_other_protocols() -> None:
    """At the start of a connection; and in the middle of one after a long search."""
    assert Line().feed(b"GET / HTTP/1.1\r\n").framer.is_other
    late = Line(from_start=False).feed(bytes(MAXIMUM_SEARCH_OCTETS), 1460)
    assert not late.framer.is_other
    assert late.feed(b"..").framer.is_other


def test_a_direction_is_searched_on_where_the_other_one_is_known() -> None:
    """A transfer of megabytes, joined in its middle."""
    late, other = Line(from_start=False), Line(from_start=False)
    late.framer.other = other.framer
    other.feed(READ)
    late.feed(bytes(2 * MAXIMUM_SEARCH_OCTETS), 1460)
    assert late.feed(READ).notes.kinds == [Kind.READ]


@pytest.mark.parametrize("size", [None, 1, 5, 37])
def test_joined_in_the_middle(size: int | None) -> None:
    notes = Line(from_start=False).feed(DATA + READ + WRITE, size).notes
    assert notes.kinds == [Kind.READ, Kind.WRITE]
    assert notes.octets == DATA


def test_a_gap_in_octets_that_are_stepped_over() -> None:
    line = Line().feed(ANSWER[:200]).lose(500).feed(ANSWER[700:] + READ)
    assert line.notes.kinds == [Kind.READ, Kind.READ]
    assert (line.notes.losses, line.notes.holes) == ([], [])


def test_a_gap_in_wanted_octets() -> None:
    line = Line().feed(WRITE[:300]).lose(1000).feed(WRITE[1300:] + READ)
    assert line.notes.holes == [1000]
    assert line.notes.octets == DATA[: 300 - 116] + DATA[1300 - 116 :]
    assert line.notes.kinds == [Kind.WRITE, Kind.READ]


def test_a_gap_over_the_end_of_a_message() -> None:
    """What is wanted ends where it ends; then the next message is looked for."""
    line = Line().feed(WRITE[:-100]).lose(100 + len(READ) + 50).feed(WRITE[50:] + CREATE)
    assert line.notes.holes == [100]
    assert line.notes.losses == [len(READ) + 50]
    assert line.notes.kinds == [Kind.WRITE, Kind.CREATE]


def test_a_gap_in_a_head() -> None:
    """The head is given as far as it goes, and reading goes on behind the message."""
    line = Line().feed(CREATE[:100]).lose(len(CREATE) - 100).feed(READ)
    assert line.notes.kinds == [Kind.CREATE, Kind.READ]
    short = Line().feed(CREATE[:30]).lose(len(CREATE) - 30).feed(READ)
    assert short.notes.kinds == [Kind.READ]
    assert short.notes.losses == [len(CREATE) - 30]


def test_a_gap_between_messages() -> None:
    line = Line().feed(CREATE).lose(len(WRITE)).feed(READ)
    assert line.notes.kinds == [Kind.CREATE, Kind.READ]
    assert line.notes.losses == [len(WRITE)]


def test_a_long_head_comes_octet_by_octet() -> None:
    """A token of 60 000 octets, each in a frame of its own, takes no longer than its octets."""
    start = time.perf_counter()
    line = Line().feed(write.packet(write.setup_request(HEAD, bytes(60_000))) + READ, 1)
    assert time.perf_counter() - start < 20
    assert line.notes.kinds == [Kind.SESSION_SETUP, Kind.READ]
    assert len(line.notes.frames[0]) == 60_000 + 88


def test_the_end_gives_what_was_begun() -> None:
    line = Line().feed(CREATE[:100])
    line.framer.close()
    assert line.notes.kinds == [Kind.CREATE]


def test_what_is_no_packet_is_a_problem() -> None:
    """Reading goes on at the next message."""
    line = Line().feed(READ + b"\x17\x03\x03\x40" + bytes(40) + READ)
    assert line.notes.kinds == [Kind.READ, Kind.READ]
    assert [problem.error.layer for problem in line.problems] == ["smb.packet"]


def test_a_message_that_does_not_read_is_a_problem() -> None:
    """Its packet is stepped over."""
    bad = bytearray(WRITE)
    bad[4 + 66 : 4 + 68] = b"\xff\xff"
    line = Line().feed(bytes(bad) + READ)
    assert line.notes.kinds == [Kind.READ]
    assert [problem.error.layer for problem in line.problems] == ["smb2.WRITE"]


def test_the_session_service() -> None:
    """RFC 1002 4.3: request and answer before the first message, keep-alive between."""
    request = write.packet(b"\x20" + b"CA" * 16 + b"\0" + b"\x20" + b"CA" * 16 + b"\0", 0x81)
    for size in (None, 1):
        assert Line().feed(request + READ, size).notes.controls == [0x81]
        refused = Line().feed(b"\x83\0\0\x01\x82", size)
        assert refused.notes.controls == [0x83]
        assert not refused.framer.is_other


def test_where_a_message_is_found() -> None:
    """Length and size of the header have to fit."""
    assert find_message(b"....." + READ) == 5
    assert find_message(b"\x16" + READ[1:]) is None
    assert find_message(READ[:9]) is None
    assert find_message(b"....." + write.packet(write.read_andx1(write.Head1()))[:40]) == 5
