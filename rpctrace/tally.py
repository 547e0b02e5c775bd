"""Which calls are kept, and the summary of all: a count of what a capture of any size holds, in bounded memory."""

from __future__ import annotations

from array import array
from collections import Counter
from statistics import median_low
from typing import Literal

from rpctrace.conversations import ObservedCall
from rpctrace.knowledge import tables
from rpctrace.protocols.dcerpc.call import CallKind
from rpctrace.report import Summary, is_failure

CALLS_KEPT = 20_000
NOTABLE_CALLS_KEPT = 100_000
SUMMARY_ROWS = 10_000
DURATIONS_OF_A_ROW = 10_000


class _Row:
    __slots__ = ("count", "durations", "failed", "largest")

    def __init__(self) -> None:
        self.count = 0
        self.failed = 0
        self.largest = -1
        self.durations = array("q")


class Tally:
    """Takes every call; keeps the notable and as many ordinary ones as `calls` allows; `limits` counts the others."""

    def __init__(self, calls: Literal["default", "all", "notable"], capture: int = 0) -> None:
        self._capture = capture
        self.kept: list[ObservedCall] = []
        self._ordinary = {"default": CALLS_KEPT, "all": None, "notable": 0}[calls]
        self._notable = None if calls == "all" else NOTABLE_CALLS_KEPT
        self._ordinary_count = 0
        self._notable_count = 0
        self._rows: dict[tuple[str, str, str | None, int | None], _Row] = {}
        self.limits: Counter[str] = Counter()

    def take(self, observed: ObservedCall) -> None:
        call = observed.call
        failed = is_failure(call.outcome.value, call.answer_expected)
        observed.conversation.calls += 1
        observed.conversation.failed += failed
        self._summarise(observed, failed)
        said = call.authentication
        if failed or (said is not None and (said.token is not None or said.reply_token is not None)):
            self._notable_count += 1
            self._keep(observed, "notable_calls_kept", self._notable, self._notable_count)
        else:
            self._ordinary_count += 1
            self._keep(observed, "calls_kept", self._ordinary, self._ordinary_count)

    def _keep(self, observed: ObservedCall, name: str, limit: int | None, count: int) -> None:
        if limit is None or count <= limit:
            self.kept.append(observed)
        elif limit:  # a limit of nothing was asked for; it is not reached
            self.limits[name] += 1

    def _summarise(self, observed: ObservedCall, failed: bool) -> None:
        call, facts = observed.call, observed.conversation
        if call.kind is not CallKind.REQUEST:
            return
        uuid = call.contexts[0].abstract_syntax.uuid if call.contexts else None
        key = (facts.client.address, facts.server.address, uuid, call.opnum)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= SUMMARY_ROWS:
                self.limits["summary_rows"] += 1
                return
            row = self._rows[key] = _Row()
        row.count += 1
        row.failed += failed
        asked, answered = call.request, call.reply
        if asked and answered and asked.timestamp_ns is not None and answered.timestamp_ns is not None:
            duration = answered.timestamp_ns - asked.timestamp_ns
            row.largest = max(row.largest, duration)
            if len(row.durations) < DURATIONS_OF_A_ROW:
                row.durations.append(max(-(2**63), min(duration, 2**63 - 1)))

    def summary(self) -> tuple[Summary, ...]:
        """Busiest first; the median of a row is that of its first 10 000 durations."""
        rows = []
        for (client, server, uuid, opnum), row in self._rows.items():
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
        return tuple(sorted(rows, key=lambda row: (-row.count, row.client, row.server, str(row.interface))))
