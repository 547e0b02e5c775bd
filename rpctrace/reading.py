"""One capture: segments -> conversations -> what is kept of them -> its part of the Report."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Literal

from rpctrace import report, tally
from rpctrace.assembly import endpoints, events, exchanges, kdc
from rpctrace.assembly.calls import Assembler, sort_by_frame, stream_id
from rpctrace.capture.storage import Capture
from rpctrace.conversation_numbers import ConversationNumbers
from rpctrace.conversations.conversations import Conversations
from rpctrace.conversations.datagrams import Datagrams
from rpctrace.conversations.observations import (
    ConversationFacts,
    Observation,
    ObservedAuthentication,
    ObservedCall,
    ObservedIncident,
    ObservedPdu,
    number_by_frame,
)
from rpctrace.encoding.times import iso_8601
from rpctrace.gathering import Gathered
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment, Transport
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.record import record
from rpctrace.report import ProblemEntry, Report
from rpctrace.scan.flows import FlowTable
from rpctrace.stream import reassembly
from rpctrace.stream.stream import Connection, IncidentKind, StreamEvent
from rpctrace.tally import EXCHANGES_KEPT, PDUS_KEPT

UDP = Transport.UDP
ATTEMPTS = (IncidentKind.REFUSED, IncidentKind.NO_ANSWER)


@record
class Options:
    """What a caller may choose. `calls`: `default` keeps 20 000 ordinary calls and every notable one, `all` keeps all,
    `notable` only those that failed, stayed unanswered or carried a token. `pdus` records every MSRPC PDU for the
    Network Monitor view. `plain` reads every frame with `network.decode`, slowly and without `scan`.
    `netmon_utc_offset_minutes`: the zone of Network Monitor files before 2.3.
    `max_unpacked_octets`: where a compressed input stops. `jobs`: how many processes may read one large file, with the
    same result as one. `realms`: host (address or name) -> its Kerberos realm, where the user knows it.
    `netlogon_year` (in which each log begins, or of each path its own) and `netlogon_utc_offset_minutes` of logs, where
    they are not to be found by fitting. `redact_key`: names and addresses are replaced by others, the same for the same
    key."""

    calls: Literal["default", "all", "notable"] = "default"
    pdus: bool = False
    plain: bool = False
    netmon_utc_offset_minutes: int | None = None
    max_unpacked_octets: int | None = None
    jobs: int = 1
    realms: Mapping[str, str] | None = None
    netlogon_year: int | Mapping[str, int] | None = None
    netlogon_utc_offset_minutes: int | None = None
    redact_key: bytes | None = None


class _PduLines:
    """Every MSRPC PDU of a capture for the Network Monitor view; its conversation ids are known at the end."""

    def __init__(self, assembler: Assembler) -> None:
        self.numbers = ConversationNumbers()
        self.left_out = 0
        self._assembler = assembler
        self._lines: list[tuple[report.PduLine, ConversationFacts]] = []

    def take(self, observed: ObservedPdu) -> None:
        if len(self._lines) >= PDUS_KEPT:
            self.left_out += 1
            return
        facts = observed.conversation
        self._lines.append((self._assembler.pdu_line(observed), facts))
        self.numbers.rpc(facts.client, facts.server, observed.provenance.frame)

    def numbered(self) -> tuple[report.PduLine, ...]:
        self.numbers.number()
        lines = [
            replace(
                line,
                conversations=self.numbers.of(facts.client, facts.server),
                connection=stream_id(line.capture, facts),
            )
            for line, facts in self._lines
        ]
        return tuple(sorted(lines, key=lambda line: line.frame))


class Reading:
    """One capture on its way from segments to what is kept of it."""

    def __init__(self, index: int, options: Options) -> None:
        self.index = index
        self.decoder = Decoder()
        self.table = FlowTable(RECOGNISERS)
        self.reassembler = reassembly.Reassembler()
        self.conversations = Conversations(every_pdu=options.pdus)
        self.datagrams = Datagrams(self.conversations.book)
        self.tally = tally.Tally(options.calls, index)
        self.gathered = Gathered()
        self.names: dict[str, str] = {}
        self.assembler = Assembler(index, self.names)
        self.lines = _PduLines(self.assembler) if options.pdus else None

    def read(self, segment: Segment) -> None:
        """The next segment; what shows with it that nobody will look at is stepped over from here on."""
        if self.lines is not None:
            self.lines.numbers.segment(segment)
        if segment.transport is UDP:
            self._take(self.datagrams.feed(segment))
            return
        events = self.reassembler.feed(segment)
        if not events and not self.reassembler.incidents:
            return
        conversations = self.conversations
        self.observe(events)
        if conversations.others:
            for each in conversations.others:
                self.table.ignore(each.client, each.server, each.tunnel)
            conversations.others.clear()
        if conversations.stepping_over:
            self._step_over()
        if self.reassembler.incidents:
            self._note_incidents()

    def close(self, capture: Capture) -> None:
        """The capture is at its end."""
        self.conversations.capture_end_ns = capture.last_ns
        self.observe(self.reassembler.close(heard=self.table.heard, end_ns=capture.last_ns))
        self._note_incidents()
        self._take(self.conversations.close())
        self._take(self.datagrams.close(capture.last_ns))
        self.names.update(capture.host_names)
        kept = {id(each.conversation): each.conversation for each in self.tally.kept}
        kept.update((id(facts), facts) for facts in self.conversations.facts)
        number_by_frame(kept.values())

    def _note_incidents(self) -> None:
        """Of connections that were never made, and of those that carried something: others are passed over by scan."""
        carried = self.conversations.carried
        for connection, incident in self.reassembler.incidents:
            if incident.kind in ATTEMPTS or connection.number in carried:
                self.gathered.take(ObservedIncident(connection, incident))
        self.reassembler.incidents.clear()

    def _step_over(self) -> None:
        """Octets that no dissector looks at are neither reassembled nor, in scan, made a segment of."""
        for connection, direction, octets in self.conversations.skips():
            stretch = self.reassembler.skip(connection, direction, octets)
            if stretch is not None:
                self.table.skip(stretch)

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
                if observation.said is not None:
                    self.gathered.tell(observation)
            elif isinstance(observation, ObservedPdu):
                if self.lines is not None:
                    self.lines.take(observation)
            else:
                self.gathered.take(observation)

    def part(self, capture: Capture, before: Report) -> Report:
        """What this capture adds to a report; `before`: what those before it gave, whose ids are taken."""
        identities: dict[int, str] = {}
        calls, carried = self._calls(len(before.calls), identities)
        assembler, gathered, lines, conversations = self.assembler, self.gathered, self.lines, self.conversations
        met = gathered.authentications()
        shown = [exchanges.of_authentication(assembler, each) for each in met]
        asked = [kdc.exchange(assembler, each) for each in gathered.exchanges]
        kerberos = exchanges.numbered([*carried, *asked, *filter(None, shown)], len(before.kerberos))
        authentications = [exchanges.authentication(assembler, each) for each in met]
        told = [(each, call) for call in gathered.tellers for each in endpoints.told(assembler, call)]
        servers = self._servers(met) | self._addresses({each.server for each, _ in told})
        reached = {
            **self.table.limits,
            **self.reassembler.limits,
            **conversations.limits,
            **self.tally.limits,
            **gathered.left_out,
            "problems_kept": conversations.problems.left_out,
            "exchanges_kept": gathered.left_out["exchanges_kept"] + max(0, len(kerberos) - EXCHANGES_KEPT),
            "pdus_kept": lines.left_out if lines else 0,
        }
        return Report(
            tool=before.tool,
            captures=(_facts(capture),),
            calls=calls,
            kerberos=kerberos[:EXCHANGES_KEPT],
            authentications=exchanges.numbered_authentications(authentications, len(before.authentications)),
            endpoints=endpoints.numbered(told, identities, len(before.endpoints)),
            events=events.all_of(assembler, gathered.notices, gathered.incidents, servers),
            summary=self.tally.summary(),
            streams=tuple(map(assembler.stream, sorted(conversations.facts, key=lambda facts: facts.number))),
            problems=tuple(_problems(self.index, capture, self.decoder, conversations)),
            limits=_limits(reached),
            pdus=lines.numbered() if lines else (),
        )

    def _addresses(self, servers: set[str | None]) -> set[str]:
        """The addresses of hosts to which an answer sent a client: nobody else may have reached them."""
        known = {name.casefold() for name in servers if name is not None}
        return known | {address for address, name in self.names.items() if name.casefold() in known}

    def _servers(self, met: list[ObservedAuthentication]) -> set[str]:
        """The addresses that served something that was read."""
        exchanges = {each.server.address for each in self.gathered.exchanges}
        others = {each.connection.server.address for each in met}
        return exchanges | others | {facts.server.address for facts in self.conversations.facts}

    def _calls(
        self, before: int, identities: dict[int, str]
    ) -> tuple[tuple[report.Call, ...], list[report.KerberosExchange]]:
        """The entries of the calls that are kept, and the exchanges that they carried. What was kept is emptied, so
        that no call is held in both forms; `identities` gets the ids of those that said something."""
        calls: list[report.Call] = []
        carried: list[report.KerberosExchange] = []
        kept, assembler = self.tally.kept, self.assembler
        sort_by_frame(kept)
        kept.reverse()
        while kept:
            observed = kept.pop()
            call = assembler.call(f"call-{before + len(calls) + 1}", observed)
            calls.append(call)
            if observed.said is not None:
                identities[id(observed)] = call.id
            exchange = exchanges.of_call(assembler, call, observed)
            if exchange is not None:
                carried.append(exchange)
        return tuple(calls), carried


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


def _limits(counts: Mapping[str, int]) -> tuple[report.Limit, ...]:
    """The table of bounds is loaded when one was reached: it knows every reader, and few captures need them all."""
    if not any(counts.values()):
        return ()
    from rpctrace.limits import limits_reached

    return tuple(limits_reached(counts))


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
