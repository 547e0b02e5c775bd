"""Cases: which captures paths stand for, and what became of one, for the command and the plugin of pytest alike."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import pytest
from console_samples import article, article_octets

from rpctrace.console.cases import HAS_EXPECTATIONS, Case, cases_of, expectation_at, result_of, text_of
from rpctrace.console.exit_status import ExitStatus
from rpctrace.errors import CaptureError, UsageError


def test_every_capture_once(tmp_path: Path) -> None:
    """By folder, by name, by its expectations; hidden folders are passed over."""
    expert = article(tmp_path)
    (tmp_path / ".git").mkdir()
    article(tmp_path / ".git")
    found = cases_of([str(tmp_path), str(expert), f"{expert}.expect.toml"])
    assert found == (Case(str(expert), f"{expert}.expect.toml"),)


NAMES = ("capture", "trace.dmp", "x.pcap1", "x.PCAPNG.GZ", "expert.cap.bz2", "y.txt", "z.gz")


@pytest.mark.parametrize("name", NAMES)
def test_the_suffix_never_matters(name: str, tmp_path: Path) -> None:
    """What is a capture is checked under any name, packed or not; what is none is passed over."""
    octets = article_octets()
    (tmp_path / name).write_bytes(gzip.compress(octets) if name.lower().endswith("gz") else octets)
    (tmp_path / "notes.txt").write_text("no capture")
    (tmp_path / "log.gz").write_bytes(gzip.compress(b"a log"))
    assert [case.capture for case in cases_of([str(tmp_path)])] == [str(tmp_path / name)]


def test_what_says_that_it_is_a_capture_is_read_as_one(tmp_path: Path) -> None:
    """By its name: if it is none, that is told."""
    (tmp_path / "page.pcap").write_text("<html>")
    assert [case.capture for case in cases_of([str(tmp_path)])] == [str(tmp_path / "page.pcap")]


def test_formats_that_are_not_read_are_told(tmp_path: Path) -> None:
    """What netsh trace and Message Analyzer write, and what is packed in a way that is not looked into."""
    names = ["a.etl", "b.matp", "c.pcap.lz4", "d"]
    for name in names:
        (tmp_path / name).write_bytes(b"\x02\x21\x4c\x18" if name == "d" else bytes(100))
    assert [case.capture for case in cases_of([str(tmp_path)])] == [str(tmp_path / name) for name in names]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no such pipes")
def test_a_pipe_in_a_folder_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.pcap")
    assert cases_of([str(tmp_path)]) == ()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_that_leads_nowhere_is_missed_where_it_is_named_like_a_capture(tmp_path: Path) -> None:
    (tmp_path / "lock").symlink_to("nowhere")
    (tmp_path / "gone.pcap").symlink_to("nowhere")
    assert [case.capture for case in cases_of([str(tmp_path)])] == [str(tmp_path / "gone.pcap")]


def test_a_file_that_nobody_could_look_into_is_no_pass(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It might be a capture: it is read as one, which fails with its name."""
    (tmp_path / "locked").write_bytes(article_octets())

    def refuse(path: str) -> bool:
        raise CaptureError(path, "permission denied")

    monkeypatch.setattr("rpctrace.capture.recognition.is_capture", refuse)
    assert [case.capture for case in cases_of([str(tmp_path)])] == [str(tmp_path / "locked")]


def test_expectations_elsewhere_go_with_one_capture(tmp_path: Path) -> None:
    assert cases_of(["x.pcap"], "y.toml") == (Case("x.pcap", "y.toml"),)
    with pytest.raises(UsageError):
        cases_of([str(tmp_path)], "y.toml")


def test_line_ends_of_windows(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b"failed = 1\r\n[forbid]\r\nstatuses = [5]\r\n")
    assert text_of(str(path)) == "failed = 1\n[forbid]\nstatuses = [5]\n"
    assert text_of(str(tmp_path / "none.toml")) is None


def test_results(tmp_path: Path) -> None:
    """Met, not met, without expectations, cut, not there."""
    expert, expectations = article(tmp_path), tmp_path / "expert.pcap.expect.toml"
    case = Case(str(expert), str(expectations))
    (outcome,) = result_of(case, None).outcomes
    assert (outcome.name, len(outcome.differences)) == (HAS_EXPECTATIONS, 1)
    assert result_of(case, None, allow_missing=True).status is ExitStatus.DONE
    expectations.write_text("failed = 1\n")
    expected = expectation_at(case.expectations)
    assert result_of(case, expected).status is ExitStatus.DONE
    article(tmp_path, status=None)
    assert result_of(case, expected).status is ExitStatus.FOUND
    expert.write_bytes(expert.read_bytes()[:-3])
    cut = result_of(case, expected)
    assert cut.status is ExitStatus.UNREAD
    assert cut.differences
    assert cut.unread is not None
    assert "read in part" in cut.unread
    expert.unlink()
    assert result_of(case, expected).status is ExitStatus.UNREAD
