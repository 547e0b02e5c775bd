"""`check`, `diff` and `netlogon` with --redact: they conclude the same, and name nobody."""

from __future__ import annotations

import io
import itertools
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from incident_records import exchange
from incident_records import report as report_of
from shared_captures import OWN

from rpctrace.cli import main
from rpctrace.console.cases import Case, Result, judged, read_case
from rpctrace.console.check_reports import github_lines, write_report
from rpctrace.console.redacting import judged_redacted
from rpctrace.diagnosis.registry import diagnose
from rpctrace.expectations.reading import read_expectation
from rpctrace.pseudonyms import Pseudonyms
from rpctrace.redaction import path_of

SCENARIO = OWN / "remote-assistance"
NAMES = ("novice", "expert", "domaina", "domainb", "win73", "10.2.0.", "10.1.0.", "nobody", "tailspin", "child.")
# Every key whose value is a name, in the spellings that it may have; nothing of it is met.
EXPECTED = """\
failed = 7
exact = true
[[call]]
status = 5
realm = "child.domainA.COM"
server = "10.2.0.73:49834"
client = "Novice.Tailspin.test"
sname = "novice"
[[ticket]]
ticket = "host/*@DOMAINB.C?M"
realm = "TAILSPIN.TEST"
server = "[2001:db8:77::9]:135"
[[kerberos]]
sname = ["host", "nobody.domainb.com"]
cname = "nobody"
crealm = "TAILSPIN.TEST"
referral_to = "DOMAINB.COM"
[forbid]
tickets = ["*@child.domainA.COM"]
realms = ["DOMAINB.COM"]
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copy(SCENARIO / "expert.pcapng", tmp_path)
    (tmp_path / "expert.pcapng.expect.toml").write_text(EXPECTED)
    return tmp_path


def result(folder: Path, key: bytes) -> tuple[Result, Result]:
    """What becomes of the capture, and what is shown of that."""
    case = Case(str(folder / "expert.pcapng"), str(folder / "expert.pcapng.expect.toml"))
    report, unread = read_case(case)
    expected = read_expectation(EXPECTED, "x")
    true = judged(case, report, unread, expected)
    names = Pseudonyms(key)
    named = Case(path_of(names, case.capture), path_of(names, case.expectations))
    return true, judged_redacted(names, named, report, unread, expected, False)


def told(one: Result) -> str:
    """In every form of `check`."""
    texts = list(github_lines([one], {}))
    for name in ("x.sarif", "x.junit.xml"):
        out = io.StringIO(newline="")
        write_report(name, [one], {}, out)
        texts.append(out.getvalue())
    return "\n".join(texts).casefold()


def test_what_check_says_names_nobody(folder: Path) -> None:
    """Neither the capture's names nor the entries', nor the files'; codes, frames and lines stay."""
    true, shown = result(folder, b"key")
    assert [name for name in NAMES if name not in told(true)] == ["10.1.0."]
    assert not [name for name in NAMES if name in told(shown)]
    assert (len(true.differences), true.status) == (len(shown.differences), shown.status)
    for before, after in zip(true.differences, shown.differences, strict=True):
        assert (before.line, before.code, before.frames) == (after.line, after.code, after.frames)
    assert "2001:db8:77::9" not in told(shown)
    assert "host/*@" in told(shown)


def test_a_name_is_what_analyze_calls_it(folder: Path) -> None:
    """By the same key, so that the two outputs can be laid side by side; by another it is another."""
    names = Pseudonyms(b"key")
    _, shown = result(folder, b"key")
    assert (names.name("child.domainA.COM") or "").casefold() in told(shown)
    assert names.address("10.2.0.73") in told(shown)
    assert told(result(folder, b"other")[1]) != told(shown)


def test_the_command_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Compared are true names: what is as expected stays so. A baseline keeps them."""
    shutil.copy(SCENARIO / "expert.pcapng.expect.toml", folder)
    assert main(["check", "--redact", str(folder)]) == 0
    assert "novice" not in capsys.readouterr().out
    (folder / "expert.pcapng.expect.toml").write_text(EXPECTED)
    sarif, known = folder / "x.sarif", folder / "known.toml"
    assert main(["check", str(folder), "--redact-key", "k", "--github", "-o", str(sarif)]) == 1
    said = capsys.readouterr().out
    assert "DIFFERS" in said
    assert "::error file=" in said
    assert not [name for name in NAMES if name in said.casefold() or name in sarif.read_text().casefold()]
    updating = ["--baseline", str(known), "--update-baseline", "-o", str(sarif)]
    assert main(["check", str(folder), "--redact", *updating]) == 0
    assert all(each["suppressions"] for each in json.loads(sarif.read_text())["runs"][0]["results"])
    assert "child.domainA.COM" in known.read_text()
    assert main(["check", str(folder), "--redact", "--baseline", str(known)]) == 0
    said = capsys.readouterr().out
    assert "known   " in said
    assert not [name for name in NAMES if name in said.casefold()]
    assert main(["check", str(folder), "--redact", "--update"]) == 2


PASSWORD = OWN / "causes/bad-password.pcap"


def said_of(tmp_path: Path, expected: str, capsys: pytest.CaptureFixture[str]) -> str:
    """All that `check --redact` says of a capture of a wrong password in all its forms."""
    shutil.copy(PASSWORD, tmp_path / "x.pcap")
    (tmp_path / "x.pcap.expect.toml").write_text(expected, encoding="utf-8")
    junit = tmp_path / "out.junit.xml"
    code = main(["check", "-q", "--redact-key", "k", "--github", "-o", str(junit), str(tmp_path / "x.pcap")])
    said = capsys.readouterr()
    assert code in (1, 2), said.err
    return said.out + said.err + (junit.read_text(encoding="utf-8") if code == 1 else "")


@pytest.mark.parametrize(
    ("expected", "gone", "there"),
    [
        ('[[kerberos]]\nrealm = ""\nerror = 24', (), ("realm , error 24",)),
        ('[[ticket]]\nsname = "wei\u00df"\nrealm = "STRA\u00dfE.de"', ("wei\u00df", "STRA\u00dfE", "strasse"), ()),
        ('[[call]]\nserver = "wei\u00df-pc.corp.example:135"', ("wei\u00df", "corp"), (":135",)),
        ('[[kerberos]]\ncname = "Gro\u00df"', ("gro\u00df",), ("cname ",)),
        ('[[ticket]]\nsname = "client"\n[[kerberos]]\ncname = "AS"\nerror = 24', (), (": AS, cname ", ", error 24")),
        ('[[kerberos]]\nserver = "SERVER"\nerror = 24', (), ("exchange with server ", "(server is ")),
        ('[[call]]\nserver = "10.2.0.0/16"', ("10.2.0.0",), ("/16",)),
        ('[[call]]\nclient = "[2001:db8:77::9]:135"', ("2001:db8:77::9",), ("]:135",)),
        ('[[finding]]\ntitle = "*contoso.com password*"', ("contoso",), ("title *~ password*",)),
        ('[[call]]\nclient = "10.2.0.0/99"', ("10.2.0.0",), ("[[call]] in line 1", "cannot be meant")),
        ('[[call]]\nnovice = 1', ("novice",), ("[[call]] in line 1",)),
        ('novice = [', ("novice",), ("cannot be meant",)),
    ],
    ids=itertools.count(),
)  # fmt: skip
def test_values_of_entries(
    expected: str, gone: tuple[str, ...], there: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names of any letters are replaced where they stand, and no word of ours that is the same as one."""
    said = said_of(tmp_path, expected, capsys)
    assert not [name for name in gone if name.casefold() in said.casefold()]
    assert [words for words in there if words not in said] == []
    assert str(tmp_path) not in said


def test_titles_of_findings_are_those_of_the_other_names(folder: Path) -> None:
    """What a rule calls a finding is made of the other names."""
    case = Case(str(folder / "expert.pcapng"), "x")
    report, unread = read_case(case)
    expected = read_expectation("[forbid]\nfindings = ['*']\n", "x")
    true = judged(case, report, unread, expected)
    shown = judged_redacted(Pseudonyms(b"k"), case, report, unread, expected, False)
    assert true.differences
    assert [each.text for each in true.differences] == [each.text for each in shown.differences]


def test_what_a_server_wrote_into_a_title_is_gone() -> None:
    """A title is made again of the other names, for a rule may tell in it what others wrote."""
    said = "password service: result 4 KRB5_KPASSWD_SOFTERROR: Novice of tailspin, 0x34"
    refused = exchange("krb-1", 1, kind="KPASSWD", reply="KPASSWD-REP", outcome="rejected", notes=(said,))
    held = report_of(refused)
    held = replace(held, findings=diagnose(held))
    expected = read_expectation("[forbid]\nfindings = ['*']\n[[finding]]\nrule = 'clock-*'\n", "x")
    case = Case("x", "x")
    (true, *_), (shown, *_) = (
        judged(case, held, None, expected).differences,
        judged_redacted(Pseudonyms(b"k"), case, held, None, expected, False).differences,
    )
    assert "Novice of tailspin" in true.text
    assert "KRB5_KPASSWD_SOFTERROR: ~ of ~, 0x34" in shown.text


def test_what_is_over_is_told_without_names(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The baseline is of another run: of its names nothing is known but that they are some."""
    known = folder / "known.toml"
    assert main(["check", "-q", str(folder), "--baseline", str(known), "--update-baseline"]) == 0
    shutil.copy(SCENARIO / "expert.pcapng.expect.toml", folder)
    capsys.readouterr()
    assert main(["check", "-q", str(folder), "--redact", "--baseline", str(known)]) == 0
    err = capsys.readouterr().err
    assert "no longer fails: missing" in err
    assert not [name for name in ("novice", "domaina", "child.", "tailspin") if name in err.casefold()]


def test_a_capture_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "--redact", str(tmp_path / "novice.pcap")]) == 3
    said = capsys.readouterr()
    assert "UNREAD" in said.out
    assert "no such file" in said.err
    assert "novice" not in said.out + said.err


def test_diff(capsys: pytest.CaptureFixture[str]) -> None:
    """Both with one key: what agrees still does, what differs too."""
    pair = [str(SCENARIO / name) for name in ("expert.pcapng", "expert-answered.pcapng")]
    found = []
    for more in ([], ["--redact"]):
        assert main(["diff", "-q", *pair, "--json", *more]) == 1
        found.append(json.loads(capsys.readouterr().out))
    plain, other = found
    assert (plain["same"], len(plain["differences"])) == (other["same"], len(other["differences"]))
    assert plain["findings_bad"] == other["findings_bad"]
    for form in ("text", "json", "markdown"):
        assert main(["diff", "-q", *pair, "--redact", "-f", form]) == 1
        said = capsys.readouterr().out.casefold()
        assert not [name for name in NAMES if name in said]


def test_netlogon(capsys: pytest.CaptureFixture[str]) -> None:
    """Who logged on where is replaced, the results stay."""
    log = str(SCENARIO / "netlogon.log")
    for more in ([], ["--json"]):
        assert main(["netlogon", log, "--redact-key", "k", *more]) == 0
        said = capsys.readouterr().out
        assert not [name for name in NAMES if name in said.casefold()]
        assert "STATUS_NO_SUCH_USER" in said
        assert Pseudonyms(b"k").name("RESOURCE-WIN73") in said
