"""Proves: colour appears only when asked for and always ends where it began."""

from __future__ import annotations

import pytest

from rpctrace.render.color import STYLES, painted
from rpctrace.render.rendering import RenderOptions


@pytest.mark.parametrize("style", STYLES)
def test_a_style_is_switched_on_and_off(style: str) -> None:
    assert painted("word", style, RenderOptions(color=True)) == f"\x1b[{STYLES[style]}mword\x1b[0m"
    assert painted("word", style, RenderOptions(color=False)) == "word"


def test_an_unknown_style_paints_nothing() -> None:
    assert painted("word", "purple", RenderOptions(color=True)) == "word"
