"""The first octets of a file, unpacked -> whether it is a capture, whatever its name says."""

from __future__ import annotations

from rpctrace.capture.refusal import is_other_capture
from rpctrace.capture.registry import random_access_format, sequential_format
from rpctrace.capture.stored import HEAD_OCTETS, open_octets


def is_capture(path: str) -> bool:
    """Also of a format that is known and not read. Raises `CaptureError` for a file that cannot be opened."""
    with open_octets(path) as window:
        head = bytes(window.peek(HEAD_OCTETS))
    formats = sequential_format(head), random_access_format(head)
    return any(each is not None for each in formats) or is_other_capture(head)
