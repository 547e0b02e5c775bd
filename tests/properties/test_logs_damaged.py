"""A log, mutated, cut, shuffled and saved otherwise: a report and a table, never an error; and the same ones again."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from rpctrace.analysis import analyze
from rpctrace.correlation.registry import correlate
from rpctrace.log_reading import read_logs
from rpctrace.log_summary import summarise
from rpctrace.report import Report, Tool

CHECKOUT = Path(__file__).parents[2]
LOG = CHECKOUT / "tests" / "logs" / "domain-controller.log"
CAPTURES = [CHECKOUT / "captures" / "remote-assistance" / name for name in ("expert.pcapng", "novice.pcapng")]
MUTANTS = 400


def joined(report: Report, path: Path) -> Report:
    return correlate(read_logs([str(path)], report))


def test_mutants(tmp_path: Path) -> None:
    """Octets changed, lines shuffled, the end cut off; seeds fixed."""
    report, octets, path = analyze(CAPTURES), LOG.read_bytes(), tmp_path / "netlogon.log"
    calls = {call.id for call in report.calls}
    rng = random.Random(7)
    for _ in range(MUTANTS):
        mutant = bytearray(octets)
        for _ in range(rng.choice((1, 20, 200))):
            mutant[rng.randrange(len(mutant))] = rng.choice((0, 9, 10, 32, 48, 92, 255, rng.randrange(256)))
        lines = bytes(mutant).split(b"\n")
        if rng.random() < 0.3:
            rng.shuffle(lines)
        path.write_bytes(b"\n".join(lines)[: rng.randrange(len(octets))])
        whole = joined(report, path)
        assert all(calls.issuperset(entry.calls) for entry in whole.log_entries)
        summary = summarise([str(path)], Tool("rpctrace", "0"), unreadable=lambda error: pytest.fail(str(error)))
        assert sum(row.count for row in summary.rows) == summary.logons


@pytest.mark.parametrize(
    "saved",
    [
        lambda text: text.replace("\r\n", "\n").encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("cp1252"),
    ],
)
def test_saved_otherwise_it_says_the_same(tmp_path: Path, saved: Callable[[str], bytes]) -> None:
    report = analyze(CAPTURES)
    one, other = tmp_path / "a" / "netlogon.log", tmp_path / "b" / "netlogon.log"
    for path, octets in ((one, LOG.read_bytes()), (other, saved(LOG.read_bytes().decode()))):
        path.parent.mkdir()
        path.write_bytes(octets)
    expected, found = joined(report, one), joined(report, other)
    assert [(e.line, e.calls, e.time_ns, e.text) for e in found.log_entries] == [
        (e.line, e.calls, e.time_ns, e.text) for e in expected.log_entries
    ]
    assert any(entry.calls for entry in found.log_entries)


def test_the_same_whatever_the_hash_seed() -> None:
    told = set()
    for seed in ("1", "2"):
        command = [sys.executable, "-m", "rpctrace", *map(str, CAPTURES), "--netlogon", str(LOG), "--json"]
        environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONHASHSEED": seed}
        told.add(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
    assert len(told) == 1
