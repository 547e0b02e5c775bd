"""Hostile text -> text that may reach a terminal, a cell or a page.

A realm, a name, a comment or a file name comes from whoever made the capture. Controls, bidirectional overrides,
zero-width characters and lone surrogates are shown as `\\xNN`, `\\uNNNN` or `\\UNNNNNNNN`; everything printable stays.
"""

from __future__ import annotations


def _escaped(character: str) -> str:
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:  # a surrogateescape octet: show the octet itself
        return f"\\x{code - 0xDC00:02x}"
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def safe_text(text: str) -> str:
    """`text` with every character that `str.isprintable()` refuses written as an escape. Idempotent, never raises."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else _escaped(character) for character in text)


def decode_text(octets: bytes | memoryview) -> str:
    """UTF-8 octets -> text; what does not decode is kept as surrogate escapes, which `safe_text` shows as `\\xNN`."""
    return bytes(octets).decode("utf-8", "surrogateescape")


def decode_utf16(octets: bytes | memoryview) -> str:
    """UTF-16LE octets -> text. A lone surrogate stays one, which `safe_text` shows as an escape; an odd last octet is
    left out."""
    return bytes(octets[: len(octets) & ~1]).decode("utf-16-le", "surrogatepass")
