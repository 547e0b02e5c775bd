"""The project's own captures are checked as any user's are: `check captures/`; without an expected fault it fails."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from builders import TimedFrame, pcap

from rpctrace import cli
from rpctrace.capture.storage import open_capture

CAPTURES = Path(__file__).parents[1] / "captures"
EXPERT, FAULT = "expert.pcapng", 291


def test_every_own_capture_shows_what_is_expected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And all of them have expectations."""
    monkeypatch.chdir(CAPTURES.parent)
    status = cli.main(["check", "captures", "-q", "-o", str(tmp_path / "x.junit.xml")])
    assert status == 0, capsys.readouterr().out
    captures = [path for path in CAPTURES.rglob("*") if path.suffix in (".pcap", ".pcapng", ".cap")]
    assert len(captures) >= 100
    assert all(path.with_name(path.name + ".expect.toml").is_file() for path in captures)


def without_the_fault(path: Path) -> None:
    """The capture anew, all frames but that of the fault."""
    with open_capture(path) as capture:
        frames = [
            TimedFrame(frame.timestamp_ns or 0, bytes(frame.octets)) for frame in capture if frame.number != FAULT
        ]
    path.write_bytes(pcap(frames))


def test_one_expected_fault_is_removed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same folder without the frame of the fault: 1, and the entry, the nearest call and its frame are named."""
    folder = tmp_path / "captures"
    shutil.copytree(CAPTURES / "remote-assistance", folder)
    assert cli.main(["check", "-q", str(folder)]) == 0
    without_the_fault(folder / EXPERT)
    capsys.readouterr()
    assert cli.main(["check", "-q", str(folder)]) == 1
    said = capsys.readouterr().out
    assert f"DIFFERS {folder / EXPERT}" in said
    assert "expected and not found: kind alter_context" in said
    assert "call_id 2" in said
    assert said.count("DIFFERS") == 1
