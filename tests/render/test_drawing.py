"""Proves: a text in a picture fits, is safe and says where it was cut; moments and coordinates read the same always."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.render.drawing import columns, fitted, moment_words, rounded, span_words, text_width


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("bind", 100, "bind"),
        ("alter_context", 60, "alter_con\u2026"),
        ("two\nlines", 100, "two lines"),
        ("\x1b[31m", 200, "\\x1b[31m"),
        ("日本語ドメイン", 60, "日本語ド\u2026"),
        ("anything", 0, "\u2026"),
    ],
)
def test_a_text_is_cut_to_its_room(text: str, width: float, expected: str) -> None:
    assert fitted(text, width, 10) == expected


@given(st.text(max_size=80), st.integers(12, 400), st.sampled_from((10.5, 12.0)))
def test_no_text_is_wider_than_its_room(text: str, width: int, size: float) -> None:
    shown = fitted(text, width, size)
    assert text_width(shown, size) <= width or shown == "\u2026"
    assert shown.isprintable()


def test_a_wide_character_is_two_columns() -> None:
    assert (columns("ab"), columns("日本"), columns("é")) == (2, 4, 1)


@pytest.mark.parametrize(
    ("ns", "words"),
    [
        (0, "0"),
        (-7_400_000, "\u22127.4 ms"),
        (6_800_000, "+6.8 ms"),
        (-43_055_400_000, "\u221243.055 s"),
        (100_000_000_000, "+100 s"),
        (800_000, "+800 \u00b5s"),
        (1_500, "+1.5 \u00b5s"),
        (40, "+0 \u00b5s"),
        (999_900, "+999.9 \u00b5s"),
        (999_960, "+1 ms"),
        (999_996_000, "+1 s"),
        (-999_994_000, "\u2212999.99 ms"),
        (2_000_000_000_000, "+2000 s"),
    ],
)
def test_a_moment_has_its_sign_and_unit(ns: int, words: str) -> None:
    assert moment_words(ns) == words


def test_a_span_has_the_sign_for_micro() -> None:
    assert (span_words(43_000), span_words(4_000_000)) == ("43 \u00b5s", "4 ms")


def test_a_coordinate_has_no_more_digits_than_can_be_seen() -> None:
    assert (rounded(1), rounded(1.25001), rounded(-0.5)) == ("1", "1.3", "-0.5")
