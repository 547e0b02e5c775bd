"""A child process is measured by itself, with what it ended with."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from benchmarks import measuring
from benchmarks.measuring import Cost

pytestmark = pytest.mark.skipif(not hasattr(os, "wait4"), reason="no os.wait4 on this system")

HELD_OCTETS = 200_000_000  # more than the process that runs the tests has


def test_a_process_is_measured_and_its_output_kept(tmp_path: Path) -> None:
    """CPU and memory are the child's."""
    work = f"print(sum(range(3_000_000))); held = b'x' * {HELD_OCTETS}; raise SystemExit(3)"
    busy = measuring.run([sys.executable, "-c", work], tmp_path / "out")
    idle = measuring.run([sys.executable, "-c", "pass"])
    assert (tmp_path / "out").read_text() == "4499998500000\n"
    assert (busy.status, idle.status) == (3, 0)
    assert busy.peak_octets > HELD_OCTETS
    assert busy.cpu_seconds > idle.cpu_seconds


def test_the_best_of_several_runs() -> None:
    """The least of each time, the most memory, the worst end."""
    assert measuring.best([Cost(1.0, 9.0, 5, 0), Cost(2.0, 8.0, 6, 3)]) == Cost(1.0, 8.0, 6, 3)
