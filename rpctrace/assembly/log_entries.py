"""What a line of a netlogon.log says -> its entry of the Report: numbers get names, texts that repeat are held once."""

from __future__ import annotations

from sys import intern

from rpctrace.assembly.codes import hexadecimal
from rpctrace.knowledge import tables
from rpctrace.logs.line import Line
from rpctrace.report import LogEntry


def log_entry(
    file: str, line: Line, year_turns: int = 0, partner: int | None = None, duration_s: int | None = None
) -> LogEntry:
    """`partner` and `duration_s`: of the pair of Entered and Returns in which the line is."""
    logon = line.logon
    status = None if logon is None else logon.status
    return LogEntry(
        file=file,
        line=line.number,
        flag=_once(line.flag),
        kind=None if logon is None else _once(logon.kind),
        domain=None if logon is None else _once(logon.domain),
        user=None if logon is None else _once(logon.user),
        workstation=None if logon is None else _once(logon.workstation),
        via=None if logon is None else _once(logon.via),
        package=None if logon is None else _once(logon.package),
        phase=None if logon is None else _once(logon.phase),
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
