"""Records in one line: their keys' words, their frames, and the same without what changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import HOSTILE_TEXTS, full_report, hostile_report, refused_call

from rpctrace.expectations import words
from rpctrace.report import Report


def test_a_ticket_is_told_once_a_leg() -> None:
    """Two requests of one security context show its ticket once; an authentication of SMB shows its own."""
    report = replace(full_report(), calls=(refused_call(), refused_call(id="call-2")))
    shown = [words.ticket_words(each) for each in words.presented(report)]
    assert shown[0] == "novice@child.domainA.COM, user-to-user, presented_in alter_context, frame 22"
    assert len(shown) == 1 + sum(each.ticket is not None for each in report.authentications)


def test_many_frames_are_counted() -> None:
    assert words.frames_words(()) == ""
    assert words.frames_words((7,)) == "frame 7"
    assert words.frames_words(tuple(range(1, 20))).endswith(" 12 and 7 more")


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_every_line_is_safe(text: str) -> None:
    report: Report = hostile_report(text)
    lines = [
        *map(words.call_words, report.calls),
        *map(words.finding_words, report.findings),
        *map(words.ticket_words, words.presented(report)),
        *map(words.exchange_words, report.kerberos),
    ]
    assert len(lines) > 5
    assert all(line.isprintable() for line in lines)
