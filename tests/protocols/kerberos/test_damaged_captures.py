"""Recorded captures with frames lost, repeated, moved and cut: what is still told is what the whole capture tells."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from protocols.kerberos.kdc_reading import Reading, read_segments, segments_of
from shared_captures import SHARED, captures_in, name_of, needs_shared

from rpctrace.network.flow import Segment

RECORDED = [
    *captures_in(SHARED / "lab" / "d-kerberos"), SHARED / "public" / "krb5-tcp-fragments.pcap",
    SHARED / "public" / "dcom-classfactory-ntlm-fallback.pcap", SHARED / "public" / "kinit.pcap",
    SHARED / "u2u" / "u2u-kdc-must-use-user2user.pcap",
]  # fmt: skip
Segments = list[Segment]
Change = Callable[[Segments, random.Random], Segments]
ROUNDS = 25
# How much of what the whole capture pairs is still told: all where no octet is gone.
KEPT = {"repeat": 1.0, "cut": 1.0, "move": 0.99, "lose": 0.6, "begin_late": 0.2}


@cache
def segments(path: Path) -> tuple[Segment, ...]:
    return tuple(one for one in segments_of(path) if {one.source.port, one.destination.port} & {88, 464})


def lose(whole: Segments, rng: random.Random) -> Segments:
    share = rng.choice((0.02, 0.1, 0.4))
    return [segment for segment in whole if rng.random() > share]


def repeat(whole: Segments, rng: random.Random) -> Segments:
    return [copy for segment in whole for copy in [segment] * rng.choice((1, 1, 1, 2))]


def move(whole: Segments, rng: random.Random) -> Segments:
    """Neighbours change places."""
    places = {id(segment): at + rng.choice((0, 0, 0, 1.5)) for at, segment in enumerate(whole)}
    return sorted(whole, key=lambda segment: places[id(segment)])


def cut(whole: Segments, rng: random.Random) -> Segments:
    snapshot = rng.choice((20, 60, 200, 1000))
    return [segment._replace(payload=segment.payload[:snapshot]) for segment in whole]


def begin_late(whole: Segments, rng: random.Random) -> Segments:
    return whole[rng.randrange(len(whole)) :]


def pairs(reading: Reading) -> set[tuple[int, int]]:
    """Frames that brought the first octet of a request and of the reply paired with it."""
    return {
        (exchange.request_seen.frames[0], exchange.reply_seen.frames[0])
        for exchange in reading.exchanges
        if exchange.request_seen is not None and exchange.reply_seen is not None
    }


CHANGES: tuple[Change, ...] = (lose, repeat, move, cut, begin_late)


@needs_shared
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
@pytest.mark.parametrize("path", RECORDED, ids=name_of)
def test_no_reply_is_given_to_another_request(path: Path, change: Change) -> None:
    """Pairs are those of the whole capture; a message is told once; nothing is told that the frames do not hold."""
    whole = pairs(read_segments(segments(path)))
    rng = random.Random(f"{name_of(path)} {change.__name__}")
    for _ in range(ROUNDS):
        changed = change(list(segments(path)), rng)
        reading = read_segments(changed)
        assert pairs(reading) <= whole
        seen = [each for exchange in reading.exchanges for each in (exchange.request_seen, exchange.reply_seen) if each]
        assert len({(each.frames, each.stream_offset) for each in seen}) == len(seen)
        assert {frame for each in seen for frame in each.frames} <= {segment.frame_number for segment in changed}


@needs_shared
@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__)
def test_most_of_it_is_still_told(change: Change) -> None:
    rng = random.Random(change.__name__)
    whole = kept = 0
    for path in RECORDED:
        all_of_them = pairs(read_segments(segments(path)))
        for _ in range(5):
            whole += len(all_of_them)
            kept += len(pairs(read_segments(change(list(segments(path)), rng))))
    assert kept >= KEPT[change.__name__] * whole
