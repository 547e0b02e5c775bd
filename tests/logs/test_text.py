"""Proves: a log in any encoding, with any line ends and in any pieces, gives the same lines."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netlogon_lines import ENTERED, RETURNS, log

from rpctrace.logs.line import MAXIMUM_LINE_CHARACTERS
from rpctrace.logs.text import HELD, Text, encoding_of

PLAIN = log(ENTERED, RETURNS.replace("RESOURCE-WIN73", "MÜLLER"), "")
LINES = PLAIN.split("\n")[:-1]


def lines_of(octets: bytes, piece: int | None = None) -> tuple[list[str], str]:
    stream = io.BytesIO(octets)
    text = Text(lambda count: stream.read(count if piece is None else min(count, piece)))
    return list(text.lines()), text.encoding


@pytest.mark.parametrize("piece", [None, 1, 7, 4096])
@pytest.mark.parametrize(
    ("encoding", "mark", "name"),
    [
        ("utf-8", b"", "utf-8"),
        ("utf-8", b"\xef\xbb\xbf", "utf-8-sig"),
        ("cp1252", b"", "cp1252"),
        ("utf-16-le", b"\xff\xfe", "utf-16-le"),
        ("utf-16-be", b"\xfe\xff", "utf-16-be"),
        ("utf-16-le", b"", "utf-16-le"),
        ("utf-16-be", b"", "utf-16-be"),
    ],
)
def test_encodings(encoding: str, mark: bytes, name: str, piece: int | None) -> None:
    assert lines_of(mark + PLAIN.encode(encoding), piece) == (LINES, name)


def test_lines_of_several_code_pages() -> None:
    """Each line for itself, and an octet that no code page has stays visible."""
    octets = "Ü\n".encode() + "Ü\n".encode("cp1252") + b"\x81\n"
    assert lines_of(octets) == (["Ü", "Ü", "\udc81"], "cp1252")


def test_no_octets_and_no_last_line_end() -> None:
    assert lines_of(b"") == ([], "utf-8")
    assert lines_of(b"a\nb") == (["a", "b"], "utf-8")
    assert lines_of(b"\n\n") == (["", ""], "utf-8")


def test_nuls_of_a_system_that_stopped_are_no_encoding() -> None:
    assert encoding_of(PLAIN.encode() + bytes(100)) == ("utf-8", 0)
    assert encoding_of(bytes(4096)) == ("utf-8", 0)
    assert encoding_of("log\r\n".encode("utf-16-le")) == ("utf-16-le", 0)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le"])
def test_a_line_without_end_is_not_held(encoding: str) -> None:
    """Its start is a line, the rest is passed over to the next line end; nobody holds a file of one line."""
    octets = ("é" * 500_000 + "\nnext\n").encode(encoding)
    found, _ = lines_of(octets, 1000)
    largest = max(map(len, found))
    assert found[0][:MAXIMUM_LINE_CHARACTERS] == "é" * MAXIMUM_LINE_CHARACTERS
    assert largest <= HELD + 1
    assert found[1:] == ["next"]


@given(st.binary(max_size=300), st.integers(1, 50))
def test_any_octets_give_lines_whatever_the_pieces(octets: bytes, piece: int) -> None:
    whole, encoding = lines_of(octets)
    assert lines_of(octets, piece) == (whole, encoding)
    assert not any("\n" in line for line in whole)
