"""One direction's buffer: positions do not wrap, the first copy wins, nothing grows without a bound."""

from __future__ import annotations

import pytest

from rpctrace.stream import direction as module
from rpctrace.stream.direction import Account, DirectionState, Piece, distance, owned
from rpctrace.stream.stream import Chunk, Conflict, Gap


def piece(position: int, octets: bytes, *, length: int | None = None, frame: int = 1, acknowledged: int = 0) -> Piece:
    return Piece(position, memoryview(octets), length or len(octets), acknowledged, frame, None, frame)


def started(at: int = 100) -> DirectionState:
    state = DirectionState(0, Account())
    state.begin(at)
    state.meet(at, 1, None)
    return state


def drain(state: DirectionState) -> bytes:
    """Everything up to the first hole."""
    parts = []
    while (head := state.head()) is not None and head is not state.fin:
        part = state.pop()
        if part.octets:
            parts.append(bytes(state.chunk(part.octets, part.frame_number, None).octets))
    return b"".join(parts)


@pytest.mark.parametrize(
    ("later", "earlier", "between"),
    [(5, 3, 2), (3, 5, -2), (1, 2**32 - 1, 2), (2**32 - 1, 1, -2), (2**31, 0, -(2**31)), (2**33 + 1, 2**33, 1)],
)
def test_distance(later: int, earlier: int, between: int) -> None:
    assert distance(later, earlier) == between


def test_octets_are_copied_only_out_of_a_larger_window() -> None:
    window = b"header, octets"
    assert owned(memoryview(window)) is window
    assert owned(memoryview(window)[8:]) == b"octets"
    changing = bytearray(b"octets")
    kept = owned(memoryview(changing))
    changing[0] = 0
    assert kept == b"octets"


def test_directions_share_no_list_that_one_of_them_fills() -> None:
    first, second = started(), started()
    first.park(piece(110, b"hole before"))
    first.chunk(memoryview(b"delivered"), 1, None)
    assert (len(first.parked), len(first.recent)) == (1, 1)
    assert (second.parked, second.recent, started().parked) == ([], [], [])


def test_positions_go_on_past_the_wrap() -> None:
    state = started(2**32 - 2)
    assert state.park(piece(state.unwrap(1), b"efg"))
    assert state.park(piece(state.unwrap(2**32 - 2), b"bcd"))
    assert drain(state) == b"bcdefg"
    assert state.next == 2**32 + 4
    assert state.unwrap(4) == state.next


@pytest.mark.parametrize(
    ("copies", "octets"),
    [
        ([(0, b"abcdef"), (0, b"XXXXXX")], b"abcdef"),
        ([(2, b"cd"), (0, b"ABCDEF")], b"ABcdEF"),
        ([(2, b"cd"), (4, b"e"), (0, b"ABCDEFG")], b"ABcdeFG"),
        ([(0, b"ab"), (4, b"ef"), (1, b"XXXXX")], b"abXXef"),
        ([(3, b"d"), (1, b"b"), (5, b"f"), (0, b"ABCDEFG")], b"AbCdEfG"),
    ],
)
def test_the_first_copy_wins(copies: list[tuple[int, bytes]], octets: bytes) -> None:
    state = started()
    for frame, (offset, copy) in enumerate(copies, start=1):
        state.park(piece(100 + offset, copy, frame=frame))
    assert drain(state) == octets
    assert state.take_conflicts()
    assert state.account.parked_octets == 0


def test_a_conflict_names_octet_and_frames_also_with_delivered_octets() -> None:
    state = started()
    state.park(piece(100, b"abcd", frame=4))
    assert drain(state) == b"abcd"
    assert not state.park(piece(100, b"abXd", frame=9))
    assert state.take_conflicts() == [Conflict(0, 2, 4, 9)]
    assert not state.park(piece(100, b"abcd", frame=10))
    assert state.take_conflicts() == []


def test_conflicts_are_told_up_to_a_bound() -> None:
    state = started()
    state.park(piece(101, b"a"))
    for frame in range(2, 52):
        state.park(piece(101, b"b", frame=frame))
    assert len(state.take_conflicts()) == module.MAXIMUM_CONFLICTS
    assert state.account.limits == {"conflicts_not_told": 50 - module.MAXIMUM_CONFLICTS}


def test_without_a_syn_the_lowest_of_the_first_positions_is_the_start() -> None:
    state = DirectionState(1, Account())
    state.meet(500, 1, None)
    state.park(piece(500, b"later"))
    state.park(piece(490, b"first "))
    assert state.head() is None
    state.settle()
    assert (state.origin, state.highest) == (490, 505)
    assert state.chunk(state.pop().octets, 7, 8) == Chunk(1, 0, memoryview(b"first "), 7, 8)


def test_a_lone_octet_without_a_syn_is_a_keep_alive() -> None:
    state = DirectionState(0, Account())
    state.meet(499, 1, None)
    state.park(piece(499, b"\0"))
    state.settle()
    assert (state.origin, state.parked, state.account.parked_octets) == (500, [], 0)


def test_a_syn_tells_the_start_of_what_is_parked_already() -> None:
    state = DirectionState(0, Account())
    state.meet(500, 1, None)
    state.park(piece(500, b"late"))
    state.begin(496)
    assert state.origin == state.next == 496
    state.begin(17)  # only once
    assert state.origin == 496


def test_of_two_copies_the_lower_acknowledgement_counts() -> None:
    state = started()
    state.park(piece(110, b"again", acknowledged=77))
    state.park(piece(110, b"again", acknowledged=70))
    state.park(piece(110, b"again", acknowledged=90))
    assert state.parked[0].acknowledgement == 70


def test_cut_octets_leave_a_mark_that_another_copy_fills() -> None:
    state = started()
    state.park(piece(104, b"efgh", length=8))
    state.park(piece(106, b"ghij"))
    state.park(piece(100, b"abcd"))
    assert drain(state) == b"abcdefghij"
    assert not state.park(piece(104, b"ef", length=4))


def test_a_segment_far_ahead_counts_only_in_a_run() -> None:
    state = started()
    far = 100 + module.WINDOW_OCTETS + 1
    for frame in range(10):  # forged ones do not touch each other
        state.park(piece(far + 100 * frame, b"x" * 10, frame=frame))
    assert state.parked == []
    for frame in range(module.FAR_RUN_PIECES):
        state.park(piece(far + 5000 + 10 * frame, b"0123456789", frame=frame))
    assert len(state.parked) == module.FAR_RUN_PIECES
    assert state.overdue == far + 5000
    assert state.account.limits == {"segments_beyond_window": 10}


def test_bounds_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    state = started()
    monkeypatch.setattr(module, "MAXIMUM_PARKED_PIECES", 5)
    for at in range(6):
        assert not state.is_full
        state.park(piece(110 + 2 * at, b"x"))
    assert state.is_full
    state.release()
    assert (state.account.parked_octets, state.account.remembered_octets, state.parked) == (0, 0, [])


def test_what_is_remembered_is_bounded_and_forgotten() -> None:
    state = started()
    for _ in range(1000):
        state.chunk(memoryview(bytes(1460)), 1, None)
    assert state.account.remembered_octets == state.recent_octets <= module.REMEMBERED_OCTETS
    state.chunk(memoryview(bytes(module.REMEMBERED_OCTETS)), 1, None)
    assert (state.recent, state.recent_octets) == ([], 0)
    state.chunk(memoryview(b"x"), 1, None)
    state.forget()
    assert state.account.remembered_octets == 0


def test_octets_that_come_after_their_gap_are_counted() -> None:
    state = started()
    assert state.gap(110, 5) == Gap(0, 0, 10, 5)
    assert not state.park(piece(102, b"late"))
    assert state.account.limits == {"segments_after_their_gap": 1}


def test_octets_that_are_stepped_over_are_dropped_and_what_straddles_the_end_is_cut() -> None:
    state = started()
    state.park(piece(110, b"inside"))
    state.park(piece(118, b"aXbc"))
    state.park(piece(130, b"behind"))
    assert state.skip(20) == 20
    assert [(each.position, bytes(each.octets)) for each in state.parked] == [(120, b"bc"), (130, b"behind")]
    assert state.account.parked_octets == state.parked_octets == 8 + 2 * module.PIECE_OVERHEAD_OCTETS
    assert not state.park(piece(105, b"other"))
    assert state.take_conflicts() == []
    assert state.has_skipped(105, 5)
    assert state.has_skipped(119, 1)
    assert not state.has_skipped(119, 2)
    assert not state.has_skipped(120, 0)
    assert not state.has_skipped(99, 5)


def test_octets_cut_off_behind_the_end_are_still_known_to_be_cut() -> None:
    state = started()
    state.park(piece(104, b"efgh", length=30))
    assert state.skip(20) == 20
    assert [(each.position, each.length_octets, bytes(each.octets)) for each in state.parked] == [(120, 14, b"")]


def test_a_stretch_ends_at_the_fin_and_is_bounded() -> None:
    state = started()
    state.fin = piece(110, b"").mark(110)
    assert state.skip(20) == 10
    assert state.skip(20) == 0
    assert started().skip(1 << 30) == module.MAXIMUM_SKIPPED_OCTETS
    assert started().skip(0) == 0


def test_stretches_are_remembered_as_one_up_to_a_bound() -> None:
    state = started()
    state.skip(10)
    state.chunk(memoryview(b"head"), 1, None)
    state.skip(10)
    assert (state.skipped_from, state.skipped_octets, state.earliest_end) == (100, 24, 114)
    state.chunk(memoryview(b"head"), 1, None)
    assert state.earliest_end == state.next == 128
    for _ in range(100):
        state.skip(1 << 24)
    assert state.skipped_octets == module.REMEMBERED_SKIPPED_OCTETS
    assert state.next == 128 + (100 << 24)
