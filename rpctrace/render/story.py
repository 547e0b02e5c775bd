"""A Finding -> the steps that tell how it came about: the failed call, the legs of its security context, where its
ticket came from, what the server asked its domain controller meanwhile, what logs say of it.

What is nearest to the failure stays where there is more than a picture has room for; how much was left out is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator

from rpctrace.record import record
from rpctrace.render.log_places import overlap, placed
from rpctrace.render.steps import (
    CommonClock,
    Step,
    authentication_step,
    call_step,
    event_step,
    exchange_step,
    log_step,
)
from rpctrace.report import Authentication, Call, Event, Finding, KerberosExchange, LogEntry, Report

MOST_STEPS = 20  # each has two arrows at the most
MOST_HOSTS = 7
NEARBY_CALLS = 200  # of a long connection: so many before and after the failed call are looked at
FIRST_CALLS = 20  # and the legs among its first calls, which made the security context
_LEGS = frozenset(("bind", "alter_context", "auth3"))
LOG_HOST = "netlogon.log"  # the lane of a domain controller that only its log shows

# The nearer to the failure, the lower: the order in which records may stay.
_FOCUS, _PROOF, _SHOWN, _LEG, _WAY, _BEFORE, _BESIDE = range(7)
_Record = Call | KerberosExchange | Authentication | Event


@record
class Story:
    """Steps in the order of time. `zero_ns`: the moment that they are measured from, when the failed request was sent,
    and `zero_time` the same as its own capture has it; the failure lasts from `window_ns[0]` to `window_ns[1]`.
    `client` and `server`: addresses of the call that failed; `issued_in`: the exchange in which its ticket was issued.
    `left_out` steps had no room; `alike` more calls failed in the same way and are not drawn."""

    steps: tuple[Step, ...]
    focus: str
    zero_ns: int | None
    zero_time: str | None
    window_ns: tuple[int, int] | None
    client: str
    server: str
    issued_in: str | None
    left_out: int
    alike: int


class StoryBook:
    """The records of one report by what a story asks for."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.clock = CommonClock(report)
        self.calls = {call.id: call for call in report.calls}
        self.exchanges = {each.id: each for each in report.kerberos}
        self.authentications = {each.id: each for each in report.authentications}
        self.paths = {each.id: each for each in report.referral_paths}
        self.endpoints = {each.id: each for each in report.endpoints}
        self.streams = {each.id: each for each in report.streams}
        self.places: dict[str, int] = {}  # of a call among those of its connection
        self.by_connection: dict[str, list[Call]] = defaultdict(list)
        self.logons: dict[str, list[Call]] = defaultdict(list)
        self.by_frame: dict[tuple[int, int], _Record] = {}
        self.log_lines: dict[tuple[str, int], LogEntry] = {(e.file, e.line): e for e in report.log_entries}
        self.logged: dict[str, list[LogEntry]] = defaultdict(list)
        self._index()

    def _index(self) -> None:
        for event in self.report.events:
            self._at(event.capture, event.frames, event)
        for said in self.report.authentications:
            self._at(said.capture, (said.request_frame, said.reply_frame), said)
        for exchange in self.report.kerberos:
            if exchange.with_kdc:
                self._at(exchange.capture, (exchange.request_frame, exchange.reply_frame), exchange)
        for call in self.report.calls:
            self.places[call.id] = len(self.by_connection[call.connection])
            self.by_connection[call.connection].append(call)
            self._at(call.capture, (*call.request_frames, *call.reply_frames), call)
            for seen in call.also_seen:
                self._at(seen.capture, (*seen.request_frames, *seen.reply_frames), call)
            if call.secure_channel is not None and call.secure_channel.is_logon:
                self.logons[call.client.address].append(call)
        for entry in self.report.log_entries:
            for identity in entry.calls:
                self.logged[identity].append(entry)

    def _at(self, capture: int, frames: Iterable[int | None], record: _Record) -> None:
        for frame in frames:
            if frame is not None:
                self.by_frame[capture, frame] = record

    def nearby(self, call: Call) -> tuple[list[Call], int]:
        """The calls of its connection that may belong to a call's story; how many earlier ones are none of these."""
        same, place = self.by_connection[call.connection], self.places[call.id]
        start = max(place - NEARBY_CALLS, 0)
        legs = [each for each in same[: min(start, FIRST_CALLS)] if each.kind in _LEGS]
        return legs + same[start:place] + same[place + 1 : place + NEARBY_CALLS], start - len(legs)

    def step(self, record: _Record) -> Step:
        if isinstance(record, Call):
            return call_step(record, self.clock)
        if isinstance(record, KerberosExchange):
            return exchange_step(record, self.clock)
        if isinstance(record, Authentication):
            return authentication_step(record, self.clock)
        return event_step(record, self.clock)


def focus_of(finding: Finding, book: StoryBook) -> _Record | None:
    """The record that a finding is about; of several that failed alike the first."""
    calls = [book.calls[each] for each in finding.calls if each in book.calls]
    found: list[_Record] = [*(call for call in calls if call.failed), *calls]
    for each in finding.concerns:
        for table in (book.authentications, book.exchanges):
            if each in table:
                found.append(table[each])
        path = book.paths.get(each)
        if path is not None:
            found += [book.exchanges[hop] for hop in reversed(path.exchanges) if hop in book.exchanges]
        endpoint = book.endpoints.get(each)
        if endpoint is not None and endpoint.call in book.calls:
            found.append(book.calls[endpoint.call or ""])
    if finding.capture is not None:
        found += [book.by_frame[finding.capture, f] for f in finding.frames if (finding.capture, f) in book.by_frame]
    return found[0] if found else None


def story_of(finding: Finding, book: StoryBook) -> Story | None:
    """None where nothing of the finding stands in a capture or log."""
    focus = focus_of(finding, book)
    if focus is None:
        return None
    focal = book.step(focus)
    ranked: dict[str, tuple[int, Step]] = {focal.key: (_FOCUS, focal)}
    for rank, step in _related(finding, focus, focal, book):
        known = ranked.get(step.key)
        if known is None or rank < known[0]:
            ranked[step.key] = (rank, step)
    zero_ns = focal.first_ns

    def nearness(item: tuple[int, Step]) -> tuple[int, int, str]:
        rank, step = item
        away = abs((step.first_ns or 0) - (zero_ns or 0))
        return rank, away, step.key

    best = sorted(ranked.values(), key=nearness)
    kept = _with_room([step for _, step in best])
    window = None
    if focal.first_ns is not None and focal.last_ns is not None and focal.last_ns > focal.first_ns:
        window = (focal.first_ns, focal.last_ns)
    return Story(
        steps=tuple(sorted(kept, key=lambda step: (step.first_ns is None, step.first_ns or 0, step.key))),
        focus=focal.key,
        zero_ns=zero_ns,
        zero_time=_first_time(focus),
        window_ns=window,
        client=focal.asker,
        server=focal.answerer,
        issued_in=_issued_in(focus),
        left_out=len(best) - len(kept) + (book.nearby(focus)[1] if isinstance(focus, Call) else 0),
        alike=sum(1 for each in finding.calls if each in book.calls) - 1 if finding.calls else 0,
    )


def _first_time(record: _Record) -> str | None:
    return record.first_time if isinstance(record, Event) else record.request_time or record.reply_time


def _issued_in(record: _Record) -> str | None:
    if isinstance(record, KerberosExchange):
        return record.id
    if isinstance(record, Event) or record.ticket is None:
        return None
    return record.ticket.exchange


def _with_room(steps: Iterable[Step]) -> list[Step]:
    """The first steps that a picture has arrows and lanes for."""
    kept: list[Step] = []
    hosts: set[str] = set()
    for step in steps:
        ends = {step.asker, step.answerer}
        if len(kept) < MOST_STEPS and len(hosts | ends) <= MOST_HOSTS:
            kept.append(step)
            hosts |= ends
    return kept


def _related(finding: Finding, focus: _Record, focal: Step, book: StoryBook) -> Iterator[tuple[int, Step]]:
    for item in finding.evidence:
        record = book.by_frame.get((item.capture, item.frame)) if item.capture is not None and item.frame else None
        if record is not None:
            yield _SHOWN, book.step(record)
            yield from _origin(record, book, _WAY)
        if item.log_line is not None and (entry := book.log_lines.get((item.log_line.file, item.log_line.line))):
            yield from ((_PROOF, step) for step in _logged((entry,), focal, book))
    if isinstance(focus, Call):
        yield from _of_call(focus, focal, book)
    if isinstance(focus, Call | Authentication) and focus.ticket is not None:
        yield from _origin(focus, book, _PROOF)
        yield from _asked_before(focus.ticket.sname, focal, book)
    if isinstance(focus, KerberosExchange):
        yield from _way(focus, book)
        yield from _asked_before(focus.sname, focal, book)
    for each in finding.concerns:
        for concerned in (book.exchanges.get(each), book.authentications.get(each)):
            if concerned is not None:
                yield _SHOWN, book.step(concerned)


def _of_call(call: Call, focal: Step, book: StoryBook) -> Iterator[tuple[int, Step]]:
    for other in book.nearby(call)[0]:
        step = book.step(other)
        if (step.first_ns or 0) <= (focal.last_ns or focal.first_ns or 0):
            yield _LEG if other.kind in _LEGS else _BEFORE, step
    for logon in book.logons.get(call.server.address, ()):
        step = book.step(logon)
        if focal.asked_ns is None or focal.answered_ns is None or not book.clock.shared(call.capture, logon.capture):
            continue
        if step.first_ns is not None and focal.asked_ns <= step.first_ns <= focal.answered_ns:
            yield _PROOF, step
    yield from ((_PROOF, step) for step in _logged(book.logged.get(call.id, ()), focal, book))
    stream = book.streams.get(call.connection)
    endpoint = book.endpoints.get(stream.endpoint or "") if stream is not None else None
    if endpoint is not None and endpoint.call in book.calls:
        yield _SHOWN, book.step(book.calls[endpoint.call or ""])
    error = book.exchanges.get(call.auth.after_error or "") if call.auth is not None else None
    if error is not None:
        yield _PROOF, book.step(error)
    for event in book.report.events:
        step = book.step(event)
        same = (event.client.address, event.server.address) == (call.client.address, call.server.address)
        if same and event.capture == call.capture and event.server.port == call.server.port:
            yield _BESIDE, step


def _logged(entries: Iterable[LogEntry], focal: Step, book: StoryBook) -> Iterator[Step]:
    """Lines and their partners, between the server and its domain controller."""
    for entry in entries:
        partner = book.log_lines.get((entry.file, entry.partner or 0))
        for each in (entry, partner):
            if each is not None:
                controllers = [logon.server.address for logon in book.logons.get(focal.answerer, ())]
                answerer = controllers[0] if len(set(controllers)) == 1 else LOG_HOST
                yield log_step(each, focal.answerer, answerer, _log_ns(each, focal, book))


def _log_ns(entry: LogEntry, focal: Step, book: StoryBook) -> int | None:
    """Where a line stands; its time is on the clock of the first capture."""
    returns = entry.phase == "Returns"
    call, logons = None, []
    for joined in (book.calls[each] for each in entry.calls if each in book.calls):
        step = book.step(joined)
        if step.first_ns is None or step.last_ns is None or not book.clock.shared(0, joined.capture):
            continue
        if step.key == focal.key:
            call = (step.first_ns, step.last_ns)
        elif joined.secure_channel is not None:
            logons.append((step.first_ns, step.last_ns))
    span = overlap(entry.time_ns, call, logons)
    if span is not None:
        return placed(span, returns)
    default = focal.last_ns if returns else focal.first_ns
    return default if entry.time_ns is None else entry.time_ns


def _origin(record: _Record, book: StoryBook, rank: int) -> Iterator[tuple[int, Step]]:
    """The exchange that issued what a record presented, or that it is itself, and the way to it."""
    issued = record if isinstance(record, KerberosExchange) else None
    if isinstance(record, Call | Authentication) and record.ticket is not None:
        issued = book.exchanges.get(record.ticket.exchange or "")
    if issued is not None:
        yield rank, book.step(issued)
        yield from _way(issued, book)


def _way(exchange: KerberosExchange, book: StoryBook) -> Iterator[tuple[int, Step]]:
    """The referral path of an exchange, and the AS exchange before it."""
    path = book.paths.get(exchange.path or "")
    if path is None:
        return
    for identity in (path.as_exchange, *path.exchanges):
        hop = book.exchanges.get(identity or "")
        if hop is not None:
            yield _WAY, book.step(hop)


def _asked_before(sname: tuple[str, ...], focal: Step, book: StoryBook) -> Iterator[tuple[int, Step]]:
    """What a KDC refused about the same service before."""
    if not sname:
        return
    for exchange in book.exchanges.values():
        if exchange.error is not None and exchange.sname == sname and exchange.client.address == focal.asker:
            step = book.step(exchange)
            if step.key != focal.key and (step.first_ns or 0) <= (focal.first_ns or 0):
                yield _BEFORE, step
