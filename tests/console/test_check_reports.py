"""Results as JUnit, SARIF and lines of GitHub: counts, escapes, known failures, what was not read."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from report_values import HOSTILE_TEXTS
from sarif_structure import check_sarif

from rpctrace.console.cases import Case, Result, result_of
from rpctrace.console.check_reports import CODES, github_lines, write_report, written_into
from rpctrace.errors import UsageError
from rpctrace.expectations.values import Difference, Outcome

SOURCES = Path(__file__).parents[2] / "rpctrace"


def result(name: str = "a.pcap", text: str = "expected and not found", unread: str | None = None) -> Result:
    difference = Difference(3, text, "missing", "call, status 5", (7,))
    found = (Outcome("failed = 1", 1, ()), Outcome("call: status 5", 3, (difference,)))
    return Result(Case(name, f"{name}.expect.toml"), found, unread, True)


def written(path: str, *results: Result, known: bool = False) -> str:
    out = io.StringIO(newline="")
    write_report(path, results, {each: frozenset(each.differences if known else ()) for each in results}, out)
    return out.getvalue()


def test_junit() -> None:
    """A case for the capture and one for each expectation; no times, so the same run is the same file."""
    suite = ElementTree.fromstring(written("x.junit.xml", result(), result("b.pcap", unread="cut")))[0]
    assert suite.attrib == {"name": "rpctrace check", "tests": "6", "failures": "2", "errors": "1", "skipped": "0"}
    first = [(case.get("classname"), case.get("name"), [child.tag for child in case]) for case in suite][:3]
    assert first == [
        ("a.pcap", "is read", []), ("a.pcap", "failed = 1", []), ("a.pcap", "call: status 5", ["failure"]),
    ]  # fmt: skip
    failure = suite[2][0]
    assert failure.attrib == {"message": "line 3: expected and not found", "type": "missing"}


def test_known_failures_are_skipped_and_suppressed() -> None:
    suite = ElementTree.fromstring(written("x.junit.xml", result(), known=True))[0]
    assert (suite.get("failures"), suite.get("skipped")) == ("0", "1")
    log = json.loads(written("x.sarif", result(), known=True))
    assert [each["suppressions"][0]["kind"] for each in log["runs"][0]["results"]] == ["external"]
    assert next(iter(github_lines([result()], {result(): frozenset(result().differences)}))).startswith("::notice ")


def test_sarif() -> None:
    """The line of the expectations, the rule that says what a code means, a fingerprint without frames."""
    log = check_sarif(written("x.sarif", result(), result("b.pcap", unread="cut")))
    (run,) = log["runs"]
    first, second = run["results"]
    assert first["locations"][0]["physicalLocation"] == {
        "artifactLocation": {"uri": "a.pcap.expect.toml", "uriBaseId": "%SRCROOT%"}, "region": {"startLine": 3},
    }  # fmt: skip
    assert first["partialFingerprints"] == second["partialFingerprints"]
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["missing"]
    assert run["invocations"][0]["executionSuccessful"] is False
    moved = Difference(9, "expected and not found", "missing", "call, status 5", (70,))
    other = Result(first_case := Case("a.pcap", "a.pcap.expect.toml"), (Outcome("x", 9, (moved,)),), None, True)
    assert first_case.capture == "a.pcap"
    (again,) = json.loads(written("x.sarif", other))["runs"][0]["results"]
    assert again["partialFingerprints"] == first["partialFingerprints"]


@pytest.mark.parametrize("hostile", [*HOSTILE_TEXTS, "]]>&amp;<x y='z'>", "::error::x%0A,:"])
def test_hostile_text(hostile: str) -> None:
    """XML that parses and shows the text, JSON, and one line a command: nothing of a name is markup or a command."""
    one = result(f"{hostile}.pcap", hostile)
    ElementTree.fromstring(written("x.junit.xml", one))
    check_sarif(written("x.sarif", one))
    (line,) = github_lines([one], {})
    assert line.isprintable()
    head, _, data = line.removeprefix("::error ").partition("::")
    assert head.count(",") == 2
    assert "%0A" not in data


def test_github_escapes() -> None:
    (line,) = github_lines([result("a,b:c%.pcap", "50% of it")], {})
    assert line == (
        "::error file=a%2Cb%3Ac%25.pcap.expect.toml,line=3,title=rpctrace check%3A a%2Cb%3Ac%25.pcap::50%25 of it"
    )


def test_a_suffix_that_check_does_not_write() -> None:
    assert [written_into(name) for name in ("x.JUNIT.XML", "a.sarif")] == [".junit.xml", ".sarif"]
    with pytest.raises(UsageError, match=r"\.junit\.xml \.sarif"):
        written_into("x.xml")


def test_every_code_has_its_meaning() -> None:
    """Whatever a comparison says can be written."""
    text = "".join((SOURCES / name).read_text() for name in ("expectations/comparing.py", "console/cases.py"))
    assert all(f'"{code}"' in text for code in CODES)


def test_a_capture_that_is_not_there(tmp_path: Path) -> None:
    missing = result_of(Case(str(tmp_path / "none.pcap"), "x"), None)
    (line,) = github_lines([missing], {})
    assert "title=capture not read::" in line
    assert 'errors="1"' in written("x.junit.xml", missing)
