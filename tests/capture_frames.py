"""Frames as comparable values, for the tests of capture files."""

from __future__ import annotations

from collections.abc import Iterable

from rpctrace.capture.frame import Frame

FrameValue = tuple[int, int | None, bytes, int, int]


def frames_of(frames: Iterable[Frame]) -> list[FrameValue]:
    """Number, time, octets, original length and offset of each."""
    return [(f.number, f.timestamp_ns, bytes(f.octets), f.original_length_octets, f.file_offset) for f in frames]
