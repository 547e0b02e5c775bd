"""The manual page holds every command and option, and roff prints it without complaint."""

from __future__ import annotations

import re
import shutil
import subprocess

import click
import pytest

from rpctrace.cli import cli, main
from rpctrace.console.manual import manual_lines

PAGE = "\n".join(manual_lines(cli, "2026-11-30"))


def test_every_command_and_option_is_there() -> None:
    for name, command in cli.commands.items():
        assert f'.SH "{name.upper()}"' in PAGE
        for parameter in command.params:
            for option in parameter.opts if isinstance(parameter, click.Option) else ():
                assert option.replace("-", "\\-") in PAGE, (name, option)


def test_no_line_is_a_request_by_accident() -> None:
    """A text that begins with a dot or an apostrophe, and backslashes."""
    known = {".TH", ".SH", ".B", ".BR", ".br", ".TP", ".PP"}
    assert {line.split()[0] for line in PAGE.splitlines() if line.startswith((".", "'"))} <= known


def test_roff_prints_it() -> None:
    if shutil.which("groff") is None:
        return  # what it would say is in the two tests above
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww"], input=PAGE, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""
    assert "NAME" in re.sub(".\b", "", done.stdout)  # bold is printed twice


def test_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    """`manual` prints the page, `completion` a script for each shell."""
    assert main(["manual"]) == 0
    assert capsys.readouterr().out.startswith(".TH RPCTRACE 1 ")
    for shell, word in (("bash", "complete"), ("zsh", "compdef"), ("fish", "complete"), ("powershell", "Register")):
        assert main(["completion", shell]) == 0
        text = capsys.readouterr().out
        assert "_RPCTRACE_COMPLETE" in text
        assert word in text
    assert main(["completion", "tcsh"]) == 2
