"""Processes read ahead; whatever happens to them, the result is that of one process."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from builders import dcerpc as write
from builders import files
from builders.network import TimedFrame
from builders.tcp import SERVER, merged
from range_reading import DATAGRAMS, Outcome, outcome
from scan_talk import BIND, START_NS, mixture, talk

from rpctrace.analysis import Options, analyze
from rpctrace.capture.stored import StoredFile
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.scan import workers
from rpctrace.scan.datagrams import NO_DATAGRAMS
from rpctrace.scan.ranges import Index, Range
from rpctrace.scan.workers import Workers

FRAMES = [
    frame._replace(timestamp_ns=frame.timestamp_ns + n * 10**9) for n in range(4) for frame in mixture(60)
]  # fmt: skip
RANGE_OCTETS = 50_000
TLS = b"\x16\x03\x03\0\x7a"
ACCEPTED = write.bind_ack([write.Result()])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "capture"
    path.write_bytes(files.pcap(FRAMES))
    return path


def by_processes(path: Path, jobs: int, happens: Callable[[Workers], None] = lambda _workers: None) -> Outcome:
    made: list[Workers] = []

    def helpers(file: StoredFile) -> Workers:
        made.append(Workers(file, RECOGNISERS, jobs, RANGE_OCTETS, DATAGRAMS))
        happens(made[0])
        return made[0]

    try:
        return outcome(path, helpers, window_octets=20_000)
    finally:
        made[0].close()


@pytest.mark.parametrize("form", [files.pcap, files.pcapng], ids=["pcap", "pcapng"])
@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_jobs(path: Path, jobs: int, form: Callable[[list[TimedFrame]], bytes]) -> None:
    path.write_bytes(form(FRAMES))
    assert by_processes(path, jobs) == outcome(path, window_octets=20_000)


def noisy(ours: int) -> list[TimedFrame]:
    """Long downloads, and so many conversations of ours for each."""
    rng = random.Random(ours)
    talks = []
    for n in range(40):
        at_ns = START_NS + n * 10**9
        web = talk(40_000 + n, TLS + rng.randbytes(122), TLS + rng.randbytes(122), at_ns)
        for _ in range(120):
            web.send(SERVER, rng.randbytes(1_000))
        talks.append(web.frames)
        talks += [talk(50_000 + n * ours + each, BIND, ACCEPTED, at_ns).frames for each in range(ours)]
    return merged(*talks)


@pytest.mark.parametrize(("ours", "gains"), [(1, True), (20, False)])
def test_where_nearly_all_matters_it_is_read_in_order(path: Path, ours: int, gains: bool) -> None:
    """An index of such a range spares nothing, and making use of it costs more than walking it."""
    path.write_bytes(files.pcap(noisy(ours)))
    ranges = -(-path.stat().st_size // RANGE_OCTETS)
    used: list[int] = []
    pauses: list[int] = []

    def watch(made: Workers) -> None:
        obtain, pause = made.obtain, made.pause

        def obtained(number: int) -> tuple[Range, Index] | None:
            found = obtain(number)
            used.extend([number] * (found is not None))
            return found

        def paused() -> None:
            pauses.append(used[-1])
            pause()

        made.obtain, made.pause = obtained, paused  # type: ignore[method-assign]

    assert by_processes(path, 2, watch) == outcome(path, window_octets=20_000)
    assert used
    if gains:
        assert not pauses
    else:
        assert pauses
        assert len(used) <= ranges / 2


def test_a_process_that_dies(path: Path) -> None:
    """At once, and with ranges that it was given."""

    def kill(made: Workers) -> None:
        for worker in made._workers:
            worker.process.kill()

    def give_and_kill(made: Workers) -> None:
        made.turn(None)
        kill(made)

    for happens in (kill, give_and_kill):
        assert by_processes(path, 3, happens) == outcome(path, window_octets=20_000)


def test_another_file_under_the_name(path: Path, tmp_path: Path) -> None:
    """Its octets are none of ours."""
    expected = outcome(path, window_octets=20_000)

    def replace(_made: Workers) -> None:
        other = tmp_path / "other"
        other.write_bytes(files.pcap([TimedFrame(START_NS, bytes(60))] * 9_000))
        os.replace(other, path)

    def stop_and_replace(made: Workers) -> None:
        for worker in made._workers:
            worker.process.kill()
            worker.process.join()
        replace(made)

    assert by_processes(path, 2, stop_and_replace) == expected


def test_beside_another_thread(path: Path) -> None:
    """Then processes begin from nothing, as they do on other systems."""
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        assert by_processes(path, 2) == outcome(path, window_octets=20_000)
    finally:
        done.set()
        thread.join()


def test_nothing_is_left_behind(path: Path) -> None:
    """No process, when the reading is given up in the middle as well."""
    made = Workers(_stored(path), RECOGNISERS, 3, RANGE_OCTETS)
    processes = [worker.process for worker in made._workers]
    with closing(made):
        made.turn(None)
    for process in processes:
        with pytest.raises(ValueError, match="closed"):
            process.is_alive()


def test_ranges(path: Path) -> None:
    with closing(Workers(_stored(path), RECOGNISERS, 1, RANGE_OCTETS)) as made:
        size = path.stat().st_size
        first, last = made.range_at(1), made.range_at(size - RANGE_OCTETS)
        assert first is not None
        assert first[:3] == (1, RANGE_OCTETS, 2 * RANGE_OCTETS)
        assert last is not None
        assert last.end == size
        assert made.range_at(size) is None


@pytest.mark.parametrize("jobs", [2, 3])
def test_a_report(path: Path, jobs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """By way of the options, for a file that is large enough."""
    alone = analyze(path)
    assert analyze(path, Options(jobs=jobs)) == alone
    monkeypatch.setattr(workers, "MINIMUM_OCTETS", 0)
    monkeypatch.setattr(Workers.__init__, "__defaults__", (RANGE_OCTETS, NO_DATAGRAMS))
    assert analyze(path, Options(jobs=jobs)) == alone
    with path.open("rb") as file:
        assert analyze(file, Options(jobs=jobs)).calls == alone.calls


def _stored(path: Path) -> StoredFile:
    status = path.stat()
    return StoredFile(str(path), status.st_size, status.st_dev, status.st_ino)
