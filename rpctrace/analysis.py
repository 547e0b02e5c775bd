"""The pipeline: capture files -> Report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import fields, replace
from typing import TYPE_CHECKING, BinaryIO

from rpctrace.capture.storage import Capture, open_capture
from rpctrace.correlation.registry import correlate
from rpctrace.diagnosis.failures import has_failures
from rpctrace.errors import CaptureError
from rpctrace.kept import Kept
from rpctrace.network.decode import endpoint
from rpctrace.protocols.registry import DATAGRAM_RECOGNISERS, RECOGNISERS
from rpctrace.reading import Options as Options
from rpctrace.reading import Reading
from rpctrace.record import record
from rpctrace.report import Report, Tool
from rpctrace.scan.datagrams import Datagrams
from rpctrace.scan.scan import scan
from rpctrace.version import __version__

if TYPE_CHECKING:
    from rpctrace.scan.merging import Helpers

Source = str | os.PathLike[str] | BinaryIO


@record
class Progress:
    """How far the reading is: octets read of the file's `size_octets` (None on a pipe), and frames so far."""

    path: str
    read_octets: int
    size_octets: int | None
    frames: int


DATAGRAMS = Datagrams(DATAGRAM_RECOGNISERS)
TOOL = Tool("rpctrace", __version__)


def analyze(
    source: Source | Sequence[Source],
    options: Options = Options(),
    progress: Callable[[Progress], None] | None = None,
    unreadable: Callable[[CaptureError], None] | None = None,
    netlogon: Sequence[str | os.PathLike[str]] = (),
) -> Report:
    """Reads one capture, or several as one incident, and reports what failed in them.

    `source` is a path, `-` (standard input), a binary file object, or a sequence of these; `netlogon` are paths of
    netlogon.log files of servers or domain controllers, whose lines are joined to the calls. Raises `CaptureError` for
    an input that is no capture, or calls `unreadable` with it and goes on with the others; damage inside one is
    reported in it (`Report.complete`, `problems`, `logs`).
    """
    sources: Sequence[Source] = source if isinstance(source, list | tuple) else (source,)
    report = Report(TOOL, (), ())
    for each in sources:
        try:
            report = _joined(report, _read(each, report, options, progress))
        except CaptureError as error:
            if unreadable is None:
                raise
            unreadable(error)
    if netlogon:
        report = _with_logs(report, netlogon, options, unreadable)
    realms = options.realms or {}
    if options.redact_key is not None:
        report, realms = _redacted(report, realms, options.redact_key)
    report = correlate(report)
    if not has_failures(report):
        return report
    from rpctrace.diagnosis.registry import diagnose  # the rules, where there is something to explain

    return replace(report, findings=diagnose(report, realms))


def _redacted(report: Report, realms: Mapping[str, str], key: bytes) -> tuple[Report, Mapping[str, str]]:
    from rpctrace.pseudonyms import Pseudonyms
    from rpctrace.redaction import redact

    names = Pseudonyms(key)
    said = {names.name(host) or "": names.name(realm) or "" for host, realm in realms.items()}
    return redact(report, names), said


def _read(
    source: Source, before: Report, options: Options, progress: Callable[[Progress], None] | None
) -> Report:
    with open_capture(
        source,
        netmon_utc_offset_minutes=options.netmon_utc_offset_minutes,
        max_unpacked_octets=options.max_unpacked_octets,
    ) as capture:
        if progress is not None:
            capture.told = lambda: progress(
                Progress(capture.path, capture.read_octets, capture.size_octets, capture.frame_count)
            )
        return _kept(capture, len(before.captures), options).part(capture, before)


def _kept(capture: Capture, index: int, options: Options) -> Kept:
    """The state of reading ends here: it takes as much memory as the report that is made next."""
    reading = Reading(index, options)
    if options.plain or options.pdus:  # the Network Monitor view numbers every conversation
        _read_plainly(capture, reading)
    else:
        with _helpers(capture, options.jobs) as helpers:
            scan(capture, reading.decoder, reading.table, reading.read, helpers, DATAGRAMS)
    kept = reading.close(capture)
    endpoint.cache_clear()  # what of it is in use is kept by its users
    return kept


def _with_logs(
    report: Report,
    paths: Sequence[str | os.PathLike[str]],
    options: Options,
    unreadable: Callable[[CaptureError], None] | None,
) -> Report:
    from rpctrace.log_reading import read_logs  # a capture alone needs none of it

    return read_logs(
        [os.fspath(path) for path in paths],
        report,
        year=options.netlogon_year,
        utc_offset_minutes=options.netlogon_utc_offset_minutes,
        max_unpacked_octets=options.max_unpacked_octets,
        unreadable=unreadable,
    )


def _helpers(capture: Capture, jobs: int) -> AbstractContextManager[Helpers | None]:
    """Processes that read ahead, for a file that is worth it."""
    file = capture.stored_file() if jobs > 1 else None
    if file is None:
        return nullcontext()
    from rpctrace.scan.workers import Workers, is_worth_it

    return closing(Workers(file, RECOGNISERS, jobs, datagrams=DATAGRAMS)) if is_worth_it(file) else nullcontext()


def _read_plainly(capture: Capture, reading: Reading) -> None:
    for frame in capture:
        segment = reading.decoder.decode(frame)
        if segment is not None:
            reading.read(segment)


def _joined(first: Report, second: Report) -> Report:
    """Captures that were read one after the other, as one report; frame numbers keep their capture's index."""
    lists = [each.name for each in fields(Report) if each.name not in ("tool", "unfiltered")]
    return replace(first, **{name: getattr(first, name) + getattr(second, name) for name in lists})
