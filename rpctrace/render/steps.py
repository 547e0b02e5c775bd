"""Records of the Report -> steps: who asked whom for what and what came back, on one clock.

The pictures of a finding (ladder, timeline) are drawn from these. Times of every capture are brought to the clock of
the first capture that shares frames with it; a capture that shares none keeps its own.
"""

from __future__ import annotations

from rpctrace.correlation.timeline import Timeline
from rpctrace.encoding.text import safe_text
from rpctrace.record import record
from rpctrace.render.words import (
    exchange_result,
    interface_words,
    kerberos_error_words,
    ntlm_words,
    one_line,
    principal_words,
    result_words,
    ticket_name,
    ticket_words,
    user_words,
)
from rpctrace.report import Authentication, Call, Event, KerberosExchange, LogEntry

FAMILIES = ("Kerberos", "RPC", "Secure channel", "Other", "netlogon.log")  # in the order of the timeline's rows


@record
class Step:
    """A question and its answer, or something that has neither. `asker` and `answerer` are addresses; times in
    nanoseconds, None where not captured; `tone`: plain, auth, failure, warning or log. `log_time`: what a log's own
    clock shows; its times are of whole seconds, so `asked_ns` or `answered_ns` only says where the line stands. `user`:
    for whom it was asked, "" where that does not show."""

    key: str
    family: str
    asker: str
    answerer: str
    capture: int | None
    asked_ns: int | None
    answered_ns: int | None
    asked_frame: int | None
    answered_frame: int | None
    question: str
    question_detail: str
    answer: str
    answer_detail: str
    question_tone: str = "plain"
    answer_tone: str = "plain"
    log_line: str | None = None
    log_time: str | None = None
    user: str = ""

    @property
    def first_ns(self) -> int | None:
        return self.asked_ns if self.asked_ns is not None else self.answered_ns

    @property
    def last_ns(self) -> int | None:
        return self.answered_ns if self.answered_ns is not None else self.asked_ns


_Asked = Call | KerberosExchange | Authentication


def _step(
    record: _Asked,
    clock: Timeline,
    *,
    kind: str,
    family: str,
    question: tuple[str, str],
    answer: tuple[str, str],
    tones: tuple[str, str],
    user: str,
) -> Step:
    """What every record has that asks and is answered; of `question` and `answer` the words and the details."""
    return Step(
        key=f"{kind} {record.id}",
        family=family,
        asker=record.client.address,
        answerer=record.server.address,
        capture=record.capture,
        asked_ns=clock.common_ns(record.capture, record.request_ns),
        answered_ns=clock.common_ns(record.capture, record.reply_ns),
        asked_frame=record.request_frame,
        answered_frame=record.reply_frame,
        question=question[0],
        question_detail=question[1],
        answer=answer[0],
        answer_detail=answer[1],
        question_tone=tones[0],
        answer_tone=tones[1],
        user=user,
    )


def call_question(call: Call) -> tuple[str, str]:
    """What a call asks for, and what it carried for that."""
    if call.secure_channel is not None:
        return safe_text(call.secure_channel.operation), "sealed" if call.secure_channel.sealed else "in clear"
    if call.opnum is not None and call.operation:
        title = safe_text(call.operation)
        detail = safe_text(call.interfaces[0].name or call.interfaces[0].uuid) if call.interfaces else ""
    else:
        title, detail = f"{safe_text(call.kind)} {one_line(interface_words(call))}".rstrip(), ""
    if call.ticket is not None and call.ticket.frame in call.request_frames:
        detail = f"{safe_text(call.auth.token)}: " if call.auth and call.auth.token else ""
        detail += one_line(ticket_words(call.ticket))
    elif call.auth is not None and call.auth.token:
        detail = f"{safe_text(call.auth.mechanism)} {safe_text(call.auth.token)}"
    return title, detail


def call_answer(call: Call) -> tuple[str, str]:
    if call.failed:
        title = safe_text(call.reply or call.outcome)
        return title, one_line(result_words(call))
    title = safe_text(call.reply or call.outcome)
    detail = safe_text(call.auth.reply_token) if call.auth is not None and call.auth.reply_token else ""
    status = call.dcom.hresult_name if call.dcom is not None and call.dcom.hresult else None
    if call.secure_channel is not None and call.secure_channel.status is not None:
        status = call.secure_channel.status_name or call.secure_channel.status_hex
    return title, safe_text(status) if status else detail


def call_step(call: Call, clock: Timeline) -> Step:
    channel, auth = call.secure_channel, call.auth
    carries_token = auth is not None and auth.token is not None and call.kind != "request"
    return _step(
        call,
        clock,
        kind="call",
        family="RPC" if channel is None else "Secure channel",
        question=call_question(call),
        answer=call_answer(call),
        tones=("auth" if carries_token else "plain", "failure" if call.failed else "plain"),
        user=safe_text(channel.user or "") if channel is not None else ntlm_words(auth.ntlm if auth else None),
    )


def exchange_step(exchange: KerberosExchange, clock: Timeline) -> Step:
    kind = safe_text(exchange.kind) if exchange.kind else "Kerberos"
    how = " (user-to-user)" if exchange.user_to_user else ""
    error = kerberos_error_words(exchange.error, exchange.error_name)
    if error:
        answer, detail = "KRB-ERROR", error
    elif exchange.referral_to:
        answer, detail = safe_text(exchange.reply or ""), f"referral to {safe_text(exchange.referral_to)}"
    else:
        issued = exchange.ticket
        answer = one_line(exchange_result(exchange))
        detail = f"ticket {ticket_name(issued)}" if issued is not None and issued.sname else ""
    return _step(
        exchange,
        clock,
        kind="exchange",
        family="Kerberos",
        question=(f"{kind}-REQ", f"{principal_words(exchange.sname)}{how}"),
        answer=(answer, detail),
        tones=("plain", "warning" if exchange.refused else "plain"),
        user=user_words(exchange.cname),
    )


def authentication_step(said: Authentication, clock: Timeline) -> Step:
    error = kerberos_error_words(said.kerberos_error, said.kerberos_error_name)
    return _step(
        said,
        clock,
        kind="authentication",
        family="Other",
        question=(
            f"{safe_text(said.carried_in)} {safe_text(said.mechanism)}",
            one_line(ticket_words(said.ticket)) if said.ticket is not None else "",
        ),
        answer=(safe_text(said.outcome), error or safe_text(said.status_name or said.status_hex or "")),
        tones=("auth", "failure" if said.outcome == "rejected" else "plain"),
        user=ntlm_words(said.ntlm),
    )


def event_step(event: Event, clock: Timeline) -> Step:
    ends = f"{event.client.address} {event.client.port} {event.server.address} {event.server.port}"
    return Step(
        key=f"event {event.kind} {event.capture} {ends} {event.frames[:1]}",
        family="Other",
        asker=event.client.address,
        answerer=event.server.address,
        capture=event.capture,
        asked_ns=clock.common_ns(event.capture, event.first_ns),
        answered_ns=None,
        asked_frame=event.frames[0] if event.frames else None,
        answered_frame=None,
        question=safe_text(event.text),
        question_detail=safe_text(event.name or event.status_name or f"port {event.server.port}"),
        answer="",
        answer_detail="",
        question_tone="warning",
    )


def log_step(entry: LogEntry, asker: str, answerer: str, ns: int | None) -> Step:
    """A line of netlogon.log that stands at `ns`."""
    failed = bool(entry.status)
    returns = entry.phase == "Returns"
    status = safe_text(entry.status_name or entry.status_hex or "")
    whose = "\\".join(filter(None, (entry.domain, entry.user)))
    title = f"{safe_text(entry.kind or entry.flag or 'line')} logon" if entry.kind else safe_text(entry.flag or "line")
    return Step(
        key=f"log {entry.file}:{entry.line:012}",  # two of one moment are sorted by it
        family="netlogon.log",
        asker=asker,
        answerer=answerer,
        capture=None,
        asked_ns=None if returns else ns,
        answered_ns=ns if returns else None,
        asked_frame=None,
        answered_frame=None,
        question="" if returns else title,
        question_detail="" if returns else safe_text(whose),
        answer=f"{title} returns" if returns else "",
        answer_detail=(status or safe_text(whose)) if returns else "",
        question_tone="log",
        answer_tone="failure" if failed else "log",
        log_line=f"{entry.file}:{entry.line}",
        log_time=safe_text(entry.time.rpartition("T")[2]) if entry.time is not None else None,
    )
