"""Expectations: what a person may write, what each kind of difference reads like, and that --update's text is met."""

from __future__ import annotations

import random
import tomllib
from dataclasses import replace

import pytest
from report_values import TICKET, answered_call, article_report, full_report, hostile_report, refused_call

from rpctrace.errors import UsageError
from rpctrace.expectations import differences, read_expectation, written
from rpctrace.report import Report

BY_HAND = """
failed = 1
[[call]]
kind = "alter_context"
interface = "IClassFactory"
status = "RPC_S_SEC_PACKAGE_ERROR"
realm = "child.domainA.COM"
sname = "novice"
user_to_user = true
[[absent]]
outcome = "unanswered"
"""


def report_of(*calls: object) -> Report:
    return replace(article_report(), calls=calls)


def texts(report: Report, toml: str) -> list[str]:
    return [difference.text for difference in differences(report, read_expectation(toml, "x.expect.toml"))]


def test_written_by_hand() -> None:
    """The article's case by its names; any spelling of the status."""
    report = report_of(refused_call(id="call-1"), answered_call(id="call-2"))
    assert texts(report, BY_HAND) == []
    for spelling in ('"0x721"', "1825", "0x721", '"RPC_S_SEC_PKG_ERROR"'):
        assert texts(report, BY_HAND.replace('"RPC_S_SEC_PACKAGE_ERROR"', spelling)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("failed = 1", "failed = 2"), ["expected 2 failed calls, found 1"]),
        (("failed = 1", "calls = 3"), ["expected 3 calls, found 2"]),
        (
            ('realm = "child.domainA.COM"', 'realm = "DOMAINB.COM"'),
            ["expected and not found", "found and not expected"],
        ),
        (('outcome = "unanswered"', 'outcome = "answered"'), ["must not be there"]),
        (("[[absent]]", "count = 2\n[[absent]]"), ["expected 2 of these, found 1"]),
        (("failed = 1", "exact = true"), ["found and not expected"]),
        (("failed = 1", "complete = false"), ["expected a capture that ends early"]),
    ],
    ids=lambda value: value[1] if isinstance(value, tuple) else None,
)
def test_differences(change: tuple[str, str], said: list[str]) -> None:
    """Each in one sentence that names what is wrong."""
    report = report_of(refused_call(id="call-1"), answered_call(id="call-2"))
    found = texts(report, BY_HAND.replace(*change))
    assert len(found) == len(said)
    assert all(text.startswith(start) for text, start in zip(found, said, strict=True))


def test_the_nearest_call_is_shown() -> None:
    """One wrong key is found at a glance."""
    (missing, _) = texts(report_of(refused_call()), BY_HAND.replace("novice", "expert"))
    assert "nearest: alter_context, call_id 2" in missing
    assert "novice@child.domainA.COM" in missing


def test_a_failure_that_nobody_expects() -> None:
    """That is what regression means, unless it is tolerated."""
    report = report_of(refused_call())
    assert [text.split(":")[0] for text in texts(report, "")] == ["found and not expected"]
    assert texts(report, "tolerate_extra = true") == []
    assert texts(report_of(answered_call()), "") == []


@pytest.mark.parametrize(
    "report",
    [article_report(), full_report(), report_of(), report_of(refused_call(), refused_call(id="call-9", call_id=9))],
)
def test_what_update_writes_is_met(report: Report) -> None:
    """TOML that reads back, and agrees with the report that it was written from."""
    text = written(report, "x.pcap")
    tomllib.loads(text)
    expected = read_expectation(text, "x")
    assert differences(report, expected) == ()
    assert expected.failed == sum(call.failed for call in report.calls)
    assert expected.complete is report.complete


def test_alike_calls_are_one_entry() -> None:
    """With a count; a single call has its id and frames."""
    text = written(report_of(*(refused_call(id=f"call-{n}", call_id=n) for n in range(3))), "x")
    assert text.count("[[call]]") == 1
    assert "count = 3" in text
    assert "request_frames" not in text


@pytest.mark.parametrize("hostile", ['"]\n[[absent]]\n', "a\\b\"c'", "\x1b[31m\u202e", "\udc80\ud800", "#'\"\"\""])
def test_hostile_text_of_a_capture(hostile: str) -> None:
    """A realm cannot leave its quotes, and what is written is still met."""
    ticket = replace(TICKET, realm=hostile, sname=(hostile, hostile))
    report = report_of(refused_call(ticket=ticket))
    text = written(report, hostile)
    assert all(character.isprintable() or character == "\n" for character in text)
    assert texts(report, text) == []
    assert len(tomllib.loads(text)["call"]) == 1
    everything = hostile_report(hostile)
    tomllib.loads(written(everything, hostile))


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("failed = true", "line 1: failed: True should be a number"),
        ("failed = 1\ncall = 3", "line 2: call: 3 should be a list"),
        ("call = [3]", "3 should be a table"),
        ("\n[[call]]\ncall_id = 'two'", "[[call]] in line 2: call_id: 'two' should be a number"),
        ("[[absent]]\ncount = 2", "no key 'count'"),
        ("[[call]]\ninterface = 'INothing'", "interface"),
        ("[[call]]\nrequest_frames = [1, 'x']", "request_frames"),
        ("a = 'unfinished", "Expected"),
    ],
)
def test_what_cannot_be_meant(toml: str, said: str) -> None:
    """The file, the line and the key."""
    with pytest.raises(UsageError) as caught:
        read_expectation(toml, "x.expect.toml")
    assert str(caught.value).startswith("x.expect.toml: ")
    assert said in str(caught.value)


def test_any_damage_is_a_usage_error_or_a_value() -> None:
    """Every truncation, and seeded mutations: no other exception."""
    text = written(full_report(), "x.pcap") + BY_HAND.replace("failed = 1", "")
    chance = random.Random(20260)
    mutants = [text[:end] for end in range(len(text))]
    for _ in range(300):
        place = chance.randrange(len(text))
        mutants.append(text[:place] + chance.choice("\"'[]=#\n0-x{},\\") + text[place + chance.randrange(3) :])
    for mutant in mutants:
        try:
            read_expectation(mutant, "x")
        except UsageError:
            continue


def test_an_entry_that_describes_part_of_another_counts_it_too() -> None:
    """Two failures without a ticket and one alike with a ticket: the entry of the two describes all three."""
    bare = [refused_call(id=f"call-{number}", ticket=None, auth=None) for number in (1, 2)]
    report = report_of(*bare, refused_call(id="call-3", auth=None))
    assert "count = 3" in written(report, "x")
    assert texts(report, written(report, "x")) == []
