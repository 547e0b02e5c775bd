"""Calls of a Report -> its summary, counted anew: for a report of which filters took calls away."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Call, Report, Sighting, Summary
from rpctrace.tally import DURATIONS_OF_A_ROW, median_low, row_order

_Key = tuple[int, str, str, str | None, str | None]


class _Request(NamedTuple):
    """A request, as one capture holds it."""

    failed: bool
    took_ns: int | None


def recounted(report: Report, calls: Iterable[Call], stays_whole: Callable[[Summary], bool]) -> tuple[Summary, ...]:
    """The rows of `report` with what `calls` are in them. A row that also counts requests which are not among the calls
    of `report` stays as it is where `stays_whole` says so."""
    kept = Counter(key for call in report.calls for key, _ in _requests(call))
    left: dict[_Key, list[_Request]] = defaultdict(list)
    for call in calls:
        for key, request in _requests(call):
            left[key].append(request)
    rows = []
    for row in report.summary:
        key = row.capture, row.client, row.server, row.interface, row.operation
        if row.count > kept[key] and stays_whole(row):
            rows.append(row)
        elif key in left:
            rows.append(_with_counts(row, left[key]))
    return tuple(sorted(rows, key=lambda row: (row.capture, row_order(row))))


def _requests(call: Call) -> Iterator[tuple[_Key, _Request]]:
    """A call is in a row of each capture that holds it."""
    if call.kind != "request":
        return
    interface = call.interfaces[0] if call.interfaces else None
    named = None if interface is None else interface.name or interface.uuid
    operation = call.operation or (None if call.opnum is None else f"opnum {call.opnum}")
    sightings: tuple[Call | Sighting, ...] = (call, *call.also_seen)
    for seen in sightings:
        took_ns = None if seen.request_ns is None or seen.reply_ns is None else seen.reply_ns - seen.request_ns
        key = seen.capture, call.client.address, call.server.address, named, operation
        yield key, _Request(call.failed, took_ns)


def _with_counts(row: Summary, requests: list[_Request]) -> Summary:
    durations = [each.took_ns for each in requests if each.took_ns is not None]
    return replace(
        row,
        count=len(requests),
        failed=sum(each.failed for each in requests),
        median_ns=median_low(durations[:DURATIONS_OF_A_ROW]) if durations else None,
        largest_ns=max(durations, default=None),
    )
