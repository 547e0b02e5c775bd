"""What a netlogon.log says -> its entries of the Report: numbers get names, texts that repeat are held once."""

from __future__ import annotations

from sys import intern

from rpctrace.assembly.codes import hexadecimal
from rpctrace.knowledge import tables
from rpctrace.logs.line import MAXIMUM_LINE_CHARACTERS, Line, Logon
from rpctrace.logs.opening import Log
from rpctrace.report import LogEntry, LogFacts

_NO_LOGON = Logon(*(None,) * 8)


def log_entry(
    file: str, line: Line, year_turns: int = 0, partner: int | None = None, duration_s: int | None = None
) -> LogEntry:
    """`partner` and `duration_s`: of the pair of Entered and Returns in which the line is."""
    logon = line.logon or _NO_LOGON
    status = logon.status
    return LogEntry(
        file=file,
        line=line.number,
        flag=_once(line.flag),
        kind=_once(logon.kind),
        domain=_once(logon.domain),
        user=_once(logon.user),
        workstation=_once(logon.workstation),
        via=_once(logon.via),
        package=_once(logon.package),
        phase=_once(logon.phase),
        status=status,
        status_hex=hexadecimal(status),
        status_name=None if status is None else tables.ntstatus_name(status),
        time=None if line.moment is None else line.moment.text,
        thread=line.thread,
        hosted_domain=_once(line.hosted_domain),
        text=line.text,
        partner=partner,
        duration_s=duration_s,
        year_turns=year_turns,
    )


def _once(text: str | None) -> str | None:
    return None if text is None else intern(text)


def log_facts(log: Log, year: int | None = None, utc_offset_minutes: int | None = None) -> LogFacts:
    """Of a log that was read to its end; the year of its first line and its offset as far as they are given."""
    given = year is not None and utc_offset_minutes is not None
    first, last = log.calendar.first, log.calendar.last
    notes = log.problems
    if log.cut_lines:
        longer = "line is" if log.cut_lines == 1 else "lines are"
        notes += (f"{log.cut_lines} {longer} longer than {MAXIMUM_LINE_CHARACTERS} characters: the rest is not read",)
    if log.entry_count and not log.looks_like_one:
        notes += (f"none of its {log.entry_count} lines has a time, a flag or a logon: it may be no netlogon.log",)
    return LogFacts(
        path=log.path,
        encoding=log.encoding,
        compression=log.compression,
        octets=log.octets,
        lines=log.line_count,
        entries=log.entry_count,
        first_time=first.text if first else None,
        last_time=last.text if last else None,
        complete=log.stopped_at is None,
        stopped_at=log.stopped_at,
        back_line=log.calendar.back_at,
        notes=notes,
        year_turns=log.calendar.turns,
        year=year,
        utc_offset_minutes=utc_offset_minutes,
        found="given" if given else "unknown",
    )
