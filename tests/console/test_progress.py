"""The progress line shows on a terminal, after a second, and then only."""

from __future__ import annotations

import io
import sys

import pytest

from rpctrace.analysis import Progress
from rpctrace.console import progress
from rpctrace.console.progress import ProgressLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("terminal", "quiet", "seconds", "shown"),
    [(True, False, 5.0, True), (True, False, 0.2, False), (True, True, 5.0, False), (False, False, 5.0, False)],
)
def test_when_it_shows(
    terminal: bool, quiet: bool, seconds: float, shown: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never on a pipe, never with -q, never in the first second; a hostile file name is shown as text."""
    error = Terminal() if terminal else io.StringIO()
    monkeypatch.setattr(sys, "stderr", error)
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    monkeypatch.setenv("TERM", "xterm")
    with ProgressLine(quiet) as line:
        now[0] += seconds
        for read in (1000, 2000, 3000):
            line(Progress("[red]x\x1b]0;owned\x07", read, 4000, read // 10))
    assert bool(error.getvalue()) is shown
    if shown:
        assert "[red]x\\x1b]0;owned\\x07" in error.getvalue()
        assert "\x1b]0;" not in error.getvalue()
