"""Captures in every container: numbers, times and lengths are tshark's, through a path and a file object."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path

import pytest
from packing import PACKERS
from shared_captures import OWN, SHARED, captures_in, name_of, needs_shared

from rpctrace.capture.storage import open_capture

FOLDERS = ("netmon", "formats/netmon-made", "formats/pcap", "formats/pcapng", "formats/encap", "public", "u2u")
FILES = [path for folder in FOLDERS for path in captures_in(SHARED / folder)]
EXPERT = OWN / "remote-assistance" / "expert.pcapng"
PACKED = [path for path in sorted((SHARED / "formats" / "compressed").glob("*")) if path.suffix not in (".bz2", ".xz")]
# We give the packet inside: Wi-Fi without its metadata, the NDIS event's Ethernet frame; custom blocks have no packet.
UNWRAPPED = {"krb135_v2_1_wifi.cap", "krb135_v2_3_netevent_ndis.cap", "krb135_allopts.pcapng"}
needs_tshark = pytest.mark.skipif(shutil.which("tshark") is None, reason="tshark is not installed")

Row = tuple[int, int | None, int, int]


def ours(source: str | Path | io.BytesIO) -> list[Row]:
    with open_capture(source) as capture:
        return [(f.number, f.timestamp_ns, len(f.octets), f.original_length_octets) for f in capture]


def tshark(*words: str) -> str:
    command, environment = ["tshark", *words], {**os.environ, "TZ": "UTC"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment).stdout


def tsharks(path: Path) -> list[Row]:
    fields = [part for name in ("number", "time_epoch", "cap_len", "len") for part in ("-e", f"frame.{name}")]
    rows = [line.split("\t") for line in tshark("-n", "-r", str(path), "-T", "fields", *fields).splitlines()]
    return [(int(n), int(Decimal(t) * 10**9) if t else None, int(c), int(w)) for n, t, c, w in rows]


@needs_shared
@needs_tshark
@pytest.mark.parametrize("path", [*FILES, *PACKED], ids=name_of)
def test_frames(path: Path) -> None:
    """Frame by frame; a damaged gzip is compared as far as both read."""
    mine, theirs = ours(path), tsharks(path)
    if path.name in UNWRAPPED:
        assert [row[0] for row in mine] == [row[0] for row in theirs]
        return
    if "truncated" in path.name:
        assert mine[: len(theirs)] == theirs
        return
    assert mine == theirs


@needs_tshark
@pytest.mark.parametrize(("packing", "built_with"), [("gzip", "zlib"), ("zstd", "Zstandard"), ("lz4", "LZ4")])
def test_compressed(packing: str, built_with: str, tmp_path: Path) -> None:
    """Two members, under a name that says nothing."""
    if f"with {built_with}" not in " ".join(tshark("-v").split()):
        pytest.skip(f"this tshark was built without {built_with}")
    octets, path = EXPERT.read_bytes(), tmp_path / "packed"
    path.write_bytes(PACKERS[packing](octets[:20_000]) + PACKERS[packing](octets[20_000:]))
    assert ours(path) == tsharks(path) == ours(EXPERT)


@pytest.mark.parametrize("path", [*captures_in(OWN), *(FILES[:20])], ids=name_of)
def test_a_file_object_is_a_path(path: Path) -> None:
    """BytesIO, and a NetMon file that has to be spooled."""
    assert ours(io.BytesIO(path.read_bytes())) == ours(path)


@needs_shared
def test_the_netmon_folder_is_whole() -> None:
    """All 14 real files."""
    assert len(captures_in(SHARED / "netmon")) == 14
