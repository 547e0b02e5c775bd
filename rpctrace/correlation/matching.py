"""Which records of two captures are the same thing, seen at two places.

Addresses, ports and ids must be equal (`Item.key`), and nothing that both sides know may differ (`Item.facts`). What is
alone of its kind, or as often on both sides, is paired in order; that gives the distance of the two clocks, and by it
the rest is paired: repeated ids, reused ports, captures that began at different times. Without anything to go by the
distance on which most possible pairs agree is taken; where two are as likely, nothing is paired.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

MILLISECOND_NS = 1_000_000
# A pair so far from the median distance is another thing on reused ports: more than a resent segment, or the drift of
# two clocks over a capture, explains.
LARGEST_DEVIATION_NS = 5_000 * MILLISECOND_NS
NEAREST_NS = 1_000 * MILLISECOND_NS  # of two that are told apart by time alone
VOTING_WINDOW_NS = 50 * MILLISECOND_NS
VOTES_NEEDED = 3
VOTERS_OF_A_KEY = 30  # on either side
VOTES_COUNTED = 20_000


class Item(NamedTuple):
    """A record of one capture, as `place` names it. A fact that this capture cannot know is None."""

    place: tuple[str, int]
    key: Hashable
    facts: tuple[Hashable, ...]
    request_ns: int | None
    reply_ns: int | None


Pair = tuple[Item, Item]
Buckets = Mapping[Hashable, Sequence[Item]]


def by_key(items: Iterable[Item]) -> Buckets:
    """Items in the order of their capture, by key."""
    buckets: dict[Hashable, list[Item]] = defaultdict(list)
    for item in items:
        buckets[item.key].append(item)
    return buckets


def pairs(first: Buckets, second: Buckets) -> list[Pair]:
    """The pairs of two captures, each item in at most one."""
    shared = [(items, second[key]) for key, items in first.items() if key in second]
    found = [pair for ours, theirs in shared for pair in _in_order(ours, theirs)]
    offset = _offset(found, shared)
    if offset is None:
        return found
    found = [pair for pair in found if _near(distance(pair), offset, LARGEST_DEVIATION_NS)]
    taken = {item.place for pair in found for item in pair}
    for ours, theirs in shared:
        mine = [item for item in ours if item.place not in taken]
        yours = [item for item in theirs if item.place not in taken] if mine else []
        if yours:
            found += _nearest(mine, yours, offset)
    return found


def _offset(found: Sequence[Pair], shared: Sequence[tuple[Sequence[Item], Sequence[Item]]]) -> int | None:
    """What to add to the second capture's times: what most pairs say that were found by order, else what most possible
    pairs say."""
    distances = [each for each in map(distance, found) if each is not None]
    if distances:
        middle = median(distances)
        if 2 * sum(abs(each - middle) <= NEAREST_NS for each in distances) >= len(distances):
            return middle
    return _voted(shared)


def distance(pair: Pair) -> int | None:
    """Nanoseconds from the second capture's clock to the first's; of a request and its reply, which the way between the
    two places delays in opposite directions, the middle."""
    first, second = pair
    request = _difference(first.request_ns, second.request_ns)
    reply = _difference(first.reply_ns, second.reply_ns)
    if request is None or reply is None:
        return request if reply is None else reply
    return (request + reply) // 2


def median(values: Sequence[int]) -> int:
    ordered = sorted(values)
    return (ordered[(len(ordered) - 1) // 2] + ordered[len(ordered) // 2]) // 2


def _difference(first_ns: int | None, second_ns: int | None) -> int | None:
    return None if first_ns is None or second_ns is None else first_ns - second_ns


def _near(value: int | None, offset: int, most: int) -> bool:
    return value is None or abs(value - offset) <= most


def compatible(first: Item, second: Item) -> bool:
    return all(
        one is None or other is None or one == other for one, other in zip(first.facts, second.facts, strict=True)
    )


def _in_order(ours: Sequence[Item], theirs: Sequence[Item]) -> list[Pair]:
    """Items whose facts are found once on either side; all of them, where either side has as many and they agree."""
    if len(ours) == len(theirs) and all(map(compatible, ours, theirs)):
        return list(zip(ours, theirs, strict=True))
    mine, yours = _alone(ours), _alone(theirs)
    found = [(item, yours[facts]) for facts, item in mine.items() if facts in yours]
    found.sort(key=lambda pair: pair[0].place)
    order = [pair[1].place for pair in found]
    return found if order == sorted(order) else []


def _alone(items: Sequence[Item]) -> dict[tuple[Hashable, ...], Item]:
    once: dict[tuple[Hashable, ...], Item | None] = {}
    for item in items:
        once[item.facts] = None if item.facts in once else item
    return {facts: item for facts, item in once.items() if item is not None}


def _voted(buckets: Sequence[tuple[Sequence[Item], Sequence[Item]]]) -> int | None:
    votes: list[int] = []
    for ours, theirs in buckets:
        for one in ours[:VOTERS_OF_A_KEY]:
            for other in theirs[:VOTERS_OF_A_KEY]:
                vote = distance((one, other))
                if vote is not None and compatible(one, other):
                    votes.append(vote)
        if len(votes) >= VOTES_COUNTED:
            break
    votes.sort()
    windows = []  # (votes in it, index of the first)
    end = 0
    for start, vote in enumerate(votes):
        while end < len(votes) and votes[end] - vote <= VOTING_WINDOW_NS:
            end += 1
        windows.append((end - start, start))
    if not windows:
        return None
    most, start = max(windows, key=lambda window: (window[0], -window[1]))
    won = votes[start : start + most]
    rivals = [count for count, at in windows if abs(votes[at] - won[0]) > VOTING_WINDOW_NS]
    return median(won) if most >= VOTES_NEEDED and most > max(rivals, default=0) else None


def _nearest(ours: Sequence[Item], theirs: Sequence[Item], offset: int) -> list[Pair]:
    """Pairs of which each is the other's nearest in time."""
    mine, yours = _timed(ours, 0), _timed(theirs, offset)
    found: list[Pair] = []
    for at, (time, item) in enumerate(mine):
        other = _nearest_to(time, yours)
        if other is None or _nearest_to(yours[other][0], mine) != at:
            continue
        candidate = yours[other][1]
        if abs(yours[other][0] - time) <= NEAREST_NS and compatible(item, candidate):
            found.append((item, candidate))
    return found


_Timed = Sequence[tuple[int, Item]]


def _timed(items: Sequence[Item], offset: int) -> _Timed:
    times = ((item.request_ns if item.request_ns is not None else item.reply_ns, item) for item in items)
    return sorted(((time + offset, item) for time, item in times if time is not None), key=lambda timed: timed[0])


def _nearest_to(time: int, timed: _Timed) -> int | None:
    at = bisect_left(timed, time, key=lambda each: each[0])
    around = [index for index in (at - 1, at) if 0 <= index < len(timed)]
    return min(around, key=lambda index: abs(timed[index][0] - time), default=None)
