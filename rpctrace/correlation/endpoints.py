"""A connection, or what went wrong on one -> the answer that had told its client to come there.

Endpoint mapper, OXID resolver and activation tell ports and pipes. The latest answer before the connection counts; one
given to the same client before one given to another, one about an interface that was bound there before others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterator
from dataclasses import replace

from rpctrace.correlation.fallback import host_names
from rpctrace.correlation.timeline import Position, Timeline
from rpctrace.encoding.addresses import address_of
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Endpoint, Event, Host, Report, Stream

ANSWERS_LOOKED_THROUGH = 64  # backwards from the connection, of those about its place
_BINDING_KINDS = frozenset(("bind", "alter_context"))


class _Told(NamedTuple):
    position: Position
    endpoint: Endpoint
    client: str | None


def join(report: Report) -> Report:
    answers = _Answers(report)
    bound: dict[str, set[str]] = defaultdict(set)
    for call in report.calls:
        if call.kind in _BINDING_KINDS:
            bound[call.connection].update(each.uuid for each in call.interfaces)
    found = {
        stream.id: answers.before(stream, stream.pipe, stream.first_ns, stream.first_frame, bound[stream.id])
        for stream in report.streams
    }
    connections: dict[str, list[str]] = defaultdict(list)
    for stream in report.streams:
        answer = found[stream.id]
        if answer is not None:
            connections[answer.id].append(stream.id)
    return replace(
        report,
        streams=tuple(_stream(each, found[each.id]) for each in report.streams),
        endpoints=tuple(_endpoint(each, tuple(connections[each.id])) for each in report.endpoints),
        events=tuple(_event(each, answers) for each in report.events),
    )


def _stream(stream: Stream, answer: Endpoint | None) -> Stream:
    told = (answer.id, answer.purpose) if answer is not None else (None, None)
    return stream if (stream.endpoint, stream.purpose) == told else replace(stream, endpoint=told[0], purpose=told[1])


def _endpoint(endpoint: Endpoint, connections: tuple[str, ...]) -> Endpoint:
    return endpoint if endpoint.connections == connections else replace(endpoint, connections=connections)


def _event(event: Event, answers: _Answers) -> Event:
    answer = answers.before(event, event.name, event.first_ns, min(event.frames, default=None), set())
    told = answer.id if answer is not None else None
    return event if event.endpoint == told else replace(event, endpoint=told)


class _Answers:
    """Every place that was told, by host and port or pipe."""

    def __init__(self, report: Report) -> None:
        self._timeline = Timeline(report.clocks)
        self._told: dict[Hashable, list[_Told]] = defaultdict(list)
        clients = {call.id: call.client.address for call in report.calls}
        for each in report.endpoints:
            position = self._timeline.position(each.capture, each.time_ns, each.frame)
            told = _Told(position, each, clients.get(each.call or ""))
            line = self._timeline.line(each.capture)
            for host in host_names(_places(each)):
                for door in _doors(each.port, each.pipe):
                    self._told[line, host, door].append(told)
        for answers in self._told.values():
            answers.sort(key=lambda told: told.position)

    def before(
        self, seen: Stream | Event, pipe: str | None, time_ns: int | None, frame: int | None, bound: set[str]
    ) -> Endpoint | None:
        """The answer that told of the place to which `seen` went at that time."""
        line = self._timeline.line(seen.capture)
        position = self._timeline.position(seen.capture, time_ns, frame)
        best: tuple[tuple[bool, bool, Position], Endpoint] | None = None
        for told in self._about(line, seen.server, pipe, position):
            same_client = told.client == seen.client.address
            rank = (same_client, told.endpoint.interface_uuid in bound, told.position)
            if best is None or rank > best[0]:
                best = rank, told.endpoint
        return best[1] if best is not None else None

    def _about(self, line: int, server: Host, pipe: str | None, position: Position) -> Iterator[_Told]:
        for host in host_names((server.address, server.name)):
            for door in _doors(server.port, pipe):
                answers = self._told.get((line, host, door), ())
                end = bisect_right(answers, position, key=lambda told: told.position)
                yield from answers[max(0, end - ANSWERS_LOOKED_THROUGH) : end]


def _places(endpoint: Endpoint) -> tuple[str, ...]:
    """Where an answer means. A name that the capture may not resolve is in DCOM one of the answering host's own, which
    answers for the exporters that it runs ([MS-DCOM] 1.3.4)."""
    if endpoint.server is None:
        return (endpoint.teller,)
    return (endpoint.server, endpoint.teller) if address_of(endpoint.server) is None else (endpoint.server,)


def _doors(port: int | None, pipe: str | None) -> tuple[int | str, ...]:
    """A pipe where there is one, by its name alone; else the port."""
    if pipe:
        return (pipe.casefold().strip("\\").removeprefix("pipe\\"),)
    return () if port is None else (port,)
