"""The command line: which words mean what, what goes where, and the exit status of every way to end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from console_samples import CHECKOUT, article, rpctrace

from rpctrace import cli
from rpctrace.console.exit_status import ExitStatus
from rpctrace.errors import EngineError

HEAVY = ("scapy", "impacket", "pyshark", "jinja2", "rich", "tabulate", "pyasn1", "asyncio", "subprocess")


@pytest.fixture
def expert(tmp_path: Path) -> Path:
    return article(tmp_path)


def run(*words: str | Path) -> int:
    return cli.main([str(word) for word in words])


def test_a_file_alone_is_analyzed(expert: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`rpctrace FILE` is `rpctrace analyze FILE`, also with the options first."""
    said = []
    for words in (("analyze", expert), (expert,), ("-f", "text", expert), (expert, "-v", "-q")):
        assert run(*words) == ExitStatus.DONE
        said.append(capsys.readouterr().out)
    assert said[0] == said[1] == said[2]
    assert "RPC_S_SEC_PKG_ERROR" in said[0]
    assert "novice@child.domainA.COM" in said[0]


def test_a_file_named_like_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`./check` is the file."""
    article(tmp_path, "check")
    monkeypatch.chdir(tmp_path)
    assert run("./check") == ExitStatus.DONE
    assert "1 failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("analyze",),
        ("--no-such-option",),
        ("x.pcap", "-f", "pdf"),
        ("x.pcap", "-o", "x.pdf"),
        ("x.pcap", "--json", "--table", "calls"),
        ("x.pcap", "--status", "RPC_S_NO_SUCH_NAME"),
        ("x.pcap", "--host", "10.0.0.0/99"),
        ("x.pcap", "--host", ""),
        ("x.pcap", "--since", "yesterday"),
        ("x.pcap", "--since", ""),
        ("x.pcap", "--max-unpacked", "much"),
        ("x.pcap", "--netmon-utc-offset", "26:00"),
        ("x.pcap", "--netlogon-utc-offset", "26:00"),
        ("x.pcap", "--netlogon-year", "11"),
        ("netlogon",),
        ("netlogon", "x.log", "--netlogon-year", "next"),
        ("netlogon", "x.log", "--netlogon-year", "x.log="),
        ("netlogon", "x.log", "--netlogon-year", "2012", "--netlogon-year", "2013"),
        ("netlogon", "x.log", "--netlogon-year", "y.log=2012"),
        ("x.pcap", "--netlogon", "x.log", "--netlogon-year", "y.log=2012"),
        ("x.pcap", "--fail-on", "terrible"),
        ("-", "-"),
        ("explain", "no-such-code-at-all"),
        ("x.pcap", "--realm", "DOMAINB.COM"),
        ("x.pcap", "--realm", "=DOMAINB.COM"),
        ("x.pcap", "--realm", "host="),
        ("x.pcap", "--realm", "a b=C"),
        ("x.pcap", "--realm", "a=B=C"),
        ("x.pcap", "--realm", "a=B", "--realm", "a=C"),
        ("check",),
        ("check", "a", "b", "--expect", "c"),
        ("verify", "-"),
    ],
    ids=" ".join,
)
def test_wrong_usage_is_2(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """With a reason on standard error and nothing on standard output."""
    assert run(*words) == ExitStatus.USAGE
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err


@pytest.mark.parametrize("words", [("--version",), ("--help",), ("analyze", "--help"), ("schema",), ("doctor",)])
def test_what_is_done_is_0(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    """On standard output, and nothing on standard error."""
    assert run(*words) == ExitStatus.DONE
    said = capsys.readouterr()
    assert said.out
    assert said.err == ""


def test_the_schema_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    """`rpctrace schema` prints the document that the package ships."""
    run("schema")
    assert json.loads(capsys.readouterr().out)["title"] == "rpctrace.report/1"


@pytest.mark.parametrize(
    ("given", "realms"),
    [
        ((), {}),
        (("10.2.0.73=DOMAINB.COM",), {"10.2.0.73": "DOMAINB.COM"}),
        (("fe80::1=A.COM", " ws2 = B.COM "), {"fe80::1": "A.COM", "ws2": "B.COM"}),
        (("ws2=A.COM", "ws2=A.COM"), {"ws2": "A.COM"}),
    ],
)
def test_realms_of_hosts(
    given: tuple[str, ...], realms: dict[str, str], expert: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--realm HOST=REALM`, as often as needed, reaches the analysis."""
    from rpctrace import analysis

    seen: list[dict[str, str]] = []
    analyze = analysis.analyze

    def noting(sources: object, options: analysis.Options, *others: object, **named: object) -> object:
        seen.append(dict(options.realms or {}))
        return analyze(sources, options, *others, **named)

    monkeypatch.setattr(analysis, "analyze", noting)
    words = [word for each in given for word in ("--realm", each)]
    assert run("analyze", expert, "-q", *words) == ExitStatus.DONE
    assert seen == [realms]


def test_a_realm_changes_what_is_found(expert: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The article's fault: with the server in a realm of its own, and in that of the ticket."""
    found = []
    for realm in ("DOMAINB.COM", "child.domainA.COM"):
        assert run("analyze", expert, "-q", "--json", "--realm", f"10.2.0.73={realm}") == ExitStatus.DONE
        found.append({each["rule"] for each in json.loads(capsys.readouterr().out)["findings"]})
    assert "pac-xforest-u2u" in found[0]
    assert "pac-xforest-u2u" not in found[1]


def test_a_negative_code_reaches_explain(capsys: pytest.CaptureFixture[str]) -> None:
    """`explain -1073741724` is a code, not an option."""
    assert run("explain", "-1073741724", "0x721") == ExitStatus.DONE
    said = capsys.readouterr().out
    assert "STATUS_NO_SUCH_USER" in said
    assert "RPC_S_SEC_PKG_ERROR" in said


def test_the_spelling_of_the_support_article(capsys: pytest.CaptureFixture[str]) -> None:
    """`explain RPC_S_SEC_PACKAGE_ERROR` and `explain 0x721` agree."""
    said = []
    for what in ("0x721", "1825", "RPC_S_SEC_PACKAGE_ERROR", "RPC_S_SEC_PKG_ERROR"):
        assert run("explain", what) == ExitStatus.DONE
        said.append(capsys.readouterr().out)
    assert len(set(said)) == 1


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (KeyboardInterrupt(), ExitStatus.INTERRUPTED),
        (EngineError("tshark is missing"), ExitStatus.MISSING_PART),
        (ZeroDivisionError("a bug"), ExitStatus.INTERNAL),
        (OSError(28, "No space left on device"), ExitStatus.INTERNAL),
    ],
)
def test_every_other_end(
    error: BaseException, status: int, expert: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """One line at most, no traceback; -vv shows it."""

    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("rpctrace.console.analyzing.analyze_command", fail)
    assert run(expert) == status
    said = capsys.readouterr()
    assert said.out == ""
    assert len(said.err.splitlines()) <= 1 or not said.err.strip()
    assert "Traceback" not in said.err
    assert run(expert, "-vv") == status
    assert ("Traceback" in capsys.readouterr().err) == (status == ExitStatus.INTERNAL)


def test_control_characters_of_arguments_stay_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    """T8: a file name with an escape sequence is shown, not obeyed; so is a wrong option."""
    for words in (("no\x1b[31m\u202efile",), ("x", "-f", "\x1b[31m"), ("explain", "\x1b]0;x\x07"), ("check", "\x1b")):
        assert run(*words) in (ExitStatus.USAGE, ExitStatus.UNREAD, ExitStatus.FOUND)
        said = capsys.readouterr()
        assert all(character.isprintable() or character == "\n" for character in said.out + said.err)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8", "shift_jis"])
def test_any_encoding_of_standard_output(encoding: str, expert: Path) -> None:
    """What an encoding lacks becomes an escape, never an error."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONIOENCODING": encoding}
    for words in ((str(expert),), ("explain", "0x721"), (str(expert), "--json")):
        result = rpctrace(*words, env=environment, encoding=encoding)
        assert result.returncode == 0, result.stderr
        assert result.stdout


def test_a_reader_that_goes_away_is_quiet(expert: Path) -> None:
    """`rpctrace ... | head`: nothing on standard error, and the exit status is that of the work."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        for words, status in (
            ((expert, "--json"), 0), ((expert, "--fail-on", "note"), 1), (("schema",), 0), (("--help",), 0),
        ):  # fmt: skip
            result = rpctrace(*words, capture_output=False, stdout=writing, stderr=subprocess.PIPE)
            assert (result.returncode, result.stderr) == (status, "")
    finally:
        os.close(writing)


@pytest.mark.skipif(os.name == "nt", reason="closes file descriptors as POSIX shells do")
@pytest.mark.parametrize(
    ("closed", "words", "status"),
    [((1,), ("--version",), 0), ((1, 2), ("CAPTURE",), 0), ((2,), ("CAPTURE",), 0), ((0,), ("-",), 3)],
)
def test_closed_standard_streams(closed: tuple[int, ...], words: tuple[str, ...], status: int, expert: Path) -> None:
    """`>&-`: what is written there is lost, and nothing else."""
    program = (
        f"import os, sys; [os.close(number) for number in {closed}];"
        "os.execv(sys.executable, [sys.executable, '-m', 'rpctrace', *sys.argv[1:]])"
    )
    command = [sys.executable, "-c", program, *(str(expert) if word == "CAPTURE" else word for word in words)]
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert (result.returncode, "Traceback" in result.stderr) == (status, False)


def _wait_until_read(pipe: int) -> None:
    """However busy the machine is: until the other side has taken what was written."""
    import fcntl
    import termios

    for _ in range(600):
        if not any(fcntl.ioctl(pipe, termios.FIONREAD, bytes(4))):
            return
        time.sleep(0.1)
    pytest.fail("standard input was not read in a minute")


def _hears_interrupts() -> None:
    """A job in the background inherits that SIGINT is ignored, and so would what the tests start."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_signals_end_quietly(number: signal.Signals, status: int) -> None:
    """T19: no traceback, the promised exit status; the process waits for standard input meanwhile."""
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    with subprocess.Popen(
        [sys.executable, "-m", "rpctrace", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=environment, preexec_fn=_hears_interrupts,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        process.stdin.write(b"\xa1\xb2\xc3\xd4")  # read only once the command has come so far as to wait for more
        process.stdin.flush()
        _wait_until_read(process.stdin.fileno())
        process.send_signal(number)
        try:
            assert process.wait(60) == status
        finally:
            process.kill()  # one that heard nothing would wait for ever, and the tests for it
        error = process.stderr.read() if process.stderr else b""
    assert b"Traceback" not in error


def loaded_by(*words: str | Path) -> set[str]:
    """Names of the top-level modules that a command leaves loaded."""
    program = (
        "import sys; from rpctrace.cli import main; status = main(sys.argv[1:]);"
        "sys.stderr.write(' '.join({name.split('.')[0] for name in sys.modules})); sys.exit(status)"
    )
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    result = subprocess.run(
        [sys.executable, "-c", program, *map(str, words)], capture_output=True, text=True, check=True, env=environment
    )
    return set(result.stderr.split())


@pytest.mark.parametrize(
    ("words", "may"),
    [
        (("--version",), set()),
        (("--help",), set()),
        (("explain", "0x721"), set()),
        (("CAPTURE", "--json"), set()),
        (("CAPTURE", "-f", "netmon"), set()),
        (("CAPTURE",), {"tabulate"}),
    ],
    ids=lambda value: " ".join(sorted(value)),
)
def test_nothing_heavy_is_loaded_before_it_is_needed(
    words: tuple[str, ...], may: set[str], expert: Path
) -> None:
    """PERFORMANCE, start-up: no scapy, impacket, pyshark, jinja2; rich for a terminal only; tabulate for tables."""
    loaded = loaded_by(*(str(expert) if word == "CAPTURE" else word for word in words), *(["-q"] if may else []))
    assert "click" in loaded
    assert loaded & set(HEAVY) <= may
