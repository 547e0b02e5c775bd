"""Octets of one direction -> header sections in order, whatever bodies are between them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from builders import http
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.http.headers import MAXIMUM_HEAD_OCTETS, Head
from rpctrace.protocols.http.messages import UNTIL_CLOSE, Body, MessageReader, Said, behind
from rpctrace.stream.stream import Chunk, Direction, Gap


class Kept:
    """A sink and a listener that write down."""

    def __init__(self, bodies: dict[str, Body] | None = None, *, from_start: bool = True) -> None:
        self.heads: list[Head] = []
        self.seen: list[Provenance] = []
        self.losses = 0
        self.octets = b""
        self.ends = 0
        self.bodies = bodies or {}
        self.problems = Problems()
        self.limits: dict[str, int] = {}
        self.reader = MessageReader(0, self, self.problems, self.limits, from_start=from_start)
        self.offset = 0
        self.frame = 0

    def head(self, _direction: Direction, head: Head, provenance: Provenance, _said: list[Said]) -> Body:
        self.heads.append(head)
        self.seen.append(provenance)
        if head.target in self.bodies:
            return self.bodies[head.target]
        return Body(head.content_length or 0, head.chunked, self if head.target == "/sink" else None)

    def lost(self) -> None:
        self.losses += 1

    def feed(self, chunk: Chunk) -> Sequence[Said]:
        self.octets += bytes(chunk.octets)
        return ()

    def gap(self, gap: Gap) -> Sequence[Said]:
        self.octets += b"?" * gap.length_octets
        return ()

    def end(self) -> Sequence[Said]:
        self.ends += 1
        return ()

    def take(self, octets: bytes, piece: int = 1 << 20) -> None:
        for at in range(0, len(octets), piece):
            self.frame += 1
            part = memoryview(octets[at : at + piece])
            self.reader.feed(Chunk(0, self.offset, part, self.frame, self.frame))
            self.offset += len(part)

    def lose(self, length: int) -> None:
        self.reader.gap(Gap(0, self.offset, length, self.frame))
        self.offset += length

    @property
    def targets(self) -> list[str]:
        return [head.target for head in self.heads]


CHUNKED = http.request("POST", "/chunked", [("Transfer-Encoding", "chunked")]) + http.chunked(
    b"GET /inside HTTP/1.1\r\n\r\n", b"x" * 300, trailer=b"Expires: never\r\n"
)
STREAM = (
    http.request("GET", "/a") + http.request("POST", "/b", body=b"GET /none HTTP/1.1\r\n\r\n") + CHUNKED + b"\r\n\r\n"
    + http.request("PUT", "/sink", body=b"0123456789") + http.request("GET", "/last")
)  # fmt: skip


@pytest.mark.parametrize("piece", [1, 2, 7, 100, 10_000])
def test_messages_follow_each_other(piece: int) -> None:
    kept = Kept()
    kept.take(STREAM, piece)
    assert kept.targets == ["/a", "/b", "/chunked", "/sink", "/last"]
    assert (kept.octets, kept.ends, kept.losses) == (b"0123456789", 1, 0)
    assert all(head.complete for head in kept.heads)
    assert [seen.stream_offset for seen in kept.seen][:2] == [0, len(http.request("GET", "/a"))]
    assert list(kept.problems) == []


def test_where_a_head_was_seen() -> None:
    kept = Kept()
    kept.take(http.request("GET", "/a"), 30)
    assert kept.seen[0].frames == tuple(range(1, kept.frame + 1))
    assert kept.seen[0].timestamp_ns == kept.frame


def test_what_can_be_skipped() -> None:
    kept = Kept()
    head = http.request("POST", "/b", [("Content-Length", "1000")])
    kept.take(head + b"x" * 100)
    assert kept.reader.skippable == 900
    kept.lose(899)
    assert kept.reader.skippable == 1
    kept.take(b"x" + http.request("POST", "/sink", [("Content-Length", "1000")]))
    assert kept.reader.skippable == 0  # somebody reads it
    assert kept.losses == 0


def test_a_body_until_the_connection_ends() -> None:
    kept = Kept({"/end": Body(UNTIL_CLOSE)})
    kept.take(http.request("GET", "/end") + b"x" * 5000 + http.request("GET", "/b"))
    kept.lose(1 << 40)
    assert kept.targets == ["/end"]
    assert kept.reader.skippable == UNTIL_CLOSE


def test_behind_a_gap_the_next_head_is_found_where_a_segment_begins() -> None:
    kept = Kept()
    kept.take(http.request("GET", "/a"))
    kept.lose(10)
    kept.take(b"half of something\r\n\r\n")
    kept.take(http.request("GET", "/b"))
    assert kept.targets == ["/a", "/b"]
    assert kept.losses == 1


def test_a_gap_longer_than_the_body_loses_the_place() -> None:
    kept = Kept()
    kept.take(http.request("POST", "/sink", [("Content-Length", "10")]) + b"abc")
    kept.lose(8)
    assert (kept.octets, kept.ends, kept.losses) == (b"abc????????", 1, 1)


def test_a_cut_head_is_told_as_far_as_it_goes() -> None:
    kept = Kept()
    kept.take(http.request("GET", "/a", [("Authorization", "NTLM YWJjZGVm")])[:-8])
    kept.lose(8)
    (head,) = kept.heads
    assert not head.complete
    assert head.authentication(b"authorization")[0].token == b"abc"
    kept.take(http.request("GET", "/b")[:-4])
    kept.reader.end()
    assert kept.targets == ["/a", "/b"]


def test_a_body_that_an_early_answer_made_unnecessary() -> None:
    """The client announced it, was told to authenticate first, and sends the next request in its place."""
    kept = Kept()
    kept.take(http.request("POST", "/a", [("Content-Length", "500")]))
    kept.reader.answered()
    assert kept.reader.skippable == 0
    kept.take(http.request("POST", "/b", [("Content-Length", "5")]) + b"12345")
    kept.reader.answered()
    kept.take(http.request("GET", "/c"))
    assert kept.targets == ["/a", "/b", "/c"]


def test_a_body_of_which_a_part_was_sent_goes_on() -> None:
    kept = Kept()
    kept.take(http.request("POST", "/a", [("Content-Length", "500")]) + b"x")
    kept.reader.answered()
    kept.take(http.request("GET", "/inside the body"))
    assert kept.targets == ["/a"]


def test_joined_late() -> None:
    kept = Kept(from_start=False)
    kept.take(b"middle of a body")
    kept.take(STREAM)
    assert kept.targets[0] == "/a"
    assert not kept.reader.mismatched


def test_another_protocol() -> None:
    kept = Kept()
    kept.take(b"\x16\x03\x01\x02\x00\x01")
    assert kept.reader.mismatched
    assert (kept.heads, list(kept.problems)) == ([], [])


def test_a_head_without_end_is_bounded_and_counted() -> None:
    kept = Kept()
    kept.take(b"GET /a HTTP/1.1\r\n" + b"X: y\r\n" * (MAXIMUM_HEAD_OCTETS // 6 + 1), 1460)
    assert kept.limits == {"http_head_octets": 1}
    assert [head.complete for head in kept.heads] == [False]
    kept.take(http.request("GET", "/b"))
    assert kept.targets == ["/a", "/b"]


@pytest.mark.parametrize("line", [b"-5\r\n", b"zz\r\n", b"f" * 5000])
def test_a_chunk_without_size_loses_the_place(line: bytes) -> None:
    kept = Kept()
    kept.take(http.request("POST", "/a", [("Transfer-Encoding", "chunked")]) + line)
    kept.take(http.request("GET", "/b"))
    assert kept.targets == ["/a", "/b"]
    ((problem,), losses) = kept.problems, kept.losses
    assert (problem.error.layer, losses) == ("http", 1)


def test_behind() -> None:
    assert behind(Chunk(0, 10, memoryview(b"abcd"), 1, 1), 3) == Chunk(0, 13, memoryview(b"d"), 1, 1)


@given(st.lists(st.integers(1, 60), min_size=1), st.integers(0, len(STREAM)))
def test_any_cut_into_segments_gives_the_same(sizes: list[int], end: int) -> None:
    whole, cut = Kept(), Kept()
    whole.take(STREAM[:end])
    at = 0
    for turn in range(len(STREAM)):
        size = sizes[turn % len(sizes)]
        cut.take(STREAM[at : min(end, at + size)])
        at += size
        if at >= end:
            break
    assert (cut.targets, cut.octets, cut.ends) == (whole.targets, whole.octets, whole.ends)


@given(st.data())
def test_damage_never_raises(data: st.DataObject) -> None:
    octets = bytearray(STREAM)
    for _ in range(data.draw(st.integers(0, 6))):
        at = data.draw(st.integers(0, len(octets) - 1))
        octets[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    kept = Kept()
    for at in range(0, len(octets), 50):
        if data.draw(st.integers(0, 9)) == 0:
            kept.lose(data.draw(st.integers(1, 400)))
        kept.take(bytes(octets[at : at + 50]))
    kept.reader.end()
    assert kept.reader.skippable >= 0
