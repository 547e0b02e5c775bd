"""One capture: segments -> conversations -> what is kept of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from rpctrace.capture.storage import Capture
from rpctrace.conversations.conversations import Conversations
from rpctrace.conversations.datagrams import Datagrams
from rpctrace.conversations.observations import ObservedIncident, number_by_frame
from rpctrace.kept import Kept
from rpctrace.network.decode import Decoder
from rpctrace.network.flow import Segment, Transport
from rpctrace.protocols.registry import RECOGNISERS
from rpctrace.record import record
from rpctrace.report import ProblemEntry
from rpctrace.scan.flows import FlowTable
from rpctrace.stream import reassembly
from rpctrace.stream.stream import Connection, IncidentKind, StreamEvent
from rpctrace.tally import CallsWanted

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

    calls: CallsWanted = "default"
    pdus: bool = False
    plain: bool = False
    netmon_utc_offset_minutes: int | None = None
    max_unpacked_octets: int | None = None
    jobs: int = 1
    realms: Mapping[str, str] | None = None
    netlogon_year: int | Mapping[str, int] | None = None
    netlogon_utc_offset_minutes: int | None = None
    redact_key: bytes | None = None


class Reading:
    """One capture on its way from segments to what is kept of it."""

    def __init__(self, index: int, options: Options) -> None:
        self.kept = Kept(index, options.calls, pdus=options.pdus)
        self.decoder = Decoder()
        self.table = FlowTable(RECOGNISERS)
        self.reassembler = reassembly.Reassembler()
        self.conversations = Conversations(every_pdu=options.pdus)
        self.datagrams = Datagrams(self.conversations.book)

    def read(self, segment: Segment) -> None:
        """The next segment; what shows with it that nobody will look at is stepped over from here on."""
        if self.kept.lines is not None:
            self.kept.lines.numbers.segment(segment)
        if segment.transport is UDP:
            self.kept.take(self.datagrams.feed(segment))
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

    def close(self, capture: Capture) -> Kept:
        """The capture is at its end. Only what is kept of it should live on while the report is made."""
        conversations, kept = self.conversations, self.kept
        conversations.capture_end_ns = capture.last_ns
        self.observe(self.reassembler.close(heard=self.table.heard, end_ns=capture.last_ns))
        self._note_incidents()
        kept.take(conversations.close())
        kept.take(self.datagrams.close(capture.last_ns))
        kept.names.update(capture.host_names)
        kept.facts = conversations.facts
        number_by_frame(kept.conversations())
        kept.problems = tuple(_problems(kept.index, capture, self.decoder, conversations))
        kept.reached = {
            **self.table.limits,
            **self.reassembler.limits,
            **conversations.limits,
            "problems_kept": conversations.problems.left_out,
        }
        return kept

    def _note_incidents(self) -> None:
        """Of connections that were never made, and of those that carried something: others are passed over by scan."""
        carried = self.conversations.carried
        for connection, incident in self.reassembler.incidents:
            if incident.kind in ATTEMPTS or connection.number in carried:
                self.kept.gathered.take(ObservedIncident(connection, incident))
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
                self.kept.take(observations)


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
