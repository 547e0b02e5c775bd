"""Which calls are kept, and the summary of all: a count of what a capture of any size holds, in bounded memory."""

from __future__ import annotations

from array import array
from statistics import median_low
from typing import Literal

from rpctrace.conversations import ObservedCall
from rpctrace.knowledge import tables
from rpctrace.protocols.dcerpc.call import CallKind, Outcome
from rpctrace.report import Limit, Summary

CALLS_KEPT = 20_000
NOTABLE_CALLS_KEPT = 100_000
SUMMARY_ROWS = 10_000
DURATIONS_OF_A_ROW = 10_000

FAILED = frozenset((Outcome.REJECTED, Outcome.FAULTED, Outcome.UNANSWERED))


class _Row:
    __slots__ = ("count", "durations", "failed", "largest")

    def __init__(self) -> None:
        self.count = 0
        self.failed = 0
        self.largest = -1
        self.durations = array("q")


class Tally:
    """Takes every call; keeps the notable ones and as many ordinary ones as `calls` allows."""

    def __init__(self, calls: Literal["default", "all", "notable"]) -> None:
        self.kept: list[ObservedCall] = []
        self.counts: dict[int, list[int]] = {}  # connection number -> calls, failed
        self._ordinary = {"default": CALLS_KEPT, "all": None, "notable": 0}[calls]
        self._notable = None if calls == "all" else NOTABLE_CALLS_KEPT
        self._ordinary_count = 0
        self._notable_count = 0
        self._rows: dict[tuple[str, str, str | None, int | None], _Row] = {}
        self._left_out: dict[str, int] = {}

    def take(self, observed: ObservedCall) -> None:
        failed = is_failed(observed)
        count = self.counts.setdefault(observed.conversation.connection.number, [0, 0])
        count[0] += 1
        count[1] += failed
        self._summarise(observed, failed)
        said = observed.call.authentication
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
            self._left_out[name] = self._left_out.get(name, 0) + 1

    def _summarise(self, observed: ObservedCall, failed: bool) -> None:
        call, facts = observed.call, observed.conversation
        if call.kind is not CallKind.REQUEST:
            return
        uuid = call.contexts[0].abstract_syntax.uuid if call.contexts else None
        key = (facts.client.address, facts.server.address, uuid, call.opnum)
        row = self._rows.get(key)
        if row is None:
            if len(self._rows) >= SUMMARY_ROWS:
                self._left_out["summary_rows"] = self._left_out.get("summary_rows", 0) + 1
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

    def limits(self) -> list[Limit]:
        values = {"calls_kept": CALLS_KEPT, "notable_calls_kept": NOTABLE_CALLS_KEPT, "summary_rows": SUMMARY_ROWS}
        return [Limit(name, values[name], reached) for name, reached in sorted(self._left_out.items())]


def is_failed(observed: ObservedCall) -> bool:
    """Whether a call is one that somebody should look at."""
    call = observed.call
    return call.outcome in FAILED and (call.answer_expected or call.outcome is not Outcome.UNANSWERED)
