"""Records -> lines of TOML, a key each: what alike ones share, and what a single one has besides."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import floor

from rpctrace.encoding.text import safe_text
from rpctrace.expectations.words import Presented, interface_of
from rpctrace.report import Call, Finding, KerberosExchange

_STEPS = 20  # confidences are rounded down to a twentieth: a rule that is weighed anew by a little still passes


def quoted(text: str) -> str:
    """A TOML basic string of text from anywhere."""
    return '"' + safe_text(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _line(key: str, value: str, remark: str | None = None) -> str:
    return f"{key} = {value}" + (f"  # {safe_text(remark)}" if remark else "")


def _numbers(numbers: Sequence[int]) -> str:
    return f"[{', '.join(map(str, numbers))}]"


def call_text(calls: Sequence[Call]) -> Iterator[str]:
    call = calls[0]
    yield _line("kind", quoted(call.kind))
    uuid, name = interface_of(call)
    if call.interfaces:
        yield _line("interface", quoted(uuid), name)
    if call.opnum is not None:
        yield _line("opnum", str(call.opnum), call.operation)
    yield _line("outcome", quoted(call.outcome))
    if call.status is not None:
        yield _line("status", f'"{call.status_hex or hex(call.status)}"', call.status_name)
    if call.reject_reason is not None:
        yield _line("reject_reason", str(call.reject_reason), call.reject_reason_name)
    if call.auth is not None and call.auth.kerberos_error is not None:
        yield _line("kerberos_error", str(call.auth.kerberos_error), call.auth.kerberos_error_name)
    if call.ticket is not None:
        if call.ticket.realm is not None:
            yield _line("realm", quoted(call.ticket.realm))
        yield _line("sname", quoted("/".join(call.ticket.sname)))
        if call.ticket.user_to_user:
            yield "user_to_user = true"


def call_single(call: Call) -> Iterator[str]:
    """What only one call has: its id and frames."""
    if call.call_id is not None:
        yield f"call_id = {call.call_id}"
    yield f"request_frames = {_numbers(call.request_frames)}"
    yield f"reply_frames = {_numbers(call.reply_frames)}"


def finding_text(findings: Sequence[Finding]) -> Iterator[str]:
    finding = findings[0]
    yield _line("rule", quoted(finding.rule), finding.title if len(findings) == 1 else None)
    yield _line("severity", quoted(finding.severity))
    least = min(each.confidence for each in findings)
    yield f"least_confidence = {floor(least * _STEPS + 1e-9) / _STEPS:.2f}"


def ticket_text(shown: Sequence[Presented]) -> Iterator[str]:
    ticket = shown[0].ticket
    if ticket.realm is not None:
        yield _line("realm", quoted(ticket.realm))
    yield _line("sname", quoted("/".join(ticket.sname)))
    yield _line("presented_in", quoted(ticket.presented_in))
    if ticket.user_to_user:
        yield "user_to_user = true"


def ticket_single(shown: Presented) -> Iterator[str]:
    yield f"frame = {shown.ticket.frame}"


def kerberos_text(exchanges: Sequence[KerberosExchange]) -> Iterator[str]:
    exchange = exchanges[0]
    for key in ("kind", "realm", "cname", "sname", "outcome", "reply"):
        value = getattr(exchange, key)
        if value:
            yield _line(key, quoted("/".join(value) if isinstance(value, tuple) else value))
    if exchange.error is not None:
        yield _line("error", str(exchange.error), exchange.error_name)
    if exchange.referral_to:
        yield _line("referral_to", quoted(exchange.referral_to))


def kerberos_single(exchange: KerberosExchange) -> Iterator[str]:
    for key in ("request_frame", "reply_frame"):
        frame = getattr(exchange, key)
        if frame is not None:
            yield f"{key} = {frame}"


def nothing(_record: object) -> Iterator[str]:
    return iter(())
