"""`check`: captures against the expectations beside them, which --update writes."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from console_samples import article, article_octets

from rpctrace import cli


def run(*words: str | Path) -> int:
    return cli.main(["check", *map(str, words)])


def expectations(capture: Path) -> Path:
    return capture.with_name(capture.name + ".expect.toml")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A failing and a clean capture, one of them packed and one below, and a hidden folder that is not walked."""
    article(tmp_path)
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "clean.cap.gz").write_bytes(gzip.compress(article_octets(None)))
    (tmp_path / ".hidden").mkdir()
    article(tmp_path / ".hidden")
    (tmp_path / "notes.txt").write_text("no capture")
    return tmp_path


def test_update_then_check(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was written is met by what it was written from, and a second update writes the same."""
    assert run(folder, "--update") == 0
    written = {path.name: path.read_text() for path in folder.rglob("*.expect.toml")}
    assert sorted(written) == ["clean.cap.gz.expect.toml", "expert.pcap.expect.toml"]
    assert "failed = 0" in written["clean.cap.gz.expect.toml"]
    assert 'status = "0x00000721"  # RPC_S_SEC_PKG_ERROR' in written["expert.pcap.expect.toml"]
    capsys.readouterr()
    assert run(folder) == 0
    assert capsys.readouterr().out.splitlines()[-1] == "2 captures as expected"
    assert run(folder, "--update") == 0
    assert {path.name: path.read_text() for path in folder.rglob("*.expect.toml")} == written


def test_a_regression_is_1_and_readable(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A failure that is gone, and one that is new."""
    run(folder, "--update")
    article(folder, status=None)
    assert run(folder) == 1
    said = capsys.readouterr().out
    assert "expected and not found: kind alter_context" in said
    assert "expected 1 failed calls, found 0" in said
    article(folder, status=5)
    assert run(folder) == 1
    said = capsys.readouterr().out
    assert "expected and not found: kind alter_context" in said
    assert "nearest: alter_context, call_id 2" in said
    assert "(status is 0x00000005, not 0x00000721)" in said


def test_expectations_are_missing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """1, unless that is allowed."""
    assert run(folder) == 1
    assert "no expectations" in capsys.readouterr().out
    assert run(folder, "--allow-missing") == 0
    assert "read    " in capsys.readouterr().out


def test_what_is_not_there_never_passes(tmp_path: Path) -> None:
    """A capture that is named and missing, cut, or without a frame is 3, whatever is allowed to be missing."""
    cut, empty = article(tmp_path, "cut.pcap"), article(tmp_path, "empty.pcap")
    cut.write_bytes(cut.read_bytes()[:-3])
    empty.write_bytes(empty.read_bytes()[:24])
    for capture in (tmp_path / "none.pcap", cut, empty):
        assert run(capture) == 3
        assert run(capture, "--allow-missing") == 3
    for nothing in (tmp_path / "none.pcap", empty):
        assert run(nothing, "--update") == 3
        assert not expectations(nothing).exists()


def test_update_writes_over_expectations_only(tmp_path: Path) -> None:
    """T14: neither over a capture, nor over any other file that is no TOML of ours."""
    expert, notes = article(tmp_path), tmp_path / "notes.toml"
    notes.write_text("title = 'mine'\n")
    before = expert.read_bytes()
    for other in (expert, notes):
        assert run(expert, "--update", "--expect", other) == 2
    assert (expert.read_bytes(), notes.read_text()) == (before, "title = 'mine'\n")


def test_expectations_that_cannot_be_read_are_3(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A folder in their place. The other captures are checked all the same."""
    run(folder, "--update", "-q")
    expectations(folder / "expert.pcap").unlink()
    expectations(folder / "expert.pcap").mkdir()
    capsys.readouterr()
    assert run(folder) == 3
    said = capsys.readouterr()
    assert "expert.pcap.expect.toml: is a directory" in said.err
    assert f"ok      {folder / 'below' / 'clean.cap.gz'}" in said.out
    assert f"UNREAD  {folder / 'expert.pcap'}" in said.out
    assert run(folder, "--update") == 3


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_a_line_end_in_a_name_makes_no_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file name cannot write `ok` for another capture."""
    article(tmp_path, "x\nok      y.pcap")
    run(tmp_path)
    said = capsys.readouterr()
    assert "x\\x0aok" in said.out
    assert not any(line.startswith("ok") for line in (said.out + said.err).splitlines())


def test_a_capture_is_missing_or_unreadable(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """3, which outranks the 1 of another capture."""
    run(folder, "--update")
    (folder / "expert.pcap").unlink()
    article(folder / "below", "new.pcap")
    assert run(folder) == 3
    said = capsys.readouterr()
    assert "expert.pcap" in said.err
    assert "UNREAD" in said.out
    assert "DIFFERS" in said.out


def test_a_cut_capture(folder: Path) -> None:
    """3 where the expectations say nothing of it; as expected where they do (--update writes that)."""
    expert = folder / "expert.pcap"
    run(expert, "--update")
    expert.write_bytes(expert.read_bytes()[:-3])
    assert run(expert) == 3
    assert run(expert, "--update") == 0
    assert "complete = false" in expectations(expert).read_text()
    assert run(expert) == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("failed = 1\n[[call]\n", "line 2"),
        ("failed = " + 5000 * "9", "too long"),
        ("x = " + 100_000 * "[", "too deep"),
        ("failed = 1\n\nfaild = 2\n", "line 3: no key 'faild'"),
        ("[[call]]\nkind='bind'\n[[call]]\nknd='bind'\n", "line 3: no key 'knd'"),
        ("[[call]]\nstatus = 'RPC_S_NO_SUCH'\n", "line 1: status"),
    ],
)
def test_a_file_that_cannot_be_meant_is_2(
    text: str, said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With its name and line; nothing is checked before."""
    expectations(folder / "expert.pcap").write_text(text)
    assert run(folder) == 2
    error = capsys.readouterr().err
    assert "expert.pcap.expect.toml" in error
    assert said in error


def test_octets_that_are_no_text_are_2(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Named with the line."""
    expectations(folder / "expert.pcap").write_bytes(b"failed = 1\n# \xff\n")
    assert run(folder) == 2
    assert "line 2: not UTF-8" in capsys.readouterr().err


def test_expectations_elsewhere(folder: Path, tmp_path: Path) -> None:
    """--expect FILE for one capture."""
    elsewhere = tmp_path / "here.toml"
    elsewhere.write_text("failed = 1\ntolerate_extra = true\n")
    assert run(folder / "expert.pcap", "--expect", elsewhere) == 0
    elsewhere.write_text("failed = 2\ntolerate_extra = true\n")
    assert run(folder / "expert.pcap", "--expect", elsewhere) == 1


def test_an_empty_folder_is_no_pass(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing was read: 3, and nothing to write either. Beside others it is told."""
    assert run(tmp_path) == 3
    assert f"{tmp_path}: no capture found in this folder or below it" in capsys.readouterr().err
    assert run(tmp_path, "--update") == 3
    (tmp_path / "empty").mkdir()
    expert = article(tmp_path)
    run(expert, "--update")
    capsys.readouterr()
    assert run(expert, tmp_path / "empty") == 0
    assert "empty: no capture found" in capsys.readouterr().err
    assert run(tmp_path, f"{tmp_path}/./", expert) == 0
    said = capsys.readouterr()
    assert said.err == ""
    assert said.out.splitlines()[-1] == "1 capture as expected"


def test_the_last_line_tells_what_differs_from_what_was_not_read(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And expectations of a capture that is gone are told of."""
    run(folder, "--update")
    article(folder, status=5)
    (folder / "below" / "clean.cap.gz").unlink()
    assert run(folder) == 3
    said = capsys.readouterr()
    assert said.out.splitlines()[-1] == "2 captures, 1 not as expected, 1 not read to the end"
    assert "clean.cap.gz: no such file or directory, but there are expectations of it" in said.err


def test_standard_input_has_nothing_beside_it(capsys: pytest.CaptureFixture[str]) -> None:
    """A file of expectations has to be named; above all --update writes none called `-`."""
    assert run("-") == run("-", "--update") == 2
    assert "--expect FILE" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no permissions as these")
def test_where_nothing_can_be_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Is told before any work is done, by the name that was given: expectations, a baseline, a report."""
    expert = folder / "expert.pcap"
    before = sorted(folder.rglob("*"))
    assert run(expert, "--baseline", folder / "nowhere" / "known.toml", "--update-baseline") == 2
    assert "nowhere does not exist" in capsys.readouterr().err
    assert run(expert, "--baseline", folder / "below", "--update-baseline") == 2
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != folder)
    assert run(folder, "--update") == 2
    assert f"nothing can be written into the folder {folder}" in capsys.readouterr().err
    assert run(expert, "-o", folder / "x.sarif") == 2
    assert run(expert, "--baseline", folder / "known.toml", "--update-baseline") == 2
    assert sorted(folder.rglob("*")) == before


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="no permissions as these")
def test_a_folder_whose_files_cannot_be_looked_at_is_no_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It can be listed and not entered: each of its files is named."""
    (tmp_path / "capture").write_bytes(article_octets())
    look = os.stat

    def refusing(path: object, *arguments: object, **options: object) -> object:
        if str(path).endswith("capture"):
            raise PermissionError(13, "Permission denied", path)
        return look(path, *arguments, **options)  # type: ignore[call-overload]

    monkeypatch.setattr(os, "stat", refusing)
    assert run(tmp_path) == 1  # here it can be opened after all, and has no expectations
    assert "capture" in capsys.readouterr().out


def test_a_folder_that_cannot_be_listed_is_no_pass(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is named and the status is 3: it might hold captures."""
    locked = folder / "locked"
    locked.mkdir()
    assert cli.main(["check", "--update", str(folder)]) == 0
    scandir = os.scandir

    def refusing(path: str) -> object:
        if str(path) == str(locked):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert cli.main(["check", str(folder)]) == 3
    assert str(locked) in capsys.readouterr().err


def test_update_keeps_what_people_wrote(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """And tells what it cannot make true: what must not be there and is."""
    expert = folder / "expert.pcap"
    expectations(expert).write_text("# by hand\n\n[forbid]  # never\nstatuses = [0x721]\n")
    assert run(expert, "--update") == 1
    said = capsys.readouterr()
    assert "is left to you: must not be there (status 1825): alter_context" in said.err
    text = expectations(expert).read_text()
    assert text.startswith("# by hand\n")
    assert "[forbid]  # never\nstatuses = [0x721]" in text
    assert "[[call]]" in text


def test_update_keeps_the_ends_of_lines(folder: Path) -> None:
    """A file of Windows stays one."""
    assert run(folder, "--update") == 0
    (file,) = folder.glob("*.expect.toml")
    written = file.read_bytes()
    file.write_bytes(written.replace(b"failed = 1", b"failed = 7").replace(b"\n", b"\r\n"))
    assert run(folder, "--update") == 0
    assert file.read_bytes() == written.replace(b"\n", b"\r\n")


def test_update_refuses_what_it_cannot_edit(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Politely: the file stays."""
    expert, text = folder / "expert.pcap", 'call = [{kind = "bind"}]\n'
    expectations(expert).write_text(text)
    assert run(expert, "--update") == 1
    assert "is left as it is" in capsys.readouterr().err
    assert expectations(expert).read_text() == text


def test_a_baseline(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Known failures do not fail a run; new ones do; one that is over is told; the unread stay unread."""
    run(folder, "--update")
    article(folder, status=5)
    base = folder / "known.toml"
    assert run(folder, "--baseline", base) == 2
    assert run(folder, "--baseline", base, "--update-baseline") == 0
    assert 'capture = "expert.pcap"' in base.read_text()
    capsys.readouterr()
    assert run(folder, "--baseline", base) == 0
    said = capsys.readouterr()
    assert "known   " in said.out
    assert said.out.splitlines()[-1] == "2 captures as expected, apart from 2 known failures"
    article(folder, status=None)
    assert run(folder, "--baseline", base) == 1
    article(folder)
    assert run(folder, "--baseline", base) == 0
    assert "no longer fails: expert.pcap: missing: call, kind alter_context" in capsys.readouterr().err
    assert run(folder, "--baseline", base, "--update-baseline", "-q") == 0
    assert "[[known]]" not in base.read_text()
    (folder / "expert.pcap").write_bytes(b"no capture")
    assert run(folder, "--baseline", base, "--update-baseline") == 3


def test_what_does_not_go_together_is_2(folder: Path) -> None:
    """And writes nothing."""
    before = sorted(folder.rglob("*"))
    assert run(folder, "--update-baseline") == 2
    assert run(folder, "--update", "--github") == 2
    assert run(folder, "--update", "-o", folder / "x.sarif") == 2
    assert run(folder, "-o", folder / "x.json") == 2
    assert run(folder, "-o", folder / "nowhere" / "x.sarif") == 2
    assert sorted(folder.rglob("*")) == before


def test_a_baseline_is_no_expectation(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A file of something else is refused and stays."""
    other = folder / "pyproject.toml"
    other.write_text("[project]\nname = 'x'\n")
    assert run(folder, "--baseline", other, "--update-baseline") == 2
    assert "is no baseline" in capsys.readouterr().err
    assert other.read_text() == "[project]\nname = 'x'\n"


def test_reports_of_a_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JUnit, SARIF and GitHub's lines beside the usual output; a second run may replace the files."""
    run(folder, "--update")
    article(folder, status=5)
    words = (folder, "-o", folder / "x.junit.xml", "-o", folder / "x.sarif", "--github")
    assert run(*words) == 1
    assert "::error file=" in capsys.readouterr().out
    first = (folder / "x.junit.xml").read_text(), (folder / "x.sarif").read_text()
    assert run(*words) == 1
    assert ((folder / "x.junit.xml").read_text(), (folder / "x.sarif").read_text()) == first
    assert 'failures="2" errors="0"' in first[0]
    assert '"ruleId": "missing"' in first[1]
    assert run(folder, "-o", folder / "expert.pcap.expect.toml.junit.xml") == 1
