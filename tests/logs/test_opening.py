"""Proves: a log is read whole whatever is around it, damage ends it with what came before, older logs come first."""

from __future__ import annotations

import gzip
import os
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from netlogon_lines import ENTERED, EXAMPLES, RETURNS, log
from packing import PACKERS

from rpctrace.capture import unpacking
from rpctrace.capture.stored import Octets
from rpctrace.errors import CaptureError
from rpctrace.logs.opening import Log, in_order_of_time

TEXT = log(*(example[0] for example in EXAMPLES), "", ENTERED, RETURNS)


def written(folder: Path, octets: bytes, name: str = "netlogon.log") -> str:
    path = folder / name
    path.write_bytes(octets)
    return str(path)


@pytest.mark.parametrize("name", ["netlogon.log", "netlogon.bak", "a.gz", "noname"])
@pytest.mark.parametrize(
    ("packed", "compression"), [(bytes, None), *((pack, name) for name, pack in PACKERS.items())]
)
def test_compression_shows_by_content(
    tmp_path: Path, packed: Callable[[bytes], bytes], compression: str | None, name: str
) -> None:
    with Log(written(tmp_path, packed(TEXT.encode()), name)) as opened:
        lines = list(opened)
    assert (opened.compression, opened.encoding) == (compression, "utf-8")
    assert (len(lines), opened.line_count, opened.octets) == (47, 48, len(TEXT.encode()))
    assert (opened.stopped_at, opened.problems, opened.cut_lines) == (None, (), 0)
    assert lines[-1].line.number == 48
    assert opened.calendar.first is not None
    assert opened.calendar.first.text == "10-30T08:10:29"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
def test_line_ends_make_no_difference(tmp_path: Path, end: str) -> None:
    lines = [example[0] for example in EXAMPLES]
    with Log(written(tmp_path, log(*lines, end=end).encode())) as opened:
        assert [placed.line[1:] for placed in opened] == [
            placed.line[1:] for placed in Log(written(tmp_path, log(*lines).encode(), "b"))
        ]


def test_damage_ends_it_with_what_came_before(tmp_path: Path) -> None:
    packed = gzip.compress(TEXT.encode() * 50)
    with Log(written(tmp_path, packed[: len(packed) // 2])) as opened:
        lines = list(opened)
    assert 20 < len(lines) < 47 * 50
    assert opened.stopped_at == opened.octets
    assert opened.problems == ("the gzip stream is cut",)


def test_a_bomb_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacking, "RATIO_FREE_OCTETS", 1 << 20)
    with Log(written(tmp_path, gzip.compress(b"a\n" * (8 << 20), 9))) as opened:
        for _ in opened:
            pass
    assert opened.octets < 4 << 20
    assert "200 times" in opened.problems[0]
    with Log(written(tmp_path, gzip.compress(TEXT.encode())), 1000) as opened:
        assert len(list(opened)) < 20
    assert opened.octets == 1000


@pytest.mark.parametrize(
    ("path", "reason"), [("missing.log", "no such file"), (".", "is a directory"), ("a\0b", "name")]
)
def test_what_cannot_be_opened(tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(CaptureError) as raised:
        Log(os.path.join(tmp_path, path))
    assert reason in raised.value.reason


def test_the_older_log_comes_first(tmp_path: Path) -> None:
    """Whatever their names and in which order they were given; each once."""
    new = written(tmp_path, log("[MISC] x", RETURNS).encode(), "netlogon.log")
    old = written(tmp_path, log(RETURNS.replace("03/14", "03/13")).encode(), "netlogon.bak")
    timeless = written(tmp_path, log(EXAMPLES[0][0]).encode(), "article.txt")
    assert in_order_of_time([timeless, new, old, new]) == [old, new, timeless]
    assert in_order_of_time([new]) == [new]
    with pytest.raises(CaptureError):
        in_order_of_time([new, str(tmp_path / "missing")])


def test_little_is_read_to_order_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is in it, and however it is packed; the bound for what may be unpacked holds too."""
    read: list[int] = []
    original = Octets.__init__

    def counted(octets: Octets, *given: Any) -> None:
        original(octets, *given)
        inner = octets.read
        octets.read = lambda count: (read.append(len(piece := inner(count))), piece)[1]

    monkeypatch.setattr(Octets, "__init__", counted)
    rubbish = written(tmp_path, gzip.compress(b"x" * (32 << 20), 1), "rubbish.gz")
    timed = written(tmp_path, log(RETURNS).encode(), "netlogon.log")
    assert in_order_of_time([rubbish, timed]) == [timed, rubbish]
    assert sum(read) < 5 << 20
    read.clear()
    assert in_order_of_time([rubbish, timed], None, 1000) == [timed, rubbish]
    assert sum(read) < 2000


def test_the_older_log_comes_first_at_new_year(tmp_path: Path) -> None:
    new = written(tmp_path, log(RETURNS.replace("03/14", "01/01")).encode(), "netlogon.log")
    old = written(tmp_path, log(RETURNS.replace("03/14", "12/30")).encode(), "netlogon.bak")
    assert in_order_of_time([new, old]) == [old, new]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe(tmp_path: Path) -> None:
    """It is read to its end, once."""
    path = str(tmp_path / "pipe")
    os.mkfifo(path)
    writer = threading.Thread(target=lambda: Path(path).write_bytes(TEXT.encode()))
    writer.start()
    with Log(path) as opened:
        assert len(list(opened)) == 47
    writer.join()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16-le", "utf-16-be"])
def test_a_line_longer_than_any(tmp_path: Path, encoding: str) -> None:
    """With an end and without one: its start is read, in little memory, and the lines around it too."""
    path = written(tmp_path, "\n".join((RETURNS, "x" * 5_000_000, RETURNS, "y" * 5_000_000)).encode(encoding))
    tracemalloc.start()
    with Log(path) as opened:
        lines = list(opened)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert [placed.line.number for placed in lines] == [1, 2, 3, 4]
    assert opened.cut_lines == 2
    assert [len(placed.line.text or "") for placed in lines] == [0, 4096, 0, 4096]
    assert most < 5 << 20


@given(st.integers(0, len(TEXT)), st.lists(st.tuples(st.integers(0, len(TEXT) - 1), st.integers(0, 255)), max_size=20))
def test_any_damage_gives_lines(
    tmp_path_factory: pytest.TempPathFactory, length: int, changes: list[tuple[int, int]]
) -> None:
    """Cut anywhere and changed anywhere: lines, never an error."""
    octets = bytearray(TEXT.encode())
    for place, octet in changes:
        octets[place] = octet
    path = tmp_path_factory.getbasetemp() / "damaged.log"
    path.write_bytes(octets[:length])
    with Log(str(path)) as opened:
        for line, _ in opened:
            assert (line.logon is None) != (line.text is None)
