"""Files, pipes and file objects, compressed or not, give the same frames; limits keep what was read before."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from builders.files import netmon, pcap, pcapng
from builders.network import TimedFrame
from capture_frames import FrameValue, frames_of
from packing import PACKERS

from rpctrace.capture.pcap import PcapWalk
from rpctrace.capture.storage import OpenedAgain, open_capture
from rpctrace.errors import CaptureError, UsageError

SAMPLES = Path(__file__).parents[2].parent / "shared" / "captures"
needs_samples = pytest.mark.skipif(not SAMPLES.is_dir(), reason="no folder of sample captures beside the checkout")
TALK = [TimedFrame(1_700_000_000_000_000_000 + n * 1_000_000, bytes([n]) * (60 + n)) for n in range(9)]
FILES = {"pcap": pcap(TALK), "pcapng": pcapng(TALK), "netmon": netmon(TALK)}


def read(source: object, **options: int) -> list[FrameValue]:
    with open_capture(source, **options) as capture:  # type: ignore[arg-type]
        return frames_of(capture)


@pytest.mark.parametrize("name", FILES)
def test_path_and_file_object_and_standard_input(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One file by path, as an object, from the middle of an object, through a pipe: the same frames."""
    path = tmp_path / "talk.bin"
    path.write_bytes(FILES[name])
    expected = read(path)
    assert len(expected) == len(TALK)
    assert read(str(path)) == expected
    assert read(io.BytesIO(FILES[name])) == expected
    behind = io.BytesIO(b"four" + FILES[name])
    behind.seek(4)
    assert read(behind) == expected
    with path.open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        assert read("-") == expected
    process = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout:
        assert read(process.stdout) == expected
    process.wait()


@pytest.mark.parametrize("window_octets", [1, 7, 64])
@pytest.mark.parametrize("name", FILES)
def test_small_windows(name: str, window_octets: int) -> None:
    """However little is read at a time, the frames are the same."""
    assert read(io.BytesIO(FILES[name]), window_octets=window_octets) == read(io.BytesIO(FILES[name]))


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("name", FILES)
def test_compressed(name: str, packing: str) -> None:
    """Found by its first octets; several members one behind another; the attributes say what was read."""
    octets = FILES[name]
    pack = PACKERS[packing]
    for packed in (pack(octets), pack(octets[:100]) + pack(octets[100:]), pack(octets) + bytes(512)):
        with open_capture(io.BytesIO(packed)) as capture:
            assert frames_of(capture) == read(io.BytesIO(octets))
        assert (capture.format, capture.compression, capture.complete) == (name, packing, True)
        assert capture.size_octets == capture.read_octets == len(packed)


@pytest.mark.parametrize("octets_of_a_read", [1, 3])
@pytest.mark.parametrize("packing", PACKERS)
def test_compressed_and_read_in_small_pieces(packing: str, octets_of_a_read: int) -> None:
    """A file object may give less than it is asked for, less than a signature too: the frames are the same."""

    class Short(io.BytesIO):
        def read(self, count: int | None = -1) -> bytes:
            return super().read(min(count or 0, octets_of_a_read))

        def readinto(self, view: memoryview) -> int:  # type: ignore[override]
            return super().readinto(view[:octets_of_a_read])

    octets = FILES["pcap"]
    with open_capture(Short(PACKERS[packing](octets))) as capture:
        assert frames_of(capture) == read(io.BytesIO(octets))
    assert capture.compression == packing


@pytest.mark.parametrize("packing", PACKERS)
def test_compressed_and_cut(packing: str) -> None:
    """Cut at every octet: no frame that the whole file has not, the loss is said, nothing else is raised."""
    packed = PACKERS[packing](FILES["pcap"])
    expected = read(io.BytesIO(FILES["pcap"]))
    for cut in range(len(packed)):
        try:
            with open_capture(io.BytesIO(packed[:cut])) as capture:
                frames = frames_of(capture)
        except CaptureError:
            continue
        assert frames == expected[: len(frames)]
        assert not capture.complete


def bomb(packing: str) -> bytes:
    """A capture, and behind it 80 MiB of zeros: lz4 makes them 255 times smaller, the others more than that."""
    zeros = PACKERS[packing](bytes(80 << 20))
    return PACKERS[packing](FILES["pcap"]) + zeros


@pytest.mark.parametrize("packing", PACKERS)
def test_bomb_is_stopped(packing: str) -> None:
    """A stream that grows a thousandfold ends after 64 MiB; the frames before are kept, the reason is given."""
    with open_capture(io.BytesIO(bomb(packing))) as capture:
        assert len(list(capture)) == len(TALK)
    assert not capture.complete
    assert "200 times" in " ".join(problem.text for problem in capture.problems)


@pytest.mark.parametrize("packing", PACKERS)
def test_limit_of_unpacked_octets(packing: str) -> None:
    """The caller's limit ends the reading at that octet; without compression it means nothing."""
    packed = PACKERS[packing](FILES["pcap"])
    with open_capture(io.BytesIO(packed), max_unpacked_octets=300) as capture:
        frames = frames_of(capture)
    assert frames == read(io.BytesIO(FILES["pcap"]))[: len(frames)]
    assert len(frames) == 3
    assert "limit of 300" in capture.problems[0].text
    assert len(read(io.BytesIO(FILES["pcap"]), max_unpacked_octets=300)) == len(TALK)


@pytest.mark.parametrize(
    ("octets", "word"),
    [
        (b"", "the file is empty"),
        (b"<!DOCTYPE html><html>404</html>", "did the download fail?"),
        (b"frame 1: 60 bytes\n", "text"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "empty or cut zstd"),
        (b"\x04\x22\x4d\x18\x04\x00", "empty or cut lz4"),
        (b"\x02\x21\x4c\x18\x04\x00", "lz4-compressed in the legacy format"),
        (PACKERS["zstd"](gzip.compress(FILES["pcap"], mtime=0)), "twice"),
        (b"PK\x03\x04\x14\x00", "ZIP"),
        (bytes(500), "zeros"),
        (b"\x01\x02" + FILES["pcap"], "starts at octet 2"),
        (gzip.compress(gzip.compress(FILES["pcap"], mtime=0), mtime=0), "twice"),
        (gzip.compress(b"", mtime=0), "empty or cut gzip"),
        (b"\x1f\x8b garbage, not gzip", "empty or cut gzip"),
    ],
)
def test_refused(octets: bytes, word: str) -> None:
    """What is no capture, and what it seems to be."""
    with pytest.raises(CaptureError) as caught:
        open_capture(io.BytesIO(octets))
    assert word in caught.value.reason
    assert caught.value.path == "-"


def test_paths_that_cannot_be_opened(tmp_path: Path) -> None:
    """No such file, a directory, a name that cannot be: CaptureError with the path as given."""
    for path, word in ((tmp_path / "none.pcap", "no such file"), (tmp_path, "is a directory"), ("a\0b", "name")):
        with pytest.raises(CaptureError) as caught:
            open_capture(path)
        assert word in caught.value.reason
        assert caught.value.path == str(path)


def test_attributes() -> None:
    """Times are the least and the greatest, not the first and the last; a capture is read once and closed after."""
    talk = [TALK[3], TALK[0], TALK[8], TALK[5]]
    with open_capture(io.BytesIO(pcap(talk))) as capture:
        assert capture.frame_count == 0
        assert not capture.complete
        assert [frame.number for frame in capture] == [1, 2, 3, 4]
        with pytest.raises(UsageError):
            iter(capture)
    assert (capture.first_ns, capture.last_ns) == (TALK[0].timestamp_ns, TALK[8].timestamp_ns)
    assert (capture.frame_count, capture.complete, capture.stopped_at) == (4, True, None)
    assert (capture.path, capture.format, capture.compression) == ("-", "pcap", None)


def test_appended_captures() -> None:
    """pcap behind pcap and pcapng, pcapng behind pcap and pcapng: read on, numbers go on, nothing is lost."""
    for first in ("pcap", "pcapng"):
        for second in ("pcap", "pcapng"):
            with open_capture(io.BytesIO(FILES[first] + FILES[second])) as capture:
                frames = list(capture)
            assert [frame.number for frame in frames] == list(range(1, 2 * len(TALK) + 1))
            assert [bytes(frame.octets) for frame in frames] == [frame.octets for frame in TALK] * 2
            assert capture.complete
            assert len(capture.problems) == (0 if first == second == "pcapng" else 1)


def test_growth_while_reading_is_ignored(tmp_path: Path) -> None:
    """What is written behind the end of the file after it was opened does not belong to the reading."""
    path = tmp_path / "growing.pcap"
    path.write_bytes(FILES["pcap"])
    with open_capture(path, window_octets=64) as capture:
        with path.open("ab") as file:
            file.write(FILES["pcap"][24:])
        assert len(list(capture)) == len(TALK)
    assert capture.complete


def test_read_errors_are_losses() -> None:
    """The system refuses to go on in the middle: the frames before are kept."""

    class Failing(io.BytesIO):
        def read(self, count: int | None = -1) -> bytes:  # type: ignore[override]
            if self.tell() >= 4096:
                raise OSError(5, "Input/output error")
            return super().read(min(count or 0, 4096))

        def readinto(self, view: memoryview) -> int:  # type: ignore[override]
            octets = self.read(len(view))
            view[: len(octets)] = octets
            return len(octets)

    talk = TALK * 20
    with open_capture(Failing(pcap(talk)), window_octets=512) as capture:
        count = len(list(capture))
    assert 0 < count < len(talk)
    assert "Input/output error" in capture.problems[0].text


@needs_samples
@pytest.mark.parametrize("folder", ["pcap", "pcapng", "compressed"])
def test_equals_tshark(folder: str) -> None:
    """Number, time, captured and original length of every frame of the sample files are tshark's."""
    try:
        subprocess.run(["tshark", "--version"], capture_output=True, check=True)
    except OSError:
        pytest.skip("no tshark")
    fields = [part for name in ("number", "time_epoch", "cap_len", "len") for part in ("-e", f"frame.{name}")]
    compared = 0
    for path in sorted((SAMPLES / "formats" / folder).iterdir()):
        if path.suffix in (".snoop", ".bz2", ".xz") or path.stat().st_size > 110_000:
            continue
        command = ["tshark", "-n", "-r", str(path), "-T", "fields", *fields]
        environment = {**os.environ, "TZ": "UTC"}
        told = subprocess.run(command, capture_output=True, text=True, env=environment, check=False).stdout
        ours = [
            [str(n), "" if ns is None else f"{ns // 10**9}.{ns % 10**9:09d}", str(len(octets)), str(original)]
            for n, ns, octets, original, _ in read(path)
        ]
        assert ours == [line.split("\t") for line in told.splitlines()], path.name
        compared += 1
    assert compared > 5


def test_opened_again(tmp_path: Path) -> None:
    """A file of ours, uncompressed: the same octets from anywhere, up to the size it had."""
    path = tmp_path / "x"
    octets = pcap([TimedFrame(n, bytes([n]) * 60) for n in range(9)])
    path.write_bytes(octets)
    with open_capture(path) as capture:
        file = capture.stored_file()
        assert file is not None
        path.write_bytes(octets + b"more")
        again = OpenedAgain(file)
        assert isinstance(again.walk, PcapWalk)
        again.go_to(100)
        assert again.window.peek(1 << 20) == octets[100:]
        again.close()
        assert capture.read_at(100, 9_999) == octets[100:]
        (walk,) = capture.walks()
        source = walk.source  # type: ignore[attr-defined]
        capture.go_on(source, 50, 60)
        assert (source.position, bytes(source.take(9))) == (50, octets[50:59])


def test_not_opened_again(tmp_path: Path) -> None:
    """What is compressed, not opened by us, or another file by now."""
    path, other = tmp_path / "x", tmp_path / "y"
    octets = pcap([TimedFrame(n, bytes(60)) for n in range(9)])
    for pack in PACKERS.values():
        path.write_bytes(pack(octets))
        with open_capture(path) as capture:
            assert capture.stored_file() is None
    with open_capture(io.BytesIO(octets)) as capture:
        assert capture.stored_file() is None
    path.write_bytes(octets)
    with open_capture(path) as capture:
        file = capture.stored_file()
        assert file is not None
        other.write_bytes(octets)
        os.replace(other, path)
        with pytest.raises(CaptureError, match="another file"):
            OpenedAgain(file)


def test_a_file_that_shrinks(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(pcap([TimedFrame(n, bytes(60)) for n in range(9)]))
    with open_capture(path) as capture:
        os.truncate(path, 200)
        with pytest.raises(CaptureError, match="changed while it was read"):
            capture.read_at(100, 300)
