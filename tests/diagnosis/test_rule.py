"""Clues and what is required, as evidence of a finding."""

from __future__ import annotations

from report_values import full_report

from rpctrace.diagnosis.rule import Clue, found, required
from rpctrace.report import LogLine


def test_a_clue_is_seen_in_a_frame_or_in_a_log() -> None:
    """With its weight and its side."""
    item = Clue(0.4, "in general").seen("in frame 3", 0, 3)
    assert (item.supports, item.text, item.capture, item.frame, item.log_line, item.weight) == (
        True, "in frame 3", 0, 3, None, 0.4,
    )  # fmt: skip
    entry = full_report().log_entries[0]
    against = Clue(1.0, "in general", against=True).seen("in the log", entry=entry)
    assert not against.supports
    assert against.log_line == LogLine(entry.file, entry.line)


def test_what_is_required_weighs_whole() -> None:
    """It is no clue: without it the rule is silent."""
    assert required("seen", 1, 2).weight == 1.0


def test_what_was_not_found_is_left_out() -> None:
    """In the order given."""
    one, two = required("one"), required("two")
    assert found(one, None, two) == (one, two)
