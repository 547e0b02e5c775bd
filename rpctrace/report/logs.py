"""What netlogon.log files say: the lines that were kept, and what is known of each file."""

from __future__ import annotations

from rpctrace.record import record


@record
class LogEntry:
    """A line of a netlogon.log: a logon (`kind`, `domain` and on), or any other as its `text`.

    `time` is local and without a year, as written; `time_ns` the same on the first capture's clock, once the log's year
    and offset are known; `year_turns`: how often the year had turned since the log's first line. `thread`: what newer
    releases write in a second pair of brackets. `hosted_domain`: the domain of the controller for which the line was
    written. `partner`: the line that is the other half of Entered and Returns, `duration_s` how long lay between.
    `calls`: ids of the calls that the line is about; `joined_by`: why, among server, realm, package, user and time.
    """

    file: str
    line: int
    flag: str | None
    kind: str | None
    domain: str | None
    user: str | None
    workstation: str | None
    via: str | None
    package: str | None
    phase: str | None
    status: int | None
    status_hex: str | None
    status_name: str | None
    time: str | None
    thread: str | None = None
    hosted_domain: str | None = None
    text: str | None = None
    partner: int | None = None
    duration_s: int | None = None
    year_turns: int = 0
    time_ns: int | None = None
    calls: tuple[str, ...] = ()
    joined_by: tuple[str, ...] = ()


@record
class LogFacts:
    """One log. `octets` (unpacked), `lines` and `entries` (those that are not empty) count what was read. `year` is
    that of its first line, and turned `year_turns` times until the last; local time is UTC and `utc_offset_minutes`.
    `found`: how these are known: given, fitted (against the captures), unknown. Of `anchors` (moments of the captures
    of which the log could have a line) `matched` have one; `residual_s` is how far these lie from it, in the middle.
    `back_line`: where the log's clock goes back by an hour; times before it are of an offset greater by an hour.
    `text` says all this for people."""

    path: str
    encoding: str
    compression: str | None
    octets: int
    lines: int
    entries: int
    first_time: str | None
    last_time: str | None
    complete: bool
    stopped_at: int | None
    year: int | None = None
    utc_offset_minutes: int | None = None
    found: str = "unknown"
    matched: int = 0
    anchors: int = 0
    residual_s: float | None = None
    back_line: int | None = None
    text: str = ""
    notes: tuple[str, ...] = ()
    year_turns: int = 0
