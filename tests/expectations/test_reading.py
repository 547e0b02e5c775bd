"""A file of expectations: what may be written, and that what cannot be meant is refused with its line."""

from __future__ import annotations

import random

import pytest
from report_values import full_report

from rpctrace.errors import UsageError
from rpctrace.expectations.reading import read_expectation
from rpctrace.expectations.writing import written

BY_HAND = """
[[call]]
kind = "alter_context"
[[finding]]
rule = "pac-*"
[forbid]
statuses = [5]
[[forbid.ticket]]
realm = "A"
"""


def test_entries_know_their_lines() -> None:
    """In the order of the file, whatever their kind."""
    expected = read_expectation("failed = 1\ncalls = 2\n" + BY_HAND.strip(), "x")
    assert [(entry.kind.table, entry.line, entry.forbidden) for entry in expected.entries] == [
        ("call", 3, False), ("finding", 5, False), ("call", 8, True), ("ticket", 9, True),
    ]  # fmt: skip
    assert expected.lines == {"failed": 1, "calls": 2}


def test_dotted_keys_are_the_same() -> None:
    """`forbid.findings` in one line."""
    (entry,) = read_expectation('failed = 0\nforbid.findings = ["pac-*"]\n', "x").entries
    assert (entry.forbidden, entry.words, entry.line) == (True, "rule pac-*", 2)


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        ("failed = true", "line 1: failed: True should be a number"),
        ("failed = 1\ncall = 3", "line 2: call: 3 should be a list"),
        (
            "failed = 1\n[[calls]]\nkind = 'bind'",
            "line 2: no table [[calls]]; there are: [[call]], [[finding]], [[ticket]], [[kerberos]], [[absent]], "
            "[require], [forbid]",
        ),
        ("[[failed]]\nkind = 'bind'", "line 1: no table [[failed]]"),
        ("[calls]", "line 1: no table [calls]; there are: [[call]],"),
        ("[[findings]]\nrule = 'pac-*'", "line 1: no table [[findings]]"),
        ("[require]\n[ticket]\nrealm = 'A'", "line 2: ticket should be written [[ticket]]"),
        ("[[require]]\nstatuses = [5]", "line 1: require should be written [require]"),
        ("[forbid.call]\nkind = 'bind'", "line 1: forbid.call should be written [[forbid.call]]"),
        ("[['call']]\ncall_id = 1\n[[ \"call\" ]]  # quoted\ncall_id = 'x'", "[[call]] in line 3: call_id"),
        ("call = [3]", "3 should be a table"),
        ("\n[[call]]\ncall_id = 'two'", "[[call]] in line 2: call_id: 'two' should be a number"),
        ("[[absent]]\ncount = 2", "no key 'count'"),
        ("[[call]]\ninterface = 'INothing'", "interface"),
        ("[[call]]\nrequest_frames = [1, 'x']", "request_frames"),
        ("[[finding]]\nseverity = 'loud'", "'loud' is no severity; there are: high, medium, low, note"),
        ("[[finding]]\nleast_confidence = 65", "65 is no confidence from 0 to 1"),
        ("[[finding]]\nleast_confidence = nan", "nan is no confidence"),
        ("[[kerberos]]\nerror = 'KDC_ERR_NOTHING'", "is no error of Kerberos"),
        ("failed = 1\n[forbid]\nfindings = ['pca-*']", "line 3: forbid.findings: no rule is named 'pca-*'"),
        ("[[forbid.finding]]\nrule = 'pca'", "[[forbid.finding]] in line 1: no rule is named 'pca'"),
        ("[forbid]\ncall = 3", "line 2: forbid.call: 3 should be a list"),
        ("[require]\ncall = []", "no key 'call' in [require]"),
        ("[forbid]\n\nstatus = [5]", "line 3: no key 'status' in [forbid]"),
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
    text = written(full_report(), "x.pcap") + BY_HAND
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


def test_lines_are_counted_as_toml_ends_them() -> None:
    """At line feeds alone."""
    with pytest.raises(UsageError, match="line 3"):
        read_expectation("# a\u2028b\u2029c\u0085d\n\n[[call]]\nnothing = 1\n", "x")
    (entry,) = read_expectation("# a\u2028b\n[[call]]\nstatus = 5\n", "x").entries
    assert entry.line == 2
