"""A file, whatever it is and however it is packed, gives its octets; what cannot be opened is told with its reason."""

from __future__ import annotations

import gzip
import io
import os
import sys
from pathlib import Path

import pytest
from packing import IN_FRAMES, PACKERS

from rpctrace.capture.stored import Octets, can_be_read_again, open_octets
from rpctrace.errors import CaptureError

OCTETS = bytes(range(256)) * 20


class Short(io.BytesIO):
    """Gives less than it is asked for."""

    def __init__(self, octets: bytes, octets_of_a_read: int) -> None:
        super().__init__(octets)
        self._most = octets_of_a_read

    def read(self, count: int | None = -1) -> bytes:
        return super().read(min(count or 0, self._most))

    def readinto(self, view: memoryview) -> int:  # type: ignore[override]
        return super().readinto(view[: self._most])


def whole(octets: Octets) -> bytes:
    return b"".join(iter(lambda: octets.read(1000), b""))


@pytest.mark.parametrize("octets_of_a_read", [1, 3, 1 << 20])
@pytest.mark.parametrize("packing", [None, *PACKERS])
def test_octets(packing: str | None, octets_of_a_read: int) -> None:
    """Less may come than is asked for, less than a signature too: the octets are the same."""
    stored = OCTETS if packing is None else PACKERS[packing](OCTETS)
    opened = Octets(Short(stored, octets_of_a_read))
    assert (opened.compression, whole(opened), opened.notes.problems) == (packing, OCTETS, [])
    with open_octets(Short(stored, octets_of_a_read)) as window:
        assert window.take(2 * len(OCTETS)) == OCTETS


def test_what_grows_while_it_is_read_ends_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "growing"
    path.write_bytes(OCTETS)
    opened = Octets(path)
    with path.open("ab") as file:
        file.write(b"more")
    assert whole(opened) == OCTETS
    opened.close()


def test_the_limit_of_unpacked_octets() -> None:
    opened = Octets(io.BytesIO(gzip.compress(OCTETS)), 300)
    assert whole(opened) == OCTETS[:300]
    assert opened.notes.stopped_at == 300


@pytest.mark.parametrize(("packing", "package"), [("zstd", "zstandard"), ("lz4", "lz4.frame")])
def test_where_the_package_is_missing(packing: str, package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What to install is said; other files are read, and stay so."""
    assert packing in IN_FRAMES
    monkeypatch.setitem(sys.modules, package, None)
    file = io.BytesIO(PACKERS[packing](OCTETS))
    file.name = "x.pcap.packed"
    with pytest.raises(CaptureError) as raised:
        Octets(file)
    assert raised.value.path == "x.pcap.packed"
    assert f"{packing}-compressed" in raised.value.reason
    assert "pip install 'rpctrace[compress]'" in raised.value.reason
    assert whole(Octets(io.BytesIO(gzip.compress(OCTETS)))) == OCTETS


@pytest.mark.parametrize(
    ("name", "reason"), [("missing", "no such file"), (".", "is a directory"), ("a\0b", "no file can have this name")]
)
def test_what_cannot_be_opened(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(CaptureError) as raised:
        Octets(os.path.join(tmp_path, name))
    assert reason in raised.value.reason


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_what_can_be_read_again(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    os.mkfifo(tmp_path / "pipe")
    names = ("file", "pipe", "missing", "a\0b")
    assert [can_be_read_again(str(tmp_path / name)) for name in names] == [True, False, True, True]
    assert not can_be_read_again("-")
