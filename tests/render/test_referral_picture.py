"""Proves: the picture of a referral path has its KDCs in order, and says what came of it and what is missing."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from report_values import HOSTILE_TEXTS, PATH, full_report, hostile_report
from story_values import incident

from rpctrace.render.referral_picture import MOST_HOPS, NARROW, WIDE, ReferralPicture, referral_picture
from rpctrace.report import ReferralPath


def drawn(path: ReferralPath, width: int = WIDE) -> ReferralPicture:
    return referral_picture(path, {each.id: each for each in incident().kerberos}, 2, width)


def test_the_way_to_the_article_s_server() -> None:
    boxes = drawn(incident().referral_paths[1]).boxes
    assert [(box.title, box.lines[1], box.chip, box.tone, box.dashed) for box in boxes] == [
        ("expert", "from its cache", "", "plain", True),
        ("CHILD.DOMAINA.COM", "refers to DOMAINA.COM", "[1] #226", "auth", False),
        ("DOMAINA.COM", "refers to DOMAINB.COM", "[1] #238", "auth", False),
        ("DOMAINB.COM", "issues the ticket", "[1] #246", "auth", False),
        (boxes[-1].title, "aes256-cts-hmac-sha1-96", "", "fine", False),
    ]
    assert "RPCSS/resource-win73.domainb.com" in boxes[-1].whole
    assert boxes[1].filter == "frame.number in {226}"


def test_a_refusal_is_shown_where_it_was_said() -> None:
    boxes = drawn(incident().referral_paths[2]).boxes
    assert [(box.title, box.lines[-1], box.tone) for box in boxes[1:]] == [
        ("CHILD.DOMAINA.COM", "KDC_ERR_MUST_USE_USER2USER (27)", "failure"), ("novice", "refused", "failure"),
    ]  # fmt: skip


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_boxes_do_not_meet_and_links_join_them(width: int) -> None:
    picture = drawn(incident().referral_paths[1], width)
    for before, after in pairwise(picture.boxes):
        if width == WIDE:
            assert before.x + before.width < after.x
        else:
            assert before.y + before.height < after.y
    assert len(picture.links) == len(picture.boxes) - 1
    assert all(box.x + box.width <= width + 0.01 and box.y + box.height <= picture.height for box in picture.boxes)


@pytest.mark.parametrize(
    ("outcome", "words", "tone"),
    [("open", "where it went on was not captured", "warning"), ("unanswered", "no answer", "warning")],
)
def test_how_it_ended(outcome: str, words: str, tone: str) -> None:
    last = drawn(replace(incident().referral_paths[1], outcome=outcome), NARROW).boxes[-1]
    assert (last.lines[0], last.tone) == (words, tone)


def test_a_logon_that_was_captured_has_its_frame() -> None:
    path = replace(PATH, as_exchange="krb-1")
    first = referral_picture(path, {each.id: each for each in full_report().kerberos}, 1).boxes[0]
    assert (first.title, first.chip, first.dashed) == ("expert", "#11", False)


def test_a_long_way_is_cut() -> None:
    path = replace(incident().referral_paths[0], exchanges=("krb-1",) * 20)
    boxes = drawn(path).boxes
    assert len(boxes) == MOST_HOPS + 3
    assert boxes[-2].whole == "16 more realms, not drawn"


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_names_are_drawn_safely(text: str) -> None:
    report = hostile_report(text)
    for box in referral_picture(report.referral_paths[0], {each.id: each for each in report.kerberos}, 1).boxes:
        assert all(each.isprintable() for each in (box.title, *box.lines, box.whole))
