"""Recall by frames, and tables that a reader and Markdown understand."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import figures
from benchmarks.figures import Recall, Row, StartUp
from benchmarks.measuring import Cost

TRUTH: dict[str, Any] = {
    "kind": "alter_context", "request_frame": 12, "fault_frame": 15, "realm": "EXAMPLE.COM",
    "sname": "host/a.example.com", "status": "0x00000721",
}  # fmt: skip
CALL: dict[str, Any] = {
    "kind": "alter_context", "request_frames": [11, 12], "reply_frames": [15], "status_hex": "0x00000721",
    "ticket": {"realm": "EXAMPLE.COM", "sname": ["host", "a.example.com"]},
}  # fmt: skip


def test_a_planted_call_is_found_by_its_frames() -> None:
    """Also where another call has the same frames: several PDUs travel in one segment."""
    other = {**CALL, "kind": "request", "ticket": None}
    assert figures.recall([TRUTH], [other, CALL]) == Recall(1, [])


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "bind"},
        {"request_frames": [11]},
        {"reply_frames": [16]},
        {"status_hex": "0x00000005"},
        {"ticket": None},
        {"ticket": {"realm": "example.com", "sname": ["host", "a.example.com"]}},
        {"ticket": {"realm": "EXAMPLE.COM", "sname": None}},
    ],
    ids=str,
)
def test_a_call_that_is_partly_right_is_not_found(wrong: dict[str, Any]) -> None:
    """Frames, kind, status, realm and name, each as the wire has it."""
    result = figures.recall([TRUTH], [{**CALL, **wrong}])
    assert (result.found, result.planted, result.missed) == (0, 1, [TRUTH])


def test_the_table_says_what_was_not_measured() -> None:
    """A dash for tshark where there is none; ratios are of CPU seconds."""
    slow, fast, mebibytes = Cost(4.0, 5.0, 80 << 20, 0), Cost(2.0, 2.5, 40 << 20, 0), 1 << 20
    rows = [
        Row("mixed", 1_000_000_000, 1_150_304, Cost(0.5, 0.5, mebibytes, 0), fast, slow, None, Recall(208, [])),
        Row("noise", 50_000_000, 56_699, Cost(0.0, 0.1, mebibytes, 0), fast),
    ]
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in figures.corpora_table(rows).splitlines()]
    assert lines[2] == ["mixed", "1000", "1 150 304", "4.00", "80", "2.00", "40", "2.0", "4.0", "208 of 208"]
    assert lines[3] == ["noise", "50", "56 699", "-", "-", "2.00", "40", "-", "-", "-"]
    assert {len(line) for line in lines} == {10}
    assert len({len(line) for line in figures.corpora_table(rows).splitlines()}) == 1


def test_start_up_is_what_is_over_a_bare_python() -> None:
    """Median over median, least over least."""
    row = StartUp("rpctrace --version", [50.0, 52.0, 90.0], [10.0, 11.0, 30.0])
    assert (row.median, row.least) == (41.0, 40.0)
    assert "`rpctrace --version`" in figures.start_up_table([row])
