"""start.py: which Python it takes, when it installs, and that arguments and exit status pass through unchanged."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

CHECKOUT = Path(__file__).parents[1]
START = CHECKOUT / "start.py"


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """start.py as a module whose environment is in a folder with a space in its name."""
    spec = importlib.util.spec_from_file_location("start_under_test", START)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    environment = tmp_path / "with space" / ".venv"
    environment.mkdir(parents=True)
    monkeypatch.setattr(module, "ENVIRONMENT", str(environment))
    monkeypatch.setattr(module, "STAMP", str(environment / "stamp"))
    return module


def test_an_old_python_can_read_it() -> None:
    """To say what is wrong: nothing newer than Python 3.6 in it, and nothing outside the standard library."""
    tree = ast.parse(START.read_text(), feature_version=(3, 6))
    names = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    assert not any(isinstance(node, ast.ImportFrom) for node in ast.walk(tree))
    assert names <= sys.stdlib_module_names


def test_an_old_python_is_refused(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the version needed and the one met, before anything is made."""
    monkeypatch.setattr(start.sys, "version_info", (3, 9, 2))
    monkeypatch.setattr(start, "install", lambda _: pytest.fail("must not install"))
    assert start.main(["--version"]) == 4
    assert "needs Python 3.11 or newer; this is 3.9.2" in capsys.readouterr().err


def stamped(start: ModuleType, *parts: str) -> None:
    Path(start.STAMP).write_text("\n".join([start.key(), *parts]))


@pytest.mark.parametrize(
    ("parts", "arguments", "installs"),
    [
        ((), ["x.pcap"], ["run"]),
        (("run",), ["x.pcap"], []),
        (("run",), ["test"], ["test"]),
        (("run", "test"), ["test", "-k", "x"], []),
        (("run", "test"), ["explain", "test"], []),
    ],
)
def test_it_installs_once(
    parts: tuple[str, ...], arguments: list[str], installs: list[str], start: ModuleType, monkeypatch: pytest.MonkeyPatch,  # noqa: E501
) -> None:
    """The stamp says what is there; test tools only for the tests; arguments go on as they came."""
    done: list[str] = []
    ran: list[list[str]] = []
    monkeypatch.setattr(start, "install", lambda part: done.append(part) or True)
    monkeypatch.setattr(start, "replace_process", lambda command: ran.append(command) or 17)
    if parts:
        stamped(start, *parts)
    before = os.getcwd()
    try:
        assert start.main(arguments) == 17
    finally:
        os.chdir(before)
    assert done == installs
    (command,) = ran
    if arguments[0] == "test":
        assert command[1:] == ["-m", "pytest", *(arguments[1:] or ["-n", "auto"])]
    else:
        assert command[1:] == ["-P", "-m", "rpctrace", *arguments]


def test_another_pyproject_or_python_installs_again(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key depends on both, and on the folder."""
    key = start.key()
    assert start.key() == key
    with monkeypatch.context() as other_python:
        other_python.setattr(start.sys, "version", "4.0")
        assert start.key() != key
    monkeypatch.setattr(start, "HERE", str(Path(start.STAMP).parent))
    Path(start.HERE, "pyproject.toml").write_bytes((CHECKOUT / "pyproject.toml").read_bytes() + b"\n")
    assert start.key() != key


@pytest.mark.parametrize(
    ("working", "said"),
    [("none", "could not make .venv"), ("venv", "pip is missing"), ("pip", "installing failed")],
)
def test_every_failure_is_said(
    working: str, said: str, start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And leaves no stamp, so that the next run tries again."""

    def call(arguments: list[str], quiet: bool = False) -> bool:
        del quiet
        if "venv" in arguments:
            return working != "none"
        return working == "pip" and "--version" in arguments

    monkeypatch.setattr(start, "call", call)
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert start.main(["--version"]) == 4
    assert said in capsys.readouterr().err
    assert start.installed() == []


@pytest.mark.skipif(os.name == "nt", reason="a symbolic link stands for the environment")
def test_from_another_folder(tmp_path: Path) -> None:
    """A copy in a folder with a space, run from elsewhere: relative paths are the user's, the status is rpctrace's."""
    copy = tmp_path / "my tools"
    (copy / ".venv" / "bin").mkdir(parents=True)
    (copy / "start.py").write_bytes(START.read_bytes())
    (copy / "pyproject.toml").write_bytes((CHECKOUT / "pyproject.toml").read_bytes())
    python = copy / ".venv" / "bin" / "python"
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    keyed = subprocess.run(
        [sys.executable, "-c", "import start; print(start.key())"], cwd=copy, capture_output=True, text=True, check=True
    )
    (copy / ".venv" / "rpctrace-installed").write_text(keyed.stdout + "run\n")
    (tmp_path / "page.pcap").write_text("<html>")
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    for words, status in ((["--version"], 0), (["page.pcap"], 3), (["--no"], 2)):
        result = subprocess.run(
            [sys.executable, str(copy / "start.py"), *words], cwd=tmp_path, env=environment, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
        assert result.returncode == status, result.stderr
