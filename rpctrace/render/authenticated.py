"""Everything that authenticated, by what carried its tokens: RPC calls, session setups of SMB, binds of LDAP, requests
of HTTP; in the order of their frames, for one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rpctrace.encoding.text import safe_text
from rpctrace.record import record
from rpctrace.render.words import Signs, frames_words, kerberos_error_words, ntlm_words, result_words
from rpctrace.report import Authentication, Call, Host, Report, Ticket


@record
class Authenticated:
    """A call that carried a token or belongs to a ticket, or an authentication outside DCE/RPC."""

    record: Call | Authentication

    @property
    def client(self) -> Host:
        return self.record.client

    @property
    def server(self) -> Host:
        return self.record.server

    @property
    def capture(self) -> int:
        return self.record.capture

    @property
    def first_frame(self) -> int:
        if isinstance(self.record, Call):
            return next(iter((*self.record.request_frames, *self.record.reply_frames)), 0)
        return self.record.request_frame or self.record.reply_frame or 0

    @property
    def ticket(self) -> Ticket | None:
        return self.record.ticket


def authenticated(report: Report) -> Sequence[Authenticated]:
    calls = [
        Authenticated(call)
        for call in report.calls
        if call.ticket is not None or (call.auth is not None and (call.auth.token or call.auth.reply_token))
    ]
    others = [Authenticated(each) for each in report.authentications]
    if not others:
        return calls
    return sorted([*calls, *others], key=lambda row: (row.capture, row.first_frame))


def frames(row: Authenticated, signs: Signs) -> str:
    if isinstance(row.record, Call):
        return frames_words(row.record, signs)
    shown = ("?" if each is None else str(each) for each in (row.record.request_frame, row.record.reply_frame))
    return f" {signs.arrow} ".join(shown)


def carrier(row: Authenticated) -> str:
    """bind, alter_context, auth3, request; or smb, ldap, http."""
    return safe_text(row.record.kind if isinstance(row.record, Call) else row.record.carried_in)


def mechanism(row: Authenticated) -> str:
    if isinstance(row.record, Call):
        return safe_text(row.record.auth.mechanism) if row.record.auth else ""
    return safe_text(row.record.mechanism)


def tokens(row: Authenticated) -> str:
    """What the client sent; outside DCE/RPC the tokens of both sides in order."""
    if isinstance(row.record, Call):
        return safe_text(row.record.auth.token or "") if row.record.auth else ""
    return safe_text(", ".join(row.record.tokens))


def reply_token(row: Authenticated) -> str:
    if isinstance(row.record, Call):
        return safe_text(row.record.auth.reply_token or "") if row.record.auth else ""
    return safe_text(row.record.reply_token or "")


def user(row: Authenticated) -> str:
    ntlm = row.record.auth.ntlm if isinstance(row.record, Call) and row.record.auth else None
    return ntlm_words(row.record.ntlm if isinstance(row.record, Authentication) else ntlm)


def result(row: Authenticated) -> str:
    record = row.record
    if isinstance(record, Call):
        return result_words(record) if record.failed else ""
    if record.outcome != "rejected":
        return ""
    error = kerberos_error_words(record.kerberos_error, record.kerberos_error_name)
    status = record.status_name or record.status_hex or ("" if record.status is None else str(record.status))
    return "\n".join(filter(None, (safe_text(status), error)))


def of_call(get: Callable[[Call], str | int | None]) -> Callable[[Authenticated, Signs], str]:
    """A column that only calls fill."""

    def column(row: Authenticated, _: Signs) -> str:
        value = get(row.record) if isinstance(row.record, Call) else None
        return "" if value is None else safe_text(str(value))

    return column
