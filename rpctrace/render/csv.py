"""Report -> its calls as CSV (RFC 4180): one flat row a call, for a spreadsheet or a database.

Columns are named like the JSON members, joined with `_` (`ticket_realm`). Lists of frames and interfaces are separated
by spaces, `ticket_sname` by `/` and notes by `; `. A text that a spreadsheet would take for a formula gets a leading
`'`.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from typing import TextIO

from rpctrace.encoding.text import safe_text
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.report import Auth, Call, Ntlm, Report, Ticket

# The last four are the full-width forms of the first four, which an East Asian Excel reads alike.
FORMULA_STARTS = tuple("=+-@\t\r\0\uff1d\uff0b\uff0d\uff20")

Cell = str | int | None


def cell(value: Cell | bool) -> str:
    """One value as the text of a cell; RFC 4180 quoting is the writer's."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    text = safe_text(value)
    return f"'{text}" if value.startswith(FORMULA_STARTS) else text


def _numbers(numbers: tuple[int, ...]) -> str:
    return " ".join(map(str, numbers))


def _of_auth(get: Callable[[Auth], Cell]) -> Callable[[Call], Cell]:
    return lambda call: None if call.auth is None else get(call.auth)


def _of_ntlm(get: Callable[[Ntlm], Cell]) -> Callable[[Call], Cell]:
    return _of_auth(lambda auth: None if auth.ntlm is None else get(auth.ntlm))


def _of_ticket(get: Callable[[Ticket], Cell]) -> Callable[[Call], Cell]:
    return lambda call: None if call.ticket is None else get(call.ticket)


COLUMNS: tuple[tuple[str, Callable[[Call], Cell]], ...] = (
    ("id", lambda call: call.id),
    ("capture", lambda call: call.capture),
    ("connection", lambda call: call.connection),
    ("kind", lambda call: call.kind),
    ("transport", lambda call: call.transport),
    ("client_address", lambda call: call.client.address),
    ("client_port", lambda call: call.client.port),
    ("client_name", lambda call: call.client.name),
    ("server_address", lambda call: call.server.address),
    ("server_port", lambda call: call.server.port),
    ("server_name", lambda call: call.server.name),
    ("pipe", lambda call: call.pipe),
    ("call_id", lambda call: call.call_id),
    ("activity", lambda call: call.activity),
    ("sequence", lambda call: call.sequence),
    ("presentation_context_id", lambda call: call.presentation_context_id),
    ("interface_uuid", lambda call: " ".join(interface.uuid for interface in call.interfaces)),
    ("interface_name", lambda call: " ".join(interface.name or interface.uuid for interface in call.interfaces)),
    ("opnum", lambda call: call.opnum),
    ("operation", lambda call: call.operation),
    ("request_frames", lambda call: _numbers(call.request_frames)),
    ("request_ns", lambda call: call.request_ns),
    ("request_time", lambda call: call.request_time),
    ("reply_frames", lambda call: _numbers(call.reply_frames)),
    ("reply_ns", lambda call: call.reply_ns),
    ("reply_time", lambda call: call.reply_time),
    ("reply", lambda call: call.reply),
    ("outcome", lambda call: call.outcome),
    ("failed", lambda call: call.failed),
    ("status", lambda call: call.status),
    ("status_hex", lambda call: call.status_hex),
    ("status_name", lambda call: call.status_name),
    ("reject_reason", lambda call: call.reject_reason),
    ("reject_reason_name", lambda call: call.reject_reason_name),
    ("auth_context_id", _of_auth(lambda auth: auth.context_id)),
    ("auth_mechanism", _of_auth(lambda auth: auth.mechanism)),
    ("auth_level_name", _of_auth(lambda auth: auth.level_name)),
    ("auth_token", _of_auth(lambda auth: auth.token)),
    ("auth_reply_token", _of_auth(lambda auth: auth.reply_token)),
    ("auth_kerberos_error", _of_auth(lambda auth: auth.kerberos_error)),
    ("auth_kerberos_error_name", _of_auth(lambda auth: auth.kerberos_error_name)),
    ("auth_ntlm_domain", _of_ntlm(lambda ntlm: ntlm.domain)),
    ("auth_ntlm_user", _of_ntlm(lambda ntlm: ntlm.user)),
    ("auth_ntlm_workstation", _of_ntlm(lambda ntlm: ntlm.workstation)),
    ("ticket_realm", _of_ticket(lambda ticket: ticket.realm)),
    ("ticket_sname", _of_ticket(lambda ticket: "/".join(ticket.sname))),
    ("ticket_etype", _of_ticket(lambda ticket: ticket.etype)),
    ("ticket_etype_name", _of_ticket(lambda ticket: ticket.etype_name)),
    ("ticket_kvno", _of_ticket(lambda ticket: ticket.kvno)),
    ("ticket_ap_options", _of_ticket(lambda ticket: " ".join(ticket.ap_options))),
    ("ticket_user_to_user", _of_ticket(lambda ticket: ticket.user_to_user)),
    ("ticket_presented_in", _of_ticket(lambda ticket: ticket.presented_in)),
    ("ticket_frame", _of_ticket(lambda ticket: ticket.frame)),
    ("partial", lambda call: call.partial),
    ("notes", lambda call: "; ".join(call.notes)),
)


def render(report: Report, out: TextIO, options: RenderOptions) -> None:  # noqa: ARG001  # the contract has options
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow([name for name, _ in COLUMNS])
    for call in report.calls:
        writer.writerow([cell(get(call)) for _, get in COLUMNS])


RENDERING = Rendering("csv", (".csv",), "the calls, one flat row each", render)
