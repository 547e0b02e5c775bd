"""Where a capture begins, at the start of a file and inside one."""

from __future__ import annotations

from builders.files import pcap, pcapng

from rpctrace.capture.signatures import find_capture, starts_capture, starts_pcap, starts_pcapng


def test_starts() -> None:
    """Both formats in both byte orders; a magic without its version or byte-order magic is none."""
    for little_endian in (True, False):
        assert starts_pcap(pcap([], little_endian=little_endian))
        assert starts_pcap(pcap([], little_endian=little_endian, nanoseconds=True))
        assert starts_pcapng(pcapng([], little_endian=little_endian))
    for octets in (pcap([])[:23], pcap([])[:4] + bytes(20), pcapng([])[:8] + bytes(20), b"", bytes(24)):
        assert not starts_capture(octets)


def test_find() -> None:
    """The first true one between the bounds, behind magics that are none."""
    lure = pcap([])[:4] + bytes(5)
    octets = lure * 3 + pcapng([]) + pcap([])
    assert find_capture(octets, 0, len(octets)) == 27
    assert find_capture(octets, 28, len(octets)) == 27 + len(pcapng([]))
    assert find_capture(octets, 0, 27) is None
    assert find_capture(lure * 1000, 0, 9000) is None
