"""A Report -> the rows of the page's table: calls, Kerberos exchanges and authentications in the order of time.

A large capture does not fit a page: what the findings are about comes first, then the first of the others, and the page
says how many of each are missing.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.correlation.timeline import Timeline
from rpctrace.encoding.text import safe_text
from rpctrace.record import record
from rpctrace.render.places import both_frames, capture_chip
from rpctrace.render.words import (
    UNICODE_SIGNS,
    endpoint_words,
    exchange_result,
    interface_words,
    ntlm_words,
    one_line,
    pipe_words,
    principal_words,
    result_words,
    ticket_words,
)
from rpctrace.report import Authentication, Call, KerberosExchange, Report, display_filter

MOST_BLAMED = 400  # rows of what findings are about
MOST_ROWS = 800


@record
class TableRow:
    """One line; `kind` is rpc, kerberos or authentication, `time` seconds since the first frame, `filter` shows its
    frames in Wireshark. `blamed`: a finding is about it."""

    kind: str
    failed: bool
    blamed: bool
    chip: str
    filter: str
    time: str
    iso_time: str
    client: str
    server: str
    what: str
    about: str
    ticket: str
    result: str


@record
class Table:
    """`left_out`: how many of `total` are not shown; `left_out_blamed` of these are what findings are about."""

    rows: tuple[TableRow, ...]
    total: int
    left_out: int
    left_out_blamed: int


_Record = Call | KerberosExchange | Authentication


def table_of(report: Report) -> Table:
    clock = Timeline(report.clocks)
    blamed = {each for finding in report.findings for each in (*finding.calls, *finding.concerns)}
    timed = sorted(_records(report), key=lambda record: _moment(record, clock))
    first = [record for record in timed if record.id in blamed]
    others = [record for record in timed if record.id not in blamed]
    kept_first = first[:MOST_BLAMED]
    kept = {id(record) for record in (*kept_first, *others[: MOST_ROWS - len(kept_first)])}
    zero_ns = min((each.first_ns for each in report.captures if each.first_ns is not None), default=None)
    captures = len(report.captures)
    shown = [record for record in timed if id(record) in kept]
    rows = tuple(_row(record, record.id in blamed, clock, zero_ns, captures) for record in shown)
    return Table(rows, len(timed), len(timed) - len(rows), len(first) - len(kept_first))


def _records(report: Report) -> Iterator[_Record]:
    yield from report.calls
    yield from (each for each in report.kerberos if each.with_kdc)
    yield from report.authentications


def _ns(record: _Record) -> int | None:
    return record.request_ns if record.request_ns is not None else record.reply_ns


def _moment(record: _Record, clock: Timeline) -> int:
    return clock.common_ns(record.capture, _ns(record)) or 0


def _row(record: _Record, blamed: bool, clock: Timeline, zero_ns: int | None, captures: int) -> TableRow:
    frames: tuple[int | None, ...] = (record.request_frame, record.reply_frame)
    if isinstance(record, Call):
        frames = (*record.request_frames, *record.reply_frames)
    ns = clock.common_ns(record.capture, _ns(record))
    chip = both_frames(record.request_frame, record.reply_frame, UNICODE_SIGNS)
    kind, failed, what, about, ticket, result = _words(record)
    pipe = pipe_words(record) if isinstance(record, Call) else None
    return TableRow(
        kind=kind,
        failed=failed,
        blamed=blamed,
        chip=f"{capture_chip(record.capture, captures)}{chip}",
        filter=display_filter(tuple(each for each in frames if each is not None)),
        time=f"{(ns - zero_ns) / 1e9:.6f}" if ns is not None and zero_ns is not None else "",
        iso_time=safe_text(record.request_time or record.reply_time or ""),
        client=endpoint_words(record.client),
        server=endpoint_words(record.server) + (f" {safe_text(pipe)}" if pipe else ""),
        what=what,
        about=about,
        ticket=ticket,
        result=result,
    )


def _words(record: _Record) -> tuple[str, bool, str, str, str, str]:
    """kind, failed, what, about, ticket, result"""
    if isinstance(record, Call):
        ticket = one_line(ticket_words(record.ticket)) if record.ticket else ""
        if not ticket and record.auth is not None:
            ticket = ntlm_words(record.auth.ntlm) or safe_text(record.auth.mechanism)
        about = one_line(interface_words(record))
        return "rpc", record.failed, safe_text(record.kind), about, ticket, one_line(result_words(record))
    if isinstance(record, KerberosExchange):
        about = principal_words(record.sname) + (" (user-to-user)" if record.user_to_user else "")
        if record.realm:
            about = f"{about} in {safe_text(record.realm)}"
        who = principal_words(record.cname)
        kind = safe_text(record.kind or "Kerberos")
        return "kerberos", record.refused, kind, about, who, one_line(exchange_result(record))
    ticket = one_line(ticket_words(record.ticket)) if record.ticket else ntlm_words(record.ntlm)
    status = safe_text(record.status_name or record.status_hex or "") if record.outcome == "rejected" else ""
    what = f"{safe_text(record.carried_in)} {safe_text(record.mechanism)}"
    result = " ".join(filter(None, (safe_text(record.outcome), status)))
    return "authentication", record.outcome == "rejected", what, safe_text(record.target or ""), ticket, result
