"""The distance of clocks from requests and replies seen twice, whatever the way between the two places takes."""

from __future__ import annotations

import pytest

from rpctrace.correlation.clocks import clocks
from rpctrace.report import Clock, Sighting

MS = 1_000_000


def seen(capture: int, number: int, request_ms: float | None, reply_ms: float | None) -> Sighting:
    """`number` makes the frames."""
    request, reply = (None if ms is None else round(ms * MS) for ms in (request_ms, reply_ms))
    return Sighting(
        capture,
        () if request is None else (2 * number + 1,),
        request,
        () if reply is None else (2 * number + 2,),
        reply,
    )


def exchange(
    number: int, ms: float, ahead_ms: float, way_ms: float, captures: tuple[int, int] = (0, 1)
) -> list[Sighting]:
    """Seen at the client, and `way_ms` later at a server whose clock is ahead."""
    client, server = captures
    return [
        seen(client, number, ms, ms + 20),
        seen(server, number, ms + way_ms + ahead_ms, ms + 20 - way_ms + ahead_ms),
    ]


@pytest.mark.parametrize("way", [0, 0.2, 8])
def test_the_way_falls_out(way: float) -> None:
    """Half the time that both ways take is what the middle may be off."""
    things = [exchange(number, 100 * number, 1500, way) for number in range(5)]
    assert clocks(things) == (Clock(1, 0, -1500 * MS, round(way * MS), 10),)


def test_the_order_of_the_captures_does_not_matter() -> None:
    things = [exchange(number, 100 * number, 1500, 3, captures=(1, 0)) for number in range(5)]
    assert clocks(things) == (Clock(1, 0, 1500 * MS, 3 * MS, 10),)


def test_one_lost_segment_does_not_move_the_clock() -> None:
    """Its request reached the server 3 s late; the spread leaves out the outermost tenths."""
    things = [exchange(number, 100 * number, 50, 1) for number in range(20)]
    things.append([seen(0, 20, 2000, 5020), seen(1, 20, 5051, 5069)])
    (clock,) = clocks(things)
    assert (clock.offset_ns, clock.uncertainty_ns, clock.frames) == (-50 * MS, 1 * MS, 42)


def test_a_spread_is_uncertain() -> None:
    """Clocks that drift apart by 100 ms over the capture."""
    things = [exchange(number, 100 * number, number, 0) for number in range(100)]
    (clock,) = clocks(things)
    assert clock.offset_ns == -round(49.5 * MS)
    assert 35 * MS <= clock.uncertainty_ns <= 50 * MS


def test_one_direction_is_better_than_none() -> None:
    """The way of 2 ms is in it, and nothing tells; where any exchange is whole, the halves do not count."""
    halves = [[seen(0, number, 10 * number, None), seen(1, number, 10 * number + 102, None)] for number in range(3)]
    assert clocks(halves) == (Clock(1, 0, -102 * MS, 0, 3),)
    replies = [[seen(0, number, None, 10 * number), seen(1, number, None, 10 * number + 98)] for number in range(3)]
    assert clocks(replies) == (Clock(1, 0, -98 * MS, 0, 3),)
    assert clocks([*halves, exchange(9, 900, 100, 2)]) == (Clock(1, 0, -100 * MS, 2 * MS, 5),)


def test_a_request_here_and_its_reply_there_are_no_common_frame() -> None:
    assert clocks([[seen(0, 1, 10, None), seen(1, 1, None, 30)]]) == ()
    assert clocks([]) == ()


def test_frames_that_two_records_share_count_once() -> None:
    """The call, and the Kerberos exchange that it carried."""
    assert clocks([exchange(1, 10, 100, 1)] * 3) == (Clock(1, 0, -100 * MS, 1 * MS, 2),)


def test_a_chain_adds_up() -> None:
    """0 and 1 share frames, 1 and 2 do; 3 and 4 are a line of their own, 5 stands alone."""
    things = [exchange(number, 100 * number, 1000, 1) for number in range(4)]
    things += [exchange(number + 50, 100 * number, 500, 2, captures=(1, 2)) for number in range(3)]
    things += [exchange(number + 90, 100 * number, 7, 0, captures=(3, 4)) for number in range(2)]
    assert clocks(things) == (
        Clock(1, 0, -1000 * MS, 1 * MS, 8),
        Clock(2, 0, -1500 * MS, 3 * MS, 6),
        Clock(4, 3, -7 * MS, 0, 4),
    )


def test_the_surer_way_is_taken() -> None:
    """Directly 40 ms uncertain, over the capture between 2 ms."""
    things = [exchange(1, 10, 3000, 40, captures=(0, 2))]
    things += [exchange(2, 20, 1000, 1), exchange(3, 30, 2000, 1, captures=(1, 2))]
    (_, last) = clocks(things)
    assert (last.offset_ns, last.uncertainty_ns) == (-3000 * MS, 2 * MS)


def test_a_capture_that_goes_on_where_another_ends_has_its_clock() -> None:
    """Unless common frames say otherwise; also over a third."""
    assert clocks([], [(1, 2), (0, 1)]) == (Clock(1, 0, 0, 0, 0), Clock(2, 0, 0, 0, 0))
    assert clocks([exchange(1, 10, 100, 1)], [(0, 1)]) == (Clock(1, 0, -100 * MS, 1 * MS, 2),)
    assert clocks([exchange(1, 10, 100, 1)], [(1, 2)])[1] == Clock(2, 0, -100 * MS, 1 * MS, 0)


def test_three_captures_of_one_exchange() -> None:
    sightings = [seen(0, 1, 10, 30), seen(1, 1, 1011, 1029), seen(2, 1, 512, 528)]
    assert clocks([sightings]) == (Clock(1, 0, -1000 * MS, 1 * MS, 2), Clock(2, 0, -500 * MS, 2 * MS, 2))
