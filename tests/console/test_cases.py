"""Cases: which captures paths stand for, and what became of one, for the command and the plugin of pytest alike."""

from __future__ import annotations

from pathlib import Path

import pytest
from console_samples import article

from rpctrace.console.cases import HAS_EXPECTATIONS, Case, cases_of, expectation_at, result_of, text_of
from rpctrace.console.exit_status import ExitStatus
from rpctrace.errors import UsageError


def test_every_capture_once(tmp_path: Path) -> None:
    """By folder, by name, by its expectations; hidden folders are passed over."""
    expert = article(tmp_path)
    (tmp_path / ".git").mkdir()
    article(tmp_path / ".git")
    found = cases_of([str(tmp_path), str(expert), f"{expert}.expect.toml"])
    assert found == (Case(str(expert), f"{expert}.expect.toml"),)


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
