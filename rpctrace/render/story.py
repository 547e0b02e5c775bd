"""A Finding -> the steps that tell how it came about: the failed call, the legs of its security context, where its
ticket came from, what the server asked its domain controller meanwhile, what logs say of it.

What is nearest to the failure stays where there is more than a picture has room for; how much was left out is said.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from rpctrace.correlation.timeline import Timeline
from rpctrace.diagnosis.log_evidence import account_of
from rpctrace.record import record
from rpctrace.render.finding_text import records_by_id
from rpctrace.render.log_places import overlap, placed
from rpctrace.render.steps import (
    Step,
    authentication_step,
    call_step,
    event_step,
    exchange_step,
    log_step,
)
from rpctrace.render.words import user_words
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
_Ends = tuple[int, str, str, int]  # capture, client, server, its port


@record
class Story:
    """Steps in the order of time; `focus` is the one that failed, `zero_time` when it was asked, as its own capture has
    it, `issued_in` the exchange in which its ticket was issued. `left_out` steps had no room; `alike` more calls failed
    in the same way and are not drawn."""

    steps: tuple[Step, ...]
    focus: Step
    zero_time: str | None
    issued_in: str | None
    left_out: int
    alike: int

    @property
    def client(self) -> str:
        return self.focus.asker

    @property
    def server(self) -> str:
        return self.focus.answerer

    @property
    def zero_ns(self) -> int | None:
        """The moment that the others are measured from."""
        return self.focus.first_ns

    @property
    def window_ns(self) -> tuple[int, int] | None:
        """From when to when the failure lasted."""
        first, last = self.focus.first_ns, self.focus.last_ns
        return (first, last) if first is not None and last is not None and last > first else None

    @property
    def names_users(self) -> bool:
        """Whether steps are of several users, so that each has to say of whom."""
        return len({account(step.user) for step in self.steps if step.user}) > 1

    def question_detail(self, step: Step) -> str:
        """With whom it is for, where there are several."""
        return ": ".join(filter(None, (step.user if self.names_users else "", step.question_detail)))


class StoryBook:
    """The records of one report by what a story asks for."""

    def __init__(self, report: Report) -> None:
        self.report = report
        self.clock = Timeline(report.clocks)
        self.records = records_by_id(report)
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
        self.events: dict[_Ends, list[Event]] = defaultdict(list)
        self.refused: dict[tuple[str, tuple[str, ...]], list[KerberosExchange]] = defaultdict(list)
        self._steps: dict[int, Step] = {}  # by the identity of the record: the report holds it
        self._index()

    def _index(self) -> None:
        for event in self.report.events:
            self._at(event.capture, event.frames, event)
            self.events[_ends(event)].append(event)
        for said in self.report.authentications:
            self._at(said.capture, (said.request_frame, said.reply_frame), said)
        for exchange in self.report.kerberos:
            if exchange.error is not None and exchange.sname:
                self.refused[exchange.client.address, exchange.sname].append(exchange)
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
        return legs + same[start:place] + same[place + 1 : place + 1 + NEARBY_CALLS], start - len(legs)

    def step(self, record: _Record) -> Step:
        """Made once: findings of one incident share most of theirs."""
        made = self._steps.get(id(record))
        if made is None:
            made = self._steps[id(record)] = self._made(record)
        return made

    def _made(self, record: _Record) -> Step:
        if isinstance(record, Event):
            return event_step(record, self.clock)
        if isinstance(record, Call):
            step = call_step(record, self.clock)
        elif isinstance(record, KerberosExchange):
            step = exchange_step(record, self.clock)
        else:
            step = authentication_step(record, self.clock)
        user = step.user or self._known_user(record)
        return step if user == step.user else replace(step, user=user)

    def _known_user(self, record: Call | KerberosExchange | Authentication) -> str:
        """Of a ticket who had it issued, of an exchange who set out on its path: requests to a KDC may hide it."""
        issued = record if isinstance(record, KerberosExchange) else None
        if not isinstance(record, KerberosExchange) and record.ticket is not None:
            issued = self.exchanges.get(record.ticket.exchange or "")
        if issued is None:
            return ""
        path = self.paths.get(issued.path or "")
        return user_words(issued.cname) or (user_words(path.cname) if path is not None else "")


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

    def nearness(item: tuple[int, Step]) -> tuple[int, int, str]:
        rank, step = item
        away = abs((step.first_ns or 0) - (focal.first_ns or 0))
        return rank, away, step.key

    best = sorted(ranked.values(), key=nearness)
    kept = _with_room([step for _, step in best])
    return Story(
        steps=tuple(sorted(kept, key=lambda step: (step.first_ns is None, step.first_ns or 0, step.key))),
        focus=focal,
        zero_time=_first_time(focus),
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
        is_leg = other.kind in _LEGS
        if (step.first_ns or 0) <= (focal.last_ns or focal.first_ns or 0) and (is_leg or not _of_another(step, focal)):
            yield _LEG if is_leg else _BEFORE, step
    for logon in book.logons.get(call.server.address, ()):
        step = book.step(logon)
        if _of_another(step, focal) or not book.clock.shared(call.capture, logon.capture):
            continue
        if focal.asked_ns is None or focal.answered_ns is None or step.first_ns is None:
            continue
        if focal.asked_ns <= step.first_ns <= focal.answered_ns:
            yield _PROOF, step
    yield from ((_PROOF, step) for step in _logged(book.logged.get(call.id, ()), focal, book))
    stream = book.streams.get(call.connection)
    endpoint = book.endpoints.get(stream.endpoint or "") if stream is not None else None
    if endpoint is not None and endpoint.call in book.calls:
        yield _SHOWN, book.step(book.calls[endpoint.call or ""])
    error = book.exchanges.get(call.auth.after_error or "") if call.auth is not None else None
    if error is not None:
        yield _PROOF, book.step(error)
    for event in book.events.get(_ends(call), ()):
        yield _BESIDE, book.step(event)


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
    """What a KDC refused about the same service before, of the same user as far as is known."""
    for exchange in book.refused.get((focal.asker, sname), ()):
        step = book.step(exchange)
        if step.key != focal.key and (step.first_ns or 0) <= (focal.first_ns or 0) and not _of_another(step, focal):
            yield _BEFORE, step


def _of_another(step: Step, focal: Step) -> bool:
    """Whether a step is another user's than the one that failed: a client may serve many at once."""
    return bool(step.user and focal.user) and account(step.user) != account(focal.user)


def account(user: str) -> str:
    r"""`alice` of `DOMAINB\Alice` and of `alice@DOMAINB.COM`, to compare users by."""
    return account_of(user.rpartition("\\")[2])


def _ends(record: Call | Event) -> _Ends:
    return record.capture, record.client.address, record.server.address, record.server.port
