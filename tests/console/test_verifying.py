"""`verify` prints one line a difference, says what was asked, and ends with 0, 1, 3 or 4."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from console_samples import article

from rpctrace import cli, verification
from rpctrace.tshark import find_tshark
from rpctrace.verification import Difference, Verification

FOUND = Verification("x", "tshark 4.0.17, fields", 2, 1, (Difference(7, "ticket", "a@B", "\x1b[31m"),), None)


@pytest.mark.skipif(find_tshark() is None, reason="tshark is not installed")
@pytest.mark.parametrize("through", ["tshark", "pyshark"])
def test_no_difference(through: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The article's exchange reads the same both ways."""
    assert cli.main(["verify", str(article(tmp_path)), "--through", through]) == 0
    said = capsys.readouterr().out
    assert "no difference (4 PDUs, tshark's 4; tshark " in said


def test_half_a_comparison_is_3(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where tshark, or we, stopped early: also without a difference, and with one."""
    for found in (replace(FOUND, complaint="cut short"), replace(FOUND, differences=(), complete=False)):
        monkeypatch.setattr("rpctrace.console.verifying.verify", lambda *_, found=found: found)
        assert cli.main(["verify", "x"]) == 3
        assert capsys.readouterr().err


@pytest.mark.skipif(find_tshark() is None, reason="tshark is not installed")
def test_a_cut_capture_is_3(tmp_path: Path) -> None:
    """As analyze says of it."""
    expert = article(tmp_path)
    expert.write_bytes(expert.read_bytes()[:-3])
    assert cli.main(["verify", str(expert)]) == 3


def test_differences(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """1, each on a line, text made safe."""
    monkeypatch.setattr("rpctrace.console.verifying.verify", lambda *_: FOUND)
    assert cli.main(["verify", "x"]) == 1
    said = capsys.readouterr()
    assert said.out.splitlines()[0] == "frame 7: ticket: ours a@B, tshark's \\x1b[31m"
    assert "1 differences" in said.out
    assert said.err == ""


def test_without_tshark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """4, and what to install."""
    monkeypatch.setattr("rpctrace.tshark.find_tshark", lambda: None)
    monkeypatch.setattr(verification, "find_tshark", lambda: None)
    assert cli.main(["verify", str(article(tmp_path))]) == 4
    assert "apt install tshark" in capsys.readouterr().err
