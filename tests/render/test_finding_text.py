"""Proves: a finding is told with evidence both ways, what is missing and what to do; its filter stays on a line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from report_values import FINDING, article_report, capture, full_report, refused_call

from rpctrace.render.finding_text import evidence_words, finding_line, finding_lines, records_by_id
from rpctrace.render.rendering import RenderOptions
from rpctrace.report import EvidenceItem, Finding, Report, Rival

TEXT = """
The server could not have the ticket's PAC validated across the forest trust
  high, likely (0.65), pac-xforest-u2u
  A user-to-user ticket of a foreign realm was refused with RPC_S_SEC_PKG_ERROR.
  fits     use-session-key is set in ap-options (frame 22)
  against  0xC0000064 is logged for a network logon (netlogon.log:7)
  missing  the server's own capture
  next     Look for 0xC0000064 in netlogon.log of the server's domain controller
  filter   frame.number in {22, 23}"""


def text_of(finding: Finding, report: Report, **options: Any) -> str:
    return "\n".join(finding_lines(finding, report, RenderOptions(**options), records_by_id(report)))


def test_the_whole_block() -> None:
    assert text_of(FINDING, article_report()) == TEXT


def test_what_is_required_is_seen_and_labels_stand_once() -> None:
    """Required evidence first, clues by side, whatever order they came in."""
    seen = EvidenceItem(True, "fault 0x721", 0, 23, None, 1.0)
    text = text_of(replace(FINDING, evidence=(*FINDING.evidence, seen, seen)), article_report())
    assert "  seen     fault 0x721 (frame 23)\n           fault 0x721 (frame 23)\n  fits     use-session-key" in text


def test_what_is_folded_says_how_many_and_where() -> None:
    """The lab's rpc.schannel: one of 36 calls showed four. Nothing is added where the evidence shows all, or is of
    something else than what the finding is about."""
    frames = (10, 20, 30, 40, 50)
    calls = tuple(refused_call(id=f"call-{n}", request_frames=(n,), reply_frames=(n + 1,)) for n in frames)
    report = article_report(calls=calls)
    shown = EvidenceItem(True, "fault 0x721", 0, 11, None, 1.0)
    finding = replace(FINDING, calls=tuple(call.id for call in calls), evidence=(shown,))
    assert text_of(finding, report, encoding_is_utf8=False).splitlines()[4:6] == [
        "  seen     fault 0x721 (frame 11)",
        "           and 4 more like these: frames 20 -> 21, 30 -> 31, 40 -> 41 and 1 more",
    ]
    assert "like these" not in text_of(replace(finding, calls=("call-10",)), report)
    assert "like these" not in text_of(replace(finding, evidence=(replace(shown, frame=99),)), report)
    all_shown = tuple(replace(shown, frame=n) for n in (10, 21, 30, 40, 51))
    assert "like these" not in text_of(replace(finding, evidence=all_shown), report)


def test_what_is_folded_says_of_which_capture() -> None:
    """A number of a frame means nothing without it."""
    places = ((0, 10), (0, 20), (1, 30))
    calls = tuple(
        refused_call(id=f"call-{n}", capture=at, request_frames=(n,), reply_frames=(n + 1,)) for at, n in places
    )
    report = article_report(calls=calls, captures=(capture(), capture(path="server.pcap")))
    shown = EvidenceItem(True, "fault 0x721", 0, 11, None, 1.0)
    finding = replace(FINDING, calls=tuple(call.id for call in calls), evidence=(shown,))
    more = "and 2 more like these: frames 20 -> 21 of capture 1; 30 -> 31 of capture 2"
    assert more in text_of(finding, report, encoding_is_utf8=False)


def test_what_limits_it_and_what_else_was_weighed() -> None:
    """The reason for the confidence, and the rivals with theirs."""
    finding = replace(FINDING, limited_by=("no more than 0.65: why",), rivals=(Rival("ap-modified", "Key", 0.25),))
    text = text_of(finding, article_report())
    assert "  limit    no more than 0.65: why\n  missing  the server's own capture" in text
    assert "  weighed  Key [ap-modified], 0.25" in text


def test_verbosity_adds_weights_and_references() -> None:
    text = text_of(FINDING, article_report(), verbosity=1)
    assert "(frame 22), weight 0.30" in text
    assert "  see      https://learn.microsoft.com/troubleshoot/\n           [MS-APDS] 3.2.5" in text


def test_with_several_captures_frames_say_whose_they_are() -> None:
    text = text_of(FINDING, full_report())
    assert "  filter   capture 1: frame.number in {22, 23}" in text
    assert evidence_words(FINDING.evidence[0], full_report()).endswith("(capture 1, frame 22)")


def test_sentences_wrap_and_the_filter_does_not() -> None:
    frames = tuple(range(100, 140))
    long = f"frame.number in {{{', '.join(map(str, frames))}}}"
    finding = replace(FINDING, frames=frames, display_filter=long)
    lines = text_of(finding, article_report(), width_columns=60).split("\n")
    assert f"  filter   {long}" in lines
    assert "             server's domain controller" in lines


def test_the_verdict_alone() -> None:
    """For the findings after the first few."""
    assert list(finding_line(FINDING, 4, RenderOptions())) == [
        "4. The server could not have the ticket's PAC validated across the forest trust"
        " (high, likely (0.65), pac-xforest-u2u)"
    ]
