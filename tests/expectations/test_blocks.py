"""The layout of a file: every line is in one block, and what cannot be told apart is refused."""

from __future__ import annotations

import pytest

from rpctrace.errors import UsageError
from rpctrace.expectations.blocks import Statement, comment_of, layout_of, table_of

TEXT = """# top
failed = 1

# about the first
[[call]]
kind = "bind"  # inline

# about the next

[[ forbid . call ]]
outcome = "x"

# tail
"""


def test_the_parts() -> None:
    layout = layout_of(TEXT, "x")
    assert layout.top == ("# top", "failed = 1")
    assert [(block.table, block.head, block.values) for block in layout.blocks] == [
        ("call", ("# about the first",), {"kind": "bind"}),
        ("forbid.call", ("# about the next",), {"outcome": "x"}),
    ]
    assert layout.tail == ("# tail",)
    assert list(layout.blocks[0].statements()) == [Statement("kind", "bind", ('kind = "bind"  # inline',), "# inline")]


@pytest.mark.parametrize(
    ("line", "table"),
    [
        ("[[call]]", "call"),
        ('[["call"]]  # quoted', "call"),
        ("  [[ forbid . 'call' ]]", "forbid.call"),
        ("[forbid]", "forbid"),
        ("[1, 2],", None),
        ('["x",', None),
        ("a = [1]", None),
        ("[" * 5000, None),
    ],
)
def test_headers(line: str, table: str | None) -> None:
    """However TOML allows them to be spaced and quoted."""
    assert table_of(line) == table


def test_no_line_is_lost() -> None:
    """But for empty ones."""
    layout = layout_of(TEXT, "x")
    lines = [*layout.top, *(line for block in layout.blocks for line in (*block.head, *block.lines)), *layout.tail]
    assert [line for line in lines if line] == [line for line in TEXT.splitlines() if line]


def test_lines_end_where_toml_ends_them() -> None:
    """Other characters that end lines elsewhere stand in comments and values."""
    text = "# one\u2028[[call]]\n[[call]]\nkind = 'a\u2029b\u0085c'  # d\u2028e\n"
    (block,) = layout_of(text, "x").blocks
    assert block.lines == ("[[call]]", "kind = 'a\u2029b\u0085c'  # d\u2028e")


def test_statements_over_several_lines() -> None:
    text = "[[call]]\n# why\nrequest_frames = [\n  1,  # first\n  2,\n]  # both\n\n"
    text += "kind = \"\"\"\na # b\n\"\"\"\nopnum = 1 # x # y"
    assert [(each.key, each.value, each.comment) for each in layout_of(text, "x").blocks[0].statements()] == [
        (None, None, "# why"),
        ("request_frames", [1, 2], "# both"),
        (None, None, ""),
        ("kind", "a # b\n", ""),
        ("opnum", 1, "# x # y"),
    ]


def test_a_sign_in_a_text_begins_no_comment() -> None:
    assert comment_of("kind = 'a # b'  # c # d ") == "# c # d"
    assert comment_of('[[call]]  # "x"') == '# "x"'
    assert comment_of("kind = '#'") == ""


def test_the_first_comment_is_about_the_file() -> None:
    layout = layout_of("# file\n\n# block\n[[call]]\n", "x")
    assert (layout.top, layout.blocks[0].head) == (("# file",), ("# block",))


def test_a_file_of_comments_alone() -> None:
    assert layout_of("# nothing yet\n", "x").top == ("# nothing yet",)


def test_a_text_that_looks_like_a_table_is_refused() -> None:
    with pytest.raises(UsageError, match="several lines"):
        layout_of('[[call]]\nkind = """\n[[call]]\n"""', "x")
