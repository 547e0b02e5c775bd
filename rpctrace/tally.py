"""Which calls are kept, and the summary of all: a count of what a capture of any size holds, in bounded memory."""

from __future__ import annotations

import sys
from array import array
from collections import Counter
from collections.abc import Sequence
from typing import Literal

from rpctrace.conversations.observations import ConversationFacts, ObservedCall
from rpctrace.emptying import emptied
from rpctrace.kept_calls import KeptCalls
from rpctrace.knowledge import tables
from rpctrace.protocols.dcerpc.call import Call, CallKind, Outcome
from rpctrace.protocols.interfaces.stub import Telling
from rpctrace.report import Summary, is_failure

CALLS_KEPT = 20_000
NOTABLE_CALLS_KEPT = 100_000
PDUS_KEPT = 1_000_000
EXCHANGES_KEPT = 50_000
EVENTS_KEPT = 10_000
ENDPOINTS_KEPT = 20_000  # calls that told some
SUMMARY_ROWS = 10_000
DURATIONS_OF_A_ROW = 10_000
CallsWanted = Literal["default", "all", "notable"]
_LONGEST_NS = 2**63 - 1  # what a place of an array holds
_REQUEST = CallKind.REQUEST
_HARMLESS = tuple(outcome for outcome in Outcome if not is_failure(outcome.value, True))


def median_low(values: Sequence[int]) -> int:
    """That of `statistics`, which loads fractions, decimals and random numbers."""
    return sorted(values)[(len(values) - 1) // 2]


class _Row:
    __slots__ = ("count", "durations", "failed", "largest")

    def __init__(self) -> None:
        self.count = 0
        self.failed = 0
        self.largest = -1
        self.durations = array("q")

    def took(self, duration_ns: int) -> None:
        if duration_ns > self.largest:
            self.largest = duration_ns
        if len(self.durations) < DURATIONS_OF_A_ROW:
            try:
                self.durations.append(duration_ns)
            except OverflowError:  # a forged time
                self.durations.append(_LONGEST_NS if duration_ns > 0 else ~_LONGEST_NS)


class Tally:
    """Takes every call; keeps the notable and as many ordinary ones as `calls` allows; `limits` counts the others."""

    def __init__(self, calls: CallsWanted, capture: int = 0) -> None:
        self._capture = capture
        self.kept = KeptCalls()
        self._ordinary = {"default": CALLS_KEPT, "all": None, "notable": 0}[calls]
        self._notable = None if calls == "all" else NOTABLE_CALLS_KEPT
        self._ordinary_count = 0
        self._notable_count = 0
        self._rows: dict[tuple[str, str, str | None, int | None], _Row] = {}
        self.limits: Counter[str] = Counter()

    def take(self, observed: ObservedCall) -> None:
        conversation, call, *_others = observed
        failed = call.outcome not in _HARMLESS and is_failure(call.outcome.value, call.answer_expected)
        conversation.calls += 1
        if failed:
            conversation.failed += 1
        if call.kind is _REQUEST:
            self._summarise(conversation, call, failed)
        said = call.authentication
        if failed or (said is not None and (said.token is not None or said.reply_token is not None)):
            self._notable_count += 1
            limit, name, count = self._notable, "notable_calls_kept", self._notable_count
        else:
            self._ordinary_count += 1
            limit, name, count = self._ordinary, "calls_kept", self._ordinary_count
        if limit is None or count <= limit:
            self.kept.add(observed, whole=isinstance(observed.said, Telling))
        elif limit:  # a limit of nothing was asked for; it is not reached
            self.limits[name] += 1

    def _summarise(self, conversation: ConversationFacts, call: Call, failed: bool) -> None:
        client, server = conversation.connection.client, conversation.connection.server
        if conversation.client_direction:
            client, server = server, client
        uuid = call.contexts[0].abstract_syntax.uuid if call.contexts else None
        key = (client.address, server.address, uuid, call.opnum)
        row = self._rows.get(key) or self._new_row(key)
        if row is None:
            return
        row.count += 1
        if failed:
            row.failed += 1
        asked_ns = call.request.timestamp_ns if call.request else None
        answered_ns = call.reply.timestamp_ns if call.reply else None
        if asked_ns is not None and answered_ns is not None:
            row.took(answered_ns - asked_ns)

    def _new_row(self, key: tuple[str, str, str | None, int | None]) -> _Row | None:
        if len(self._rows) >= SUMMARY_ROWS:
            self.limits["summary_rows"] += 1
            return None
        client, server, uuid, opnum = key
        row = _Row()
        # Rows outlive the packets that these texts were read from, and repeat them.
        self._rows[sys.intern(client), sys.intern(server), uuid and sys.intern(uuid), opnum] = row
        return row

    def summary(self) -> tuple[Summary, ...]:
        """Busiest first; the median of a row is that of its first 10 000 durations. To be asked once: a row is
        forgotten as its entry is made."""
        rows = []
        counted = list(self._rows.items())
        self._rows.clear()
        for (client, server, uuid, opnum), row in emptied(counted):
            fact = tables.interface(uuid) if uuid else None
            operation = tables.operation_name(uuid, opnum) if uuid and opnum is not None else None
            rows.append(
                Summary(
                    self._capture,
                    client,
                    server,
                    (fact.name if fact else None) or uuid,
                    operation or (None if opnum is None else f"opnum {opnum}"),
                    row.count,
                    row.failed,
                    median_low(row.durations) if row.durations else None,
                    row.largest if row.durations else None,
                )
            )
        return tuple(sorted(rows, key=row_order))


def row_order(row: Summary) -> tuple[int, str, str, str, str]:
    return -row.count, row.client, row.server, str(row.interface), str(row.operation)
