"""The first octets of a file that no format recognises -> why it is no capture, in one line for a person."""

from __future__ import annotations

from rpctrace.capture.signatures import find_capture

_FIRST_OCTETS_SHOWN = 8
_SEARCHED_OCTETS = 65_536
# Formats of captures that are known and not read, and of what may hold one and is not looked into.
_OTHER_CAPTURES = (
    (b"\x02\x21\x4c\x18", "lz4-compressed in the legacy format, which is not supported: unpack it first"),
    (b"snoop\0\0\0", "a snoop file, which is not supported: convert it with editcap"),
    (b"XCP\0", "a Sniffer capture, which is not supported: convert it with editcap"),
    (b"TRSNIFF data    \x1a", "a Sniffer capture, which is not supported: convert it with editcap"),
)
# What else is known: packages, and what is taken for a capture.
_OTHERS = (
    *_OTHER_CAPTURES,
    (b"PK\x03\x04", "a ZIP archive (or a Message Analyzer .matp): not supported, unpack or export it first"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive: unpack it first"),
    (b"%PDF-", "a PDF document"),
    (b"MZ", "a Windows program"),
    (b"ElfFile\0", "a Windows event log"),
)
_HTML = (b"<!doctype html", b"<html")


def is_other_capture(head: bytes) -> bool:
    """Whether a file that starts so is a capture that others read, or may be one."""
    return any(head.startswith(signature) for signature, _ in _OTHER_CAPTURES)


def why_no_capture(head: bytes, compression: str | None) -> str:
    """`head` is what the file starts with, unpacked; `compression` says what it was unpacked from."""
    if not head:
        return "the file is empty" if compression is None else f"nothing can be unpacked: empty or cut {compression}"
    what = _what_it_is(head)
    return f"not a capture ({what})" if compression is None else f"not a capture ({compression} of {what})"


def _what_it_is(head: bytes) -> str:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:1024].lower()
    if start.startswith(_HTML) or b"<html" in start:
        return "an HTML page: did the download fail?"
    for signature, words in _OTHERS:
        if head.startswith(signature):
            return words
    if not any(head[:128]):
        return "it starts with zeros: was it ever finished?"
    if _is_text(head[:1024]):
        return "text"
    at = find_capture(head, 1, min(len(head), _SEARCHED_OCTETS))
    if at is not None:
        return f"unknown format; a capture starts at octet {at}: cut off what is before it"
    return f"unknown format, first octets {head[:_FIRST_OCTETS_SHOWN].hex(' ')}"


def _is_text(octets: bytes) -> bool:
    return all(octet >= 0x20 or octet in b"\t\r\n\f" for octet in octets) and b"\x7f" not in octets
