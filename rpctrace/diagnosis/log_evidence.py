"""The part of the evidence that netlogon.log gives: which lines are about a call, what they say, what they cover."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property
from itertools import islice

from rpctrace.correlation.names import names_of_hosts
from rpctrace.named_tuple import NamedTuple
from rpctrace.report import Call, LogEntry, Report

LOGONS_LOOKED_THROUGH = 64  # of one user, near one moment


class _Logons(NamedTuple):
    """Refused logons of one user: those with a time by it, and the others as they come."""

    timed: list[LogEntry]
    untimed: list[LogEntry]


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
            result = entry if entry.phase == "Returns" else self.partner_of(entry)
            if result is not None and result.status is not None:
                results[result.file, result.line] = result
        return tuple(results.values())

    def is_about_a_call(self, entry: LogEntry) -> bool:
        """Whether the line, or the other half of its pair, was joined to a call."""
        partner = self.partner_of(entry)
        return bool(entry.calls or (partner is not None and partner.calls))

    def calls_of_line(self, entry: LogEntry) -> tuple[Call, ...]:
        """The calls that a line, or the other half of its pair, was joined to."""
        other = self.partner_of(entry)
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
            entries.sort(key=_time)
        return table

    def log_near(self, entry: LogEntry, status: int, within_ns: int) -> LogEntry | None:
        """A line of the same log with this status whose time is that of `entry`, give or take; of a log without times,
        any."""
        entries = self._by_status.get((entry.file, status), [])
        if entry.time_ns is None:
            return entries[0] if entries else None
        first = bisect_left(entries, entry.time_ns - within_ns, key=_time)
        near = entries[first] if first < len(entries) else None
        return near if near is not None and _time(near) <= entry.time_ns + within_ns else None

    @cached_property
    def _refused_logons(self) -> Mapping[str, _Logons]:
        table: dict[str, _Logons] = defaultdict(lambda: _Logons([], []))
        for entry in self.report.log_entries:
            if entry.status and entry.user and entry.phase == "Returns" and not is_generic(entry):
                logons = table[account_of(entry.user)]
                (logons.untimed if entry.time_ns is None else logons.timed).append(entry)
        for logons in table.values():
            logons.timed.sort(key=_time)
        return table

    def refused_logons(self, user: str, first_ns: int | None, last_ns: int | None) -> Iterator[LogEntry]:
        """Lines that tell of a refused logon of a user, whatever the domain: those from the first moment to the last,
        by the first capture's clock, then those that have no time."""
        logons = self._refused_logons.get(account_of(user))
        if logons is None:
            return
        if first_ns is not None and last_ns is not None:
            first = bisect_left(logons.timed, first_ns, key=_time)
            near = islice(logons.timed, first, first + LOGONS_LOOKED_THROUGH)
            yield from (entry for entry in near if _time(entry) <= last_ns)
        yield from logons.untimed[:LOGONS_LOOKED_THROUGH]

    def partner_of(self, entry: LogEntry) -> LogEntry | None:
        """The other half of its pair."""
        return self._log_lines.get((entry.file, entry.partner or 0))

    @cached_property
    def logged_names(self) -> Mapping[str, frozenset[str]]:
        """Address -> every name by which a log may call the host."""
        return names_of_hosts(self.report)

    @cached_property
    def sure_logged_names(self) -> Mapping[str, frozenset[str]]:
        """Those of hosts all of whose names are known to be theirs."""
        return names_of_hosts(self.report, sure=True)

    @property
    def has_logs(self) -> bool:
        return bool(self.report.log_entries)


def account_of(user: str) -> str:
    """By what users are compared: `alice` of `Alice` and of `alice@domain`."""
    return user.split("@")[0].casefold()


def is_generic(entry: LogEntry) -> bool:
    """Whether the line is of no user but of a package, as that of the validation of a PAC is."""
    return (entry.kind or "").casefold() == "generic"


def _time(entry: LogEntry) -> int:
    return entry.time_ns or 0
