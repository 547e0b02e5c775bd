"""What is kept of one capture until its end -> its part of the Report.

The entries are made when the readers of the capture are gone, and each record is forgotten as its entry is made: no
more is held at a time than one of the two forms.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from rpctrace import report
from rpctrace.assembly import endpoints, events, exchanges, kdc
from rpctrace.assembly.calls import Assembler, stream_id
from rpctrace.capture.storage import Capture
from rpctrace.conversation_numbers import ConversationNumbers
from rpctrace.conversations.observations import (
    ConversationFacts,
    Observation,
    ObservedAuthentication,
    ObservedCall,
    ObservedPdu,
)
from rpctrace.emptying import emptied
from rpctrace.encoding.times import iso_8601
from rpctrace.gathering import Gathered
from rpctrace.network.flow import Endpoint
from rpctrace.protocols.interfaces.stub import Telling
from rpctrace.report import ProblemEntry, Report
from rpctrace.tally import EXCHANGES_KEPT, PDUS_KEPT, CallsWanted, Tally


class PduLines:
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


class Kept:
    """Takes what conversations tell. `facts`, `problems` and `reached` (how often each bound was) are set by who reads
    the capture when it is read."""

    def __init__(self, index: int, calls: CallsWanted, *, pdus: bool) -> None:
        self.index = index
        self.tally = Tally(calls, index)
        # What the capture calls its hosts is known at its end.
        self.gathered = Gathered(partial(kdc.exchange, Assembler(index, {})))
        self.names: dict[str, str] = {}
        self.assembler = Assembler(index, self.names)
        self.lines = PduLines(self.assembler) if pdus else None
        self.facts: list[ConversationFacts] = []
        self.problems: tuple[ProblemEntry, ...] = ()
        self.reached: Mapping[str, int] = {}

    def take(self, observations: Iterable[Observation]) -> None:
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

    def conversations(self) -> Iterable[ConversationFacts]:
        """Each of which anything is kept, once."""
        kept = {id(facts): facts for facts in self.tally.kept.conversations()}
        kept.update((id(facts), facts) for facts in self.facts)
        return kept.values()

    def part(self, capture: Capture, before: Report) -> Report:
        """What this capture adds to a report; `before`: what those before it gave, whose ids are taken. To be asked
        once."""
        identities: dict[int, str] = {}
        summary = self.tally.summary()
        assembler, gathered, lines = self.assembler, self.gathered, self.lines
        met = gathered.authentications()
        servers = self._servers(met)
        calls, met_exchanges = self._calls(len(before.calls), identities)
        met_exchanges += map(self._with_names, emptied(gathered.exchanges))
        met_exchanges += filter(None, (exchanges.of_authentication(assembler, each) for each in met))
        kerberos = exchanges.numbered(met_exchanges, len(before.kerberos))
        authentications = [exchanges.authentication(assembler, each) for each in met]
        told = [(each, call) for call in gathered.tellers for each in endpoints.told(assembler, call)]
        servers |= self._addresses({each.server for each, _ in told})
        reached = {
            **self.reached,
            **self.tally.limits,
            **gathered.left_out,
            "exchanges_kept": gathered.left_out["exchanges_kept"] + max(0, len(kerberos) - EXCHANGES_KEPT),
            "pdus_kept": lines.left_out if lines else 0,
        }
        self.facts.sort(key=lambda facts: facts.number)
        return Report(
            tool=before.tool,
            captures=(_facts(capture),),
            calls=calls,
            kerberos=kerberos[:EXCHANGES_KEPT],
            authentications=exchanges.numbered_authentications(authentications, len(before.authentications)),
            endpoints=endpoints.numbered(told, identities, len(before.endpoints)),
            events=events.all_of(assembler, gathered.notices, gathered.incidents, servers),
            summary=summary,
            streams=tuple(map(assembler.stream, emptied(self.facts))),
            problems=self.problems,
            limits=_limits(reached),
            pdus=lines.numbered() if lines else (),
        )

    def _with_names(self, exchange: report.KerberosExchange) -> report.KerberosExchange:
        """An exchange with what the capture calls its hosts."""
        if not self.names:
            return exchange
        ends = (Endpoint(host.address, host.port) for host in (exchange.client, exchange.server))
        client, server = map(self.assembler.host, ends)
        return replace(exchange, client=client, server=server)

    def _addresses(self, servers: set[str | None]) -> set[str]:
        """The addresses of hosts to which an answer sent a client: nobody else may have reached them."""
        known = {name.casefold() for name in servers if name is not None}
        return known | {address for address, name in self.names.items() if name.casefold() in known}

    def _servers(self, met: list[ObservedAuthentication]) -> set[str]:
        """The addresses that served something that was read."""
        exchanges = {each.server.address for each in self.gathered.exchanges}
        others = {each.connection.server.address for each in met}
        return exchanges | others | {facts.server.address for facts in self.facts}

    def _calls(
        self, before: int, identities: dict[int, str]
    ) -> tuple[tuple[report.Call, ...], list[report.KerberosExchange]]:
        """The entries of the calls that are kept, and the exchanges that they carried; `identities` gets the ids of
        those that may tell endpoints."""
        calls: list[report.Call] = []
        carried: list[report.KerberosExchange] = []
        assembler = self.assembler
        for observed in self.tally.kept.taken():
            call = assembler.call(f"call-{before + len(calls) + 1}", observed)
            calls.append(call)
            if isinstance(observed.said, Telling):  # known by its identity, others are made anew
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
