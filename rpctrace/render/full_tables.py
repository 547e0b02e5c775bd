"""Report -> the full tables of `--table`: every record of a kind, one row each, columns as data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from rpctrace.encoding.text import safe_text
from rpctrace.record import record
from rpctrace.render import authenticated
from rpctrace.render.authenticated import Authenticated
from rpctrace.render.layout import lay_out
from rpctrace.render.rendering import RenderOptions
from rpctrace.render.words import (
    Signs,
    duration_words,
    exchange_result,
    frames_words,
    hosts_words,
    interface_words,
    pipe_words,
    presented_words,
    principal_words,
    result_words,
    ticket_name,
    time_words,
)
from rpctrace.report import Auth, Call, Endpoint, Event, KerberosExchange, Report, Stream, Ticket, TicketName

Record = TypeVar("Record")


@record
class Table(Generic[Record]):
    """`columns` always, `more_columns` with -v; a heading may name `{arrow}`. `empty`,
    without its full stop, is said where there is no row."""

    records: Callable[[Report], Sequence[Record]]
    columns: tuple[tuple[str, Callable[[Record, Signs], str]], ...]
    more_columns: tuple[tuple[str, Callable[[Record, Signs], str]], ...]
    empty: str

    def lines(self, report: Report, options: RenderOptions, signs: Signs) -> Iterator[str]:
        records = self.records(report)
        if not records:
            among = " among what the filters leave." if report.unfiltered is not None else "."
            yield f"{self.empty}{among}"
            return
        columns = self.columns + (self.more_columns if options.verbosity > 0 else ())
        headings = [heading.format(arrow=signs.arrow) for heading, _ in columns]
        rows = [[get(record, signs) for _, get in columns] for record in records]
        yield from lay_out(headings, rows, options.width_columns)


def _text(value: str | int | None) -> str:
    return "" if value is None else safe_text(str(value))


_Ends = Call | KerberosExchange | Stream | Authenticated | Event


def _hosts(record: _Ends, signs: Signs) -> str:
    pipe = pipe_words(record) if isinstance(record, Call | Stream) else None
    return hosts_words(record.client, record.server, signs, pipe)


def _capture(record: _Ends | Endpoint, _: Signs) -> str:
    return f"[{record.capture + 1}]"


def _duration(from_ns: int | None, to_ns: int | None) -> str:
    return "" if from_ns is None or to_ns is None else duration_words(to_ns - from_ns)


def _of_ticket(get: Callable[[Ticket], str | int | None]) -> Callable[[Authenticated, Signs], str]:
    return lambda row, _: "" if row.ticket is None else _text(get(row.ticket))


def _of_auth(get: Callable[[Auth], str | int | None]) -> Callable[[Authenticated, Signs], str]:
    return authenticated.of_call(lambda call: None if call.auth is None else get(call.auth))


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
    "No RPC call was found",
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
    "No failed call",
)
_AUTH: Table[Authenticated] = Table(
    authenticated.authenticated,
    (
        ("Frames", authenticated.frames),
        ("Carried in", lambda row, _: authenticated.carrier(row)),
        ("Call id", authenticated.of_call(lambda call: call.call_id)),
        ("Mechanism", lambda row, _: authenticated.mechanism(row)),
        ("Level", _of_auth(lambda auth: auth.level_name or auth.level)),
        ("Token", lambda row, _: authenticated.tokens(row)),
        ("Reply token", lambda row, _: authenticated.reply_token(row)),
        ("Realm", _of_ticket(lambda ticket: ticket.realm)),
        ("Sname", _of_ticket(lambda ticket: "/".join(ticket.sname))),
        ("User-to-user", _of_ticket(lambda ticket: "yes" if ticket.user_to_user else "no")),
        ("Presented in", _of_ticket(lambda ticket: f"{ticket.presented_in}, frame {ticket.frame}")),
        ("Ticket etype", _of_ticket(lambda ticket: ticket.etype_name or ticket.etype)),
        ("Kvno", _of_ticket(lambda ticket: ticket.kvno)),
        ("AP options", _of_ticket(lambda ticket: " ".join(ticket.ap_options))),
        ("NTLM user", lambda row, _: authenticated.user(row)),
        ("Outcome", lambda row, _: safe_text(row.record.outcome)),
        ("Result", lambda row, _: authenticated.result(row)),
    ),
    (
        ("Id", lambda row, _: safe_text(row.record.id)),
        ("Context", _of_auth(lambda auth: auth.context_id)),
        ("Authenticator etype", _of_ticket(lambda ticket: ticket.authenticator_etype)),
        ("Name type", _of_ticket(lambda ticket: ticket.name_type_name or ticket.name_type)),
        ("Issued in", _of_ticket(lambda ticket: ticket.exchange)),
        ("Client {arrow} server", _hosts),
        ("Time", lambda row, _: time_words(row.record.request_time or row.record.reply_time)),
        ("Took", lambda row, _: _duration(row.record.request_ns, row.record.reply_ns)),
        ("Connection", authenticated.of_call(lambda call: call.connection)),
        ("Capture", _capture),
        ("Notes", lambda row, _: safe_text("; ".join(row.record.notes))),
    ),
    "No security token was seen",
)
_STREAMS: Table[Stream] = Table(
    lambda report: report.streams,
    (
        ("Connection", lambda stream, _: safe_text(stream.id)),
        ("Transport", lambda stream, _: safe_text(stream.transport)),
        ("Client {arrow} server", _hosts),
        ("Frames", lambda stream, _: f"{stream.first_frame} to {stream.last_frame}"),
        ("PDUs", lambda stream, _: str(stream.pdus)),
        ("Calls", lambda stream, _: str(stream.calls)),
        ("Failed", lambda stream, _: str(stream.failed)),
        ("Start", lambda stream, _: "joined late" if stream.joined_late else "seen"),
        ("Gaps", lambda stream, _: f"{stream.gaps} ({stream.missing_octets} octets)" if stream.gaps else ""),
        ("End", lambda stream, _: _text(stream.ended)),
        ("What for", lambda stream, _: _text(stream.purpose)),
    ),
    (
        ("Lasted", lambda stream, _: _duration(stream.first_ns, stream.last_ns)),
        ("uid", lambda stream, _: _text(stream.uid)),
        ("Community ID", lambda stream, _: _text(stream.community_id)),
        ("Capture", _capture),
    ),
    "No connection carried RPC",
)


def _exchange_frames(exchange: KerberosExchange, signs: Signs) -> str:
    request = "?" if exchange.request_frame is None else str(exchange.request_frame)
    reply = "?" if exchange.reply_frame is None else str(exchange.reply_frame)
    return f"{request} {signs.arrow} {reply}"


def _ticket(ticket: TicketName | None) -> str:
    """What a ticket is for and who issued it."""
    return "" if ticket is None else ticket_name(ticket)


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
        ("Path", lambda exchange, _: safe_text(f"{exchange.path}, hop {exchange.hop}") if exchange.path else ""),
        ("User-to-user", lambda exchange, _: "yes" if exchange.user_to_user else ""),
        ("Result", lambda exchange, _: exchange_result(exchange)),
    ),
    (
        ("Id", lambda exchange, _: safe_text(exchange.id)),
        ("Presented", lambda exchange, _: _ticket(exchange.presented)),
        ("Issued", lambda exchange, _: _ticket(exchange.ticket)),
        ("Options", lambda exchange, _: safe_text(" ".join(exchange.options))),
        ("Etypes", lambda exchange, _: safe_text(" ".join(each.name or str(each.etype) for each in exchange.etypes))),
        ("Time", lambda exchange, _: time_words(exchange.request_time or exchange.reply_time)),
        ("Server time", lambda exchange, _: time_words(exchange.server_time) if exchange.server_time else ""),
        ("Text", lambda exchange, _: _text(exchange.e_text)),
        ("RPC call", lambda exchange, _: _text(exchange.call)),
        ("Capture", _capture),
        ("Notes", lambda exchange, _: safe_text("; ".join(exchange.notes))),
    ),
    "No Kerberos exchange was found",
)

_ENDPOINTS: Table[Endpoint] = Table(
    lambda report: report.endpoints,
    (
        ("Frame", lambda endpoint, _: _text(endpoint.frame)),
        ("Told by", lambda endpoint, _: safe_text(endpoint.source)),
        ("Interface", lambda endpoint, _: _text(endpoint.interface_name or endpoint.interface_uuid)),
        ("Told by host", lambda endpoint, _: _text(endpoint.teller)),
        ("Server", lambda endpoint, _: _text(endpoint.server)),
        ("Protocol", lambda endpoint, _: _text(endpoint.protocol)),
        ("Port or pipe", lambda endpoint, _: _text(endpoint.pipe or endpoint.port)),
        ("What for", lambda endpoint, _: _text(endpoint.purpose)),
        ("Status", lambda endpoint, _: _text(endpoint.status_name or endpoint.status_hex) if endpoint.status else ""),
        ("Connections", lambda endpoint, _: safe_text(" ".join(endpoint.connections))),
    ),
    (
        ("Id", lambda endpoint, _: safe_text(endpoint.id)),
        ("Time", lambda endpoint, _: time_words(endpoint.time)),
        ("RPC call", lambda endpoint, _: _text(endpoint.call)),
        ("Capture", _capture),
    ),
    "No endpoint was told",
)
_EVENTS: Table[Event] = Table(
    lambda report: report.events,
    (
        ("Frames", lambda event, _: " ".join(map(str, event.frames))),
        ("Times", lambda event, _: str(event.count)),
        ("What", lambda event, _: safe_text(event.text)),
        ("Name", lambda event, _: _text(event.name)),
        ("Client {arrow} server", _hosts),
        ("Status", lambda event, _: _text(event.status_name or event.status_hex)),
    ),
    (
        ("Kind", lambda event, _: safe_text(event.kind)),
        ("Octets", lambda event, _: _text(event.octets)),
        ("Time", lambda event, _: time_words(event.first_time)),
        ("Lasted", lambda event, _: _duration(event.first_ns, event.last_ns)),
        ("Capture", _capture),
    ),
    "No event beside the calls",
)

FULL_TABLES: dict[str, Table[Any]] = {
    "faults": _FAULTS,
    "calls": _CALLS,
    "kerberos": _KERBEROS,
    "auth": _AUTH,
    "endpoints": _ENDPOINTS,
    "events": _EVENTS,
    "streams": _STREAMS,
}
