"""Proves: the story of a finding holds what led to the failure, and says how much had no room."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from report_values import (
    AUTHENTICATION,
    CLIENT,
    EVENT,
    FINDING,
    HOSTILE_TEXTS,
    SERVER,
    START_NS,
    answered_call,
    article_report,
    full_report,
    hostile_report,
    refused_call,
)
from story_values import CHANNEL, incident, log_entry, logged_report, logon

from rpctrace.render.story import (
    LOG_HOST,
    MOST_HOSTS,
    MOST_STEPS,
    NEARBY_CALLS,
    Story,
    StoryBook,
    account,
    focus_of,
    story_of,
)
from rpctrace.report import Call, Clock, Host, KerberosExchange, Report


def questions(report: Report) -> list[str]:
    story = story_of(report.findings[0], StoryBook(report))
    assert story is not None
    return [" ".join(filter(None, (step.question or step.answer, step.question_detail))) for step in story.steps]


def test_the_article_s_story() -> None:
    assert questions(incident()) == [
        "TGS-REQ RPCSS/resource-win73.domainb.com",
        "TGS-REQ RPCSS/resource-win73.domainb.com",
        "TGS-REQ RPCSS/resource-win73.domainb.com",
        "bind ISystemActivator AP-REQ: RPCSS/resource-win73.domainb.com@DOMAINB.COM",
        "TGS-REQ novice",
        "bind IClassFactory kerberos TGT-REQ",
        "TGS-REQ novice (user-to-user)",
        "alter_context IClassFactory AP-REQ: novice@child.domainA.COM (user-to-user)",
        "NetrLogonSamLogonEx sealed",
    ]


def test_the_failure_s_window_and_zero() -> None:
    story = story_of(incident().findings[0], StoryBook(incident()))
    assert story is not None
    call = next(call for call in incident().calls if call.failed)
    assert story.zero_ns == call.request_ns
    assert story.window_ns == (call.request_ns, call.reply_ns)
    assert (story.client, story.server, story.focus.key) == ("10.2.0.21", "10.2.0.73", f"call {call.id}")
    assert (story.left_out, story.alike, story.issued_in) == (0, 0, "krb-8")


def test_a_log_stands_between_the_server_and_the_controller_that_it_asked() -> None:
    story = story_of(logged_report().findings[0], StoryBook(logged_report()))
    assert story is not None
    lines = [step for step in story.steps if step.log_line]
    assert [(step.log_line, step.asker, step.answerer) for step in lines] == [
        ("netlogon.log:2", "10.3.0.33", "10.3.0.10"), ("netlogon.log:3", "10.3.0.33", "10.3.0.10"),
    ]  # fmt: skip


def logged_moments(**changes: Any) -> list[int | None]:
    """Where the two lines stand, in nanoseconds behind the failed request, which takes 42 ms."""
    report = logged_report()
    entries = tuple(replace(entry, **changes) for entry in report.log_entries)
    report = replace(report, log_entries=entries)
    story = story_of(report.findings[0], StoryBook(report))
    assert story is not None
    return [None if step.first_ns is None else step.first_ns - START_NS for step in story.steps if step.log_line]


@pytest.mark.parametrize(
    ("changes", "moments"),
    [
        ({"time_ns": START_NS}, [1, 41_999_999]),
        ({"time_ns": START_NS, "calls": ("call-3", "call-7")}, [1_000_001, 4_999_999]),
        ({"time_ns": START_NS, "calls": ("call-7",)}, [1_000_001, 4_999_999]),
        ({"time_ns": None, "calls": ("call-3", "call-7")}, [1_000_001, 4_999_999]),
        ({"time_ns": None, "calls": ()}, [0, 42_000_000]),
        ({"time_ns": START_NS - 2 * 10**9}, [-2 * 10**9, -2 * 10**9]),
        ({"time_ns": START_NS, "calls": ()}, [0, 0]),
    ],
)
def test_a_line_stands_in_its_call_where_its_second_allows(changes: dict[str, Any], moments: list[int]) -> None:
    assert logged_moments(**changes) == moments


def test_a_line_is_not_moved_into_a_call_on_another_clock() -> None:
    report = logged_report()
    entries = tuple(replace(entry, time_ns=START_NS) for entry in report.log_entries)
    calls = tuple(replace(call, capture=1) for call in report.calls)
    clocks = (Clock(0, 0, 0, 0, 0), Clock(1, 1, 0, 0, 0))
    report = replace(report, calls=calls, clocks=clocks, log_entries=entries)
    story = story_of(report.findings[0], StoryBook(report))
    assert story is not None
    assert [step.first_ns for step in story.steps if step.log_line] == [START_NS, START_NS]


def test_lines_of_one_moment_keep_their_order() -> None:
    entered = log_entry(9, "Entered", partner=10, time_ns=START_NS - 10**10)
    returned = log_entry(10, "Returns", partner=9, time_ns=START_NS - 10**10)
    report = article_report(log_entries=(entered, returned))
    story = story_of(report.findings[0], StoryBook(report))
    assert story is not None
    assert [step.log_line for step in story.steps if step.log_line] == ["netlogon.log:9", "netlogon.log:10"]


def test_a_log_alone_has_a_lane_of_its_own() -> None:
    report = replace(logged_report(), calls=article_report().calls)
    story = story_of(report.findings[0], StoryBook(report))
    assert story is not None
    assert {step.answerer for step in story.steps if step.log_line} == {LOG_HOST}


def test_a_logon_outside_the_call_is_none_of_its() -> None:
    late = logon(request_ns=START_NS + 60_000_000, reply_ns=START_NS + 61_000_000)
    assert not any("Netr" in text for text in questions(article_report(calls=(refused_call(), late))))
    assert any("Netr" in text for text in questions(article_report(calls=(refused_call(), logon()))))


def test_too_many_steps_are_cut_and_counted() -> None:
    before = tuple(
        answered_call(id=f"call-1{n}", request_ns=START_NS - 1000 * n, request_frames=(n,), reply_frames=())
        for n in range(100, 200)
    )
    story = story_of(FINDING, StoryBook(article_report(calls=(*before, refused_call()))))
    assert story is not None
    assert len(story.steps) == MOST_STEPS
    assert story.left_out == 101 - MOST_STEPS
    # the nearest stay
    assert min(step.first_ns or 0 for step in story.steps) == START_NS - 1000 * (99 + MOST_STEPS - 1)


def test_of_a_long_connection_the_legs_and_the_nearest_calls_are_looked_at() -> None:
    bind = answered_call(id="call-0", kind="bind", request_ns=START_NS - 10**9, opnum=None, operation=None)
    before = tuple(answered_call(id=f"call-1{n}", request_ns=START_NS - 10**6 + n) for n in range(5_000))
    book = StoryBook(article_report(calls=(bind, *before, refused_call())))
    nearby, beyond = book.nearby(book.calls["call-3"])
    assert (len(nearby), beyond) == (NEARBY_CALLS + 1, 5_000 - NEARBY_CALLS)
    story = story_of(FINDING, book)
    assert story is not None
    assert story.steps[0].question == "bind IClassFactory"
    assert story.left_out == 5_002 - MOST_STEPS


def test_as_many_calls_are_looked_at_after_the_failed_one_as_before_it() -> None:
    before = tuple(answered_call(id=f"call-1{n}") for n in range(300))
    after = tuple(answered_call(id=f"call-2{n}") for n in range(300))
    book = StoryBook(article_report(calls=(*before, refused_call(), *after)))
    nearby, _ = book.nearby(book.calls["call-3"])
    assert [call.id for call in nearby] == [call.id for call in (*before[-NEARBY_CALLS:], *after[:NEARBY_CALLS])]


def test_what_findings_share_is_made_once() -> None:
    """Ten thousand events were made into steps for each finding anew."""
    events = tuple(replace(EVENT, capture=0, client=CLIENT, server=SERVER, frames=(n,)) for n in range(3))
    other = replace(EVENT, capture=0, client=CLIENT, server=replace(SERVER, port=1))
    book = StoryBook(article_report(events=(*events, other)))
    first, second = story_of(FINDING, book), story_of(FINDING, book)
    assert first is not None
    assert second is not None
    assert [step.asked_frame for step in first.steps if step.family == "Other"] == [0, 1, 2]
    assert all(one is same for one, same in zip(first.steps, second.steps, strict=True))


def story_with(kerberos: tuple[KerberosExchange, ...], *calls: Call) -> Story:
    report = article_report(calls=calls, kerberos=kerberos)
    finding = FINDING if calls else replace(FINDING, calls=(), concerns=(kerberos[0].id,), evidence=())
    story = story_of(finding, StoryBook(report))
    assert story is not None
    return story


def refused_logon(identity: str, user: str, second: int) -> KerberosExchange:
    ns = START_NS + second * 10**9
    return replace(
        full_report().kerberos[0], id=identity, capture=0, kind="AS", cname=(user,), sname=("krbtgt", "A"), path=None,
        carried_in="kdc_tcp", request_ns=ns, reply_ns=ns + 10**6,
    )  # fmt: skip


def test_what_another_user_was_refused_is_none_of_the_story() -> None:
    """A client that serves many asks its KDC for all of them; what it asked before for the same user stays."""
    failed = refused_logon("krb-1", "alice", 9)
    before = (refused_logon("krb-2", "bob", 1), refused_logon("krb-3", "Alice", 2))
    story = story_with((failed, *before))
    assert [step.key for step in story.steps] == ["exchange krb-3", "exchange krb-1"]
    assert not story.names_users
    unknown = replace(before[0], cname=())
    assert len(story_with((failed, unknown)).steps) == 2


def test_a_logon_of_another_user_is_none_of_the_story() -> None:
    """Netlogon calls in clear say whose they are; of sealed ones nobody knows."""
    ticket = replace(refused_call().ticket, exchange="krb-1")  # type: ignore[type-var]  # it has one
    issued = replace(refused_logon("krb-1", "alice", -1), kind="TGS", error=None)
    logons = [
        logon(id=f"call-2{n}", secure_channel=replace(CHANNEL, user=user))
        for n, user in enumerate((None, "DOMAINB\\Alice", "bob"))
    ]
    story = story_with((issued,), refused_call(ticket=ticket), *logons)
    assert [step.key for step in story.steps] == ["exchange krb-1", "call call-3", "call call-20", "call call-21"]
    assert [step.user for step in story.steps] == ["alice", "alice", "", "DOMAINB\\Alice"]
    assert not story.names_users


def test_users_are_compared_by_their_account() -> None:
    assert {account(text) for text in ("DOMAINB\\Alice", "alice@DOMAINB.COM", "ALICE")} == {"alice"}
    assert account("") == ""


def test_who_set_out_on_a_path_is_the_user_of_its_exchanges() -> None:
    """The lab's clients hide their name from the KDC; the ticket of a failed call is theirs all the same."""
    path = replace(full_report().referral_paths[0], id="path-9", cname=("alice",))
    hidden = replace(refused_logon("krb-1", "x", 1), kind="TGS", error=None, cname=("WELLKNOWN", "ANONYMOUS"))
    ticket = replace(refused_call().ticket, exchange="krb-1")  # type: ignore[type-var]  # it has one
    call = refused_call(ticket=ticket)
    report = article_report(calls=(call,), kerberos=(replace(hidden, path="path-9"),), referral_paths=(path,))
    book = StoryBook(report)
    assert [book.step(each).user for each in (report.kerberos[0], call)] == ["alice", "alice"]
    assert StoryBook(article_report(calls=(call,), kerberos=(hidden,))).step(call).user == ""


def test_no_more_hosts_than_lanes() -> None:
    logons = tuple(logon(id=f"call-2{n}", server=Host(f"10.3.1.{n}", 49157, None)) for n in range(20))
    story = story_of(FINDING, StoryBook(article_report(calls=(refused_call(), *logons))))
    assert story is not None
    assert len({end for step in story.steps for end in (step.asker, step.answerer)}) == MOST_HOSTS
    assert story.left_out == 20 - (MOST_HOSTS - 2)


@pytest.mark.parametrize(
    ("concerns", "kind"), [(("auth-1",), "Authentication"), (("path-1",), "KerberosExchange"), (("nothing",), "Call")]
)
def test_what_failed_beside_calls_has_its_story(concerns: tuple[str, ...], kind: str) -> None:
    finding = replace(FINDING, calls=(), concerns=concerns, capture=1, frames=(30,), evidence=())
    report = replace(full_report(), findings=(finding,))
    focus = focus_of(finding, StoryBook(report))
    assert type(focus).__name__ == kind
    assert story_of(finding, StoryBook(report)) is not None


def test_a_connection_s_incident_is_found_by_its_frames() -> None:
    finding = replace(FINDING, calls=(), evidence=(), frames=(1, 2), capture=1)
    report = article_report(calls=(), events=(EVENT,), findings=(finding,))
    assert focus_of(finding, StoryBook(report)) == EVENT
    assert questions(report) == ["connection refused \\pipe\\spoolss"]


def test_a_finding_of_which_nothing_is_captured_has_none() -> None:
    finding = replace(FINDING, calls=("call-99",), frames=(), evidence=())
    assert story_of(finding, StoryBook(article_report())) is None


def test_evidence_that_points_nowhere_is_passed_over() -> None:
    report = article_report(log_entries=(log_entry(9, "Returns", partner=10, calls=("call-3",)),))
    assert "call-3" in report.findings[0].calls
    assert questions(report)


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_hostile_records_make_a_story(text: str) -> None:
    report = hostile_report(text)
    story_of(replace(report.findings[0], calls=tuple(call.id for call in report.calls)), StoryBook(report))


def test_an_authentication_s_ticket_is_followed() -> None:
    issued = replace(full_report().kerberos[0], error=None, reply="TGS-REP", capture=1)
    said = replace(AUTHENTICATION, ticket=replace(refused_call().ticket, exchange="krb-1"))  # type: ignore[type-var]
    finding = replace(FINDING, calls=(), concerns=("auth-1",), evidence=())
    report = replace(full_report(), calls=(), kerberos=(issued,), authentications=(said,), findings=(finding,))
    assert questions(report) == [
        "smb ntlm novice@child.domainA.COM (user-to-user)", "TGS-REQ RPCSS/novice.domainb.com",
    ]  # fmt: skip
