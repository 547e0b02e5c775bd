"""Report -> the full tables of `--table`: every record of a kind, one row each, columns as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from rpctrace.encoding.text import safe_text
from rpctrace.render.layout import lay_out
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.words import (
    Signs,
    duration_words,
    exchange_result,
    frames_words,
    hosts_words,
    interface_words,
    ntlm_user,
    presented_words,
    principal_words,
    result_words,
    time_words,
)
from rpctrace.report import Auth, Call, KerberosExchange, Report, Stream, Ticket

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Table(Generic[Record]):
    """`columns` always, `more_columns` with -v; a heading may name `{arrow}`. `empty` is said where there is no row."""

    records: Callable[[Report], Sequence[Record]]
    columns: tuple[tuple[str, Callable[[Record, Signs], str]], ...]
    more_columns: tuple[tuple[str, Callable[[Record, Signs], str]], ...]
    empty: str

    def lines(self, report: Report, options: RenderOptions, signs: Signs) -> Iterator[str]:
        records = self.records(report)
        if not records:
            yield self.empty
            return
        columns = self.columns + (self.more_columns if options.verbosity > 0 else ())
        headings = [heading.format(arrow=signs.arrow) for heading, _ in columns]
        rows = [[get(record, signs) for _, get in columns] for record in records]
        yield from lay_out(headings, rows, options.width_columns)


def _text(value: str | int | None) -> str:
    return "" if value is None else safe_text(str(value))


def _hosts(record: Call | KerberosExchange | Stream, signs: Signs) -> str:
    pipe = record.pipe if isinstance(record, Call) else None
    return hosts_words(record.client, record.server, signs, pipe)


def _capture(record: Call | KerberosExchange | Stream, _: Signs) -> str:
    return f"[{record.capture + 1}]"


def _duration(from_ns: int | None, to_ns: int | None) -> str:
    return "" if from_ns is None or to_ns is None else duration_words(to_ns - from_ns)


def _of_auth(get: Callable[[Auth], str | int | None]) -> Callable[[Call, Signs], str]:
    return lambda call, _: "" if call.auth is None else _text(get(call.auth))


def _of_ticket(get: Callable[[Ticket], str | int | None]) -> Callable[[Call, Signs], str]:
    return lambda call, _: "" if call.ticket is None else _text(get(call.ticket))


def _authenticated(report: Report) -> Sequence[Call]:
    """Calls that carried a token either way, or that a ticket belongs to."""
    return [
        call
        for call in report.calls
        if call.ticket is not None or (call.auth is not None and (call.auth.token or call.auth.reply_token))
    ]


_CALL_START: tuple[tuple[str, Callable[[Call, Signs], str]], ...] = (
    ("Frames", frames_words),
    ("Call", lambda call, _: safe_text(call.kind)),
    ("Call id", lambda call, _: _text(call.call_id)),
)
_CALL_MORE: tuple[tuple[str, Callable[[Call, Signs], str]], ...] = (
    ("Time", lambda call, _: time_words(call.request_time or call.reply_time)),
    ("Took", lambda call, _: _duration(call.request_ns, call.reply_ns)),
    ("Connection", lambda call, _: safe_text(call.connection)),
    ("Capture", _capture),
    ("Notes", lambda call, _: safe_text("; ".join(call.notes))),
)
_CALLS: Table[Call] = Table(
    lambda report: report.calls,
    (
        *_CALL_START,
        ("Interface", lambda call, _: interface_words(call)),
        ("Client {arrow} server", _hosts),
        ("Outcome", lambda call, _: safe_text(call.outcome)),
        ("Result", lambda call, _: result_words(call) if call.failed else ""),
    ),
    (("Id", lambda call, _: safe_text(call.id)), *_CALL_MORE),
    "No RPC call was found.",
)
_FAULTS: Table[Call] = Table(
    lambda report: [call for call in report.calls if call.failed],
    (
        *_CALL_START,
        ("Interface", lambda call, _: interface_words(call)),
        ("Client {arrow} server", _hosts),
        ("Outcome", lambda call, _: safe_text(call.outcome)),
        ("Result", lambda call, _: result_words(call)),
        ("Ticket presented", lambda call, _: presented_words(call)),
    ),
    (("Id", lambda call, _: safe_text(call.id)), *_CALL_MORE),
    "No failed call.",
)
_AUTH: Table[Call] = Table(
    _authenticated,
    (
        *_CALL_START,
        ("Mechanism", _of_auth(lambda auth: auth.mechanism)),
        ("Level", _of_auth(lambda auth: auth.level_name or auth.level)),
        ("Token", _of_auth(lambda auth: auth.token)),
        ("Reply token", _of_auth(lambda auth: auth.reply_token)),
        ("Realm", _of_ticket(lambda ticket: ticket.realm)),
        ("Sname", _of_ticket(lambda ticket: "/".join(ticket.sname))),
        ("User-to-user", _of_ticket(lambda ticket: "yes" if ticket.user_to_user else "no")),
        ("Presented in", _of_ticket(lambda ticket: f"{ticket.presented_in}, frame {ticket.frame}")),
        ("Ticket etype", _of_ticket(lambda ticket: ticket.etype_name or ticket.etype)),
        ("Kvno", _of_ticket(lambda ticket: ticket.kvno)),
        ("AP options", _of_ticket(lambda ticket: " ".join(ticket.ap_options))),
        ("NTLM user", lambda call, _: "" if call.auth is None else ntlm_user(call.auth)),
        ("Outcome", lambda call, _: safe_text(call.outcome)),
        ("Result", lambda call, _: result_words(call) if call.failed else ""),
    ),
    (
        ("Context", _of_auth(lambda auth: auth.context_id)),
        ("Authenticator etype", _of_ticket(lambda ticket: ticket.authenticator_etype)),
        ("Name type", _of_ticket(lambda ticket: ticket.name_type_name or ticket.name_type)),
        ("Client {arrow} server", _hosts),
        *_CALL_MORE,
    ),
    "No call carried a security token.",
)
_STREAMS: Table[Stream] = Table(
    lambda report: report.streams,
    (
        ("Connection", lambda stream, _: safe_text(stream.id)),
        ("Client {arrow} server", _hosts),
        ("Frames", lambda stream, _: f"{stream.first_frame} to {stream.last_frame}"),
        ("PDUs", lambda stream, _: str(stream.pdus)),
        ("Calls", lambda stream, _: str(stream.calls)),
        ("Failed", lambda stream, _: str(stream.failed)),
        ("Start", lambda stream, _: "joined late" if stream.joined_late else "seen"),
        ("Gaps", lambda stream, _: f"{stream.gaps} ({stream.missing_octets} octets)" if stream.gaps else ""),
        ("End", lambda stream, _: _text(stream.ended)),
    ),
    (
        ("Lasted", lambda stream, _: _duration(stream.first_ns, stream.last_ns)),
        ("Capture", _capture),
    ),
    "No connection carried RPC.",
)


def _exchange_frames(exchange: KerberosExchange, signs: Signs) -> str:
    request = "?" if exchange.request_frame is None else str(exchange.request_frame)
    reply = "?" if exchange.reply_frame is None else str(exchange.reply_frame)
    return f"{request} {signs.arrow} {reply}"


_KERBEROS: Table[KerberosExchange] = Table(
    lambda report: report.kerberos,
    (
        ("Frames", _exchange_frames),
        ("Kind", lambda exchange, _: _text(exchange.kind)),
        ("Carried in", lambda exchange, _: safe_text(exchange.carried_in)),
        ("Client {arrow} server", _hosts),
        ("Realm", lambda exchange, _: _text(exchange.realm)),
        ("Cname", lambda exchange, _: principal_words(exchange.cname)),
        ("Sname", lambda exchange, _: principal_words(exchange.sname)),
        ("User-to-user", lambda exchange, _: "yes" if exchange.user_to_user else ""),
        ("Result", lambda exchange, _: exchange_result(exchange)),
    ),
    (
        ("Time", lambda exchange, _: time_words(exchange.request_time or exchange.reply_time)),
        ("Server time", lambda exchange, _: time_words(exchange.server_time) if exchange.server_time else ""),
        ("Text", lambda exchange, _: _text(exchange.e_text)),
        ("RPC call", lambda exchange, _: _text(exchange.call)),
        ("Capture", _capture),
    ),
    "No Kerberos exchange was found.",
)

FULL_TABLES: dict[str, Table[Call] | Table[KerberosExchange] | Table[Stream]] = {
    "faults": _FAULTS,
    "calls": _CALLS,
    "kerberos": _KERBEROS,
    "auth": _AUTH,
    "streams": _STREAMS,
}
