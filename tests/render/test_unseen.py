"""Proves: what a report cannot see is said, each thing where it applies and not elsewhere."""

from __future__ import annotations

from dataclasses import replace

from report_values import article_report, capture, empty_report, full_report, refused_call
from story_values import incident, logged_report

from rpctrace.render.unseen import MOST_PROBLEMS, unseen
from rpctrace.report import Clock, Host, Limit, ProblemEntry, Report


def topics(report: Report) -> dict[str, str]:
    found: dict[str, str] = {}
    for topic, text in unseen(report):
        found[topic] = f"{found.get(topic, '')}{text}\n"
    return found


def test_the_article_from_both_sides() -> None:
    said = topics(incident())
    assert set(said) == {"Not captured", "Logs", "Encrypted"}
    assert "asked a domain controller" not in said["Not captured"]
    assert "5 of 11 requests" in said["Encrypted"]


def test_the_server_s_side_is_missed() -> None:
    assert "What 10.3.0.33 asked a domain controller" in topics(article_report())["Not captured"]
    assert "asked a" not in topics(logged_report()).get("Not captured", "")


def test_many_servers_are_one_line() -> None:
    calls = tuple(refused_call(server=Host(f"10.3.0.{n}", 135, None)) for n in range(10, 19))
    said = topics(article_report(calls=calls))["Not captured"]
    assert "What 10.3.0.10, 10.3.0.11, 10.3.0.12, 10.3.0.13 and 5 more asked a domain controller" in said


def test_a_log_that_was_given_is_not_missed() -> None:
    assert "Logs" in topics(article_report())
    assert "Logs" not in topics(logged_report())
    assert "Logs" not in topics(replace(logged_report(), log_entries=()))
    assert "Logs" in topics(replace(logged_report(), logs=()))


def test_damage_comes_first() -> None:
    report = article_report(captures=(capture(complete=False, stopped_at=9),), limits=(Limit("calls_kept", 5, 2),))
    lines = list(unseen(report))
    assert [line.topic for line in lines[:2]] == ["Not read", "Limit"]
    assert "octet 9" in lines[0].text


def test_many_problems_are_counted() -> None:
    problems = tuple(ProblemEntry("dcerpc", f"no {n}", 0, n, None, 1) for n in range(MOST_PROBLEMS + 5))
    said = topics(article_report(problems=problems))
    assert said["Damaged"].count("\n") == MOST_PROBLEMS + 1
    assert "and 5 more" in said["Damaged"]


def test_gaps_and_late_beginnings() -> None:
    said = topics(full_report())["Not captured"]
    assert "How 1 call ended" in said
    assert "The beginning of 1 connection" in said
    assert "1460 octets in 1 gap of 1 connection" in said


def test_clocks_that_share_nothing() -> None:
    clocks = (Clock(0, 0, 0, 0, 0), Clock(1, 1, 0, 0, 0))
    assert "Clocks" in topics(replace(full_report(), clocks=clocks))
    assert "Clocks" not in topics(full_report())


def test_nothing_is_made_up_about_nothing() -> None:
    assert topics(replace(empty_report(), calls=(refused_call(ticket=None, auth=None),))).keys() == {"Not captured"}
