"""The command `netlogon`: tables and JSON, several logs, and the exit status that each deserves."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from console_samples import rpctrace
from log_records import logon
from netlogon_lines import log

from rpctrace import cli

TEXT = log(*logon(5), *logon(7, 0))


def run(*words: str | Path) -> int:
    return cli.main(["netlogon", *(str(word) for word in words)])


def written(folder: Path, name: str = "netlogon.log", octets: bytes = TEXT.encode()) -> Path:
    path = folder / name
    path.write_bytes(octets)
    return path


def test_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(written(tmp_path)) == 0
    said = capsys.readouterr()
    assert "2 logons, 1 failed, 0 without an answer" in said.out
    assert said.err == ""


def test_year_and_offset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(written(tmp_path), "--netlogon-year", "2012", "--netlogon-utc-offset", "-03:30", "--json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["logs"][0]["utc_offset_minutes"] == -210
    assert document["rows"][0]["first_time"] == "2012-03-14T10:00:05"


def test_each_log_s_own_year(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A path may hold what parts the two; a year alone is of all others."""
    one, other, third = (written(tmp_path, name) for name in ("a=b.log", "c.log", "d.log"))
    assert run(one, other, third, "--netlogon-year", f"{one}=2011", "--netlogon-year", "2013", "--netlogon-year",
               f"{third}=2012", "--json") == 0  # fmt: skip
    document = json.loads(capsys.readouterr().out)
    assert [(log["path"][-5:], log["year"]) for log in document["logs"]] == [
        ("b.log", 2011), ("c.log", 2013), ("d.log", 2012),
    ]  # fmt: skip
    assert run(one, "--netlogon-year", f"{other}=2011") == 2
    assert f"--netlogon-year {other}=...: no log of this name is given" in capsys.readouterr().err


def test_one_that_cannot_be_read_among_others(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(written(tmp_path), tmp_path / "absent") == 3
    said = capsys.readouterr()
    assert "2 logons" in said.out
    assert "absent: no such file" in said.err


def test_nothing_readable_is_3_and_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path / "absent") == 3
    assert capsys.readouterr().out == ""


def test_a_log_that_is_damaged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What came before the damage is told, and where reading stopped."""
    packed = gzip.compress(TEXT.encode() * 200)
    assert run(written(tmp_path, "netlogon.log.gz", packed[:-20])) == 3
    said = capsys.readouterr()
    assert "not read to its end" in said.out
    assert "read in part, reading stopped at octet" in said.err


def test_an_empty_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(written(tmp_path, octets=b"")) == 0
    assert "holds no line" in capsys.readouterr().err


def test_standard_input(tmp_path: Path) -> None:
    """Once."""
    assert run("-", "-") == 2
    with written(tmp_path).open("rb") as stream:
        done = rpctrace("netlogon", "-", stdin=stream)
    assert (done.returncode, done.stderr) == (0, "")
    assert "2 logons, 1 failed" in done.stdout
