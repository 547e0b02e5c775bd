"""What a file that is no capture seems to be, in one line."""

from __future__ import annotations

import pytest

from rpctrace.capture.refusal import why_no_capture


@pytest.mark.parametrize(
    ("head", "compression", "reason"),
    [
        (b"", None, "the file is empty"),
        (b"", "gzip", "nothing can be unpacked: empty or cut gzip"),
        (b"\xef\xbb\xbf\r\n<HTML lang=en>", None, "not a capture (an HTML page: did the download fail?)"),
        (b"No. Time Source\n", "xz", "not a capture (xz of text)"),
        (b"\x00" * 200, None, "not a capture (it starts with zeros: was it ever finished?)"),
        (b"\x01\x02\x03", None, "not a capture (unknown format, first octets 01 02 03)"),
        (b"MZ\x90\0", None, "not a capture (a Windows program)"),
    ],
)
def test_reasons(head: bytes, compression: str | None, reason: str) -> None:
    assert why_no_capture(head, compression) == reason
