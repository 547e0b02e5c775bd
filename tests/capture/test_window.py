"""A window over pieces: peek, take and skip see the same octets, however they come, and views taken stay true."""

from __future__ import annotations

import io
import random

import pytest

from rpctrace.capture.window import Window

OCTETS = random.Random(3).randbytes(5_000)


@pytest.mark.parametrize("window_octets", [1, 3, 64, 10_000])
def test_steps_at_random(window_octets: int) -> None:
    """Any steps: positions and octets are the file's; taken views do not change when the window moves on."""
    rng = random.Random(window_octets)
    window = Window(io.BytesIO(OCTETS).readinto, window_octets)
    taken = []
    while window.position < len(OCTETS):
        at, count = window.position, rng.randrange(1, 200)
        assert window.peek(count) == OCTETS[at : at + count]
        assert window.position == at
        if rng.random() < 0.5:
            taken.append((at, window.take(count)))
        else:
            assert window.skip(count) == min(count, len(OCTETS) - at)
        assert window.position == min(at + count, len(OCTETS))
    assert all(view == OCTETS[at : at + len(view)] for at, view in taken)
    assert (len(window.peek(9)), len(window.take(9)), window.skip(9)) == (0, 0, 0)


def test_restart() -> None:
    """Anywhere, back too, and behind the end; with just so many octets read."""
    file = io.BytesIO(OCTETS)
    window = Window(file.readinto, 64)
    for position, end in ((4_000, 4_100), (10, 10), (4_990, 9_000), (70, 3_000)):
        file.seek(position)
        window.restart(position, end)
        assert (window.position, window.end - window.at) == (position, max(0, min(end, len(OCTETS)) - position))
        assert file.tell() == min(end, len(OCTETS))
        assert window.peek(99) == OCTETS[position : position + 99]
    assert window.window_octets == 64
