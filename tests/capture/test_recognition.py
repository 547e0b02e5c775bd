"""What is a capture is known by its first octets, whatever its name is."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from packing import PACKERS
from shared_captures import OWN

from rpctrace.capture.recognition import is_capture
from rpctrace.errors import CaptureError

SAMPLES = (
    OWN / "u2u" / "u2u-ok.pcap", OWN / "remote-assistance" / "expert.pcapng", OWN / "remote-assistance" / "expert.cap",
)  # fmt: skip


@pytest.mark.parametrize("pack", [bytes, *PACKERS.values()], ids=["plain", *PACKERS])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.suffix)
def test_a_capture(sample: Path, pack: Callable[[bytes], bytes], tmp_path: Path) -> None:
    """Every format, packed or not; also one that is cut behind its start."""
    path = tmp_path / "trace.dmp"
    path.write_bytes(pack(sample.read_bytes()))
    assert is_capture(str(path))
    path.write_bytes(sample.read_bytes()[:4096])
    assert is_capture(str(path))


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", False),
        (b"failed = 1\n", False),
        (bytes(5000), False),
        (gzip.compress(b"a log\n" * 1000, mtime=0), False),
        (b"\x1f\x8b cut", False),
        (gzip.compress(gzip.compress(SAMPLES[0].read_bytes(), mtime=0), mtime=0), False),
        (b"snoop\0\0\0\0\0\0\x02", True),  # not read, but a capture: it is not passed over in silence
        (b"\x02\x21\x4c\x18" + bytes(20), True),  # what is in it is not looked at
        (PACKERS["zstd"](b"a log\n" * 1000), False),
    ],
    ids=["empty", "text", "zeros", "packed log", "cut", "packed twice", "snoop", "legacy lz4", "log in zstd"],
)
def test_others(octets: bytes, expected: bool, tmp_path: Path) -> None:
    path = tmp_path / "other.pcap"
    path.write_bytes(octets)
    assert is_capture(str(path)) is expected


def test_what_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(CaptureError):
        is_capture(str(tmp_path / "none"))
