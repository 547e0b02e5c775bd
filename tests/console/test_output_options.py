"""Of the options of a rendering only width, colour and alphabet depend on where standard output leads."""

from __future__ import annotations

import pytest

from rpctrace.console import streams
from rpctrace.console.output_options import on_output
from rpctrace.render.rendering import RenderOptions


def test_what_depends_on_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "width_columns", lambda: 77)
    monkeypatch.setattr(streams, "encoding_is_utf8", lambda: False)
    made = on_output(RenderOptions(table="calls", verbosity=2, command=("a.pcap",)), "always")
    assert made == RenderOptions("calls", 77, 2, True, False, ("a.pcap",))


def test_a_pipe_has_neither_width_nor_colour(capsys: pytest.CaptureFixture[str]) -> None:
    capsys.readouterr()
    made = on_output(RenderOptions(), "auto")
    assert (made.width_columns, made.color) == (None, False)
