"""What rules ask a report: which leg came before, what the server did meanwhile, what made an error good, who is whose.

A view of the Report with tables made when first asked for; it adds no fact of its own. Positions order what happened
in captures whose clocks are known to each other (`correlation/timeline.py`).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TypeVar, cast

from rpctrace.correlation.hosts import same_hosts
from rpctrace.correlation.realms import RealmClaim, is_granting, realms_of_hosts
from rpctrace.correlation.timeline import Position, Timeline
from rpctrace.diagnosis.failures import Failure, FailureKind, failures, is_failed_result
from rpctrace.diagnosis.identity import NameClaim, names_of_hosts, shown_realms
from rpctrace.diagnosis.log_evidence import LogEvidence
from rpctrace.diagnosis.referrals import Referrals
from rpctrace.diagnosis.successes import Successes
from rpctrace.diagnosis.ticket_uses import Place, TicketUses
from rpctrace.report import (
    Authentication,
    Call,
    Endpoint,
    Event,
    Host,
    KerberosExchange,
    ReferralPath,
    Report,
    Stream,
)

ANSWERS_LOOKED_THROUGH = 64  # of one client, after one exchange
MEANWHILE_LOOKED_THROUGH = 256  # of one server, from a call on: calls that get no answer are not each compared with all
# Of one connection, so that many failed calls on it are not each compared with all: before or after a call, and at
# either end of the connection.
NEAR_CALLS, END_CALLS = 48, 16
_Ended = Call | KerberosExchange | Authentication | Event | Stream
_Key = TypeVar("_Key", bound=Hashable)
_Table = TypeVar("_Table")
_Thing = TypeVar("_Thing")


class Evidence(LogEvidence):
    """A report as rules see it. `realms`: host (address or name) -> realm, as the user gave them."""

    def __init__(self, report: Report, realms: Mapping[str, str] | None = None) -> None:
        super().__init__(report)
        self.failures: tuple[Failure, ...] = failures(report)
        self._given = realms or {}
        self._timeline = Timeline(report.clocks)
        self._places: dict[Place, Place] = {}  # each once, for many tables have them as keys
        self._tables: dict[Callable[[Evidence], object], object] = {}

    def forget(self) -> None:
        """Nothing is asked any more. The tables refer to each other and would live until a look for garbage."""
        vars(self).clear()

    def of(self, kind: FailureKind) -> tuple[Failure, ...]:
        return self._of_kind.get(kind, ())

    @cached_property
    def _of_kind(self) -> Mapping[FailureKind, tuple[Failure, ...]]:
        table: dict[FailureKind, list[Failure]] = defaultdict(list)
        for failure in self.failures:
            table[failure.kind].append(failure)
        return {kind: tuple(same) for kind, same in table.items()}

    def once(self, make: Callable[[Evidence], _Table]) -> _Table:
        """What `make` says of this evidence: a rule's own table of the report, made when first asked for."""
        if make not in self._tables:
            self._tables[make] = make(self)
        return cast("_Table", self._tables[make])

    # Records by their ids

    @cached_property
    def exchanges(self) -> Mapping[str, KerberosExchange]:
        return {each.id: each for each in self.report.kerberos}

    @cached_property
    def paths(self) -> Mapping[str, ReferralPath]:
        return {each.id: each for each in self.report.referral_paths}

    @cached_property
    def streams(self) -> Mapping[str, Stream]:
        return {each.id: each for each in self.report.streams}

    @cached_property
    def endpoints(self) -> Mapping[str, Endpoint]:
        return {each.id: each for each in self.report.endpoints}

    # Time

    def line(self, capture: int) -> int:
        """Captures of one line have a common time."""
        return self._timeline.line(capture)

    def place_of(self, record: _Ended | ReferralPath, host: Host) -> Place:
        """By what a host is known in tables: the same address in captures without a common time may be another's."""
        place = self.line(record.capture), self.host(host.address)
        return self._places.setdefault(place, place)

    def hosts_of(self, record: _Ended) -> tuple[Place, Place]:
        """Client and server of a record, by what they are known in tables."""
        return self.place_of(record, record.client), self.place_of(record, record.server)

    def asked_at(self, record: Call | KerberosExchange | Authentication) -> Position:
        """When the request was captured; of a record without its request, its answer."""
        frame = _first_frame(record)
        time_ns = record.request_ns if record.request_ns is not None else record.reply_ns
        return self._timeline.position(record.capture, time_ns, frame)

    def answered_at(self, record: Call | KerberosExchange | Authentication) -> Position | None:
        if record.reply_ns is None and _reply_frame(record) is None:
            return None
        return self._timeline.position(record.capture, record.reply_ns, _reply_frame(record))

    def span_ns(self, record: Call | KerberosExchange | Authentication) -> tuple[int, int] | None:
        """From the request to the answer by the clock that the lines of logs have; None without times."""
        times = [time for time in (record.request_ns, record.reply_ns) if time is not None]
        if not times:
            return None
        first, last = (self._timeline.position(record.capture, each, None)[0] for each in (min(times), max(times)))
        return first, last

    def lasted_ns(self, record: Call | KerberosExchange | Authentication) -> int | None:
        """From request to answer, by one clock; None where either has no time."""
        if record.request_ns is None or record.reply_ns is None:
            return None
        return record.reply_ns - record.request_ns

    def seen_at(self, event: Event) -> Position:
        return self._timeline.position(event.capture, event.first_ns, min(event.frames, default=None))

    def began_at(self, stream: Stream) -> Position:
        return self._timeline.position(stream.capture, stream.first_ns, stream.first_frame)

    def ended_at(self, stream: Stream) -> Position:
        return self._timeline.position(stream.capture, stream.last_ns, stream.last_frame)

    def told_at(self, endpoint: Endpoint) -> Position:
        return self._timeline.position(endpoint.capture, endpoint.time_ns, endpoint.frame)

    # Calls and their connection

    @cached_property
    def _by_connection(self) -> Mapping[str, tuple[Call, ...]]:
        return self._in_order((call.connection, call) for call in self.report.calls)

    @cached_property
    def _legs(self) -> Mapping[Hashable, tuple[Call, ...]]:
        return self._in_order(
            ((call.connection, call.auth.context_id), call)
            for call in self.report.calls
            if call.auth is not None and call.kind != "request"
        )

    def _in_order(self, calls: Iterable[tuple[_Key, Call]]) -> Mapping[_Key, tuple[Call, ...]]:
        """By key. The positions of all calls would take more memory than it takes time to ask for some again."""
        table: dict[_Key, list[Call]] = defaultdict(list)
        for key, call in calls:
            table[key].append(call)
        return {key: tuple(sorted(table.pop(key), key=self.asked_at)) for key in list(table)}

    def on_connection(self, call: Call) -> tuple[Call, ...]:
        """The kept calls of the same connection, in order, this one too. Of a long connection its first and last calls
        and those near this one."""
        calls = self._by_connection.get(call.connection, ())
        if len(calls) <= 2 * (NEAR_CALLS + END_CALLS):
            return calls
        at = bisect_left(calls, self.asked_at(call), key=self.asked_at)
        near = range(max(at - NEAR_CALLS, 0), min(at + NEAR_CALLS, len(calls)))
        shown = sorted({*range(END_CALLS), *near, *range(len(calls) - END_CALLS, len(calls))})
        return tuple(calls[each] for each in shown)

    def context_legs(self, call: Call) -> tuple[Call, ...]:
        """The binds, alter_contexts and auth3 of the same security context that came before this call, or it itself. Of
        many, the first ones and the last."""
        if call.auth is None:
            return ()
        legs = self._legs.get((call.connection, call.auth.context_id), ())
        until = bisect_left(legs, self.asked_at(call), key=self.asked_at)
        first, last = legs[: min(until, END_CALLS)], legs[max(until - NEAR_CALLS, END_CALLS) : until]
        itself = (call,) if call.kind != "request" else ()
        return (*first, *last, *itself)

    def later_on_connection(self, call: Call) -> tuple[Call, ...]:
        """The calls that came next."""
        calls = self._by_connection.get(call.connection, ())
        after = bisect_right(calls, self.asked_at(call), key=self.asked_at)
        return calls[after : after + NEAR_CALLS]

    @cached_property
    def successes(self) -> Successes:
        """What clients got from servers, and who is logged on there."""
        return Successes(self.report, self)

    # What the server did meanwhile

    @cached_property
    def _members(self) -> Mapping[Place, Call]:
        table: dict[Place, Call] = {}
        calls = [call for call in self.report.calls if call.secure_channel is not None]
        for call in sorted(calls, key=lambda call: call.failed or is_failed_result(call)):
            table.setdefault(self.place_of(call, call.client), call)
        return table

    def secure_channel_of(self, address: str, capture: int) -> Call | None:
        """The first call of the host to its domain controller over the Netlogon secure channel, if it is seen to make
        any; one that worked, where there is one."""
        return self._members.get((self.line(capture), self.host(address)))

    @cached_property
    def _logons(self) -> Mapping[Place, tuple[Call, ...]]:
        """By the host that asks its domain controller."""
        calls = self.report.calls
        logons = (call for call in calls if call.secure_channel is not None and call.secure_channel.is_logon)
        return self._in_order((self.place_of(call, call.client), call) for call in logons)

    def logons_between(self, address: str, call: Call | Authentication) -> tuple[Call, ...]:
        """Logon requests (NetrLogonSamLogon*, sealed or not) of the host between a call to it and its answer; of many,
        the first ones."""
        logons = self._logons.get((self.line(call.capture), self.host(address)), ())
        return self._between(logons, self.asked_at, call)

    def _between(
        self, things: Sequence[_Thing], position: Callable[[_Thing], Position], record: Call | Authentication
    ) -> tuple[_Thing, ...]:
        """What lies between request and answer; without an answer, from the request on."""
        start, end = self.asked_at(record), self.answered_at(record)
        first = bisect_left(things, start, key=position)
        last = bisect_right(things, end, key=position) if end is not None else len(things)
        return tuple(things[first : min(last, first + MEANWHILE_LOOKED_THROUGH)])

    @cached_property
    def _active(self) -> frozenset[Place]:
        """Hosts that are seen as clients of something."""
        report = self.report
        records: list[Call | KerberosExchange | Authentication | Event] = [*report.calls, *report.kerberos]
        records += [*report.authentications, *report.events]
        return frozenset(self.place_of(each, each.client) for each in records)

    def acts_as_client(self, address: str, capture: int) -> bool:
        """Whether the captures of that time show the host asking others: only then was its own traffic captured, and
        its silence means something."""
        return (self.line(capture), self.host(address)) in self._active

    @cached_property
    def in_trouble(self) -> frozenset[tuple[Place, Place]]:
        """Clients and servers, as `hosts_of` has them, on whose connections something happened: tables of connections
        need no others."""
        return frozenset(map(self.hosts_of, self.report.events))

    @cached_property
    def _attempts(self) -> Mapping[Place, list[Event]]:
        table: dict[Place, list[Event]] = defaultdict(list)
        for event in self.report.events:
            table[self.place_of(event, event.client)].append(event)
        for events in table.values():
            events.sort(key=self.seen_at)
        return table

    def attempts_between(self, address: str, record: Call | Authentication) -> tuple[Event, ...]:
        """What happened on connections that the host opened between a call to it and its answer; of much, the first."""
        events = self._attempts.get((self.line(record.capture), self.host(address)), [])
        return self._between(events, self.seen_at, record)

    # Hosts and realms

    @cached_property
    def _hosts(self) -> Mapping[str, str]:
        return same_hosts(self.report.kerberos)

    def host(self, address: str) -> str:
        """One address for each host that has several."""
        return self._hosts.get(address, address)

    @cached_property
    def _realms(self) -> Mapping[str, list[RealmClaim]]:
        """By the address by which a host is known here."""
        table: dict[str, list[RealmClaim]] = defaultdict(list)
        for address, claims in realms_of_hosts(self.report, self._given).items():
            table[self.host(address)].extend(claims)
        for address, claim in shown_realms(self.report):
            table[self.host(address)].append(claim)
        return table

    def realm_of(self, address: str) -> RealmClaim | None:
        """What is surest about a host's realm, by any of its addresses."""
        return max(self._realms.get(self.host(address), ()), key=lambda claim: claim.surety, default=None)

    @cached_property
    def _names(self) -> Mapping[str, list[NameClaim]]:
        table: dict[str, list[NameClaim]] = defaultdict(list)
        for address, claims in names_of_hosts(self.report).items():
            table[self.host(address)].extend(claims)
        return table

    def names_of(self, address: str) -> tuple[NameClaim, ...]:
        """What the captures show of a host's names, by any of its addresses."""
        return tuple(self._names.get(self.host(address), ()))

    # Tickets

    def issuer(self, record: Call | Authentication) -> KerberosExchange | None:
        """The exchange that issued the ticket which was presented."""
        return self.exchanges.get(record.ticket.exchange or "") if record.ticket is not None else None

    @cached_property
    def tickets(self) -> TicketUses:
        """Which server accepted which ticket, and what it answered."""
        return TicketUses(self.report, self)

    @cached_property
    def referrals(self) -> Referrals:
        """How realms stand to each other, as KDCs show it."""
        return Referrals(self.report)

    def path_of(self, exchange: KerberosExchange | None) -> ReferralPath | None:
        return self.paths.get(exchange.path or "") if exchange is not None else None

    @cached_property
    def _answers(self) -> list[KerberosExchange]:
        """Exchanges that gave the client what it asked for, in order."""
        answers = (each for each in self.report.kerberos if each.error is None and each.reply is not None)
        return sorted((each for each in answers if self.answered_at(each) is not None), key=self._ended_at)

    @cached_property
    def _got(self) -> Mapping[tuple[Place, Hashable], list[KerberosExchange]]:
        table: dict[tuple[Place, Hashable], list[KerberosExchange]] = defaultdict(list)
        for each in self._answers:
            table[self._asker(each), _sought(each)].append(each)
        return table

    @cached_property
    def _got_by(self) -> Mapping[Place, list[KerberosExchange]]:
        table: dict[Place, list[KerberosExchange]] = defaultdict(list)
        for each in self._answers:
            table[self._asker(each)].append(each)
        return table

    def made_good(self, exchange: KerberosExchange) -> bool:
        """Whether the same client later got what this exchange was refused."""
        return self.later_answer(exchange) is not None

    def later_answer(self, exchange: KerberosExchange) -> KerberosExchange | None:
        """The exchange in which the same client got what this one was refused."""
        got = self._got.get((self._asker(exchange), _sought(exchange)), ())
        after = bisect_right(got, self._ended_at(exchange), key=self._ended_at)
        return got[after] if after < len(got) else None

    def earlier_answer(self, exchange: KerberosExchange) -> KerberosExchange | None:
        """The last exchange in which the same client had got before what this one was refused."""
        got = self._got.get((self._asker(exchange), _sought(exchange)), ())
        before = bisect_left(got, self.asked_at(exchange), key=self._ended_at)
        return got[before - 1] if before else None

    def answers_after(self, exchange: KerberosExchange, within_ns: int) -> Iterator[KerberosExchange]:
        """What the same client got from any KDC after this exchange, for so long (a capture without times: of what
        came next), in order."""
        at = self._ended_at(exchange)
        got = self._got_by.get(self._asker(exchange), ())
        after = bisect_right(got, at, key=self._ended_at)
        for each in got[after : after + ANSWERS_LOOKED_THROUGH]:
            if exchange.request_ns is not None and self._ended_at(each)[0] > at[0] + within_ns:
                return
            yield each

    def remaining_ns(self, record: Call | KerberosExchange | Authentication) -> int | None:
        """How long its capture went on after it (after its answer, where there is one); None without times."""
        last_ns = max(filter(None, (record.request_ns, record.reply_ns)), default=None)
        end_ns = self.end_ns(record.capture)
        return None if last_ns is None or end_ns is None else end_ns - last_ns

    def end_ns(self, capture: int) -> int | None:
        """When the last frame of a capture was taken, by its own clock."""
        captures = self.report.captures
        return captures[capture].last_ns if capture < len(captures) else None

    def _ended_at(self, exchange: KerberosExchange) -> Position:
        return self.answered_at(exchange) or self.asked_at(exchange)

    def _asker(self, exchange: KerberosExchange) -> Place:
        """The client of an exchange."""
        return self.place_of(exchange, exchange.client)


def _sought(exchange: KerberosExchange) -> Hashable:
    """What a later success must be about: a service, in an AS exchange for the same client. The ticket-granting service
    is one, however its realm is written."""
    service = tuple(each.casefold() for each in exchange.sname)
    if exchange.kind != "AS":
        return exchange.kind, service
    client = tuple(each.casefold() for each in exchange.cname)
    return "AS", client, service[:1] if is_granting(service) else service


def _first_frame(record: Call | KerberosExchange | Authentication) -> int | None:
    if isinstance(record, Call):
        return record.request_frames[-1] if record.request_frames else next(iter(record.reply_frames), None)
    return record.request_frame if record.request_frame is not None else record.reply_frame


def _reply_frame(record: Call | KerberosExchange | Authentication) -> int | None:
    if isinstance(record, Call):
        return record.reply_frames[-1] if record.reply_frames else None
    return record.reply_frame
