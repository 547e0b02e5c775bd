"""A direction gives the same messages however it is cut; gaps cost only the messages that they hit."""

from __future__ import annotations

import random
import time
from itertools import pairwise

import pytest
from authentication_tokens import mutants
from builders import der as write
from builders import kerberos
from protocols.kerberos.kdc_talk import (
    AS_REP,
    AS_REQ,
    EVERY_MESSAGE,
    KPASSWD_REP,
    PREAUTH_REQUIRED,
    TGS_REP,
    TGS_REQ,
    framed,
    pieces_of,
)

from rpctrace.errors import Malformed
from rpctrace.protocols.kerberos.framing import (
    MAXIMUM_MESSAGE_OCTETS,
    MAXIMUM_SEARCH_OCTETS,
    MessageFramer,
    is_marked_message,
    kdc_length,
    message_length,
)

MESSAGES = [PREAUTH_REQUIRED, AS_REP, TGS_REP, KPASSWD_REP, TGS_REQ]
STREAM = kerberos.over_tcp(*MESSAGES)
ENDS = [len(kerberos.over_tcp(*MESSAGES[:count])) for count in range(len(MESSAGES) + 1)]


def octets(pieces: list[bytes | int], *, from_start: bool = True) -> list[bytes]:
    return [bytes(message.octets) for message in framed(MessageFramer(from_start=from_start), pieces)]


@pytest.mark.parametrize("size", [1, 2, 3, 4, 5, 10, 11, 12, 100, 1460, len(STREAM)])
def test_any_segmentation_gives_the_same(size: int) -> None:
    """The mark alone in a segment, several messages in one, one message over many; frames are those with its octets."""
    found = framed(MessageFramer(from_start=True), pieces_of(STREAM, size))
    assert [bytes(message.octets) for message in found] == MESSAGES
    for message, (first, end) in zip(found, pairwise(ENDS), strict=True):
        assert message.complete
        assert message.provenance.frames == tuple(range(first // size + 1, (end - 1) // size + 2))
        assert message.provenance.stream_offset == first
        assert message.provenance.timestamp_ns == message.provenance.frame * 1000


def test_random_cuts_give_the_same() -> None:
    rng = random.Random(88)
    for _ in range(200):
        cuts = sorted({0, len(STREAM), *(rng.randrange(len(STREAM)) for _ in range(rng.randrange(1, 12)))})
        assert octets([STREAM[a:b] for a, b in pairwise(cuts)]) == MESSAGES


def test_another_protocol_is_left_alone() -> None:
    """A stream known from its start that does not begin with a mark is not searched."""
    for opening in (b"GET / HTTP/1.1\r\n", bytes.fromhex("16030102000100"), b"\x80" + STREAM[1:11], bytes(16)):
        framer = MessageFramer(from_start=True)
        assert framed(framer, [opening + STREAM]) == []
        assert framer.is_other_protocol
        assert not framer.recognised


def test_joined_in_the_middle_it_finds_the_next_mark() -> None:
    """A capture that starts inside a message loses that one only, at any offset and any cut."""
    for start in range(1, ENDS[1] + 60, 13):
        following = MESSAGES[sum(end < start for end in ENDS) :]
        for size in (1, 50, 4000):
            assert octets(pieces_of(STREAM[start:], size), from_start=False) == following


def test_a_gap_inside_a_message_gives_its_head_and_goes_on_behind_it() -> None:
    """The rest is stepped over by the mark, without a search."""
    first = ENDS[1]
    for gap in (1, 20, first - 50):
        found = framed(MessageFramer(from_start=True), [STREAM[:50], gap, STREAM[50 + gap :]])
        assert bytes(found[0].octets) == PREAUTH_REQUIRED[:46]
        assert (found[0].complete, found[0].length_octets) == (False, len(PREAUTH_REQUIRED))
        assert found[0].provenance.frames == (1,)
        assert [bytes(message.octets) for message in found[1:]] == MESSAGES[1:]
    assert octets([STREAM[:50], 5, STREAM[55:70], 6, STREAM[76:]]) == [PREAUTH_REQUIRED[:46], *MESSAGES[1:]]


def test_a_gap_between_a_mark_and_its_message() -> None:
    """A head that was met says how much to step over, once the stream is known to be Kerberos."""
    at = ENDS[1] + 6
    assert octets([STREAM[:at], 30, STREAM[at + 30 :]]) == [PREAUTH_REQUIRED, *MESSAGES[2:]]


def test_a_gap_over_the_end_of_a_message_is_searched_behind() -> None:
    """At any length, what is whole behind the gap is found."""
    for gap in (ENDS[1] - 40, ENDS[1], ENDS[2] - 45, ENDS[2]):
        whole = [message for message, start in zip(MESSAGES, ENDS, strict=False) if start >= 50 + gap]
        assert octets([STREAM[:50], gap, STREAM[50 + gap :]]) == [PREAUTH_REQUIRED[:46], *whole]


def test_a_gap_at_the_start() -> None:
    assert octets([7, STREAM[7:]]) == MESSAGES[1:]


def test_the_end_gives_what_was_begun() -> None:
    assert octets([STREAM[:100]]) == [PREAUTH_REQUIRED[:96]]
    assert octets([STREAM[:9]]) == []


def test_a_mark_that_cannot_be_right() -> None:
    """Told once, with its place; the next message is found by search."""
    framer = MessageFramer(from_start=True)
    broken = kerberos.over_tcp(AS_REP) + b"\x80\x00\x00\x10" + bytes(40) + kerberos.over_tcp(TGS_REP)
    assert [bytes(each.octets) for each in framed(framer, pieces_of(broken, 37))] == [AS_REP, TGS_REP]
    ((problem,),) = [list(framer.problems)]
    assert isinstance(problem.error, Malformed)
    assert problem.error.offset == len(AS_REP) + 4
    assert str(problem.error).startswith("kerberos.mark: mark 0x80000010 before an octet 0x00")


def test_once_synchronised_unknown_messages_are_stepped_over_by_their_mark() -> None:
    unknown = write.application(25, write.sequence(write.integer(1)))
    assert octets([kerberos.over_tcp(AS_REQ, unknown + bytes(9), TGS_REQ)]) == [AS_REQ, unknown + bytes(9), TGS_REQ]


def test_searching_ends_without_a_find() -> None:
    """Of a stream that never shows a message, no more than the bound is looked at, and next to nothing is kept."""
    framer = MessageFramer(from_start=False)
    assert framed(framer, [bytes([0, 0, 1, 1]) * 256] * (MAXIMUM_SEARCH_OCTETS // 1024 + 1)) == []
    assert framer.is_other_protocol
    other = MessageFramer(from_start=False)
    assert framed(other, [b"....\xfeSMB" + bytes(60) + STREAM]) == []
    assert other.is_other_protocol


def test_hostile_streams_take_time_by_their_length() -> None:
    """Marks that begin everywhere, fed in small pieces: the bound is some thirty times what it takes."""
    began = time.perf_counter()
    for pattern in (b"\x00\x00\x01\x00\x6a\x7f\x30", b"\x00" * 7, b"\x00\x03\xff\xff\x6a\x83\x03\xff\xfa\x30"):
        framed(MessageFramer(from_start=False), pieces_of(pattern * 10_000, 1000))
        framed(MessageFramer(from_start=False), pieces_of(pattern * 1_000, 1))
    assert time.perf_counter() - began < 5


def test_mutants_raise_nothing() -> None:
    recognised = 0
    for mutant in mutants(STREAM, seed=7, count=500):
        for from_start in (True, False):
            framer = MessageFramer(from_start=from_start)
            framed(framer, pieces_of(mutant, 700))
            recognised += framer.recognised
    assert recognised > 500


@pytest.mark.parametrize("name", EVERY_MESSAGE)
def test_every_message_gives_its_length(name: str) -> None:
    message = EVERY_MESSAGE[name]
    assert message_length(b"x" + message, 1) == len(message)
    assert (kdc_length(message) is None) == name.startswith("kpasswd")
    assert is_marked_message(kerberos.over_tcp(message))
    assert not is_marked_message(kerberos.over_tcp(message + b"\0"))


def test_lengths_that_are_none() -> None:
    long_form = b"\x6a\x84" + (len(AS_REQ) - 4).to_bytes(4, "big") + AS_REQ[4:]
    assert message_length(long_form) == len(long_form)
    for head in (b"\x6a\x80\x30\x00\x00\x00\x00", b"\x6a\x85\x00\x00\x00\x00\x30", b"\x6a\x03\x02\x01\x05\x00\x00"):
        assert message_length(head) is None
    assert not is_marked_message((MAXIMUM_MESSAGE_OCTETS + 1).to_bytes(4, "big") + b"\x6a\x83\x03\xff\xfc\x30\x00")
    assert is_marked_message(MAXIMUM_MESSAGE_OCTETS.to_bytes(4, "big") + b"\x6a\x83\x03\xff\xfb\x30\x00")
