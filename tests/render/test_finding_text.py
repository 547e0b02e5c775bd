"""Proves: a finding is told with evidence both ways, what is missing and what to do; its filter stays on a line."""

from __future__ import annotations

from dataclasses import replace

from report_values import FINDING, article_report, full_report

from rpctrace.render.finding_text import evidence_words, finding_lines
from rpctrace.render.rendering import RenderOptions

TEXT = """
The server could not have the ticket's PAC validated across the forest trust [pac-xforest-u2u]
  high, likely (0.65)
  A user-to-user ticket of a foreign realm was refused with RPC_S_SEC_PKG_ERROR.
  Wireshark filter: frame.number in {22, 23}
  for: use-session-key is set in ap-options (frame 22)
  against: 0xC0000064 is logged for a network logon (netlogon.log:7)
  missing: the server's own capture
  next: Look for 0xC0000064 in netlogon.log of the server's domain controller
  see: https://learn.microsoft.com/troubleshoot/
  see: [MS-APDS] 3.2.5"""


def test_the_whole_block() -> None:
    assert "\n".join(finding_lines(FINDING, article_report(), RenderOptions())) == TEXT


def test_with_several_captures_frames_say_whose_they_are() -> None:
    text = "\n".join(finding_lines(FINDING, full_report(), RenderOptions()))
    assert "Wireshark filter (capture 1): frame.number in {22, 23}" in text
    assert evidence_words(FINDING.evidence[0], full_report()).endswith("(capture 1, frame 22)")


def test_sentences_wrap_and_the_filter_does_not() -> None:
    frames = tuple(range(100, 140))
    long = f"frame.number in {{{', '.join(map(str, frames))}}}"
    finding = replace(FINDING, frames=frames, display_filter=long)
    lines = list(finding_lines(finding, article_report(), RenderOptions(width_columns=60)))
    assert f"  Wireshark filter: {long}" in lines
    assert "    domain controller" in lines
