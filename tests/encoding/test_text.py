"""Hostile text comes out printable, once and for all."""

from __future__ import annotations

import pytest

from rpctrace.encoding.text import decode_text, safe_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("child.domainA.COM", "child.domainA.COM"),
        ("Grüße 中文", "Grüße 中文"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("a\nb\tc\x7f\x9b", "a\\x0ab\\x09c\\x7f\\x9b"),
        ("user\u202egnp.exe", "user\\u202egnp.exe"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("\ud800", "\\ud800"),
        ("\U000e0001tag", "\\U000e0001tag"),
    ],
)
def test_safe_text(text: str, expected: str) -> None:
    """Controls, bidirectional overrides, zero widths and lone surrogates become escapes; the rest stays."""
    assert safe_text(text) == expected
    assert safe_text(expected) == expected
    assert safe_text(text).isprintable()


def test_undecodable_octets_are_shown_as_octets() -> None:
    """Kept as surrogate escapes inside, written as \\xNN on the way out."""
    assert safe_text(decode_text(b"novice\xff\xfe")) == "novice\\xff\\xfe"
