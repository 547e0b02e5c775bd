"""Whatever text a capture holds, what leaves `safe_text` is printable; octets that do not decode are shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rpctrace.encoding.text import decode_text, decode_utf16, safe_text


@pytest.mark.parametrize(("text", "shown"), [
    ("CHILD.DOMAINA.COM", "CHILD.DOMAINA.COM"),
    ("", ""),
    ("Müller 山田 עברית", "Müller 山田 עברית"),
    ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
    ("a\nb\r\tc\x00\x7f\x9b", "a\\x0ab\\x0d\\x09c\\x00\\x7f\\x9b"),
    ("\u202egnp.exe\u2066\u200b\ufeff", "\\u202egnp.exe\\u2066\\u200b\\ufeff"),
    ("\u2028\u2029\u00ad", "\\u2028\\u2029\\xad"),
    ("\U000e0041\U0010ffff", "\\U000e0041\\U0010ffff"),
    ("\udcff\ud800", "\\xff\\ud800"),
])  # fmt: skip
def test_safe_text(text: str, shown: str) -> None:
    """Controls, bidirectional overrides, zero-width characters, tags and lone surrogates become escapes."""
    assert safe_text(text) == shown


@given(st.text(st.characters()) | st.binary().map(decode_text) | st.binary().map(decode_utf16))
def test_safe_text_is_printable_idempotent_utf_8(text: str) -> None:
    """For all text, surrogates included."""
    shown = safe_text(text)
    assert shown.isprintable()
    assert safe_text(shown) == shown
    assert shown.encode().decode() == shown


@given(st.binary())
def test_decode_text_loses_nothing(octets: bytes) -> None:
    """Any octets read, and can be got back."""
    assert decode_text(octets).encode("utf-8", "surrogateescape") == octets
    assert decode_text(memoryview(octets)) == decode_text(octets)


@given(st.binary())
def test_decode_utf16_loses_nothing_but_half_a_unit(octets: bytes) -> None:
    """Any octets read, lone surrogates included, and can be got back."""
    assert decode_utf16(memoryview(octets)).encode("utf-16-le", "surrogatepass") == octets[: len(octets) // 2 * 2]


@pytest.mark.parametrize(("octets", "text"), [
    (b"", ""),
    (b"D\0C\0001\0", "DC1"),
    (b"D\0C", "D"),
    (b"=\xd8\x00\xde", "😀"),
    (b"\x00\xd8D\0", "\ud800D"),
    (b"\x00\xdc", "\udc00"),
])  # fmt: skip
def test_decode_utf16(octets: bytes, text: str) -> None:
    """Pairs join, lone halves stay, an odd octet at the end is left out."""
    assert decode_utf16(octets) == text
