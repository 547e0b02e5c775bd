"""The pipeline: capture files -> Report."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, replace
from typing import BinaryIO, Literal

from rpctrace import report, tally
from rpctrace.assembly import Assembler, sort_by_frame
from rpctrace.capture.storage import Capture, open_capture
from rpctrace.conversation_numbers import ConversationNumbers
from rpctrace.conversations import (
    CONFLICTS_KEPT,
    STREAMS_KEPT,
    Conversations,
    Observation,
    ObservedCall,
    ObservedPdu,
    number_by_frame,
)
from rpctrace.diagnosis.registry import diagnose
from rpctrace.encoding.times import iso_8601
from rpctrace.errors import CaptureError
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Endpoint, Segment
from rpctrace.protocols.dcerpc import association, contexts, security
from rpctrace.protocols.dissector import Problems
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.report import Limit, ProblemEntry, Report, Tool
from rpctrace.scan import flows
from rpctrace.scan.flows import FlowTable
from rpctrace.scan.merging import Helpers
from rpctrace.scan.scan import scan
from rpctrace.stream import direction, reassembly
from rpctrace.stream.stream import Connection, StreamEvent
from rpctrace.version import __version__

Source = str | os.PathLike[str] | BinaryIO


@dataclass(frozen=True, slots=True)
class Options:
    """What a caller may choose. `calls`: `default` keeps 20 000 ordinary calls and every notable one, `all` keeps all,
    `notable` only those that failed, stayed unanswered or carried a token. `pdus` records every MSRPC PDU for the
    Network Monitor view. `plain` reads every frame with `network.decode`, slowly and without `scan`.
    `netmon_utc_offset_minutes`: the zone of Network Monitor files before 2.3.
    `max_unpacked_octets`: where a compressed input stops. `jobs`: how many processes may read one large file, with the
    same result as one."""

    calls: Literal["default", "all", "notable"] = "default"
    pdus: bool = False
    plain: bool = False
    netmon_utc_offset_minutes: int | None = None
    max_unpacked_octets: int | None = None
    jobs: int = 1


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the reading is: octets read of the file's `size_octets` (None on a pipe), and frames so far."""

    path: str
    read_octets: int
    size_octets: int | None
    frames: int


PDUS_KEPT = 1_000_000
EXCHANGES_KEPT = 50_000
TOOL = Tool("rpctrace", __version__)
# Every bound that can be reached while reading, by the name under which it is counted.
_BOUNDS = {
    "calls_kept": tally.CALLS_KEPT,
    "conflicts_kept": CONFLICTS_KEPT,
    "conflicts_not_told": direction.MAXIMUM_CONFLICTS,
    "connections": reassembly.MAXIMUM_CONNECTIONS,
    "connections_idle": reassembly.MAXIMUM_IDLE_NS,
    "exchanges_kept": EXCHANGES_KEPT,
    "flows": flows.MAXIMUM_KEYS // 2,
    "fragments_of_a_pdu": association.MAXIMUM_FRAGMENTS_OF_A_PDU,
    "held_octets": flows.MAXIMUM_HELD_OCTETS,
    "notable_calls_kept": tally.NOTABLE_CALLS_KEPT,
    "open_calls": association.MAXIMUM_OPEN_CALLS,
    "parked_octets": reassembly.MAXIMUM_PARKED_OCTETS,
    "parked_octets_of_a_direction": direction.MAXIMUM_PARKED_OCTETS,
    "pdus_kept": PDUS_KEPT,
    "presentation_contexts": contexts.MAXIMUM_CONTEXTS,
    "problems_kept": Problems.MAXIMUM,
    "remembered_octets": reassembly.MAXIMUM_REMEMBERED_OCTETS,
    "resets_beyond_window": direction.WINDOW_OCTETS,
    "security_contexts": security.MAXIMUM_CONTEXTS,
    "segments_after_their_gap": direction.REMEMBERED_GAPS,
    "segments_behind_fin": 0,
    "segments_beyond_window": direction.WINDOW_OCTETS,
    "streams_kept": STREAMS_KEPT,
    "summary_rows": tally.SUMMARY_ROWS,
}


def analyze(
    source: Source | Sequence[Source],
    options: Options = Options(),
    progress: Callable[[Progress], None] | None = None,
    unreadable: Callable[[CaptureError], None] | None = None,
) -> Report:
    """Reads one capture, or several as one incident, and reports what failed in them.

    `source` is a path, `-` (standard input), a binary file object, or a sequence of these. Raises `CaptureError` for an
    input that is no capture, or calls `unreadable` with it and goes on with the others; damage inside a capture is
    reported in it (`Report.complete`, `problems`).
    """
    sources: Sequence[Source] = source if isinstance(source, list | tuple) else (source,)
    parts: list[Report] = []
    for each in sources:
        try:
            parts.append(_read(each, len(parts), sum(len(part.calls) for part in parts), options, progress))
        except CaptureError as error:
            if unreadable is None:
                raise
            unreadable(error)
    return _merged(parts)


class _PduLines:
    """Every MSRPC PDU of a capture for the Network Monitor view; its conversation ids are known at the end."""

    def __init__(self, assembler: Assembler) -> None:
        self.numbers = ConversationNumbers()
        self.left_out = 0
        self._assembler = assembler
        self._lines: list[tuple[report.PduLine, Endpoint, Endpoint]] = []

    def take(self, observed: ObservedPdu) -> None:
        if len(self._lines) >= PDUS_KEPT:
            self.left_out += 1
            return
        facts = observed.conversation
        self._lines.append((self._assembler.pdu_line(observed, ()), facts.client, facts.server))
        self.numbers.rpc(facts.client, facts.server, observed.provenance.frame)

    def numbered(self) -> tuple[report.PduLine, ...]:
        self.numbers.number()
        lines = [replace(line, conversations=self.numbers.of(*ends)) for line, *ends in self._lines]
        return tuple(sorted(lines, key=lambda line: line.frame))


class _Reading:
    """One capture on its way from segments to what is kept of it."""

    def __init__(self, index: int, options: Options) -> None:
        self.index = index
        self.decoder = Decoder()
        self.table = FlowTable(RECOGNISERS)
        self.reassembler = reassembly.Reassembler()
        self.conversations = Conversations(every_pdu=options.pdus)
        self.tally = tally.Tally(options.calls, index)
        self.names: dict[str, str] = {}
        self.assembler = Assembler(index, self.names)
        self.lines = _PduLines(self.assembler) if options.pdus else None

    def read(self, capture: Capture, segments: Iterable[Segment]) -> None:
        feed, others, lines = self.reassembler.feed, self.conversations.others, self.lines
        for segment in segments:
            if lines is not None:
                lines.numbers.segment(segment)
            self.observe(feed(segment))
            if others:
                for each in others:
                    self.table.ignore(each.client, each.server, each.tunnel)
                others.clear()
        self.conversations.capture_end_ns = capture.last_ns
        self.observe(self.reassembler.close())
        self._take(self.conversations.close())
        self.names.update(capture.host_names)
        kept = {id(each.conversation): each.conversation for each in self.tally.kept}
        kept.update((id(facts), facts) for facts in self.conversations.facts)
        number_by_frame(kept.values())

    def observe(self, events: Iterable[tuple[Connection, StreamEvent]]) -> None:
        feed = self.conversations.feed
        for connection, event in events:
            observations = feed(connection, event)
            if observations:
                self._take(observations)

    def _take(self, observations: Iterable[Observation]) -> None:
        for observation in observations:
            if isinstance(observation, ObservedCall):
                self.tally.take(observation)
            elif self.lines is not None:
                self.lines.take(observation)

    def report(self, capture: Capture, calls_before: int) -> Report:
        calls, exchanges = _calls(self.assembler, self.tally.kept, calls_before)
        lines, conversations = self.lines, self.conversations
        reached = {
            **self.table.limits,
            **self.reassembler.limits,
            **conversations.limits,
            **self.tally.limits,
            "problems_kept": conversations.problems.left_out,
            "exchanges_kept": max(0, len(exchanges) - EXCHANGES_KEPT),
            "pdus_kept": lines.left_out if lines else 0,
        }
        return Report(
            tool=TOOL,
            captures=(_facts(capture),),
            calls=calls,
            kerberos=exchanges[:EXCHANGES_KEPT],
            summary=self.tally.summary(),
            streams=tuple(map(self.assembler.stream, sorted(conversations.facts, key=lambda facts: facts.number))),
            findings=diagnose(calls),
            problems=tuple(_problems(self.index, capture, self.decoder, conversations)),
            limits=tuple(Limit(name, _BOUNDS[name], count) for name, count in sorted(reached.items()) if count),
            pdus=lines.numbered() if lines else (),
        )


def _read(
    source: Source, index: int, calls_before: int, options: Options, progress: Callable[[Progress], None] | None
) -> Report:
    reading = _Reading(index, options)
    with open_capture(
        source,
        netmon_utc_offset_minutes=options.netmon_utc_offset_minutes,
        max_unpacked_octets=options.max_unpacked_octets,
    ) as capture:
        if progress is not None:
            capture.told = lambda: progress(
                Progress(capture.path, capture.read_octets, capture.size_octets, capture.frame_count)
            )
        if options.plain or options.pdus:  # the Network Monitor view numbers every conversation
            reading.read(capture, _plain(capture, reading.decoder))
        else:
            with _helpers(capture, options.jobs) as helpers:
                reading.read(capture, scan(capture, reading.decoder, reading.table, helpers))
        return reading.report(capture, calls_before)


def _helpers(capture: Capture, jobs: int) -> AbstractContextManager[Helpers | None]:
    """Processes that read ahead, for a file that is worth it."""
    file = capture.stored_file() if jobs > 1 else None
    if file is None:
        return nullcontext()
    from rpctrace.scan.workers import Workers, is_worth_it

    return closing(Workers(file, RECOGNISERS, jobs)) if is_worth_it(file) else nullcontext()


def _plain(capture: Capture, decoder: Decoder) -> Iterator[Segment]:
    for frame in capture:
        segment = decoder.decode(frame)
        if segment is not None:
            yield segment


def _calls(
    assembler: Assembler, kept: list[ObservedCall], calls_before: int
) -> tuple[tuple[report.Call, ...], tuple[report.KerberosExchange, ...]]:
    """The entries of the calls that are kept. `kept` is emptied, so that no call is held in both forms."""
    calls: list[report.Call] = []
    exchanges: list[report.KerberosExchange] = []
    sort_by_frame(kept)
    kept.reverse()
    while kept:
        observed = kept.pop()
        call = assembler.call(f"call-{calls_before + len(calls) + 1}", observed)
        calls.append(call)
        exchange = assembler.exchange(call, observed)
        if exchange is not None:
            exchanges.append(exchange)
    return tuple(calls), tuple(exchanges)


def _facts(capture: Capture) -> report.CaptureFacts:
    return report.CaptureFacts(
        path=capture.path,
        format=capture.format,
        compression=capture.compression,
        frames=capture.frame_count,
        bytes=capture.size_octets if capture.size_octets is not None else capture.read_octets,
        first_ns=capture.first_ns,
        first_time=iso_8601(capture.first_ns),
        last_ns=capture.last_ns,
        last_time=iso_8601(capture.last_ns),
        complete=capture.complete,
        stopped_at=capture.stopped_at,
    )


def _problems(
    index: int, capture: Capture, decoder: Decoder, conversations: Conversations
) -> Iterable[ProblemEntry]:
    for said in capture.problems:
        yield ProblemEntry("capture", said.text, index, said.frame_number, said.offset, 1)
    for met in decoder.problems:
        yield ProblemEntry(met.layer, met.text, index, met.frame_number, None, met.count)
    for problem in sorted(conversations.problems, key=lambda each: (each.frame_number, each.error.offset)):
        error = problem.error
        yield ProblemEntry(error.layer, error.detail, index, problem.frame_number, error.offset, 1)
    for conflict in conversations.conflicts:
        text = f"octets differ from those of frame {conflict.first_frame_number}, which were kept"
        yield ProblemEntry("tcp", text, index, conflict.frame_number, conflict.offset, 1)


def _merged(parts: list[Report]) -> Report:
    """Several captures read one after the other, as one report; frame numbers keep their capture's index."""
    if len(parts) == 1:
        return parts[0]
    return Report(
        tool=TOOL,
        captures=tuple(each for part in parts for each in part.captures),
        calls=tuple(each for part in parts for each in part.calls),
        kerberos=tuple(each for part in parts for each in part.kerberos),
        summary=tuple(each for part in parts for each in part.summary),
        streams=tuple(each for part in parts for each in part.streams),
        findings=tuple(each for part in parts for each in part.findings),
        problems=tuple(each for part in parts for each in part.problems),
        limits=tuple(each for part in parts for each in part.limits),
        pdus=tuple(each for part in parts for each in part.pdus),
    )
