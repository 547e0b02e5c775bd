"""Proves: the ladder has every message of its story in order, inside the drawing, with the failure's rows tinted."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from report_values import article_report
from story_values import incident, logged_incident, logged_report, step, story

from rpctrace.render.hosts import HostBook
from rpctrace.render.ladder import GUTTER, WIDTH, Ladder, ladder, lane_order
from rpctrace.render.steps import Step
from rpctrace.render.story import StoryBook, story_of
from rpctrace.report import Report

MS = 1_000_000
TOKEN = "AP-REQ: novice@child.domainA.COM (user-to-user)"
NOBODY = HostBook(article_report())


def drawn(report: Report) -> Ladder:
    told = story_of(report.findings[0], StoryBook(report))
    assert told is not None
    return ladder(told, HostBook(report), len(report.captures))


def test_the_article_s_lanes() -> None:
    """KDCs that only the client asks, the client, the server, and whom the server asks."""
    lanes = drawn(incident()).lanes
    assert [(lane.title, lane.lines) for lane in lanes] == [
        ("10.1.0.10", ("KDC of CHILD.DOMAINA.C\u2026",)),
        ("10.1.0.5", ("KDC of DOMAINA.COM",)),
        ("10.2.0.21", ("client, expert",)),
        ("resource-win73", ("server", "10.2.0.73")),
        ("10.2.0.10", ("KDC of DOMAINB.COM", "domain controller")),
    ]
    assert "KDC of CHILD.DOMAINA.COM" in lanes[0].whole


def test_the_article_s_last_messages() -> None:
    rows = [
        (arrow.time, arrow.chip, arrow.title, arrow.detail, arrow.tone, arrow.in_window)
        for arrow in drawn(incident()).arrows[-4:]
    ]
    assert rows == [
        ("0", "[1] #297", "alter_context IClassFactory", TOKEN, "auth", True),
        ("+730 \u00b5s", "[2] #67", "NetrLogonSamLogonEx", "sealed", "channel", True),
        ("+4.87 ms", "[2] #68", "response", "", "channel", True),
        ("+6.8 ms", "[1] #298", "fault", "RPC_S_SEC_PKG_ERROR 0x00000721", "failure", True),
    ]


def test_of_several_users_each_is_named() -> None:
    """On the arrow that asks; where all is one user's, in whatever spelling, nothing is added."""
    def details(*users: str) -> list[str]:
        steps = (step(f"{n}", n * MS, n * MS + 1, user=user) for n, user in enumerate(users))
        return [arrow.detail for arrow in ladder(story(*steps), NOBODY, 1).arrows]

    assert details("alice", "", "bob") == ["alice: epmapper", "", "epmapper", "", "bob: epmapper", ""]
    assert details("alice", "DOMAINB\\Alice") == ["epmapper", "", "epmapper", ""]


def test_a_long_pause_is_a_row() -> None:
    rows = ladder(story(step("a", 0, MS), step("b", 41_800 * MS, 41_801 * MS)), NOBODY, 1)
    assert [pause.text for pause in rows.pauses] == ["41.8 s later"]
    assert rows.rows.index(rows.pauses[0]) == 2
    assert drawn(incident()).pauses == ()


def test_an_arrow_points_from_who_speaks_to_who_hears() -> None:
    picture = drawn(incident())
    at = {lane.x: lane.title for lane in picture.lanes}
    asked, answered = picture.arrows[-4], picture.arrows[-1]
    assert (at[asked.x1], at[asked.x2]) == ("10.2.0.21", "resource-win73")
    assert (answered.x1, answered.x2) == (asked.x2, asked.x1)
    assert (asked.filter, asked.sender) == ("frame.number in {297}", "10.2.0.21")


def test_lines_of_a_log_are_dashed() -> None:
    picture = drawn(logged_report())
    assert picture.has_log
    assert [(arrow.chip, arrow.dashed, arrow.tone) for arrow in picture.arrows if arrow.dashed] == [
        ("log:2", True, "log"), ("log:3", True, "failure"),
    ]  # fmt: skip


def test_the_log_s_lines_stand_in_the_failure_s_window() -> None:
    """With the seconds of the log's own clock, between what the server asked and what it heard."""
    rows = [(arrow.time, arrow.chip, arrow.title, arrow.in_window) for arrow in drawn(logged_incident()).arrows[-6:]]
    assert rows == [
        ("0", "[1] #297", "alter_context IClassFactory", True),
        ("+730 \u00b5s", "[2] #67", "NetrLogonSamLogonEx", True),
        ("10:26:50", "log:7", "Generic logon", True),
        ("10:26:50", "log:8", "Generic logon returns", True),
        ("+4.87 ms", "[2] #68", "response", True),
        ("+6.8 ms", "[1] #298", "fault", True),
    ]


def test_a_line_without_a_time_has_a_question_mark() -> None:
    line = step("log", 5, None, log_line="netlogon.log:2", asked_frame=None, answered_frame=None)
    assert [arrow.time for arrow in ladder(story(line), NOBODY, 1).arrows] == ["?"]


def test_the_window_holds_the_failure_and_nothing_before_it() -> None:
    picture = drawn(incident())
    assert picture.window is not None
    end = picture.window.y + picture.window.height
    for arrow in picture.arrows:
        assert arrow.in_window is (picture.window.y < arrow.y < end)
    assert (picture.window.text, end < picture.height) == ("6.8 ms", True)


def test_a_host_that_speaks_to_itself_has_a_hook() -> None:
    picture = ladder(story(step("a", 0, MS, answerer="10.0.0.1")), NOBODY, 1)
    assert all(arrow.hook for arrow in picture.arrows)
    assert len(picture.lanes) == 1


def test_a_message_that_was_not_captured_is_not_drawn() -> None:
    picture = ladder(story(step("a", 0, None, answered_frame=None, answer="no answer")), NOBODY, 1)
    assert [arrow.title for arrow in picture.arrows] == ["bind"]
    assert picture.window is None


def test_partners_of_the_client_alone_are_on_its_side() -> None:
    told = story(
        step("kdc", 0, 1, answerer="kdc"), step("dc", 4, 5, asker="10.0.0.2", answerer="dc"), step("last", 3, 9)
    )
    assert lane_order(told) == ("kdc", "10.0.0.1", "10.0.0.2", "dc")


MOMENTS = st.one_of(st.none(), st.integers(-(10**19), 10**19))
STEPS = st.builds(
    lambda number, asked, answered, ends: step(str(number), asked, answered, asker=ends[0], answerer=ends[1]),
    st.integers(0, 9),
    MOMENTS,
    MOMENTS,
    st.tuples(st.sampled_from("abcdefg"), st.sampled_from("abcdefg")),
)


@given(st.lists(STEPS, min_size=1, max_size=20))
def test_every_story_is_drawn_inside_its_picture(steps: list[Step]) -> None:
    picture = ladder(story(*steps), NOBODY, 1)
    for arrow in picture.arrows:
        assert GUTTER <= min(arrow.x1, arrow.x2) <= max(arrow.x1, arrow.x2) <= WIDTH
        assert 0 < arrow.y < picture.height
    assert all(a.y < b.y for a, b in pairwise(picture.rows))
    times = [arrow.time for arrow in picture.arrows]
    assert len(times) == sum(1 + bool(each.answer and (each.answered_frame or each.answered_ns)) for each in steps)
