"""A format is told by its octets, and by one row only."""

from __future__ import annotations

import pytest
from builders import netmon, pcap, pcapng

from rpctrace.capture.registry import FORMATS


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (pcap([]), "pcap"),
        (pcap([], little_endian=False, nanoseconds=True), "pcap"),
        (pcapng([]), "pcapng"),
        (pcapng([], little_endian=False), "pcapng"),
        (netmon([]), "netmon"),
        (netmon([], version=(1, 1)), "netmon"),
        (b"<html>" + bytes(200), None),
        (b"", None),
    ],
)
def test_recognition(octets: bytes, name: str | None) -> None:
    """Exactly one format, or none."""
    assert [each.name for each in FORMATS if each.recognises(octets[:512])] == ([name] if name else [])
