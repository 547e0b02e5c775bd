"""A log and the calls that it is about, hand-made: a server is refused tickets, its domain controller logs why.

Time begins in UTC on 14 March 2012, 09:00:00; `at` of the records counts seconds from there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from incident_records import REALM_A, SERVER, report, shown, ticket
from incident_records import call as call_at
from report_values import KERBEROS, capture

from rpctrace.assembly.log_entries import log_entry
from rpctrace.logs.calendar import Calendar
from rpctrace.logs.line import Placed, parse_line
from rpctrace.logs.pairs import duration_s, ends
from rpctrace.report import Auth, Call, Host, LogEntry, LogFacts, Report, SecureChannel

START = datetime(2012, 3, 14, 9, 0, 0, tzinfo=UTC)
START_S = int(START.timestamp())
SECOND = 1_000_000_000
NTLM = replace(KERBEROS, mechanism="ntlm", token="AUTHENTICATE")
SERVER_NAME = "resource-win73"


def refused(number: int, second: float, server: str | None = SERVER_NAME, realm: str = REALM_A, **changes: Any) -> Call:
    """A call whose ticket was refused after 10 ms; `server`: by what its host is known."""
    said = {
        "outcome": "faulted",
        "reply": "fault",
        "server": Host(SERVER, 49154, server),
        "auth": KERBEROS,
        "ticket": shown(ticket(realm, "novice"), number),
        "status": 0x721,
    }
    return call_at(f"call-{number}", START_S + second, **{**said, **changes})


def accepted(number: int, second: float, **changes: Any) -> Call:
    return refused(number, second, **{"outcome": "accepted", "reply": "alter_context_resp", "status": None, **changes})


def sam_logon(number: int, second: float, **changes: Any) -> Call:
    """The server asks its domain controller, sealed."""
    channel = SecureChannel(
        "NetrLogonSamLogonEx", True, True, 400, 100, *(None,) * 4, None, None, None, None, None, None, None, None, None
    )  # fmt: skip
    said = {"client": Host(SERVER, 50021, SERVER_NAME), "server": Host("10.77.0.11", 49157, None),
            "secure_channel": channel, "operation": "NetrLogonSamLogonEx"}  # fmt: skip
    return call_at(f"call-{number}", START_S + second, **{**said, **changes})


def auth(**changes: Any) -> Auth:
    return replace(NTLM, **changes)


def written(moment: datetime) -> str:
    return moment.strftime("%m/%d %H:%M:%S")


def logon(
    second: float,
    status: int | None = 0xC0000064,
    offset_minutes: int = 60,
    via: str | None = "RESOURCE-WIN73",
    domain: str = REALM_A,
    kind: str = "Generic",
    user: str = "(null)",
    package: str | None = "Kerberos",
    took_s: float = 0,
) -> list[str]:
    """The two lines of a logon that was answered `second` seconds after the start; without a status the first alone."""
    moment = START + timedelta(seconds=second, minutes=offset_minutes)
    said = f"[LOGON] RESOURCE: SamLogon: {kind} logon of {domain}\\{user} from (null)"
    said += (f" (via {via})" if via else "") + (f" Package:{package}" if package else "")
    lines = [f"{written(moment - timedelta(seconds=took_s))} {said} Entered"]
    return lines if status is None else [*lines, f"{written(moment)} {said} Returns 0x{status:X}"]


def entries_of(lines: Iterable[str], file: str = "netlogon.log") -> tuple[LogFacts, list[LogEntry]]:
    """As the reader makes them, of every line."""
    calendar, entries = Calendar(), dict[int, LogEntry]()
    parsed = [parse_line(text, number) for number, text in enumerate(lines, 1)]
    placed = [
        Placed(line, calendar.feed(line.moment, line.number) if line.moment else calendar.turns) for line in parsed
    ]
    for (line, turns), entered in ends(placed):
        if entered is None:
            entries[line.number] = log_entry(file, line, turns)
            continue
        took, first = duration_s(entered.line.moment, line.moment), entered.line.number
        entries[line.number] = log_entry(file, line, turns, first, took)
        entries[first] = log_entry(file, entered.line, entered.turns, line.number, took)
    first, last = calendar.first, calendar.last
    facts = LogFacts(
        file, "utf-8", None, 0, len(entries), len(entries), first.text if first else None, last.text if last else None,
        True, None, back_line=calendar.back_at, year_turns=calendar.turns,
    )  # fmt: skip
    return facts, [entries[number] for number in sorted(entries)]


def incident(records: Iterable[Any], lines: Iterable[str], **facts: Any) -> Report:
    """A report of these calls with this log, not yet joined; its capture lasts an hour."""
    log, entries = entries_of(lines)
    times = {"first_ns": START_S * SECOND, "last_ns": (START_S + 3600) * SECOND}
    made = report(*records)
    return replace(
        made, captures=(capture(**times),), logs=(replace(log, **facts),), log_entries=tuple(entries)
    )  # fmt: skip
