"""Which records of two captures are the same thing, seen at two places.

Addresses, ports and ids must be equal (`Item.key`), and nothing that both sides know may differ (`Item.facts`). What is
alone of its kind on both sides is paired; that gives the distance of the two clocks, and by it the rest is paired:
repeated ids, reused ports, captures that began at different times. Without anything alone the distance on which most
possible pairs agree is taken. Where that decides nothing, what is as often on both sides is paired in order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence

from rpctrace.named_tuple import NamedTuple

MILLISECOND_NS = 1_000_000
# A pair so far from the median distance is another thing on reused ports: more than a resent segment, or the drift of
# two clocks over a capture, explains.
LARGEST_DEVIATION_NS = 5_000 * MILLISECOND_NS
NEAREST_NS = 1_000 * MILLISECOND_NS  # of two that are told apart by time alone
# Votes within so much of each other are one opinion: first as a quiet network has it, then as a shaky one.
VOTING_WINDOWS_NS = (2 * MILLISECOND_NS, 10 * MILLISECOND_NS, 50 * MILLISECOND_NS)
VOTES_NEEDED = 3
VOTERS_OF_A_KEY = 30  # the first of either side, each with the first of the other side that may be it:
CANDIDATES_OF_A_VOTER = 600
VOTES_COUNTED = 50_000


class Item(NamedTuple):
    """A record of one capture, as `place` names it. Its first fact is what kind of thing it is; one that this capture
    cannot know is None. `proof`: what no other thing of this key has, where there is such a value."""

    place: tuple[str, int]
    key: Hashable
    facts: tuple[Hashable, ...]
    request_ns: int | None
    reply_ns: int | None
    proof: Hashable = None


Pair = tuple[Item, Item]
Buckets = Mapping[Hashable, Sequence[Item]]


def by_key(items: Iterable[Item]) -> Buckets:
    """Items in the order of their capture, by key."""
    buckets: dict[Hashable, list[Item]] = defaultdict(list)
    for item in items:
        buckets[item.key].append(item)
    return buckets


def pairs(first: Buckets, second: Buckets, *, following: bool = False) -> list[Pair]:
    """The pairs of two captures, each item in at most one. `following`: the second may be the continuation of the first
    (files of a ring buffer); then, if nothing says otherwise, only what the border cut in two is the same."""
    shared = [(items, second[key]) for key, items in first.items() if key in second]
    found = [pair for ours, theirs in shared for pair in _alone_of_their_kind(ours, theirs)]
    if following and not _overlapping(found):
        return [(ours[-1], theirs[0]) for ours, theirs in shared if _is_cut(ours[-1], theirs[0])]
    offset = _offset(found, shared)
    if offset is not None:
        found = [pair for pair in found if _near(distance(pair), offset, LARGEST_DEVIATION_NS)]
    most_ns = _tolerance(found, offset) if offset is not None else 0
    taken = {item.place for pair in found for item in pair}
    for ours, theirs in shared:
        mine = [item for item in ours if item.place not in taken]
        yours = [item for item in theirs if item.place not in taken] if mine else []
        if yours:
            found += _in_order(mine, yours) if offset is None else _nearest(mine, yours, offset, most_ns)
    return found


def _is_cut(last: Item, first: Item) -> bool:
    """A request without its reply at the end of one file, a reply without its request at the beginning of the next."""
    halves = last.reply_ns is None and first.request_ns is None and first.reply_ns is not None
    return halves and compatible(last, first)


def _overlapping(found: Sequence[Pair]) -> bool:
    """Whether pairs show that both captures hold the same frames: one by itself, or several that are as far apart."""
    if any(first.proof is not None and first.proof == second.proof for first, second in found):
        return True
    distances = [each for each in map(distance, found) if each is not None]
    return len(distances) >= VOTES_NEEDED and _agreed(distances) is not None


def _agreed(distances: Sequence[int]) -> int | None:
    """The distance that more than half are about."""
    middle = median(distances)
    return middle if 2 * sum(abs(each - middle) <= NEAREST_NS for each in distances) > len(distances) else None


def _offset(found: Sequence[Pair], shared: Sequence[tuple[Sequence[Item], Sequence[Item]]]) -> int | None:
    """What to add to the second capture's times: what the pairs found agree on, else what most possible pairs do."""
    distances = [each for each in map(distance, found) if each is not None]
    agreed = _agreed(distances) if distances else None
    return agreed if agreed is not None else _voted(shared)


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


def _alone_of_their_kind(ours: Sequence[Item], theirs: Sequence[Item]) -> list[Pair]:
    """Of one key: the only one on either side, or those whose facts are found once on either side."""
    if len(ours) == len(theirs) == 1:
        return [(ours[0], theirs[0])] if compatible(ours[0], theirs[0]) else []
    mine, yours = _alone(ours), _alone(theirs)
    found = [(item, yours[facts]) for facts, item in mine.items() if facts in yours]
    order = [pair[1].place for pair in found]
    return found if order == sorted(order) else []


def _in_order(ours: Sequence[Item], theirs: Sequence[Item]) -> list[Pair]:
    """All of them, where either side has as many and they agree; else, kind by kind, what either side has as often."""
    if _agree(ours, theirs):
        return list(zip(ours, theirs, strict=True))
    mine, yours = _by_kind(ours), _by_kind(theirs)
    if None in mine or None in yours:
        return []
    agreeing = (kind for kind in mine if _agree(mine[kind], yours.get(kind, ())))
    return [pair for kind in agreeing for pair in zip(mine[kind], yours[kind], strict=True)]


def _agree(ours: Sequence[Item], theirs: Sequence[Item]) -> bool:
    return len(ours) == len(theirs) and all(map(compatible, ours, theirs))


def _by_kind(items: Sequence[Item]) -> Mapping[Hashable, Sequence[Item]]:
    kinds: dict[Hashable, list[Item]] = defaultdict(list)
    for item in items:
        kinds[item.facts[0] if item.facts else None].append(item)
    return kinds


def _alone(items: Sequence[Item]) -> dict[tuple[Hashable, ...], Item]:
    once: dict[tuple[Hashable, ...], Item | None] = {}
    for item in items:
        once[item.facts] = None if item.facts in once else item
    return {facts: item for facts, item in once.items() if item is not None}


def _voted(buckets: Sequence[tuple[Sequence[Item], Sequence[Item]]]) -> int | None:
    votes: list[int] = []
    for ours, theirs in buckets:
        voting = [(one, other) for one in ours[:VOTERS_OF_A_KEY] for other in theirs[:CANDIDATES_OF_A_VOTER]]
        voting += [
            (one, other)
            for one in ours[VOTERS_OF_A_KEY:CANDIDATES_OF_A_VOTER]
            for other in theirs[:VOTERS_OF_A_KEY]
        ]
        counted = (distance(pair) for pair in voting if compatible(*pair))
        votes += [vote for vote in counted if vote is not None]
        if len(votes) >= VOTES_COUNTED:
            break
    votes.sort()
    won = (_elected(votes, window) for window in VOTING_WINDOWS_NS)
    return next((offset for offset in won if offset is not None), None)


def _elected(votes: Sequence[int], window: int) -> int | None:
    """The opinion of most, where it has a quarter more votes than any other."""
    counts: list[int] = []  # votes from this one on, as far as the window goes
    end = 0
    for start, vote in enumerate(votes):
        while end < len(votes) and votes[end] - vote <= window:
            end += 1
        counts.append(end - start)
    most = max(counts, default=0)
    if most < VOTES_NEEDED:
        return None
    start = counts.index(most)
    rivals = (count for vote, count in zip(votes, counts, strict=True) if abs(vote - votes[start]) > window)
    return median(votes[start : start + most]) if 4 * most >= 5 * max(rivals, default=0) else None


def _tolerance(found: Sequence[Pair], offset: int) -> int:
    """How far from the offset a pair may be that time alone tells: four times as far as the sure ones are."""
    deviations = [abs(each - offset) for each in map(distance, found) if each is not None]
    usual = 4 * median(deviations) if deviations else 0
    return min(NEAREST_NS, max(VOTING_WINDOWS_NS[1], usual))


def _nearest(ours: Sequence[Item], theirs: Sequence[Item], offset: int, most_ns: int) -> list[Pair]:
    """Pairs of which each is the other's nearest in time, and no further than `most_ns`: where either side lacks one,
    two that are not the same thing are each other's nearest too."""
    mine, yours = _timed(ours, 0), _timed(theirs, offset)
    found: list[Pair] = []
    for at, (time, item) in enumerate(mine):
        other = _nearest_to(time, yours)
        if other is None or _nearest_to(yours[other][0], mine) != at:
            continue
        candidate = yours[other][1]
        if abs(yours[other][0] - time) <= most_ns and compatible(item, candidate):
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
