"""Proves: a line is joined to the call that it is about and to no other, with time and without; memory is bounded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from builders.work import function_calls
from incident_records import REALM_A, REALM_B, SERVER, ntlm_authentication, shown, ticket
from log_records import SERVER_NAME, START_S, accepted, auth, incident, logon, refused, sam_logon

from rpctrace.correlation import log_lines as module
from rpctrace.correlation.log_lines import join
from rpctrace.report import Host, Limit, LogEntry, Ntlm, Report

ALL = ("package", "realm", "server", "time")
# Enough of them that the log's clock is known whatever the test adds; none is alike.
WITNESSES = [refused(number, second) for number, second in ((91, 11.2), (92, 302.7), (93, 1007.1), (94, 2411.9))]
THEIR_LINES = [line for second in (11.2, 302.7, 1007.1, 2411.9) for line in logon(second)]


def joined(records: list[Any], lines: list[str], **facts: Any) -> Report:
    return join(incident([*WITNESSES, *records], [*THEIR_LINES, *lines], **facts))


def lines_of(report: Report, call: str) -> list[LogEntry]:
    return [entry for entry in report.log_entries if call in entry.calls]


def test_both_lines_of_the_logon_and_why() -> None:
    report = joined([refused(1, 500)], logon(500))
    assert [(entry.phase, entry.joined_by) for entry in lines_of(report, "call-1")] == [
        ("Entered", ALL), ("Returns", ALL),
    ]  # fmt: skip
    assert [entry.time_ns for entry in lines_of(report, "call-1")] == [(START_S + 500) * 10**9] * 2
    assert all(entry.calls == ("call-1",) for entry in lines_of(report, "call-1"))


@pytest.mark.parametrize(
    "other",
    [
        {"via": "RESOURCE-WIN74"},
        {"domain": REALM_B},
        {"package": "WDigest"},
        {"package": None, "kind": "Network", "user": "alice"},
        {"second": 497},
        {"second": 504},
    ],
    ids=str,
)
def test_another_line_is_not_joined(other: dict[str, Any]) -> None:
    """Another server, realm, package or moment."""
    assert lines_of(joined([refused(1, 500)], logon(**{"second": 500, **other})), "call-1") == []


@pytest.mark.parametrize("second", [498, 499, 500, 501, 502])
def test_two_seconds_to_either_side(second: int) -> None:
    assert len(lines_of(joined([refused(1, 500.3)], logon(second)), "call-1")) == 2


def test_a_logon_that_lasts_brackets_the_call() -> None:
    """The client gave up long before the controller answered."""
    report = joined([refused(1, 500)], logon(541, 0xC000005E, took_s=45))
    assert [entry.duration_s for entry in lines_of(report, "call-1")] == [45, 45]


def test_an_entered_line_that_nothing_answered() -> None:
    assert [entry.phase for entry in lines_of(joined([refused(1, 500)], logon(500, None)), "call-1")] == ["Entered"]


def test_a_server_without_a_name_is_joined_by_realm() -> None:
    """Names are the address's: that another call told one is enough."""
    assert lines_of(joined([refused(1, 500, server=None)], logon(500)), "call-1")[0].joined_by == ALL
    alone = join(incident([refused(1, 500, server=None)], logon(500)))
    assert lines_of(alone, "call-1")[0].joined_by == ("package", "realm", "time")


def test_a_server_under_an_alias_is_joined_by_the_name_that_its_own_challenge_told() -> None:
    """Name resolution and tickets know an alias; what NTLM told on another connection is the computer's name."""
    names = Ntlm(None, None, None, "DOMAINB", computer="resource-win73.domainb.com")
    told = ntlm_authentication("auth-1", START_S + 1, ntlm=names, server=Host(SERVER, 445, None))
    alias = [refused(1, 500, server="files.domainb.com")]
    assert lines_of(join(incident([*alias, told], logon(500))), "call-1")[0].joined_by == ALL
    assert lines_of(join(incident(alias, logon(500))), "call-1") == []


def test_a_member_s_own_log_names_no_server() -> None:
    report = joined([refused(1, 500)], logon(500, via=None))
    assert lines_of(report, "call-1")[0].joined_by == ("package", "realm", "time")


def test_a_call_without_realm_is_joined_by_its_server() -> None:
    cut = replace(shown(ticket(REALM_A, "novice"), 1), realm=None, sname=())
    report = joined([refused(1, 500, ticket=cut)], logon(500))
    assert lines_of(report, "call-1")[0].joined_by == ("package", "server", "time")
    assert lines_of(joined([refused(1, 500, ticket=cut)], logon(500, via="OTHER")), "call-1") == []


def test_the_two_lines_of_the_article_name_two_domains() -> None:
    """One of them is the ticket's; the logon is one. Neither line has a time."""
    lines = [line.split(" ", 2)[2] for line in logon(500)]
    lines[1] = lines[1].replace(REALM_A, "EMEACHILD.LINDOM.COM")
    report = join(incident([refused(1, 500)], lines))
    assert [(entry.calls, entry.joined_by) for entry in report.log_entries] == [
        (("call-1",), ("package", "realm", "server"))
    ] * 2
    assert report.logs[0].text == "year and UTC offset unknown: its lines have no time"


@pytest.mark.parametrize(
    "changes", [{"via": "OTHER"}, {"via": None}, {"domain": REALM_B}, {"package": "NTLM"}], ids=str
)
def test_without_time_all_must_agree(changes: dict[str, Any]) -> None:
    lines = [line.split(" ", 2)[2] for line in logon(500, **changes)]
    assert not any(entry.calls for entry in join(incident([refused(1, 500)], lines)).log_entries)


def test_without_time_only_failed_calls_are_joined() -> None:
    lines = [line.split(" ", 2)[2] for line in logon(500)]
    report = join(incident([accepted(1, 500), refused(2, 700)], lines))
    assert {entry.calls for entry in report.log_entries} == {("call-2",)}


def test_with_times_but_no_known_offset_the_day_must_be_possible() -> None:
    """Three failures, any of which may be the call: joined without time. Those of another month are not."""
    lines = [*logon(-86_400 * 30), *logon(100), *logon(1000 + 7), *logon(1900 + 14)]
    report = join(incident([refused(1, 2000 + 14)], lines))
    assert report.logs[0].found == "unknown"
    assert [entry.line for entry in lines_of(report, "call-1")] == [3, 4, 5, 6, 7, 8]
    assert {entry.joined_by for entry in lines_of(report, "call-1")} == {("package", "realm", "server")}


def test_ntlm_is_joined_by_its_user() -> None:
    call = refused(1, 500, ticket=None, auth=auth(ntlm=Ntlm("CONTOSO", "alice", "WS1", None)))
    network = {"kind": "Network", "package": None, "domain": "contoso", "user": "Alice", "status": 0xC000006A}
    report = joined([call], logon(500, **network))
    assert lines_of(report, "call-1")[0].joined_by == ("package", "realm", "server", "time", "user")
    assert lines_of(joined([call], logon(500, **{**network, "user": "bob"})), "call-1") == []
    assert lines_of(joined([call], logon(500, **{**network, "domain": "FABRIKAM"})), "call-1") == []
    assert lines_of(joined([call], logon(500, **{**network, "via": "OTHER"})), "call-1") == []
    assert len(lines_of(joined([call], logon(500, **{**network, "domain": "contoso.com"})), "call-1")) == 2
    assert len(lines_of(joined([call], logon(500, **{**network, "domain": "(null)"})), "call-1")) == 2


def test_the_server_s_own_question_to_its_controller() -> None:
    report = joined([sam_logon(1, 500)], logon(500))
    assert lines_of(report, "call-1")[0].joined_by == ("server", "time")
    assert lines_of(joined([sam_logon(1, 500)], logon(500, via="OTHER")), "call-1") == []


def test_accepted_calls_have_their_lines_too() -> None:
    report = joined([accepted(1, 500), refused(2, 700)], [*logon(500, 0), *logon(700, 0)])
    assert [entry.status for entry in lines_of(report, "call-1")] == [None, 0]
    assert [entry.status for entry in lines_of(report, "call-2")] == [None, 0]


def test_authentications_outside_rpc_fit_the_clock_and_are_no_calls() -> None:
    seconds, server = (3, 500, 1711), Host(SERVER, 445, SERVER_NAME)
    said = [ntlm_authentication(f"auth-{at}", START_S + at, outcome="rejected", server=server) for at in seconds]
    network: dict[str, Any] = {"kind": "Network", "package": None, "user": "alice", "domain": "DOMAINB"}
    lines = [line for second in seconds for line in logon(second, 0xC000006A, **network)]
    report = join(incident(said, lines))
    assert (report.logs[0].utc_offset_minutes, report.logs[0].matched, report.logs[0].anchors) == (60, 3, 3)
    assert not any(entry.calls for entry in report.log_entries)


def test_a_joined_report_stays_as_it_is() -> None:
    report = joined([refused(1, 500)], logon(500))
    assert join(report) == report
    unknown = join(incident([refused(1, 500)], logon(100, via="X")))
    assert join(unknown) == unknown
    assert join(replace(report, logs=())) == replace(report, logs=())


def test_what_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Joined lines before those near the captures before what failed at another time; the rest is counted."""
    far = [*logon(-50_000, 0), *logon(-40_000), *logon(-40_000, 0, via="B")]
    near = logon(1500, 0, via="B")
    whole = joined([], [*far, *near])
    assert [entry.time for entry in whole.log_entries if "B" in (entry.via or "")] == ["03-14T10:25:00"] * 2
    assert len(whole.log_entries) == 8 + 2 + 1  # its Entered line did not fail
    assert whole.limits == ()
    monkeypatch.setattr(module, "LOG_ENTRIES_KEPT", 9)
    bounded = joined([], [*far, *near])
    assert [bool(entry.calls) for entry in bounded.log_entries] == [True] * 8 + [False]
    assert bounded.log_entries[-1].time == "03-14T10:25:00"
    assert bounded.limits == (Limit("log_entries_kept", 9, 2),)


def test_the_controller_s_clock_is_told() -> None:
    (clock,) = joined([sam_logon(1, 500)], logon(500)).host_clocks
    assert (clock.address, clock.source, clock.samples) == ("10.77.0.11", "netlogon", 5)
    assert abs(clock.offset_ns) < 10**9


def test_work_grows_with_calls_and_lines() -> None:
    """Twice as many are at most 2.3 times the work; all are about one realm and one server."""

    def work(count: int) -> int:
        records = [refused(number, number * 3.7 % 3600) for number in range(count)]
        lines = [line for number in range(4 * count) for line in logon(number * 0.9 % 3600)]
        made = incident(records, lines)
        return function_calls(lambda: join(made))

    assert work(800) <= 2.3 * work(400)
