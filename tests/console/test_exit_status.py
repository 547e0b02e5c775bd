"""Exit statuses combine so that an unread file never looks like a clean pass."""

from __future__ import annotations

from itertools import permutations

from rpctrace.console.exit_status import ExitStatus, strongest


def test_unread_covers_found_covers_done() -> None:
    """In any order; nothing at all is done."""
    assert strongest() == 0
    for some in permutations((ExitStatus.DONE, ExitStatus.FOUND, ExitStatus.UNREAD)):
        assert strongest(*some) == 3
    assert strongest(ExitStatus.FOUND, ExitStatus.DONE) == 1
    assert [int(status) for status in ExitStatus] == [0, 1, 2, 3, 4, 5, 130, 143]
