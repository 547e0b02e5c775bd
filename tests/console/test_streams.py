"""What is said is safe and goes where it belongs; colour and width follow the terminal only."""

from __future__ import annotations

import io
import sys

import pytest

from rpctrace.console import streams


def test_text_is_made_safe_line_by_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Line ends of our own stay; everything else that is not printable becomes an escape."""
    streams.put("one\ntwo\x1b[31m\u202e")
    streams.say("three\r\n\x07")
    said = capsys.readouterr()
    assert said.out == "one\ntwo\\x1b[31m\\u202e\n"
    assert said.err == "three\\x0d\n\\x07\n"


@pytest.mark.parametrize(
    ("environment", "terminal", "choice", "expected"),
    [
        ({"TERM": "xterm"}, True, "auto", True),
        ({"TERM": "xterm"}, False, "auto", False),
        ({"TERM": "dumb"}, True, "auto", False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, "auto", False),
        ({"TERM": "xterm", "NO_COLOR": "1"}, True, "always", True),
        ({"TERM": "xterm"}, True, "never", False),
    ],
)
def test_color(
    environment: dict[str, str],
    terminal: bool,
    choice: streams.ColorChoice,
    expected: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """NO_COLOR and --color hold; a pipe is never coloured by itself."""
    for name in ("TERM", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    assert streams.use_color(choice) is expected


def test_a_pipe_has_no_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table is not folded because of where it goes; on a terminal it fits."""
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    assert streams.width_columns() is None
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "97")
    assert streams.width_columns() == 97


@pytest.mark.parametrize(("encoding", "expected"), [("utf-8", True), ("UTF8", True), ("cp1252", False)])
def test_encoding(encoding: str, expected: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """By whatever name it goes."""
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding=encoding))
    assert streams.encoding_is_utf8() is expected


def test_an_error_that_is_no_closed_pipe_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A full disk must not look like a success."""

    class Full(io.StringIO):
        def write(self, _: str) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(OSError, match="No space"):
        streams.put("x")
