"""The part of the evidence that netlogon.log gives: which lines are about a call, what they say, what they cover."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping
from functools import cached_property

from rpctrace.report import Call, LogEntry, Report


class LogEvidence:
    """A report as its log lines show it."""

    def __init__(self, report: Report) -> None:
        self.report = report

    @cached_property
    def calls(self) -> Mapping[str, Call]:
        """By their ids."""
        return {call.id: call for call in self.report.calls}

    @cached_property
    def _joined(self) -> Mapping[str, list[LogEntry]]:
        table: dict[str, list[LogEntry]] = defaultdict(list)
        for entry in self.report.log_entries:
            for call in entry.calls:
                table[call].append(entry)
        return table

    @cached_property
    def _log_lines(self) -> Mapping[tuple[str, int], LogEntry]:
        return {(entry.file, entry.line): entry for entry in self.report.log_entries}

    def log_entries(self, call: Call) -> tuple[LogEntry, ...]:
        """The lines of netlogon.log that were joined to this call."""
        return tuple(self._joined.get(call.id, ()))

    def log_results(self, call: Call) -> tuple[LogEntry, ...]:
        """The `Returns` lines about this call: those joined to it, and the other halves of joined `Entered` lines."""
        results: dict[tuple[str, int], LogEntry] = {}
        for entry in self.log_entries(call):
            result = entry if entry.phase == "Returns" else self._log_lines.get((entry.file, entry.partner or 0))
            if result is not None and result.status is not None:
                results[result.file, result.line] = result
        return tuple(results.values())

    def is_about_a_call(self, entry: LogEntry) -> bool:
        """Whether the line, or the other half of its pair, was joined to a call."""
        partner = self._log_lines.get((entry.file, entry.partner or 0))
        return bool(entry.calls or (partner is not None and partner.calls))

    def calls_of_line(self, entry: LogEntry) -> tuple[Call, ...]:
        """The calls that a line, or the other half of its pair, was joined to."""
        other = self._log_lines.get((entry.file, entry.partner or 0))
        joined = dict.fromkeys((*entry.calls, *(other.calls if other is not None else ())))
        return tuple(self.calls[identity] for identity in joined if identity in self.calls)

    @cached_property
    def _log_times(self) -> list[int]:
        return sorted(entry.time_ns for entry in self.report.log_entries if entry.time_ns is not None)

    def log_covers(self, call: Call) -> bool:
        """Whether a log whose clock is known tells of the time before and after the call."""
        moment = call.reply_ns if call.reply_ns is not None else call.request_ns
        times = self._log_times
        return moment is not None and bool(times) and times[0] <= moment <= times[-1]

    @cached_property
    def _by_status(self) -> Mapping[tuple[str, int], list[LogEntry]]:
        table: dict[tuple[str, int], list[LogEntry]] = defaultdict(list)
        for entry in self.report.log_entries:
            if entry.status is not None:
                table[entry.file, entry.status].append(entry)
        for entries in table.values():
            entries.sort(key=lambda entry: entry.time_ns or 0)
        return table

    def log_near(self, entry: LogEntry, status: int, within_ns: int) -> LogEntry | None:
        """A line of the same log with this status whose time is that of `entry`, give or take; of a log without times,
        any."""
        entries = self._by_status.get((entry.file, status), [])
        if entry.time_ns is None:
            return entries[0] if entries else None
        first = bisect_left(entries, entry.time_ns - within_ns, key=lambda each: each.time_ns or 0)
        near = entries[first] if first < len(entries) else None
        return near if near is not None and (near.time_ns or 0) <= entry.time_ns + within_ns else None

    @property
    def has_logs(self) -> bool:
        return bool(self.report.log_entries)
