"""Several captures of one incident (client, server, domain controller): what two of them hold is one entry.

An entry keeps the frames and times of one capture, by that capture's clock, and names the others' in `also_seen`.
References to an entry that went are turned to the one that stayed, so this join comes before all others. Streams,
summaries and limits stay those of their capture. A report whose captures were joined stays as it is.

Files that follow one another (a ring buffer's) hold no frame twice: there an entry is one where the border cut it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import replace
from itertools import chain, combinations
from typing import Any

from rpctrace.correlation.clocks import clocks
from rpctrace.correlation.matching import Item, by_key, pairs
from rpctrace.correlation.merging import Record, merged, sightings
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Authentication, Call, Endpoint, Event, Host, KerberosExchange, Report

# Between the last frame of a file and the first of the next: as long as a capture is quiet.
BORDER_NS = 10_000_000_000


def join(report: Report) -> Report:
    if len({record.capture for record in _records(report)}) < 2:
        return report
    if not any(record.also_seen for record in _records(report)):
        report = _merged(report)
    seen = (record for record in _records(report) if record.also_seen and not isinstance(record, Event))
    return replace(report, clocks=clocks(map(sightings, seen), _following(report)))


def _following(report: Report) -> list[tuple[int, int]]:
    """(capture, the one that may go on where it ends): the second begins where the first ends, and some hosts talk to
    each other in both. Captures of two machines would have to be apart by as much as they last, and their common
    frames say so."""
    hosts: dict[int, set[Hashable]] = defaultdict(set)
    for stream in report.streams:
        hosts[stream.capture].add((stream.client.address, stream.server.address))
    for record in _records(report):
        for capture in (record.capture, *(seen.capture for seen in record.also_seen)):
            hosts[capture].add((record.client.address, record.server.address))
    times = [(at, each.first_ns, each.last_ns) for at, each in enumerate(report.captures)]
    return [
        (one, other)
        for one, _, end in times
        for other, start, _ in times
        if end is not None and start is not None and one != other
        if 0 <= start - end <= BORDER_NS and hosts[one] & hosts[other]
    ]


def _later_files(following: Iterable[tuple[int, int]]) -> set[tuple[int, int]]:
    """(file, every file after it) of ring buffers."""
    after: dict[int, list[int]] = defaultdict(list)
    for one, other in following:
        after[one].append(other)
    later: set[tuple[int, int]] = set()
    for one in list(after):
        ahead = list(after[one])
        while ahead:
            other = ahead.pop()
            if other != one and (one, other) not in later:
                later.add((one, other))
                ahead += after.get(other, ())
    return later


def _records(report: Report) -> Iterable[Record]:
    return chain(report.calls, report.kerberos, report.authentications, report.events)


def _merged(report: Report) -> Report:
    groups = _groups(report)
    entries: dict[str, list[Any]] = {name: list(getattr(report, name)) for name in _KINDS}
    renamed: dict[str, str] = {}
    gone: dict[str, set[int]] = defaultdict(set)
    for name, members in groups:
        kept = merged([entries[name][member] for member in members])
        for member in members:
            record = entries[name][member]
            if record.capture == kept.capture:
                entries[name][member] = kept
            else:
                gone[name].add(member)
                if isinstance(record, Call) and isinstance(kept, Call):
                    renamed[record.id] = kept.id
    left: dict[str, Any] = {
        name: tuple(record for at, record in enumerate(records) if at not in gone[name])
        for name, records in entries.items()
    }
    left["kerberos"] = tuple(_of_kept_call(each, renamed) for each in left["kerberos"])
    return replace(report, **left, endpoints=_endpoints(report.endpoints, renamed))


def _of_kept_call(exchange: KerberosExchange, renamed: Mapping[str, str]) -> KerberosExchange:
    kept = renamed.get(exchange.call) if exchange.call is not None else None
    return exchange if kept is None else replace(exchange, call=kept)


def _endpoints(endpoints: tuple[Endpoint, ...], renamed: Mapping[str, str]) -> tuple[Endpoint, ...]:
    """The same answer in two captures tells the same endpoints; each is listed once."""
    told = {_told(each) for each in endpoints if each.call is not None and each.call not in renamed}
    left: list[Endpoint] = []
    for each in endpoints:
        kept = renamed.get(each.call) if each.call is not None else None
        if kept is not None:
            each = replace(each, call=kept)
            if _told(each) in told:
                continue
            told.add(_told(each))
        left.append(each)
    return tuple(left)


def _told(endpoint: Endpoint) -> tuple[Hashable, ...]:
    return (
        endpoint.call,
        endpoint.source,
        endpoint.server,
        endpoint.protocol,
        endpoint.port,
        endpoint.pipe,
        endpoint.interface_uuid,
        endpoint.purpose,
        endpoint.status,
    )


def _groups(report: Report) -> list[tuple[str, list[int]]]:
    """(list of the report, places in it) of each thing that several captures hold, a place a capture."""
    items: dict[int, list[Item]] = defaultdict(list)
    for name, item in _KINDS.items():
        for at, record in enumerate(getattr(report, name)):
            key, facts, request_ns, reply_ns, proof = item(record)
            items[record.capture].append(Item((name, at), (name, key), facts, request_ns, reply_ns, proof))
    buckets = {capture: by_key(each) for capture, each in sorted(items.items())}
    group_of: dict[tuple[str, int], dict[int, tuple[str, int]]] = {}
    following = _later_files(_following(report))
    for first, second in combinations(buckets, 2):
        if (second, first) in following:
            first, second = second, first
        for one, other in pairs(buckets[first], buckets[second], following=(first, second) in following):
            mine = group_of.setdefault(one.place, {first: one.place})
            yours = group_of.setdefault(other.place, {second: other.place})
            if mine is not yours and not mine.keys() & yours.keys():
                mine.update(yours)
                group_of.update((place, mine) for place in yours.values())
    distinct = {id(group): group for group in group_of.values() if len(group) > 1}
    return [(min(group.values())[0], [at for _, at in group.values()]) for group in distinct.values()]


class _Said(NamedTuple):
    key: Hashable
    facts: tuple[Hashable, ...]
    request_ns: int | None
    reply_ns: int | None
    proof: Hashable = None


def _ends(client: Host, server: Host) -> Hashable:
    return client.address, client.port, server.address, server.port


def _call(call: Call) -> _Said:
    interfaces = None if call.partial else tuple(each.uuid for each in call.interfaces) or None
    # a fault alone does not tell what it answers, an acknowledgement does
    kind = None if call.reply == "fault" and not call.request_frames else call.kind
    agreed = call.association_group if call.reply_frames and call.kind != "request" else None
    facts = (
        kind,
        call.opnum,
        interfaces,
        call.reply,
        call.status,
        call.reject_reason,
        call.pipe.casefold() if call.pipe else None,
        call.ticket.fingerprint if call.ticket else None,
        agreed or None,
    )
    key = (call.transport, _ends(call.client, call.server), call.call_id, call.activity, call.sequence)
    return _Said(key, facts, call.request_ns, call.reply_ns, agreed if call.kind == "bind" and agreed else None)


def _exchange(exchange: KerberosExchange) -> _Said:
    issued = exchange.ticket.fingerprint if exchange.ticket else None
    asked = exchange.request_frame is not None  # a reply alone names what was issued instead
    facts = (
        exchange.kind,
        exchange.realm if asked else None,
        (exchange.sname or None) if asked else None,
        exchange.error,
        exchange.reply,
        exchange.presented.fingerprint if exchange.presented else None,
        issued,
    )
    key = (exchange.carried_in, _ends(exchange.client, exchange.server))
    return _Said(key, facts, exchange.request_ns, exchange.reply_ns, issued)


def _authentication(said: Authentication) -> _Said:
    facts = (
        said.mechanism if said.request_frame is not None else None,
        said.ticket.fingerprint if said.ticket else None,
        said.target,
        None if said.outcome == "not captured" else said.status,
    )
    return _Said((said.carried_in, _ends(said.client, said.server)), facts, said.request_ns, said.reply_ns)


def _event(event: Event) -> _Said:
    key = (event.kind, _ends(event.client, event.server), event.name)
    return _Said(key, (event.text, event.status), event.first_ns, None)


_KINDS: dict[str, Callable[[Any], _Said]] = {
    "calls": _call,
    "kerberos": _exchange,
    "authentications": _authentication,
    "events": _event,
}
