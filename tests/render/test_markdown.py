"""Proves: the Markdown report says what failed, and a capture's text is no tag, link, emphasis or table cell in it."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from report_values import (
    HOSTILE_TEXTS,
    TICKET,
    article_report,
    capture,
    empty_report,
    full_report,
    hostile_report,
    refused_call,
)

from rpctrace.render.markdown import code, escaped, link, render
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import Report

ARTICLE = """\
## RPC failures

- `expert.cap`: Network Monitor, 29 frames, 2012-03-04 09:15:02.000 UTC, 13.5 s

**1 failed call**

| # | Times | Frames | Call | Interface | Hosts | Result | Ticket presented |
| --- | --- | --- | --- | --- | --- | --- | --- |
| 1 | 1 | `22 -> 23` | `alter_context` | `IClassFactory` | `10.2.0.21:49834 -> 10.3.0.33:52042` | `RPC_S_SEC_PKG_ERROR 0x00000721` | `novice@child.domainA.COM (user-to-user) in alter_context, frame 22` |

Wireshark display filters:

- 1: `frame.number in {22, 23}`

### Findings

- **The server could not have the ticket's PAC validated across the forest trust** (high, likely (0.65), `pac-xforest-u2u`)
  - A user-to-user ticket of a foreign realm was refused with RPC_S_SEC_PKG_ERROR.
  - filter: `frame.number in {22, 23}`
  - for: use-session-key is set in ap-options (frame 22)
  - against: 0xC0000064 is logged for a network logon (netlogon.log:7)
  - missing: the server's own capture
  - next: Look for 0xC0000064 in netlogon.log of the server's domain controller
  - see: <https://learn.microsoft.com/troubleshoot/>
  - see: \\[MS-APDS\\] 3.2.5

rpctrace 0.1.0
"""  # noqa: E501  # a table row is one line


def text_of(report: Report) -> str:
    out = io.StringIO(newline="")
    render(report, out, RenderOptions(encoding_is_utf8=False))
    return out.getvalue()


def outside_code(text: str) -> str:
    """What a Markdown reader would interpret: the text without its code spans and without escaped characters."""
    return re.sub(r"\\.|(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


def test_the_article_s_report() -> None:
    assert text_of(article_report()) == ARTICLE


@pytest.mark.parametrize("text", [*HOSTILE_TEXTS, "a\\|b", "``|`", "www.example.invalid http://example.invalid"])
def test_a_capture_s_text_stays_text(text: str) -> None:
    lines = text_of(hostile_report(text)).splitlines()
    for line in lines:
        bare = outside_code(line)
        assert "<script" not in bare
        assert "://" not in bare
        assert "www." not in bare
        assert "`" not in bare
    rows = [line for line in lines if line.startswith("| ")]
    assert {row.count("|") for row in rows} == {9}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RPC_S_SEC_PKG_ERROR", "RPC_S_SEC_PKG_ERROR"),
        ("_under_", "\\_under\\_"),
        ("*b* `c` [l](u) #1 a|b ~~s~~ $x$", "\\*b\\* \\`c\\` \\[l\\](u) \\#1 a\\|b \\~\\~s\\~\\~ \\$x\\$"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("http://x www.x WWW.x", "http\\://x www\\.x WWW\\.x"),
        ("- item", "\\- item"),
        ("1. item", "1\\. item"),
        ("===", "\\==="),
        ("12 octets", "12 octets"),
        ("\x1b[0m", "\\\\x1b\\[0m"),
    ],
)
def test_a_sentence_is_escaped(text: str, expected: str) -> None:
    assert escaped(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [("a", "`a`"), ("a`b", "``a`b``"), ("`", "`` ` ``"), ("``x", "``` ``x ```"), (" a", "`  a `"), ("", "")],
)
def test_a_code_span_outlasts_its_backticks(text: str, expected: str) -> None:
    assert code(text) == expected


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("https://learn.microsoft.com/a?b=c#d", "<https://learn.microsoft.com/a?b=c#d>"),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("https://x> <script>", "https\\://x&gt; &lt;script&gt;"),
        ("http://plain.invalid", "http\\://plain.invalid"),
    ],
)
def test_only_plain_https_becomes_a_link(reference: str, expected: str) -> None:
    assert link(reference) == expected


def test_what_was_seen_beside_calls_is_listed() -> None:
    refused = replace(full_report().kerberos[0], error=7, carried_in="kdc_tcp")
    text = text_of(article_report(calls=(), findings=(), kerberos=(refused,)))
    assert "No RPC call was found.\n\n- 1 exchange with a KDC, 1 refused\n" in text


def test_nothing_failed_is_said_and_how_far_that_goes() -> None:
    assert "No capture was read.\n" in text_of(empty_report())
    assert "No failed call.\n" in text_of(article_report(calls=article_report().calls[:1]))
    cut = article_report(captures=(capture(complete=False, stopped_at=9),), calls=())
    assert "No RPC call was found in the part that could be read.\n" in text_of(cut)
    assert "No failed call in the part that could be read.\n" in text_of(
        replace(cut, calls=article_report().calls[:1])
    )
    assert "**not read to its end**" in text_of(cut)


def test_alike_failures_are_one_row_with_a_count() -> None:
    calls = tuple(
        refused_call(id=f"call-{n}", request_frames=(n,), reply_frames=(n + 1,), ticket=replace(TICKET, frame=n))
        for n in (10, 20, 30)
    )
    text = text_of(article_report(calls=calls))
    assert "| 1 | 3 | `10 -> 11 ... 30 -> 31` |" in text
    assert "`frame.number in {10, 11, 20, 21, 30, 31}`" in text
