"""tshark is asked with a fixed command line, a clean environment and bounds; both ways of asking see the same."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest
from console_samples import article, article_octets

from rpctrace import tshark
from rpctrace.errors import EngineError

FIELDS = ("dcerpc.pkt_type", "dcerpc.cn_call_id", "dcerpc.cn_status", "kerberos.realm")
needs_tshark = pytest.mark.skipif(tshark.find_tshark() is None, reason="tshark is not installed")
_SHELL_ADDS = {"LC_CTYPE", "PWD", "OLDPWD", "SHLVL", "_"}
ASKERS = [tshark.tshark_fields, tshark.pyshark_fields]


def fake(folder: Path, body: str) -> str:
    """A program in the place of tshark."""
    if os.name == "nt":
        pytest.skip("a script is no program on Windows")
    path, program = folder / "tshark", folder / "tshark.py"
    program.write_text(body)
    # Through the shell, because a #! line cannot name a Python in a folder with a space.
    path.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{program}" "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


@needs_tshark
@pytest.mark.parametrize("ask", ASKERS, ids=["fields", "pyshark"])
def test_both_ways_see_the_same(ask: object, tmp_path: Path) -> None:
    """Types, ids, status and realm of the article's four PDUs."""
    shown = ask(str(article(tmp_path)), "dcerpc", FIELDS, ())  # type: ignore[operator]
    assert shown.complaint is None
    assert [tuple(fields.values()) for _, fields in sorted(shown.frames.items())] == [
        (("11",), ("2",), (), ()),
        (("12",), ("2",), (), ("CHILD.DOMAINA.COM",)),
        (("14",), ("2",), (), ("child.domainA.COM",)),
        (("3",), ("2",), ("0x00000721",), ()),
    ]


@needs_tshark
@pytest.mark.parametrize("ask", ASKERS, ids=["fields", "pyshark"])
def test_a_cut_file_gives_frames_and_a_complaint(ask: object, tmp_path: Path) -> None:
    """Where pyshark's own runner raises."""
    path = tmp_path / "cut.pcap"
    path.write_bytes(article_octets()[:-5])
    shown = ask(str(path), "dcerpc", FIELDS, ())  # type: ignore[operator]
    assert len(shown.frames) == 4
    assert "cut short" in (shown.complaint or "")


def test_the_command_line_and_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """T17: absolute path, -n, an empty configuration folder; nothing of the user's environment."""
    report = "import os, sys; print(1, 'x'.join(sys.argv[1:]) + '#' + '+'.join(sorted(os.environ)), sep='\\t')"
    report += "; assert os.listdir(os.environ['WIRESHARK_CONFIG_DIR']) == []"
    program = fake(tmp_path, report)
    monkeypatch.setattr(tshark, "find_tshark", lambda: program)
    monkeypatch.setenv("SSLKEYLOGFILE", "secret")
    monkeypatch.chdir(tmp_path)
    shown = tshark.tshark_fields("-evil.pcap", "dcerpc", ("a",), ("p:TRUE",))
    said = ",".join(shown.frames[1]["a"])  # the adapter takes commas and pipes for separators of values
    arguments, _, environment = said.partition("#")
    assert arguments.startswith(f"-nx-rx{tmp_path / '-evil.pcap'}x-Yxdcerpcx-oxp:TRUEx-Txfields")
    assert set(environment.split("+")) - _SHELL_ADDS == {"HOME", "LC_ALL", "PATH", "WIRESHARK_CONFIG_DIR"}
    assert shown.complaint is None


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("import time; time.sleep(60)", "not done after"),
        ("while True: print('x' * 1000)", "octets of output"),
    ],
)
def test_bounds(body: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that never ends or never stops talking is stopped."""
    program = fake(tmp_path, body)
    monkeypatch.setattr(tshark, "find_tshark", lambda: program)
    monkeypatch.setattr(tshark, "MAXIMUM_SECONDS", 0.3)
    monkeypatch.setattr(tshark, "MAXIMUM_OUTPUT_OCTETS", 10_000)
    with pytest.raises(EngineError, match=said):
        tshark.tshark_fields("x.pcap", "dcerpc", ("a",), ())


def test_a_complaint_is_safe_and_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a program says on standard error may hold names from a capture."""
    program = fake(tmp_path, "import sys; sys.stderr.write('\\x1b[31m' + 'y' * 9999); sys.exit(2)")
    monkeypatch.setattr(tshark, "find_tshark", lambda: program)
    shown = tshark.tshark_fields("x.pcap", "dcerpc", ("a",), ())
    assert shown.frames == {}
    assert (shown.complaint or "").startswith("\\x1b[31myyy")
    assert len(shown.complaint or "") < 400


def test_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line that says what to install."""
    monkeypatch.setattr(tshark, "find_tshark", lambda: None)
    with pytest.raises(EngineError, match="apt install tshark"):
        tshark.tshark_fields("x.pcap", "dcerpc", ("a",), ())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux bounds another process's memory")
def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that takes more than it may ends with a complaint."""
    program = fake(tmp_path, "import time; time.sleep(0.5); bytearray(3 << 30); print('1\\tenough')")
    monkeypatch.setattr(tshark, "find_tshark", lambda: program)
    monkeypatch.setattr(tshark, "MAXIMUM_MEMORY_OCTETS", 1 << 30)
    shown = tshark.tshark_fields("x.pcap", "dcerpc", ("a",), ())
    assert shown.frames == {}
    assert "MemoryError" in (shown.complaint or "")
