"""Logs -> a table of who logged on, through which server, with which result: in bounded memory, whatever their size."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence

from rpctrace.assembly.codes import hexadecimal
from rpctrace.assembly.log_entries import log_facts
from rpctrace.errors import CaptureError
from rpctrace.knowledge import tables
from rpctrace.limits import LOG_REMARKS, LOG_ROWS, limits_reached
from rpctrace.logs.calendar import Years, year_of_log
from rpctrace.logs.line import Line, Logon, Moment
from rpctrace.logs.opening import Log, in_order_of_time
from rpctrace.logs.pairs import duration_s, ends
from rpctrace.named_tuple import NamedTuple
from rpctrace.record import record
from rpctrace.report import Limit, LogFacts, Tool

SCHEMA = "rpctrace.netlogon/1"


class _Meaning(NamedTuple):
    """What a line that is no logon means, by a part of it, and where that is told."""

    part: str
    text: str
    source: str


_NO_SLOT = "no free connection to a domain controller: MaxConcurrentApi is too small for the load"
_NO_SLOT_SOURCE = "Microsoft Learn, Identify computers that have MCA issues"
_SHUT_DOWN = "the domain controller was being shut down"
_MEANINGS = (
    _Meaning("NlAllocateClientApi timed out", _NO_SLOT, _NO_SLOT_SOURCE),
    _Meaning("Can't allocate Client API slot", _NO_SLOT, _NO_SLOT_SOURCE),
    _Meaning("after status: 0xc00000dc", _SHUT_DOWN, "KB2683606"),
    _Meaning("status to c00000dc", _SHUT_DOWN, "KB2683606"),
    _Meaning("STATUS_NO_TRUST_SAM_ACCOUNT", "the domain has no account for this computer", "[MS-ERREF] 2.3.1"),
)


@record
class LogRow:
    """Logons that are alike: `count` of them, the first and the last at these times (local, as far as the year is known
    with it). Without `phase` Returns nothing answered them. `longest_s`: from Entered to Returns."""

    count: int
    phase: str
    status: int | None
    status_hex: str | None
    status_name: str | None
    kind: str | None
    domain: str | None
    user: str | None
    workstation: str | None
    via: str | None
    package: str | None
    first_time: str | None
    last_time: str | None
    longest_s: int | None


@record
class LogRemark:
    """Lines of flag CRITICAL, and others known to mean trouble: the first of `count` alike, and where it is."""

    count: int
    flag: str | None
    text: str
    meaning: str | None
    source: str | None
    file: str
    line: int
    first_time: str | None
    last_time: str | None


@record
class LogSummary:
    """`rows` are the worst first: those that failed, that nothing answered, the others; the many before the few."""

    tool: Tool
    logs: tuple[LogFacts, ...]
    logons: int
    failed: int
    unanswered: int
    rows: tuple[LogRow, ...]
    remarks: tuple[LogRemark, ...]
    limits: tuple[Limit, ...]

    @property
    def complete(self) -> bool:
        return all(log.complete for log in self.logs)


_When = tuple[int | None, Moment]  # a moment of a log, and the year if that is known


class _Seen:
    """How often something was there, and when first and last."""

    __slots__ = ("count", "first", "last", "longest_s")

    def __init__(self) -> None:
        self.count = 0
        self.first: _When | None = None
        self.last: _When | None = None
        self.longest_s = -1

    def take(self, year: int | None, moment: Moment | None, took_s: int | None = None) -> None:
        self.count += 1
        if moment is not None:
            self.last = year, moment
            if self.first is None:
                self.first = self.last
        if took_s is not None and took_s > self.longest_s:
            self.longest_s = took_s


class _Kind(NamedTuple):
    """Remarks that are alike: the first of them, and what they mean."""

    seen: _Seen
    file: str
    line: Line
    meaning: _Meaning | None

    def remark(self) -> LogRemark:
        seen, file, line, meaning = self
        first, last = _texts(seen)
        text, source = (meaning.text, meaning.source) if meaning is not None else (None, None)
        return LogRemark(seen.count, line.flag, line.text or "", text, source, file, line.number, first, last)


class _Remarks:
    """Lines that are no logons, by their meaning or by the function that wrote them; `left_out` had no room."""

    def __init__(self) -> None:
        self._kinds: dict[str, _Kind] = {}
        self.left_out = 0

    def take(self, file: str, year: int | None, line: Line) -> None:
        text = line.text or ""
        meaning = next((each for each in _MEANINGS if each.part in text), None)
        if meaning is None and line.flag != "CRITICAL":
            return
        key = meaning.text if meaning is not None else text.split(":")[0][:80]
        kind = self._kinds.get(key)
        if kind is None:
            if len(self._kinds) >= LOG_REMARKS:
                self.left_out += 1
                return
            kind = self._kinds[key] = _Kind(_Seen(), file, line, meaning)
        kind.seen.take(year, line.moment)

    def all(self) -> list[LogRemark]:
        """Those whose meaning is known first, the many before the few."""
        order = sorted(self._kinds.values(), key=lambda kind: (kind.meaning is None, -kind.seen.count))
        return [kind.remark() for kind in order]


class _Summing:
    def __init__(self) -> None:
        self._rows: dict[bool, dict[Logon, _Seen]] = {True: {}, False: {}}
        self.remarks = _Remarks()
        self.counts: Counter[str] = Counter()

    def read(self, log: Log, first_year: int | None) -> None:
        for (line, turns), entered in ends(log):
            year = None if first_year is None else first_year + turns
            if line.logon is None:
                self.remarks.take(log.path, year, line)
                continue
            took_s = None if entered is None else duration_s(entered.line.moment, line.moment)
            self._take(line.logon, year, line.moment, took_s)

    def _take(self, logon: Logon, year: int | None, moment: Moment | None, took_s: int | None) -> None:
        self.counts["logons"] += 1
        failed = bool(logon.status)
        unanswered = logon.phase == "Entered"
        self.counts["failed"] += failed
        self.counts["unanswered"] += unanswered
        rows = self._rows[failed or unanswered]
        seen = rows.get(logon)
        if seen is None:
            if len(rows) >= LOG_ROWS:
                self.counts["log_rows"] += 1
                return
            seen = rows[logon] = _Seen()
        seen.take(year, moment, took_s)

    def rows(self) -> list[LogRow]:
        rows = [_row(logon, seen) for same in self._rows.values() for logon, seen in same.items()]
        return sorted(rows, key=_order)


def _row(logon: Logon, seen: _Seen) -> LogRow:
    first, last = _texts(seen)
    return LogRow(
        count=seen.count,
        phase=logon.phase or "",
        status=logon.status,
        status_hex=hexadecimal(logon.status),
        status_name=None if logon.status is None else tables.ntstatus_name(logon.status),
        kind=logon.kind,
        domain=logon.domain,
        user=logon.user,
        workstation=logon.workstation,
        via=logon.via,
        package=logon.package,
        first_time=first,
        last_time=last,
        longest_s=seen.longest_s if seen.longest_s >= 0 else None,
    )


def _texts(seen: _Seen) -> tuple[str | None, str | None]:
    return _text(seen.first), _text(seen.last)


def _text(when: _When | None) -> str | None:
    if when is None:
        return None
    year, moment = when
    return moment.text if year is None else f"{year:04d}-{moment.text}"


def _order(row: LogRow) -> tuple[object, ...]:
    rank = 0 if row.status else 1 if row.phase == "Entered" else 2
    names = (row.kind, row.domain, row.user, row.workstation, row.via, row.package)
    return rank, -row.count, -(row.longest_s or 0), row.status or 0, tuple(name or "" for name in names), row.phase


def summarise(
    paths: Sequence[str],
    tool: Tool,
    *,
    year: Years = None,
    utc_offset_minutes: int | None = None,
    max_unpacked_octets: int | None = None,
    unreadable: Callable[[CaptureError], None],
) -> LogSummary:
    """Reads the logs, older ones first, as one. `year`: in which they begin. `unreadable` is called with the error of
    every log that cannot be opened."""
    summing = _Summing()
    logs: list[LogFacts] = []
    for path in in_order_of_time(paths, unreadable, max_unpacked_octets):
        try:
            log = Log(path, max_unpacked_octets)
        except CaptureError as error:
            unreadable(error)
            continue
        with log:
            first_year = year_of_log(year, path)
            summing.read(log, first_year)
            logs.append(log_facts(log, first_year, utc_offset_minutes))
    counts = summing.counts
    return LogSummary(
        tool=tool,
        logs=tuple(logs),
        logons=counts["logons"],
        failed=counts["failed"],
        unanswered=counts["unanswered"],
        rows=tuple(summing.rows()),
        remarks=tuple(summing.remarks.all()),
        limits=tuple(limits_reached({"log_rows": counts["log_rows"], "log_remarks": summing.remarks.left_out})),
    )
