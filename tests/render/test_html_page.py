"""Proves: the page says what the report says: verdict and reasons, pictures of what matters, limits where it cuts."""

from __future__ import annotations

from dataclasses import replace

import pytest
from report_values import FINDING, UNFILTERED, article_report, capture, empty_report, full_report, refused_call
from story_values import incident, logged_report

from rpctrace.render.html_page import MOST_BESIDE, MOST_LISTED, MOST_TOLD, page_of
from rpctrace.report import Limit, Report, Rival


def test_the_article_s_verdict() -> None:
    (told,) = page_of(incident()).told
    finding = incident().findings[0]
    assert (told.title, told.severity, told.rule) == (finding.title, "high", "pac-xforest-u2u")
    assert (told.confidence, told.percent, told.words) == ("0.80", 80, "very likely")
    assert [len(group) for group in (told.seen, told.fits, told.against)] == [3, 6, 0]
    assert [item.weight for item in told.reasons] == ["0.40", "0.15", "0.10", "0.10"]
    assert told.facts == (
        ("Asked", "alter_context IClassFactory"),
        ("With", "AP-REQ: novice@child.domainA.COM (user-to-user)"),
        ("Between", "10.2.0.21 \u2192 resource-win73.domainb.com (10.2.0.73)"),
        ("Answer", "fault, RPC_S_SEC_PKG_ERROR 0x00000721 after 6.8 ms"),
    )
    assert told.zero == "2012-03-14 09:26:50.1562 UTC"
    assert told.where == "capture 1"
    assert [way.caption for way in told.ways] == [
        "expert asks for novice", "expert asks for RPCSS/resource-win73.domainb.com",
    ]  # fmt: skip


def test_evidence_leads_to_its_frame_or_line() -> None:
    (told,) = page_of(logged_report()).told
    assert [(item.chip, item.filter, item.weight, item.share) for item in told.fits] == [
        ("netlogon.log:3", "", "0.80", 80), ("#22", "frame.number in {22}", "0.30", 30),
    ]  # fmt: skip
    assert [item.chip for item in told.against] == ["netlogon.log:7"]


def test_links_are_plain_and_rivals_are_shown() -> None:
    finding = replace(FINDING, rivals=(Rival("clock-skew", "The clocks differ", 0.2),))
    (told,) = page_of(article_report(findings=(finding,))).told
    assert [(each.text, each.is_link) for each in told.references] == [
        ("https://learn.microsoft.com/troubleshoot/", True), ("[MS-APDS] 3.2.5", False),
    ]  # fmt: skip
    assert [(each.rule, each.confidence) for each in told.rivals] == [("clock-skew", "0.20")]


@pytest.mark.parametrize(
    ("report", "tone", "title"),
    [
        (empty_report(), "plain", "No capture was read"),
        (article_report(calls=(), findings=()), "plain", "No RPC call was found"),
        (article_report(calls=article_report().calls[:1], findings=()), "fine", "No failed call"),
        (
            article_report(calls=article_report().calls[:1], findings=(), captures=(capture(complete=False),)),
            "warning",
            "No failed call in the part that could be read",
        ),
        (article_report(findings=()), "warning", "1 call failed"),
        (article_report(findings=(replace(FINDING, severity="note"),)), "warning", "1 call failed"),
    ],
)
def test_the_head_without_a_finding(report: Report, tone: str, title: str) -> None:
    page = page_of(report)
    assert page.told == ()
    assert (page.verdict.tone, page.verdict.title) == (tone, title)


def test_many_findings_are_told_listed_and_counted() -> None:
    count = MOST_LISTED + 7
    page = page_of(article_report(findings=(FINDING,) * count))
    assert (len(page.told), len(page.listed), page.more_findings) == (MOST_TOLD, MOST_LISTED - MOST_TOLD, 7)
    assert [(other.number, other.times) for other in page.others] == [(2, MOST_TOLD - 1)]
    assert page.listed[0].number == MOST_TOLD + 1


def test_notes_are_apart() -> None:
    page = page_of(article_report(findings=(FINDING, replace(FINDING, severity="note", title="remark"))))
    assert [told.title for told in page.notes] == ["remark"]
    assert len(page.told) == 1


def test_tiles_of_numbers() -> None:
    report = article_report(captures=(capture(frames=1_204_050),), limits=(Limit("calls_kept", 2, 9),))
    assert [(tile.number, tile.text, tile.tone) for tile in page_of(report).tiles] == [
        ("1 204 050", "frames in 13.5 s", "plain"),
        ("2+", "RPC calls", "plain"),
        ("1", "failed", "failure"),
        ("0", "Kerberos exchanges", "plain"),
        ("0", "gaps in connections", "plain"),
        ("1", "unread or limited", "warning"),
    ]


def test_what_a_finding_folds_is_counted() -> None:
    calls = tuple(refused_call(id=f"call-{n}", request_frames=(n,), reply_frames=(n + 1,)) for n in (22, 40))
    finding = replace(FINDING, calls=("call-22", "call-40"))
    (told,) = page_of(article_report(calls=calls, findings=(finding,))).told
    assert told.more_seen == "and 1 more like these: frames 40 \u2192 41"


def test_no_tile_is_green_beside_what_was_refused() -> None:
    """A refused Kerberos exchange or session setup is told; where there is no call, nothing is called fine."""
    def tones(report: Report) -> list[tuple[str, str]]:
        return [(tile.text, tile.tone) for tile in page_of(report).tiles[2:4]]

    fine = article_report(calls=article_report().calls[:1])
    refused = replace(full_report().kerberos[0], error=7)
    turned_away = replace(full_report().authentications[0], outcome="rejected")
    quiet = ("Kerberos exchanges", "plain")
    assert tones(fine) == [("failed", "fine"), quiet]
    assert tones(replace(fine, calls=())) == [("failed", "plain"), quiet]
    assert tones(replace(fine, kerberos=(refused,))) == [
        ("failed", "plain"), ("Kerberos exchanges, 1 refused", "warning"),
    ]  # fmt: skip
    assert tones(replace(fine, authentications=(turned_away,))) == [
        ("failed; 1 other authentication refused", "warning"), quiet,
    ]  # fmt: skip


def test_the_head_says_what_was_seen_beside_calls() -> None:
    """And what a filter left."""
    refused = replace(full_report().kerberos[0], error=7, carried_in="kdc_tcp")
    bare = article_report(calls=(), findings=(), kerberos=(refused,))
    verdict = page_of(bare).verdict
    assert (verdict.tone, verdict.text) == (
        "warning", "Below is what else was read: 1 exchange with a KDC, 1 refused.",
    )  # fmt: skip
    with_call = replace(bare, calls=article_report().calls[:1])
    assert page_of(with_call).verdict.tone == "warning"
    assert page_of(with_call).verdict.text.endswith(" Beside calls: 1 exchange with a KDC, 1 refused.")
    assert page_of(replace(bare, unfiltered=UNFILTERED)).verdict.title == "The filters leave none of 16 calls"


def test_the_command_is_fit_for_a_shell() -> None:
    report = logged_report()
    odd = replace(report, captures=(capture(path="it's $(me).pcap"),))
    assert page_of(odd).command == (
        "rpctrace analyze 'it'\"'\"'s $(me).pcap' --netlogon netlogon.log -o report.html"
    )


def test_the_command_is_that_of_the_run_where_it_is_known() -> None:
    page = page_of(article_report(), command=("a b.pcap", "--host", "ws$1"))
    assert page.command == "rpctrace analyze 'a b.pcap' --host 'ws$1' -o report.html"


def test_the_command_names_a_log_of_which_no_line_was_kept() -> None:
    silent = replace(logged_report(), log_entries=())
    assert "--netlogon netlogon.log" in page_of(silent).command
    assert "--netlogon" not in page_of(replace(logged_report(), logs=())).command


def test_what_is_beside_is_cut_and_counted() -> None:
    event = full_report().events[0]
    events = tuple(replace(event, name=f"\\pipe\\{n}") for n in range(MOST_BESIDE + 9))
    page = page_of(article_report(events=events))
    assert len(page.beside) == MOST_BESIDE
    assert page.more_beside == 9


def test_captures_and_operations() -> None:
    page = page_of(full_report())
    assert [row.number + row.path for row in page.captures] == ["[1] expert.cap", "[2] novice.pcapng.gz"]
    facts = dict(page.captures[1].facts)
    assert facts["not complete"] == "reading stopped at octet 4711"
    assert "its clock is 1.5 ms" in facts["clock"]
    assert [(row.operation, row.failed, row.median) for row in page.operations] == [
        ("RemoteCreateInstance", 1, "900 \u00b5s"),
    ]  # fmt: skip


def test_a_finding_without_records_has_no_pictures() -> None:
    lost = replace(FINDING, calls=(), frames=(), evidence=())
    (told,) = page_of(article_report(calls=(refused_call(),), findings=(lost,))).told
    assert (told.ladder, told.timeline, told.ways, told.facts, told.between) == (None, None, (), (), "")
