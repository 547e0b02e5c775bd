"""The README's recipes are run as they stand: expectations, workflow, pytest, jq, DuckDB, pandas."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_own_expectations import EXPERT, without_the_fault

CHECKOUT = Path(__file__).parents[1]
README = (CHECKOUT / "README.md").read_text(encoding="utf-8")
ASSISTANCE = CHECKOUT / "captures" / "remote-assistance"


def blocks(language: str, section: str) -> list[str]:
    """The fenced blocks of a language below a heading."""
    (text,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", README, re.MULTILINE | re.DOTALL)
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


RECIPES = "With jq, DuckDB and pandas"
JQ, COMMUNITY, PARQUET = blocks("sh", RECIPES)
(SQL,) = blocks("sql", RECIPES)
(PANDAS,) = blocks("python", RECIPES)
(EXPECTATIONS,) = blocks("toml", "In CI")
(WORKFLOW,) = blocks("yaml", "In CI")
(PYTEST,) = blocks("python", "In CI")


def needs(*names: str) -> pytest.MarkDecorator:
    missing = [name for name in names if shutil.which(name) is None and find_spec(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as the recipes find it: captures/, and rpctrace on the path."""
    (tmp_path / "captures").symlink_to(CHECKOUT / "captures")
    programs = tmp_path / "bin"
    programs.mkdir()
    command = programs / "rpctrace"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m rpctrace "$@"\n')
    command.chmod(0o755)
    return tmp_path


def shell(folder: Path, text: str, **more: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join((str(folder / "bin"), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(CHECKOUT), **more}
    return subprocess.run(["sh", "-c", text], cwd=folder, env=environment, capture_output=True, text=True, check=False)


on_posix = pytest.mark.skipif(os.name == "nt", reason="the recipes are for a POSIX shell")


@on_posix
@needs("jq")
def test_jq(folder: Path) -> None:
    """The article's call: status, realm, service, the frame of the fault; and its connection's Community ID."""
    assert shell(folder, JQ).stdout == "RPC_S_SEC_PKG_ERROR\tchild.domainA.COM\tnovice\t298\n"
    (line,) = shell(folder, COMMUNITY).stdout.splitlines()
    assert re.fullmatch(r"1:\S{28}\tC\w{17}\t10\.2\.0\.21\t10\.2\.0\.73", line)


@on_posix
@needs("pyarrow", "duckdb")
def test_duckdb(folder: Path) -> None:
    import duckdb

    assert shell(folder, PARQUET).returncode == 0
    query = SQL.replace("'calls.parquet'", f"'{folder / 'calls.parquet'}'")
    found = duckdb.sql(query).fetchall()
    assert found
    assert all(realm and status and calls > 0 for realm, _, status, calls in found if status)
    assert "RPC_S_SEC_PKG_ERROR" in {status for _, _, status, _ in found}


@on_posix
@needs("pyarrow", "pandas")
def test_pandas(folder: Path) -> None:
    assert shell(folder, PARQUET).returncode == 0
    (folder / "recipe.py").write_text(PANDAS)
    done = shell(folder, f'"{sys.executable}" recipe.py')
    assert done.returncode == 0, done.stderr
    assert "IClassFactory" in done.stdout
    assert "faulted" in done.stdout


def test_the_expectations_of_the_readme_are_met(folder: Path) -> None:
    """All kinds of entries, and the only capture that the text is about."""
    (folder / "x.toml").write_text(EXPECTATIONS)
    assert {"call", "finding", "ticket", "kerberos", "forbid"} <= tomllib.loads(EXPECTATIONS).keys()
    done = shell(folder, f"rpctrace check captures/remote-assistance/{EXPERT} --expect x.toml")
    assert done.returncode == 0, done.stdout


@on_posix
def test_the_workflow(folder: Path) -> None:
    """Its step passes over the samples and fails when one expected fault is removed; the reports are there."""
    (step,) = re.findall(r"- run: (rpctrace check .*)", WORKFLOW)
    (folder / "captures").unlink()
    shutil.copytree(ASSISTANCE, folder / "captures")
    done = shell(folder, step)
    assert done.returncode == 0, done.stdout
    assert done.stdout.splitlines()[-1].endswith(" captures as expected")
    without_the_fault(folder / "captures" / EXPERT)
    done = shell(folder, step)
    assert done.returncode == 1
    assert f"::error file=captures/{EXPERT}.expect.toml,line=4,title=" in done.stdout
    assert "<failure " in (folder / "captures.junit.xml").read_text()
    assert f'"uri": "captures/{EXPERT}.expect.toml"' in (folder / "captures.sarif").read_text()


@on_posix
def test_pytest(folder: Path) -> None:
    (folder / "test_readme.py").write_text(PYTEST)
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = f'"{sys.executable}" -m pytest -q -p rpctrace.pytest_plugin -p no:cacheprovider test_readme.py'
    done = shell(folder, command, PYTEST_DISABLE_PLUGIN_AUTOLOAD="1")
    assert "1 passed" in done.stdout, done.stdout
