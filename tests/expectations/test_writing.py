"""What `check --update` writes: it is met, it keeps what people wrote, and a second time it changes nothing."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from report_values import FINDING, TICKET, article_report, full_report, hostile_report, refused_call

from rpctrace.errors import UsageError
from rpctrace.expectations.comparing import differences
from rpctrace.expectations.reading import read_expectation
from rpctrace.expectations.values import Entry
from rpctrace.expectations.writing import written
from rpctrace.report import Report


def report_of(*calls: object) -> Report:
    return replace(article_report(), calls=calls)


def texts(report: Report, toml: str) -> list[str]:
    return [difference.text for difference in differences(report, read_expectation(toml, "x.expect.toml"))]


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


def test_an_entry_that_describes_part_of_another_counts_it_too() -> None:
    """Two failures without a ticket and one alike with a ticket: the entry of the two describes all three."""
    bare = [refused_call(id=f"call-{number}", ticket=None, auth=None) for number in (1, 2)]
    report = report_of(*bare, refused_call(id="call-3", auth=None))
    assert "count = 3" in written(report, "x")
    assert texts(report, written(report, "x")) == []


def test_findings_above_a_note_are_written() -> None:
    """The surest statement that lasts: rule, severity, a confidence rounded down; alike ones counted."""
    weaker = replace(FINDING, confidence=0.43)
    note = replace(FINDING, rule="call-failed", severity="note")
    report = replace(article_report(), findings=(FINDING, weaker, note))
    text = written(report, "x")
    assert tomllib.loads(text)["finding"] == [
        {"rule": "pac-xforest-u2u", "severity": "high", "least_confidence": 0.4, "count": 2}
    ]
    assert texts(report, text) == []


BY_HAND = """# Remote assistance; see the ticket 4711.
failed = 2  # two at the time
tolerate_extra = true

# The case of the article.
[[call]]
interface = "IClassFactory"  # by its name
status = "RPC_S_SEC_PACKAGE_ERROR"

# Was there once.
[[call]]
kind = "request"
outcome = "unanswered"

# Where the ticket was shown.
[[ticket]]
realm = "child.domainA.COM"
sname = "novice"
presented_in = "alter_context"
frame = 9  # moved

[forbid]  # never again
statuses = [5]

# The end.
"""


def test_what_people_wrote_stays() -> None:
    """What is met keeps its words, what is not met goes, a moved entry keeps its comments, [forbid] is not touched."""
    after = written(article_report(), "x", BY_HAND)
    assert texts(article_report(), after) == []
    assert after == """# Remote assistance; see the ticket 4711.
failed = 1  # two at the time
tolerate_extra = true

# The case of the article.
[[call]]
interface = "IClassFactory"  # by its name
status = "RPC_S_SEC_PACKAGE_ERROR"

[[finding]]
rule = "pac-xforest-u2u"  # The server could not have the ticket's PAC validated across the forest trust
severity = "high"
least_confidence = 0.65

# Where the ticket was shown.
[[ticket]]
realm = "child.domainA.COM"
sname = "novice"
presented_in = "alter_context"
user_to_user = true
frame = 22  # moved

[forbid]  # never again
statuses = [5]

# The end.
# Of entries that are gone:
# Was there once.
"""
    assert written(article_report(), "x", after) == after


ARTICLE = """# The case of the article.
[[call]]  # see 4711
interface = "IClassFactory"  # by its name
status = "RPC_S_SEC_PACKAGE_ERROR"  # as the article spells it
count = 2  # both tries
"""


def test_a_wrong_count_changes_alone() -> None:
    """However the entry spells what agrees."""
    after = written(article_report(), "x", f"failed = 1\n\n{ARTICLE}")
    assert ARTICLE.replace("count = 2", "count = 1") in after
    assert after.count("[[call]]") == 1
    pattern = '[[finding]]\nrule = "pac-*"  # either\ncount = 7\n'
    assert pattern.replace("7", "1") in written(article_report(), "x", pattern)


def test_keys_that_agree_keep_their_spelling() -> None:
    """In an entry that is replaced; the comments of the others stay with it, but for the names that are written."""
    before = ARTICLE.replace("count = 2  # both tries", 'client = "10.0.0.0/8"\noutcome = "unanswered"  # for now')
    before += "opnum = 77  # DoIt\ncall_id = 99  # of the second try\n"
    call = refused_call()
    after = written(article_report(), "x", before)
    assert texts(article_report(), after) == []
    (entry,) = tomllib.loads(after)["call"]
    assert (entry["interface"], entry["status"]) == ("IClassFactory", "RPC_S_SEC_PACKAGE_ERROR")
    assert (entry["client"], entry["outcome"], entry["call_id"]) == ("10.0.0.0/8", "faulted", call.call_id)
    for remark in ("[[call]]  # see 4711", "# by its name", "# as the article spells it", "# of the second try"):
        assert remark in after
    assert 'outcome = "faulted"  # for now' in after
    assert "DoIt" not in after
    assert "gone" not in after
    assert written(article_report(), "x", after) == after


def test_remarks_of_an_entry_that_is_gone() -> None:
    """Also those at the ends of lines; not the names beside codes."""
    before = '[[kerberos]]  # one\nerror = 7  # KDC_ERR_S_PRINCIPAL_UNKNOWN\n# two\nrealm = "X"  # three\n'
    after = written(article_report(), "x", before)
    assert after.endswith("# Of entries that are gone:\n# one\n# two\n# three\n")
    assert written(article_report(), "x", after) == after


@pytest.mark.parametrize("there", [True, False])
def test_what_must_not_be_there_is_never_changed(there: bool) -> None:
    """`count = 0` forbids."""
    before = f'[[call]]\noutcome = "{"faulted" if there else "unanswered"}"\ncount = 0  # never\n'
    after = written(article_report(), "x", before)
    assert before in after
    assert bool(texts(article_report(), after)) is there


def test_a_comment_beside_complete_stays() -> None:
    after = written(report_of(), "x", "complete = false  # cut by hand\ncalls = 1\n")
    assert after.startswith("# cut by hand\ncalls = 0\n\n")
    after = written(report_of(), "x", "# x\n\ncalls = 1\ncomplete = false  # cut by hand\n\n# y\n[forbid]\n")
    assert after.startswith("# x\n\n# cut by hand\ncalls = 0\n\n")
    assert written(report_of(), "x", after) == after


def test_other_ends_of_lines_stay_in_their_texts() -> None:
    """TOML ends lines at line feeds alone."""
    call = '[[call]]\nkind = "alter_context"  # a\u2028b\u0085c\n'
    forbidden = '[forbid]\nrealms = ["x\u2029[[call]]"]\n'
    after = written(article_report(), "x", f"{call}\n{forbidden}")
    assert call in after
    assert forbidden in after


def test_quoted_headers_are_headers() -> None:
    """Entries below them are edited as any others."""
    before = written(article_report(), "x").replace("[[call]]", '[["call"]]').replace("[[finding]]", "[['finding']]")
    assert written(article_report(), "x", before) == before
    after = written(report_of(), "x", before)
    assert "call" not in tomllib.loads(after)
    assert texts(report_of(), after) == []


def test_a_frame_that_moved_changes_its_line_alone() -> None:
    """The entry stays in its place with its other lines and their comments."""
    before = written(article_report(), "x")
    commented = before.replace('outcome = "faulted"', 'outcome = "faulted"  # as ever')
    moved = replace(article_report(), calls=(refused_call(request_frames=(30,), reply_frames=(31,)),))
    after = written(moved, "x", commented)
    changed = set(after.splitlines()) ^ set(commented.splitlines())
    assert changed == {"request_frames = [22]", "reply_frames = [23]", "request_frames = [30]", "reply_frames = [31]"}


def test_exact_writes_everything() -> None:
    """Also calls that did not fail, tickets and refused exchanges."""
    after = written(full_report(), "x", "exact = true\n")
    assert texts(full_report(), after) == []
    assert {"call", "finding", "ticket", "kerberos"} <= tomllib.loads(after).keys()
    assert len(tomllib.loads(after)["call"]) == len(full_report().calls)


def test_a_capture_that_is_whole_again() -> None:
    """`complete = false` comes and goes; counts at the top follow."""
    cut = full_report()
    assert not cut.complete
    before = written(cut, "x", "calls = 1\n")
    assert before.startswith("calls = 4\ncomplete = false\n")
    assert "complete" not in written(article_report(), "x", before)


@pytest.mark.parametrize(
    "text",
    ['call = [{kind = "bind"}]\n', '[[call]]\nkind = """\n[[call]]\n"""\n'],
)
def test_what_cannot_be_edited_is_refused(text: str) -> None:
    """Instead of losing something."""
    with pytest.raises(UsageError):
        written(article_report(), "x", text)


def test_a_flood_of_failures_is_bounded() -> None:
    """Hundreds of unlike failures: the count, and the first of them."""
    calls = [refused_call(id=f"call-{number}", opnum=number) for number in range(500)]
    text = written(report_of(*calls), "x")
    assert text.count("[[call]]") == 200
    assert texts(report_of(*calls), text) == []


def test_the_work_grows_as_the_capture_does(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every entry of the file has moved: each is not compared with each record, nor each group with each."""
    looked_at = 0
    describes = Entry.describes

    def counting(self: Entry, record: object) -> bool:
        nonlocal looked_at
        looked_at += 1
        return describes(self, record)

    def calls(count: int, first_opnum: int) -> Report:
        return report_of(
            *(refused_call(id=f"call-{number}", opnum=first_opnum + number // 4) for number in range(count))
        )

    costs = []
    monkeypatch.setattr(Entry, "describes", counting)
    for count in (200, 400):
        before = written(calls(count, 0), "x")
        looked_at = 0
        after = written(calls(count, 10_000), "x", before)
        costs.append(looked_at)
        assert texts(calls(count, 10_000), after) == []
    assert 0 < costs[1] <= 2.3 * costs[0]
