"""Proves: the report says how each log was read and fitted, and what its lines say of the calls that failed."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from log_records import accepted, incident, logon, refused, sam_logon
from report_values import HOSTILE_TEXTS, full_report, hostile_report

from rpctrace.correlation.log_lines import join
from rpctrace.render.log_lines import log_lines, log_words
from rpctrace.render.markdown import render as render_markdown
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.short_report import MAXIMUM_SHOWN_LOG_LINES, short_report_lines
from rpctrace.render.words import ASCII_SIGNS
from rpctrace.report import Report

SECONDS = (11, 302, 1007, 2411)


def joined(*extra: str) -> Report:
    lines = [line for at, took in zip(SECONDS, (0, 0, 0, 45), strict=True) for line in logon(at, took_s=took)]
    records = [refused(number, at) for number, at in enumerate(SECONDS)]
    return join(incident([*records, accepted(9, 700), sam_logon(8, 302)], [*lines, *logon(700, 0), *extra]))


def told(report: Report) -> list[str]:
    return list(log_lines(report, ASCII_SIGNS))


def test_lines_of_failed_calls() -> None:
    """Each logon once, by the line that ended it; accepted calls and the server's own question are not told."""
    log, *lines = told(joined())
    assert log.startswith("netlogon.log: 10 lines, utf-8, 03-14 10:00:11 to 03-14 10:11:40; 2012, UTC+01:00, fitted")
    assert [line.split(": ", 1)[1] for line in lines] == [
        "log line 2, 2012-03-14 09:00:11 UTC: Generic logon of CHILD.DOMAINA.COM through RESOURCE-WIN73, package "
        "Kerberos, STATUS_NO_SUCH_USER 0xc0000064 (the same package, realm, server, time)",
        "log line 4, 2012-03-14 09:05:02 UTC: Generic logon of CHILD.DOMAINA.COM through RESOURCE-WIN73, package "
        "Kerberos, STATUS_NO_SUCH_USER 0xc0000064 (the same package, realm, server, time)",
        "log line 6, 2012-03-14 09:16:47 UTC: Generic logon of CHILD.DOMAINA.COM through RESOURCE-WIN73, package "
        "Kerberos, STATUS_NO_SUCH_USER 0xc0000064 (the same package, realm, server, time)",
        "log line 8, 2012-03-14 09:40:11 UTC: Generic logon of CHILD.DOMAINA.COM through RESOURCE-WIN73, package "
        "Kerberos, STATUS_NO_SUCH_USER 0xc0000064 after 45 s (the same package, realm, server, time)",
    ]  # fmt: skip


def test_other_results() -> None:
    report = joined()
    entry = next(entry for entry in report.log_entries if entry.calls and entry.phase == "Returns")
    for changes, words in (
        ({"phase": "Entered", "partner": None, "status": None}, "entered and without an answer in the log"),
        ({"status": None}, "result not in the log"),
        ({"status_name": None}, ", 0xc0000064 ("),
        ({"time_ns": None}, "log line 2, 03-14 10:00:11: "),
        ({"time_ns": None, "time": None}, "log line 2, without a time: "),
    ):
        _, line = told(replace(report, log_entries=(replace(entry, **changes),)))
        assert words in line


def test_many_calls_and_several_logs() -> None:
    report = joined()
    entry = next(entry for entry in report.log_entries if entry.calls and entry.phase == "Returns")
    many = replace(entry, calls=("call-0", "call-1", "call-2", "call-3"))
    two = replace(report, logs=report.logs * 2, log_entries=(many,))
    assert " and 1 more calls: netlogon.log line 2, " in told(two)[2]


def test_a_log_that_was_not_read_to_its_end() -> None:
    report = joined()
    log = replace(report.logs[0], complete=False, stopped_at=77, compression="gzip")
    assert "netlogon.log: not read to its end, reading stopped at octet 77" in told(replace(report, logs=(log,)))
    assert log_words(log) == "10 lines, utf-8 (gzip), 03-14 10:00:11 to 03-14 10:11:40"
    assert log_words(replace(log, first_time=None, lines=1)) == "1 line, utf-8 (gzip)"


def test_the_section_of_the_short_report() -> None:
    """None without a log; a few lines with one, all with -v."""
    assert "Logs" not in list(short_report_lines(replace(joined(), logs=(), log_entries=()), RenderOptions()))
    report = joined()
    lines = list(short_report_lines(report, RenderOptions()))
    assert lines[lines.index("Logs") + 1].startswith("  netlogon.log: 10 lines")
    flood = replace(report, log_entries=report.log_entries * 10)
    short = list(short_report_lines(flood, RenderOptions()))
    assert "  and 21 more lines of calls that failed: -v shows all" in short
    assert len([line for line in short if "log line" in line]) == MAXIMUM_SHOWN_LOG_LINES - 1
    assert len([line for line in short_report_lines(flood, RenderOptions(verbosity=1)) if "log line" in line]) == 40


def test_the_section_in_markdown() -> None:
    out = io.StringIO()
    render_markdown(replace(joined(), log_entries=joined().log_entries * 10), out, RenderOptions())
    text = out.getvalue()
    assert "### Logs\n\n- netlogon.log: 10 lines, utf-8" in text
    assert "- and 21 more\n" in text


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_texts_stay_on_their_line(text: str) -> None:
    report = hostile_report(text)
    entries = tuple(replace(entry, calls=("call-1",)) for entry in report.log_entries)
    calls = tuple(replace(call, id="call-1", outcome="faulted") for call in report.calls)
    for line in told(replace(report, calls=calls, log_entries=entries)):
        assert line.isprintable()
    assert told(full_report())
