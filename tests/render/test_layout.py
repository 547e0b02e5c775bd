"""Proves: tables fit a width without cutting a name, align wide characters, and leave numbers that are text alone."""

from __future__ import annotations

import pytest

from rpctrace.render.layout import display_width, lay_out, wrapped

HEADINGS = ("Frames", "Hosts", "Name")
ROWS = (("22 -> 23", "10.2.0.21:49834\n-> 10.3.0.33:52042", "novice"), ("7", "", "1e5"))


def test_one_line_a_row_where_it_fits() -> None:
    assert lay_out(HEADINGS, ROWS, None) == [
        "Frames    Hosts                               Name",
        "--------  ----------------------------------  ------",
        "22 -> 23  10.2.0.21:49834 -> 10.3.0.33:52042  novice",
        "7                                             1e5",
    ]


def test_cells_break_at_their_places_where_one_line_is_too_wide() -> None:
    assert lay_out(HEADINGS, ROWS, 40) == [
        "Frames    Hosts               Name",
        "--------  ------------------  ------",
        "22 -> 23  10.2.0.21:49834     novice",
        "          -> 10.3.0.33:52042",
        "7                             1e5",
    ]


def test_a_block_a_row_where_even_that_is_too_wide() -> None:
    assert lay_out(HEADINGS, ROWS, 30) == [
        "Frames  22 -> 23",
        "Hosts   10.2.0.21:49834 ->",
        "        10.3.0.33:52042",
        "Name    novice",
        "",
        "Frames  7",
        "Name    1e5",
    ]


@pytest.mark.parametrize("width", [1, 20, 36, 37, 52, 53, 54, 200])
def test_names_are_never_cut_and_wide_tables_keep_to_the_width(width: int) -> None:
    lines = lay_out(HEADINGS, ROWS, width)
    assert all(name in "\n".join(lines) for name in ("22 -> 23", "10.2.0.21:49834", "10.3.0.33:52042", "novice"))
    if width >= 36:
        assert all(display_width(line) <= width for line in lines)


def test_columns_without_a_value_and_tables_without_a_row_are_left_out() -> None:
    assert lay_out(("A", "B"), (("", "x"),), None) == ["B", "---", "x"]
    assert lay_out(("A", "B"), (), None) == []


def test_east_asian_text_aligns() -> None:
    lines = lay_out(("Name", "Then"), (("日本語ドメイン", "x"), ("ascii", "y")), None)
    assert "\0" not in "".join(lines)
    assert [display_width(line[: line.index(mark)]) for line, mark in zip(lines[2:], "xy", strict=True)] == [16, 16]


@pytest.mark.parametrize(("text", "width"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("\uff1d", 2), ("→", 1), ("", 0)])
def test_display_width(text: str, width: int) -> None:
    assert display_width(text) == width


def test_wrapping_breaks_between_words_only() -> None:
    assert wrapped("one two three", None, "  ") == ["one two three"]
    name = "x" * 100
    assert wrapped(f"a {name} b", 30, "  ") == ["a", f"  {name}", "  b"]
