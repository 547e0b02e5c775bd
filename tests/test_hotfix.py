"""What a version of Kerberos.dll means: the branch first, then the number."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
from shared_captures import CHECKOUT

from rpctrace.errors import UsageError
from rpctrace.hotfix import branches, fixed_files, judge, parse_version, render_answer
from rpctrace.knowledge.tables import read_rows

FACTS = CHECKOUT.parent / "shared" / "domain" / "hotfix.json"
# As the facts call them -> as we do.
RESULTS = {
    "has_fix": "fixed",
    "vulnerable": "vulnerable",
    "not_fixed_gdr": "not fixed",
    "prerequisite_missing": "SP1 is missing",
    "out_of_scope": "not concerned",
}


@pytest.mark.parametrize(
    ("version", "result"),
    [
        ("6.1.7601.21932", "fixed"),
        ("6.1.7601.21931", "vulnerable"),
        ("6.1.7601.20000", "vulnerable"),
        ("6.1.7601.19999", "not fixed"),
        ("6.1.7601.22865", "fixed"),
        ("6.1.7601.24000", "fixed"),
        ("6.1.7601.17514", "not fixed"),
        ("6.1.7601.18658", "not fixed"),
        ("6.1.7600.16385", "SP1 is missing"),
        ("6.1.7000.0", "unknown"),
        ("6.1.7602.1", "unknown"),
        ("6.2.9200.16384", "not concerned"),
        ("10.0.19041.1", "not concerned"),
        ("6.0.6002.18005", "not concerned"),
        ("0.0.0.0", "not concerned"),
        ("65535.65535.65535.65535", "not concerned"),
        (" 6.1.7601.21932 (win7sp1_ldr.120228-1503) ", "fixed"),
    ],
)
def test_versions(version: str, result: str) -> None:
    assert judge(version).result == result


@pytest.mark.skipif(not FACTS.is_file(), reason="the facts are not beside the checkout")
def test_the_facts_hold() -> None:
    """Every vector, and every file with its size and date."""
    facts = json.loads(FACTS.read_text(encoding="utf-8"))
    for version, result in facts["test_vectors"]:
        assert judge(version).result == RESULTS[result], version
    listed = {
        (each["file"], each["version"], each["package"], each["binary_platform"], each["size"], each["date_utc"],
         each["time_utc"])
        for each in facts["files"]
    }  # fmt: skip
    assert set(fixed_files()) == listed


@pytest.mark.parametrize(
    "text", ["", "6", "6.1.7601", "6.1.7601.21932.1", "6.1.7601.x", "-6.1.7601.1", "6.1.7601.70000", "6,1,7601,21932",
             "6.1.7601.٣", "9" * 500],
)  # fmt: skip
def test_what_is_no_version(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_version(text)
    assert len(str(caught.value)) < 200


def test_the_branches_leave_no_gap() -> None:
    """Each begins behind the one before, from the first version to the last."""
    ranges = branches()
    assert ranges[0].first == (0, 0, 0, 0)
    assert ranges[-1].last == (65535,) * 4
    for before, after in pairwise(ranges):
        assert before.last < after.first
        assert _number(after.first) == _number(before.last) + 1


def _number(version: tuple[int, ...]) -> int:
    value = 0
    for part in version:
        value = value << 16 | part
    return value


@pytest.mark.parametrize(
    ("system", "version", "result", "remarks"),
    [
        ("Windows 7 SP1", "6.1.7601.18658", "not fixed", 0),
        ("Windows Server 2008 R2 Service Pack 1", "6.1.7601.21932", "fixed", 0),
        ("Windows 7", "6.1.7601.21932", "fixed", 0),
        ("windows 7 sp1", "6.1.7600.16385", "SP1 is missing", 1),
        ("Windows 7 SP1", "6.2.9200.16384", "not concerned", 1),
        ("Windows 10", "6.1.7601.18658", "not concerned", 1),
        ("Windows 10", "10.0.19041.1", "not concerned", 0),
        ("Windows Vista", "6.0.6002.18005", "not concerned", 0),
    ],
)
def test_the_system_that_it_is_of(system: str, version: str, result: str, remarks: int) -> None:
    """Another Windows is not concerned; where name and number disagree, that is said."""
    answer = judge(version, system)
    assert (answer.result, len(answer.remarks)) == (result, remarks)


def test_the_text_says_why_and_no_more_than_is_known() -> None:
    """Each platform of the fixed build once; lines fit but for addresses; no number that no table has."""
    text = render_answer(judge("6.1.7601.18658", "Windows 7 SP1"))
    assert text.startswith("Kerberos.dll 6.1.7601.18658: not fixed\n")
    for words in ("GDR", "6.1.7601.21932 (LDR) for x64: 716288 octets, 2012-02-29 06:20 UTC", "restart"):
        assert words in text
    assert text.count("542208") == 1
    assert all(len(line) <= 100 for line in text.splitlines() if "http" not in line)
    short = render_answer(judge("6.1.7601.18658", "Windows\x1b[31m 10"))
    assert "21932" not in short
    assert "\x1b" not in short


def test_every_row_says_how_certain_it_is() -> None:
    for *_, certainty, _source in read_rows("hotfix_branches.csv"):
        assert certainty
