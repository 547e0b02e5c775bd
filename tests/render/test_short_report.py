"""Proves: the short report tells an administrator what failed, with which ticket, where to look, what was not read."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from report_values import (
    FINDING,
    TICKET,
    UNFILTERED,
    answered_call,
    article_report,
    capture,
    empty_report,
    full_report,
    hostile_report,
    refused_call,
)

from rpctrace.render.rendering import RenderOptions
from rpctrace.render.short_report import FINDINGS_WITH_REASONS, MAXIMUM_SHOWN_FAILURES, short_report_lines
from rpctrace.render.table import render
from rpctrace.report import Limit, ProblemEntry, Report

PLAIN = RenderOptions()
ARTICLE_120 = """\
expert.cap: Network Monitor, 29 frames, 2012-03-04 09:15:02.000 UTC, 13.5 s; 2 calls, 1 failed

Why

The server could not have the ticket's PAC validated across the forest trust
  high, likely (0.65), pac-xforest-u2u
  A user-to-user ticket of a foreign realm was refused with RPC_S_SEC_PKG_ERROR.
  fits     use-session-key is set in ap-options (frame 22)
  against  0xC0000064 is logged for a network logon (netlogon.log:7)
  missing  the server's own capture
  next     Look for 0xC0000064 in netlogon.log of the server's domain controller
  filter   frame.number in {22, 23}

1 failed call

Frames    Call           Interface      Client → server    Result               Ticket presented
--------  -------------  -------------  -----------------  -------------------  --------------------------
22 → 23   alter_context  IClassFactory  10.2.0.21:49834    RPC_S_SEC_PKG_ERROR  novice@child.domainA.COM
                                        → 10.3.0.33:52042  0x00000721           (user-to-user)
                                                                                in alter_context, frame 22

Wireshark filter: frame.number in {22, 23}
"""

ARTICLE_80_ASCII = """\
expert.cap: Network Monitor, 29 frames, 2012-03-04 09:15:02.000 UTC, 13.5 s; 2 calls, 1 failed

Why

The server could not have the ticket's PAC validated across the forest trust
  high, likely (0.65), pac-xforest-u2u
  A user-to-user ticket of a foreign realm was refused with RPC_S_SEC_PKG_ERROR.
  fits     use-session-key is set in ap-options (frame 22)
  against  0xC0000064 is logged for a network logon (netlogon.log:7)
  missing  the server's own capture
  next     Look for 0xC0000064 in netlogon.log of the server's domain controller
  filter   frame.number in {22, 23}

1 failed call

Frames            22 -> 23
Call              alter_context
Interface         IClassFactory
Client -> server  10.2.0.21:49834 -> 10.3.0.33:52042
Result            RPC_S_SEC_PKG_ERROR 0x00000721
Ticket presented  novice@child.domainA.COM (user-to-user) in alter_context,
                  frame 22

Wireshark filter: frame.number in {22, 23}
"""


def text_of(report: Report, options: RenderOptions = PLAIN) -> str:
    out = io.StringIO(newline="")
    render(report, out, options)
    return out.getvalue()


def test_the_article_on_a_wide_and_on_a_narrow_terminal() -> None:
    assert text_of(article_report(), RenderOptions(width_columns=120)) == ARTICLE_120
    assert text_of(article_report(), RenderOptions(width_columns=80, encoding_is_utf8=False)) == ARTICLE_80_ASCII


@pytest.mark.parametrize(
    ("report", "sentence"),
    [
        (empty_report(), "No capture was read."),
        (article_report(calls=(), findings=()), "No RPC call was found."),
        (article_report(calls=(answered_call(),), findings=()), "No failed call."),
        (
            article_report(calls=(answered_call(),), captures=(capture(complete=False, stopped_at=4711),)),
            "No failed call in the part that could be read.",
        ),
    ],
)
def test_where_nothing_failed_one_line_says_so(report: Report, sentence: str) -> None:
    assert sentence in text_of(report).splitlines()


def test_what_was_seen_beside_calls_names_its_table() -> None:
    refused = replace(full_report().kerberos[0], error=7, carried_in="kdc_tcp")
    text = text_of(article_report(calls=(), findings=(), kerberos=(refused,)))
    assert "No RPC call was found.\n  1 exchange with a KDC, 1 refused: --table kerberos\n" in text


def test_filters_that_leave_nothing_are_named() -> None:
    text = text_of(article_report(calls=(), findings=(), unfiltered=UNFILTERED))
    assert "The filters leave none of 16 calls." in text.splitlines()
    assert "No RPC call" not in text


def test_a_file_that_was_not_read_to_its_end_says_where() -> None:
    text = text_of(article_report(captures=(capture(complete=False, stopped_at=4711),)))
    assert "not read to its end: reading stopped at octet 4711" in text


def test_calls_that_were_not_seen_whole_make_no_claim() -> None:
    text = text_of(article_report(calls=(answered_call(outcome="not captured"),), findings=()))
    assert "1 call was not captured whole, so how that ended is unknown" in text


def test_several_captures_say_whose_frames_they_are() -> None:
    text = text_of(full_report())
    assert "[1] expert.cap: " in text
    assert "[2] novice.pcapng.gz: pcapng (gzip), " in text
    assert "Wireshark filter 2 (capture 2): frame.number in {30..32}" in text


def test_alike_failures_are_one_row_and_the_filter_has_every_frame() -> None:
    calls = tuple(
        refused_call(id=f"call-{n}", request_frames=(n,), reply_frames=(n + 1,), ticket=replace(TICKET, frame=n))
        for n in range(10, 310, 2)
    )
    text = text_of(article_report(calls=calls))
    assert "150 failed calls" in text
    assert "150 x    10 → 11 ... 308 → 309" in text
    assert "Wireshark filter: frame.number in {10..309}" in text


def test_a_filter_that_nobody_could_paste_is_left_to_the_finding() -> None:
    calls = tuple(refused_call(request_frames=(n,), reply_frames=(), ticket=None) for n in range(1, 4000, 2))
    (line,) = [line for line in text_of(article_report(calls=calls)).splitlines() if line.startswith("Wireshark")]
    assert line == "Wireshark filter: 2000 frames, too many to paste: --table findings has it"


def test_many_kinds_of_failure_are_counted_beyond_the_bound() -> None:
    calls = tuple(
        refused_call(status=n, status_hex=f"0x{n:08x}", status_name=None) for n in range(MAXIMUM_SHOWN_FAILURES + 7)
    )
    lines = text_of(article_report(calls=calls)).splitlines()
    assert "and 7 more kinds of failure: --table faults shows every failed call" in lines
    assert len([line for line in lines if line.startswith("Wireshark filter")]) == MAXIMUM_SHOWN_FAILURES


def test_verbosity_adds_times_security_extended_errors_notes_and_whole_findings() -> None:
    text = text_of(full_report(), RenderOptions(verbosity=1))
    for words in (
        "time: 2012-03-04 09:15:02.000000000 UTC, answered after 42 ms",
        "security: kerberos, PKT_PRIVACY, context 0, sent AP-REQ, ticket aes256-cts-hmac-sha1-96, use-session-key",
        "extended error: STATUS_NO_SUCH_USER 0xc0000064, on NOVICE, process 652, component security provider, "
        "detection location 72 (second or later token), 2012-03-04 09:15:02.000000000 UTC, "
        "parameters 9223372036854775808, novice, none",
        "note: second security context",
        "weight 0.30",
    ):
        assert words in text
        assert words not in text_of(full_report())


def test_problems_are_brief_and_counted_and_limits_are_named() -> None:
    problems = tuple(ProblemEntry("dcerpc.bind", f"problem {n}", 0, n, None, 1) for n in range(1, 9))
    report = article_report(problems=problems, limits=(Limit("calls_kept", 20_000, 1),))
    lines = text_of(report).splitlines()
    assert "Could not be read (8)" in lines
    assert "  dcerpc.bind: problem 5 (frame 5)" in lines
    assert "  dcerpc.bind: problem 6 (frame 6)" not in lines
    assert "  and 3 more: -v or --json shows all" in lines
    assert "  calls_kept: 20000, reached 1 time" in lines
    assert "; at least 2 calls, 1 failed" in lines[0]
    assert "  dcerpc.bind: problem 8 (frame 8)" in text_of(report, RenderOptions(verbosity=1)).splitlines()


def test_colour_changes_no_word() -> None:
    for report in (article_report(), full_report(), empty_report()):
        for width in (None, 70):
            plain = text_of(report, RenderOptions(width_columns=width))
            colored = text_of(report, RenderOptions(width_columns=width, color=True))
            assert colored != plain
            assert re.sub("\x1b\\[[0-9;]*m", "", colored) == plain


def test_lines_have_no_line_feed_of_a_capture() -> None:
    report = hostile_report("one\ntwo\rthree\x85four\u2028")
    for options in (RenderOptions(), RenderOptions(verbosity=1), RenderOptions(width_columns=50)):
        assert not [line for line in short_report_lines(report, options) if not line.isprintable()]


@pytest.mark.parametrize(
    ("confidence", "word"),
    [(1.0, "near certain"), (0.8, "very likely"), (0.5, "likely"), (0.4, "possible"), (0.3, "hypothesis")],
)
def test_confidence_is_a_word(confidence: float, word: str) -> None:
    text = text_of(article_report(findings=(replace(FINDING, confidence=confidence),)))
    assert f"  high, {word} ({confidence:.2f}), pac-xforest-u2u" in text


def test_many_findings_are_told_by_their_verdicts() -> None:
    """The first few with reasons; notes are counted; -v shows all."""
    findings = (*[replace(FINDING, title=f"Verdict {n}") for n in range(1, 26)], replace(FINDING, severity="note"))
    text = text_of(article_report(findings=findings))
    assert text.count("  missing  ") == FINDINGS_WITH_REASONS
    assert "\n4. Verdict 4 (high, likely (0.65), pac-xforest-u2u)\n" in text
    assert "Verdict 21" not in text
    assert "and 5 more; the reasons of each: --table findings" in text
    assert "1 note (weaker hypotheses, remarks): -v shows it" in text
    assert text_of(article_report(findings=findings), RenderOptions(verbosity=1)).count("  missing  ") == 26
