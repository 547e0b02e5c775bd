"""Labels in their column, texts beside them, lines that fit a page."""

from __future__ import annotations

from rpctrace.encoding.labelled import PAGE_COLUMNS, labelled


def test_a_text_goes_on_below_itself() -> None:
    """The label stands once; no line is wider than the page, and no word is lost."""
    words = [f"word{number}" for number in range(60)]
    lines = list(labelled([("says", " ".join(words))], 10))
    assert lines[0].startswith("  says        word0 ")
    assert all(line.startswith(" " * 14 + "word") for line in lines[1:])
    assert max(map(len, lines)) <= PAGE_COLUMNS
    assert " ".join(lines).split() == ["says", *words]


def test_what_cannot_be_broken_stays_whole() -> None:
    """An address that is wider than the page; two blanks between values are no place to break."""
    address = "https://" + "x" * 200
    assert list(labelled([("see", f"at {address} too")], 4)) == ["  see   at", f"        {address}", "        too"]
    assert list(labelled([("", "0.50  " + "y" * 88)], 4)) == [" " * 8 + "0.50  " + "y" * 88]


def test_several_fields_in_order() -> None:
    assert list(labelled([("one", "a"), ("two", "")], 4)) == ["  one   a", "  two   "]
