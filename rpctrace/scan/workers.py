"""The processes of `--jobs`: they read ranges of a file ahead of the one who reads all of it.

Each has its own descriptor of the file and a pipe to us. Ranges are handed out in order, a few to each process, so
that it never waits for the next one; results wait in the pipe, so memory is bounded. Where the next range is not ready
we read a later one ourselves, in the same way. A process that dies, or finds another file under the name, costs its
ranges: they are read as with one process.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from rpctrace.capture.pcapng import Interface
from rpctrace.capture.storage import OpenedAgain
from rpctrace.capture.stored import StoredFile
from rpctrace.errors import CaptureError
from rpctrace.scan.candidates import Recogniser
from rpctrace.scan.datagrams import NO_DATAGRAMS, Datagrams
from rpctrace.scan.range_records import index_of
from rpctrace.scan.ranges import Index, Range

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from multiprocessing.process import BaseProcess

RANGE_OCTETS = 16 << 20
MINIMUM_OCTETS = 64 << 20  # of a file that is worth a second process
HANDED_OUT = 2  # ranges that one process has or is about to read
PAUSED = 8  # ranges that nobody reads ahead after one that gained nothing
READ_AHEAD = 4  # ranges for each process between the one that is merged and the last one handed out
_PATIENCE_SECONDS = 2.0

_Result = tuple[int, Index | None]


def is_worth_it(file: StoredFile) -> bool:
    return file.size >= MINIMUM_OCTETS


class _Worker:
    def __init__(self, process: BaseProcess, pipe: Connection[Range | None, _Result]) -> None:
        self.process = process
        self.pipe = pipe
        self.has: set[int] = set()
        self.is_alive = True


class Workers:
    """`merging.Helpers` with `jobs` - 1 processes and ourselves."""

    def __init__(
        self,
        file: StoredFile,
        recognisers: Sequence[Recogniser],
        jobs: int,
        range_octets: int = RANGE_OCTETS,
        datagrams: Datagrams = NO_DATAGRAMS,
    ) -> None:
        self._file = file
        self._datagrams = datagrams
        self._recognisers = tuple(recognisers)
        self._range_octets = range_octets
        self._count = -(-file.size // range_octets)
        self._unclaimed = 1
        self._behind = 1  # ranges below are merged, or nobody reads them any more
        self._given: dict[int, Range] = {}
        self._results: dict[int, Index | None] = {}
        self._interfaces: tuple[Interface, ...] | None = ()
        self._opened: OpenedAgain | None = None
        self._workers: list[_Worker] = []
        self._start(min(jobs - 1, self._count - 1))

    def _start(self, count: int) -> None:
        import multiprocessing
        import threading

        # a copy of ourselves is there at once, but must not be made while another thread may hold a lock
        quick = sys.platform == "linux" and threading.active_count() == 1
        context = multiprocessing.get_context("fork") if quick else multiprocessing.get_context("spawn")
        for _ in range(max(0, count)):
            ours, theirs = context.Pipe()
            inherited = [ours, *(each.pipe for each in self._workers)] if quick else []
            process = context.Process(
                target=work,
                args=(theirs, inherited, self._file, self._recognisers, self._datagrams),
                name="rpctrace",
                daemon=True,
            )
            try:
                process.start()
            except OSError:  # the system has no room for it
                ours.close()
                theirs.close()
                return
            theirs.close()
            self._workers.append(_Worker(process, ours))

    def range_at(self, offset: int) -> Range | None:
        number = -(-offset // self._range_octets)
        return self._range(number) if number < self._count else None

    def _range(self, number: int) -> Range:
        start = number * self._range_octets
        end = min(start + self._range_octets, self._file.size)
        return Range(number, start, end, self._interfaces or ())

    def turn(self, interfaces: tuple[Interface, ...] | None) -> None:
        self._interfaces = interfaces
        for worker in self._workers:
            while worker.is_alive and worker.has and worker.pipe.poll():
                self._receive(worker)
        self._hand_out()

    def obtain(self, number: int) -> tuple[Range, Index] | None:
        self._behind = max(self._behind, number + 1)
        if number >= self._unclaimed:
            self._unclaimed = number + 1
            return None
        while number not in self._results:
            owner = next((worker for worker in self._workers if number in worker.has), None)
            if owner is None:
                return None
            if owner.pipe.poll() or not self._help():
                self._receive(owner)
            self.turn(self._interfaces)
        index, given = self._results.pop(number), self._given.pop(number)
        return None if index is None else (given, index)

    def pause(self) -> None:
        self._unclaimed = min(self._count, max(self._unclaimed, self._behind + PAUSED))

    def _claim(self) -> Range | None:
        """The next range that nobody reads, if it is not too far ahead."""
        number = self._unclaimed
        most = self._behind + READ_AHEAD * len(self._workers)
        if number >= self._count or number > most or self._interfaces == ():
            return None
        self._unclaimed += 1
        self._given[number] = self._range(number)
        return self._given[number]

    def _hand_out(self) -> None:
        for worker in sorted(self._workers, key=lambda each: len(each.has)):
            while worker.is_alive and len(worker.has) < HANDED_OUT and (wanted := self._claim()) is not None:
                worker.has.add(wanted.number)
                try:
                    worker.pipe.send(wanted)
                except OSError:
                    self._lose(worker)

    def _receive(self, worker: _Worker) -> None:
        try:
            number, index = worker.pipe.recv()
        except (EOFError, OSError):
            self._lose(worker)
            return
        worker.has.discard(number)
        self._results[number] = index

    def _lose(self, worker: _Worker) -> None:
        worker.is_alive = False
        worker.has.clear()

    def _help(self) -> bool:
        """Reads a range instead of waiting."""
        wanted = self._claim()
        if wanted is None:
            return False
        try:
            self._opened = self._opened or OpenedAgain(self._file)
            self._results[wanted.number] = index_of(self._opened, wanted, self._recognisers, self._datagrams)
        except CaptureError:
            self._results[wanted.number] = None
        return True

    def close(self) -> None:
        for worker in self._workers:
            worker.pipe.close()  # which they take for the end
        for worker in self._workers:
            worker.process.join(_PATIENCE_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.process.close()
        self._workers = []
        if self._opened is not None:
            self._opened.close()
            self._opened = None


def work(
    pipe: Connection[_Result, Range | None],
    inherited: Sequence[Connection[Range | None, _Result]],
    file: StoredFile,
    recognisers: tuple[Recogniser, ...],
    datagrams: Datagrams,
) -> None:
    """What a process does: a range in, its index out, until the other end of the pipe is closed."""
    import gc
    import signal

    gc.disable()  # nothing here refers to itself
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one who started us is told too, and then closes the pipe
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    for each in inherited:
        each.close()
    try:
        opened = OpenedAgain(file)
    except CaptureError:
        return
    try:
        while (wanted := pipe.recv()) is not None:
            pipe.send((wanted.number, index_of(opened, wanted, recognisers, datagrams)))
    except (EOFError, OSError):
        return
