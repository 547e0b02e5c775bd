"""Records of the Report -> steps: who asked whom for what and what came back, on one clock.

The pictures of a finding (ladder, timeline) are drawn from these. Times of every capture are brought to the clock of
the first capture that shares frames with it; a capture that shares none keeps its own.
"""

from __future__ import annotations

from collections.abc import Mapping

from rpctrace.encoding.text import safe_text
from rpctrace.record import record
from rpctrace.render.words import (
    exchange_result,
    interface_words,
    kerberos_error_words,
    principal_words,
    result_words,
    ticket_words,
)
from rpctrace.report import Authentication, Call, Event, KerberosExchange, LogEntry, Report

FAMILIES = ("Kerberos", "RPC", "Secure channel", "Other", "netlogon.log")  # in the order of the timeline's rows


@record
class Step:
    """A question and its answer, or something that has neither. `asker` and `answerer` are addresses; times in
    nanoseconds, None where not captured; `tone`: plain, auth, failure, warning or log. `log_time`: what a log's own
    clock shows; its times are of whole seconds, so `asked_ns` or `answered_ns` only says where the line stands."""

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

    @property
    def first_ns(self) -> int | None:
        return self.asked_ns if self.asked_ns is not None else self.answered_ns

    @property
    def last_ns(self) -> int | None:
        return self.answered_ns if self.answered_ns is not None else self.asked_ns


class CommonClock:
    """The times of all captures of a report on one clock."""

    def __init__(self, report: Report) -> None:
        self._offsets: Mapping[int, int] = {clock.capture: clock.offset_ns for clock in report.clocks}
        self._references = {clock.capture: clock.reference for clock in report.clocks}

    def common_ns(self, capture: int, ns: int | None) -> int | None:
        return None if ns is None else ns + self._offsets.get(capture, 0)

    def shared(self, one: int | None, other: int | None) -> bool:
        """Whether the times of two captures can be compared."""
        if one is None or other is None or one == other:
            return True
        return self._references.get(one, one) == self._references.get(other, other)


def _last(frames: tuple[int, ...]) -> int | None:
    return frames[-1] if frames else None


def _one_line(text: str) -> str:
    return text.replace(",\n", ", ").replace("\n", " ")


def call_question(call: Call) -> tuple[str, str]:
    """What a call asks for, and what it carried for that."""
    if call.secure_channel is not None:
        return safe_text(call.secure_channel.operation), "sealed" if call.secure_channel.sealed else "in clear"
    if call.opnum is not None and call.operation:
        title = safe_text(call.operation)
        detail = safe_text(call.interfaces[0].name or call.interfaces[0].uuid) if call.interfaces else ""
    else:
        title, detail = f"{safe_text(call.kind)} {_one_line(interface_words(call))}".rstrip(), ""
    if call.ticket is not None and call.ticket.frame in call.request_frames:
        detail = f"{safe_text(call.auth.token)}: " if call.auth and call.auth.token else ""
        detail += _one_line(ticket_words(call.ticket))
    elif call.auth is not None and call.auth.token:
        detail = f"{safe_text(call.auth.mechanism)} {safe_text(call.auth.token)}"
    return title, detail


def call_answer(call: Call) -> tuple[str, str]:
    if call.failed:
        title = safe_text(call.reply or call.outcome)
        return title, _one_line(result_words(call))
    title = safe_text(call.reply or call.outcome)
    detail = safe_text(call.auth.reply_token) if call.auth is not None and call.auth.reply_token else ""
    status = call.dcom.hresult_name if call.dcom is not None and call.dcom.hresult else None
    if call.secure_channel is not None and call.secure_channel.status is not None:
        status = call.secure_channel.status_name or call.secure_channel.status_hex
    return title, safe_text(status) if status else detail


def call_step(call: Call, clock: CommonClock) -> Step:
    question, question_detail = call_question(call)
    answer, answer_detail = call_answer(call)
    carries_token = call.auth is not None and call.auth.token is not None and call.kind != "request"
    return Step(
        key=f"call {call.id}",
        family="RPC" if call.secure_channel is None else "Secure channel",
        asker=call.client.address,
        answerer=call.server.address,
        capture=call.capture,
        asked_ns=clock.common_ns(call.capture, call.request_ns),
        answered_ns=clock.common_ns(call.capture, call.reply_ns),
        asked_frame=_last(call.request_frames),
        answered_frame=_last(call.reply_frames),
        question=question,
        question_detail=question_detail,
        answer=answer,
        answer_detail=answer_detail,
        question_tone="auth" if carries_token else "plain",
        answer_tone="failure" if call.failed else "plain",
    )


def exchange_step(exchange: KerberosExchange, clock: CommonClock) -> Step:
    kind = safe_text(exchange.kind) if exchange.kind else "Kerberos"
    wanted = principal_words(exchange.sname)
    how = " (user-to-user)" if exchange.user_to_user else ""
    error = kerberos_error_words(exchange.error, exchange.error_name)
    if error:
        answer, detail = "KRB-ERROR", error
    elif exchange.referral_to:
        answer, detail = safe_text(exchange.reply or ""), f"referral to {safe_text(exchange.referral_to)}"
    else:
        issued = exchange.ticket
        name = safe_text(f"{'/'.join(issued.sname)}@{issued.realm or '?'}") if issued and issued.sname else ""
        answer, detail = _one_line(exchange_result(exchange)), f"ticket {name}" if name else ""
    return Step(
        key=f"exchange {exchange.id}",
        family="Kerberos",
        asker=exchange.client.address,
        answerer=exchange.server.address,
        capture=exchange.capture,
        asked_ns=clock.common_ns(exchange.capture, exchange.request_ns),
        answered_ns=clock.common_ns(exchange.capture, exchange.reply_ns),
        asked_frame=exchange.request_frame,
        answered_frame=exchange.reply_frame,
        question=f"{kind}-REQ",
        question_detail=f"{wanted}{how}",
        answer=answer,
        answer_detail=detail,
        answer_tone="warning" if exchange.refused else "plain",
    )


def authentication_step(said: Authentication, clock: CommonClock) -> Step:
    who = _one_line(ticket_words(said.ticket)) if said.ticket is not None else ""
    status = safe_text(said.status_name or said.status_hex or "")
    error = kerberos_error_words(said.kerberos_error, said.kerberos_error_name)
    return Step(
        key=f"authentication {said.id}",
        family="Other",
        asker=said.client.address,
        answerer=said.server.address,
        capture=said.capture,
        asked_ns=clock.common_ns(said.capture, said.request_ns),
        answered_ns=clock.common_ns(said.capture, said.reply_ns),
        asked_frame=said.request_frame,
        answered_frame=said.reply_frame,
        question=f"{safe_text(said.carried_in)} {safe_text(said.mechanism)}",
        question_detail=who,
        answer=safe_text(said.outcome),
        answer_detail=error or status,
        question_tone="auth",
        answer_tone="failure" if said.outcome == "rejected" else "plain",
    )


def event_step(event: Event, clock: CommonClock) -> Step:
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
