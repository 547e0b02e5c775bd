"""How the clocks of captures stand to each other, from requests and replies that two of them hold.

A request is seen first near its client, a reply first near the server: the way between the two places shifts them in
opposite directions, and the middle of both shifts is free of it (as RFC 5905 8 has it for four times of one exchange).
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from rpctrace.correlation.matching import median
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Clock, Sighting


class _Offset(NamedTuple):
    offset_ns: int
    uncertainty_ns: int
    frames: int


_ONE_CLOCK = _Offset(0, 0, 0)


class _Samples:
    """Of two captures: what to add to the second one's times to get the first one's, frame by frame."""

    def __init__(self) -> None:
        self.both: dict[tuple[int, int], tuple[int, int]] = {}
        self.one: dict[tuple[int, int], int] = {}

    def take(self, first: Sighting, second: Sighting) -> None:
        request = _shift(first.request_ns, second.request_ns)
        reply = _shift(first.reply_ns, second.reply_ns)
        requests = first.request_frames[-1:] + second.request_frames[-1:]
        replies = first.reply_frames[-1:] + second.reply_frames[-1:]
        if request is not None and reply is not None and len(requests) == 2:
            self.both[requests[0], requests[1]] = request, reply
        elif request is not None and len(requests) == 2:
            self.one[requests[0], requests[1]] = request
        elif reply is not None and len(replies) == 2:
            self.one[replies[0], replies[1]] = reply

    def offset(self) -> _Offset | None:
        if self.both:
            middles = [(request + reply) // 2 for request, reply in self.both.values()]
            way = median([abs(reply - request) for request, reply in self.both.values()])
            return _Offset(median(middles), max(way, _spread(middles)) // 2, 2 * len(self.both) + len(self.one))
        if self.one:
            shifts = list(self.one.values())
            return _Offset(median(shifts), _spread(shifts) // 2, len(shifts))
        return None


def clocks(
    things: Iterable[Sequence[Sighting]], following: Iterable[tuple[int, int]] = ()
) -> tuple[Clock, ...]:
    """`things`: of each request, call or exchange that several captures hold, what each of them holds. `following`:
    pairs of captures of which the second goes on where the first ends; they have one clock, if they share no frame."""
    samples: dict[tuple[int, int], _Samples] = defaultdict(_Samples)
    for sightings in things:
        for first, second in combinations(sorted(sightings, key=lambda each: each.capture), 2):
            samples[first.capture, second.capture].take(first, second)
    ways: dict[int, dict[int, _Offset]] = defaultdict(dict)
    for (one, other), collected in samples.items():
        offset = collected.offset()
        if offset is not None:
            ways[one][other] = offset
            ways[other][one] = offset._replace(offset_ns=-offset.offset_ns)
    for one, other in following:
        ways[one].setdefault(other, _ONE_CLOCK)
        ways[other].setdefault(one, _ONE_CLOCK)
    found: dict[int, Clock] = {}
    for reference in sorted(ways):
        if reference not in found:
            found.update(_from(reference, ways))
    return tuple(clock for capture, clock in sorted(found.items()) if clock.reference != capture)


def _from(reference: int, ways: Mapping[int, Mapping[int, _Offset]]) -> dict[int, Clock]:
    """Every capture that can be reached, by the way that is least uncertain; the reference itself too."""
    reached: dict[int, Clock] = {}
    ahead = [(0, reference, 0, 0)]  # uncertainty, capture, offset, frames
    while ahead:
        uncertainty, capture, offset, frames = heapq.heappop(ahead)
        if capture in reached:
            continue
        reached[capture] = Clock(capture, reference, offset, uncertainty, frames)
        for other, step in ways[capture].items():
            fewest = step.frames if capture == reference else min(frames, step.frames)
            heapq.heappush(ahead, (uncertainty + step.uncertainty_ns, other, offset + step.offset_ns, fewest))
    return reached


def _shift(first_ns: int | None, second_ns: int | None) -> int | None:
    return None if first_ns is None or second_ns is None else first_ns - second_ns


def _spread(values: Sequence[int]) -> int:
    """From the tenth to the ninetieth of a hundred: a segment that was lost and sent again does not count."""
    ordered = sorted(values)
    tenth = len(ordered) // 10
    return ordered[len(ordered) - 1 - tenth] - ordered[tenth]
