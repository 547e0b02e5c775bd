"""The plugin of pytest, run by pytest itself: the fixture, captures as tests, and that it costs nothing unused."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from console_samples import article

from rpctrace import cli

CHECKOUT = Path(__file__).parents[1]
PLUGIN = "rpctrace.pytest_plugin"
pytest_plugins = "pytester"
Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run_pytest(folder: Path, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """pytest in a process of its own, in the folder of the captures, with this plugin and no other."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(CHECKOUT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    return lambda *words: pytester.runpytest_subprocess("-p", PLUGIN, "-p", "no:cacheprovider", *words)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two captures with expectations, one of them below, and a configuration that keeps pytest here."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    captures = tmp_path / "captures"
    (captures / "below").mkdir(parents=True)
    article(captures)
    article(captures / "below", "clean.pcap", None)
    assert cli.main(["check", "--update", "-q", str(captures)]) == 0
    return tmp_path


def test_captures_are_tests(run_pytest: Run) -> None:
    """By name; all as expected."""
    done = run_pytest("--rpctrace-captures", "captures", "-v")
    assert done.ret == 0
    assert "collected 2 items" in done.stdout.str()
    assert "captures/below/clean.pcap PASSED" in done.stdout.str()
    assert "captures/expert.pcap PASSED" in done.stdout.str()


@pytest.mark.parametrize(
    "words", [("-k", "clean"), ("-k", "not expert"), ("--deselect", "captures/expert.pcap"), ("-n", "1", "-k", "clean")]
)
def test_captures_are_chosen_as_other_tests_are(words: tuple[str, ...], run_pytest: Run) -> None:
    """By name, also in a process of xdist."""
    done = run_pytest("-p", "xdist.plugin", "--rpctrace-captures", "captures", *words, "-v")
    assert done.ret == 0
    assert "captures/below/clean.pcap" in done.stdout.str()
    assert "captures/expert.pcap" not in done.stdout.str().split("test session starts")[1]
    assert "1 passed" in done.stdout.str()


def test_a_capture_is_one_test(run_pytest: Run) -> None:
    """Though two options lead to it."""
    done = run_pytest("--rpctrace-captures", "captures", "--rpctrace-captures", "captures/expert.pcap")
    assert "2 passed" in done.stdout.str()


def test_a_capture_that_is_not_as_expected(folder: Path, run_pytest: Run) -> None:
    """Fails with what was expected, what came and where, and without a traceback; the others pass."""
    article(folder / "captures", status=5)
    done = run_pytest("--rpctrace-captures", "captures")
    assert done.ret == 1
    assert "1 failed, 1 passed" in done.stdout.str()
    assert "expected and not found: kind alter_context" in done.stdout.str()
    assert "(status is 0x00000005, not 0x00000721)" in done.stdout.str()
    assert "(expert.pcap.expect.toml, line 4)" in done.stdout.str()
    assert "Traceback" not in done.stdout.str()
    assert "def runtest" not in done.stdout.str()


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda capture: capture.write_bytes(capture.read_bytes()[:-3]), "read in part"),
        (lambda capture: Path(f"{capture}.expect.toml").unlink(), "no expectations"),
        (lambda capture: Path(f"{capture}.expect.toml").write_text("faild = 1"), "no key 'faild'"),
    ],
    ids=["cut", "without expectations", "wrong expectations"],
)
def test_what_is_no_clean_pass(spoil: object, said: str, folder: Path, run_pytest: Run) -> None:
    spoil(folder / "captures" / "expert.pcap")  # type: ignore[operator]
    done = run_pytest("--rpctrace-captures", "captures/expert.pcap")
    assert done.ret == 1
    assert said in done.stdout.str()


@pytest.mark.parametrize("workers", [(), ("-p", "xdist.plugin", "-n", "1")], ids=["alone", "xdist"])
@pytest.mark.parametrize(
    ("given", "said"), [("nowhere", "no such file or folder"), ("empty", "there is no capture below")]
)
def test_a_folder_without_captures_is_no_pass(
    given: str, said: str, workers: tuple[str, ...], folder: Path, run_pytest: Run
) -> None:
    (folder / "empty").mkdir()
    done = run_pytest("--rpctrace-captures", given, *workers)
    assert done.ret == pytest.ExitCode.USAGE_ERROR
    assert said in done.stderr.str()


TESTS = """
import pytest

def test_met(rpctrace):
    checked = rpctrace("captures/expert.pcap")
    checked.call(kind="alter_context", status="RPC_S_SEC_PACKAGE_ERROR", user_to_user=True, count=1)
    checked.ticket(presented_in="alter_context")
    checked.finding(severity="low")
    checked.no_call(status=5)
    checked.no_ticket(realm="NOBODY")
    checked.no_finding(rule="pac-*")
    checked.no_kerberos(error=37)
    checked.as_expected()
    assert checked.report.complete

def test_not_met(rpctrace):
    checked = rpctrace("captures/expert.pcap", plain=True)
    with pytest.raises(AssertionError, match="must not be there .status 0x721.: alter_context, call_id 2"):
        checked.no_call(status="0x721")
    with pytest.raises(AssertionError, match="expected and not found: Kerberos exchange with error 37"):
        checked.kerberos(error=37)
    with pytest.raises(AssertionError, match="there are no expectations"):
        checked.as_expected("captures/none.toml")

def test_fails(rpctrace):
    rpctrace("captures/expert.pcap").call(status=5)
"""


def test_the_fixture(folder: Path, run_pytest: Run) -> None:
    """Helpers that pass, that raise, and what a failing test shows."""
    (folder / "test_it.py").write_text(TESTS)
    done = run_pytest("test_it.py")
    assert "1 failed, 2 passed" in done.stdout.str()
    assert "expected and not found: status 5; failed instead: alter_context" in done.stdout.str()


def test_unused_it_loads_nothing() -> None:
    """Of rpctrace no more than its front door: no reader, no rule, no table."""
    program = (
        "import sys, rpctrace.pytest_plugin;"
        "print(sorted(name for name in sys.modules if name.startswith('rpctrace')))"
    )
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(["rpctrace", "rpctrace.errors", PLUGIN, "rpctrace.version"])


def test_the_entry_point_names_it() -> None:
    """pytest finds it where rpctrace is installed."""
    project = (CHECKOUT / "pyproject.toml").read_text()
    assert f'[project.entry-points.pytest11]\nrpctrace = "{PLUGIN}"' in project
