"""diff: exit status 0 where two runs agree, 1 where they differ, 3 where a capture was not read whole."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from shared_captures import OWN

from rpctrace.cli import main

BAD = OWN / "remote-assistance" / "expert.pcapng"
GOOD = OWN / "remote-assistance" / "expert-answered.pcapng"


def test_a_failing_and_a_good_run(capsys: pytest.CaptureFixture[str]) -> None:
    """The first difference is the fault."""
    assert main(["diff", "-q", str(BAD), str(GOOD), "--json"]) == 1
    document = json.loads(capsys.readouterr().out)
    first = document["differences"][0]
    assert first["about"] == "alter_context of IClassFactory"
    assert {"name": "outcome", "bad": "faulted", "good": "accepted"} in first["changed"]


def test_the_same_run_over_ipv4_and_ipv6(capsys: pytest.CaptureFixture[str]) -> None:
    """Recorded a minute apart: no difference."""
    lab = OWN / "lab"
    assert main(["diff", "-q", str(lab / "alter-ok.pcap"), str(lab / "alter-ok.ipv6.pcap")]) == 0
    assert "No difference" in capsys.readouterr().out


def test_what_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """3 outranks 1."""
    cut = tmp_path / "cut.pcapng"
    cut.write_bytes(BAD.read_bytes()[:-30])
    assert main(["diff", "-q", str(cut), str(GOOD)]) == 3
    assert main(["diff", "-q", str(tmp_path / "none"), str(GOOD)]) == 3
    assert main(["diff", "-", "-"]) == 2
    assert "read once" in capsys.readouterr().err
