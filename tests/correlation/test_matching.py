"""Items of two captures: the same thing is found, another thing never is; whatever is missing on either side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable
from itertools import accumulate
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from rpctrace.correlation.matching import LARGEST_DEVIATION_NS, Item, by_key, compatible, distance, median, pairs

MS = 1_000_000


def item(number: int, key: Hashable, *facts: Hashable, ms: float | None = None, side: str = "a") -> Item:
    """Answered after 5 ms."""
    time = None if ms is None else round(ms * MS)
    return Item((side, number), key, facts, time, None if time is None else time + 5 * MS)


def matched(first: Iterable[Item], second: Iterable[Item]) -> list[tuple[int, int]]:
    return sorted((one.place[1], other.place[1]) for one, other in pairs(by_key(first), by_key(second)))


def test_equal_keys_and_facts_that_do_not_differ() -> None:
    ours = [item(0, "a", 1, "x"), item(1, "b", 1, None), item(2, "c", 1, "x"), item(3, "d")]
    theirs = [item(0, "a", 1, "x"), item(1, "b", None, "y"), item(2, "c", 2, "x")]
    assert matched(ours, theirs) == [(0, 0), (1, 1)]


def test_what_is_as_often_on_both_sides_is_paired_in_order() -> None:
    """bind, alter_context, auth3 and a request of one id; a reply alone does not know its kind."""
    kinds = ("bind", "alter_context", "auth3", "request")
    ours = [item(number, "id 2", kind) for number, kind in enumerate(kinds)]
    theirs = [item(number, "id 2", None if kind == "request" else kind) for number, kind in enumerate(kinds)]
    assert matched(ours, theirs) == [(number, number) for number in range(4)]


def test_what_is_alone_of_its_kind_is_found_among_others() -> None:
    """Only one side has the auth3."""
    ours = [item(number, 2, kind) for number, kind in enumerate(("bind", "auth3", "request"))]
    theirs = [item(number, 2, kind) for number, kind in enumerate(("bind", "request"))]
    assert matched(ours, theirs) == [(0, 0), (2, 1)]


def test_a_capture_that_began_later_is_aligned_by_time() -> None:
    """Every call has the id 1; something else tells the distance of the clocks, 3 s."""
    ours = [item(number, 1, "request", ms=10 * number) for number in range(20)] + [item(20, "other", ms=500)]
    theirs = [item(number, 1, "request", ms=10 * number - 3000) for number in range(7, 20)]
    theirs.append(item(20, "other", ms=500 - 3000))
    assert matched(ours, theirs) == [(number, number) for number in range(7, 21)]


def test_a_capture_that_began_hundreds_of_calls_later_is_aligned_too() -> None:
    """Times that do not repeat, and nothing else to go by; whichever side began later."""
    gaps = Random(7)
    times = list(accumulate(gaps.randrange(5, 100) for _ in range(500)))
    ours = [item(number, 1, ms=ms) for number, ms in enumerate(times)]
    late = [item(number, 1, ms=ms + 12_345) for number, ms in enumerate(times) if number >= 400]
    assert matched(ours, late) == [(number, number) for number in range(400, 500)]
    assert matched(late, ours) == [(number, number) for number in range(400, 500)]


def test_without_anything_else_the_distance_that_most_agree_on_counts() -> None:
    """Times that do not repeat: 0, 17, 31, 90, 210 ms ..."""
    times = (0, 17, 131, 390, 1010, 1811, 2700)
    ours = [item(number, 1, ms=ms) for number, ms in enumerate(times)]
    theirs = [item(number, 1, ms=ms + 70_000) for number, ms in enumerate(times) if number >= 2]
    assert matched(ours, theirs) == [(number, number) for number in range(2, 7)]


def test_where_two_distances_are_as_likely_nothing_is_paired() -> None:
    """One call a second, and a capture that lacks the first or the last."""
    ours = [item(number, 1, ms=1000 * number) for number in range(10)]
    theirs = [item(number, 1, ms=1000 * number) for number in range(9)]
    assert matched(ours, theirs) == []


def test_another_session_on_the_same_ports_is_not_the_same() -> None:
    """Most pairs say 2 s; one of equal key says an hour."""
    ours = [item(number, number, ms=10 * number) for number in range(5)] + [item(5, "reused", ms=60)]
    theirs = [item(number, number, ms=10 * number + 2000) for number in range(5)]
    theirs.append(item(5, "reused", ms=3_600_000))
    assert matched(ours, theirs) == [(number, number) for number in range(5)]
    near = [*theirs[:5], item(5, "reused", ms=2060 + LARGEST_DEVIATION_NS // MS)]
    assert matched(ours, near)[-1] == (5, 5)


def test_of_two_sessions_on_the_same_ports_the_one_that_both_hold_is_found() -> None:
    """As often on both sides, and in order wrong: one lacks the first session, the other the last."""
    ours = [item(0, "p", ms=0), item(1, "p", ms=50_000), item(2, 2, ms=10), item(3, 3, ms=20)]
    theirs = [item(0, "p", ms=50_000), item(1, "p", ms=90_000), item(2, 2, ms=10), item(3, 3, ms=20)]
    assert matched(ours, theirs) == [(1, 0), (2, 2), (3, 3)]


def test_of_files_that_follow_one_another_only_what_the_border_cut_is_the_same() -> None:
    """Unless several agree on a distance of the clocks."""
    ours = [item(0, "p", ms=0), item(1, "p", ms=50), item(2, "q", ms=60)]
    theirs = [item(0, "p", ms=100), item(1, "p", ms=900), item(2, "q", ms=70), item(3, "r", ms=80)]
    asked, came = ours[1]._replace(reply_ns=None), theirs[0]._replace(request_ns=None)

    def following(first: list[Item], second: list[Item]) -> list[tuple[int, int]]:
        found = pairs(by_key(first), by_key(second), following=True)
        return [(one.place[1], other.place[1]) for one, other in found]

    assert following(ours, theirs) == []
    assert following([ours[0], asked, ours[2]], [came, *theirs[1:]]) == [(1, 0)]
    assert following([ours[0], asked, ours[2]], theirs) == []
    assert following(ours, [came, *theirs[1:]]) == []
    seen_twice = [item(number, number, ms=10 * number) for number in range(4)]
    assert len(following(seen_twice, seen_twice)) == 4


def test_without_times_order_is_all_there_is() -> None:
    ours = [item(0, 1, "x"), item(1, 1, "x")]
    assert matched(ours, ours) == [(0, 0), (1, 1)]
    assert matched(ours, ours[:1]) == []


def test_distance_is_free_of_the_way_where_both_directions_are_seen() -> None:
    """The way takes 3 ms in either direction, the second clock is 100 ms ahead."""
    first = Item(("a", 0), 1, (), 0, 20 * MS)
    second = Item(("b", 0), 1, (), 103 * MS, 117 * MS)
    assert distance((first, second)) == -100 * MS
    assert distance((first, second._replace(reply_ns=None))) == -103 * MS
    assert distance((first._replace(request_ns=None), second)) == -97 * MS
    assert distance((first._replace(request_ns=None), second._replace(reply_ns=None))) is None


def test_median_and_compatible() -> None:
    assert [median([3]), median([4, 1]), median([9, 1, 2])] == [3, 2, 2]
    assert compatible(item(0, 1, None, "x"), item(0, 1, 1, "x"))
    assert not compatible(item(0, 1, 2, "x"), item(0, 1, 1, "x"))


@given(
    gaps=st.lists(st.integers(12, 400), min_size=4, max_size=40),
    ids=st.integers(1, 8),
    lost=st.sets(st.integers(0, 39), max_size=6),
    lost_too=st.sets(st.integers(0, 39), max_size=6),
    clock_ms=st.integers(-10_000_000, 10_000_000),
    way_us=st.integers(0, 2_000),
)
def test_pairs_are_right_and_none_is_missed(
    gaps: list[int], ids: int, lost: set[int], lost_too: set[int], clock_ms: int, way_us: int
) -> None:
    """One call after the other over few ids, either capture without some of them; the last two ids occur once. What
    both hold is found."""
    times = [sum(gaps[:number]) for number in range(len(gaps))]
    keys: list[Hashable] = [number % ids for number in range(len(gaps) - 2)] + ["last", "very last"]
    ours = [item(n, keys[n], ms=ms) for n, ms in enumerate(times) if n not in lost or n >= len(gaps) - 2]
    theirs = [
        item(n, keys[n], ms=ms + clock_ms + way_us / 1000, side="b")
        for n, ms in enumerate(times)
        if n not in lost_too or n >= len(gaps) - 2
    ]
    found = matched(ours, theirs)
    assert len({one for one, _ in found}) == len(found) == len({other for _, other in found})
    sides = [Counter(each.key for each in side) for side in (ours, theirs)]
    # what is alone on both sides may be two different ones, seconds apart: nothing tells them from a segment sent again
    repeated = [pair for pair in found if max(side[keys[pair[0]]] for side in sides) > 1]
    assert all(one == other for one, other in repeated)
    both = {each.place[1] for each in ours} & {each.place[1] for each in theirs}
    assert {n for n in both if max(side[keys[n]] for side in sides) > 1} == {one for one, _ in repeated}
    assert {len(gaps) - 2, len(gaps) - 1} <= {one for one, _ in found}
