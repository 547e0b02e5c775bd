"""Records of a Report -> the blocks of TOML that `check --update` writes for them, alike ones as one block."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator, Sequence
from math import floor
from typing import Any, NamedTuple

from rpctrace.encoding.text import safe_text
from rpctrace.expectations.keys import CALL, FINDING, KERBEROS, TICKET
from rpctrace.expectations.reading import entry_of
from rpctrace.expectations.values import Kind
from rpctrace.expectations.words import Presented, interface_of
from rpctrace.report import Call, Finding, KerberosExchange, Report

MOST_BLOCKS = 200  # of one kind: more nobody reads, and `failed` counts all
_STEPS = 20  # confidences are rounded down to a twentieth: a rule that is weighed anew by a little still passes


class Generated(NamedTuple):
    """A block, and the places of the records that it was made for among those of its kind."""

    lines: tuple[str, ...]
    places: tuple[int, ...]


def generated(report: Report, kind: Kind, is_wanted: Callable[[int, Any], bool]) -> list[Generated]:
    """Blocks for the records of a kind that are wanted (by place and value), in the order of their first records."""
    shared = _TEXTS[kind.table][0]
    records = kind.records(report)
    alike: dict[tuple[object, ...], list[int]] = {}
    for place, record in enumerate(records):
        if is_wanted(place, record):
            alike.setdefault(_GROUPS.get(kind.table, lambda one: tuple(shared([one])))(record), []).append(place)
    return [_block(kind, records, places) for places in list(alike.values())[:MOST_BLOCKS]]


def _block(kind: Kind, records: Sequence[Any], places: list[int]) -> Generated:
    shared, single = _TEXTS[kind.table]
    group = [records[place] for place in places]
    lines = list(shared(group))
    if len(group) == 1:
        lines += single(group[0])
    else:
        entry = entry_of(tomllib.loads("\n".join(lines)), kind, 0)
        described = sum(map(entry.describes, records))  # also those that have something besides, such as a ticket
        lines.append(f"count = {described}")
    return Generated((f"[[{kind.table}]]", *lines), tuple(places))


def is_by_default(kind: Kind, record: Any) -> bool:
    """Failed calls, and findings that are no mere notes."""
    return record.failed if kind is CALL else kind is FINDING and record.severity != "note"


def _quoted(text: str) -> str:
    """A TOML basic string of text from anywhere."""
    return '"' + safe_text(text).replace("\\", "\\\\").replace('"', '\\"') + '"'


def _line(key: str, value: str, remark: str | None = None) -> str:
    return f"{key} = {value}" + (f"  # {safe_text(remark)}" if remark else "")


def _numbers(numbers: Sequence[int]) -> str:
    return f"[{', '.join(map(str, numbers))}]"


def _call_text(calls: Sequence[Call]) -> Iterator[str]:
    call = calls[0]
    yield _line("kind", _quoted(call.kind))
    uuid, name = interface_of(call)
    if call.interfaces:
        yield _line("interface", _quoted(uuid), name)
    if call.opnum is not None:
        yield _line("opnum", str(call.opnum), call.operation)
    yield _line("outcome", _quoted(call.outcome))
    if call.status is not None:
        yield _line("status", f'"{call.status_hex or hex(call.status)}"', call.status_name)
    if call.reject_reason is not None:
        yield _line("reject_reason", str(call.reject_reason), call.reject_reason_name)
    if call.auth is not None and call.auth.kerberos_error is not None:
        yield _line("kerberos_error", str(call.auth.kerberos_error), call.auth.kerberos_error_name)
    if call.ticket is not None:
        if call.ticket.realm is not None:
            yield _line("realm", _quoted(call.ticket.realm))
        yield _line("sname", _quoted("/".join(call.ticket.sname)))
        if call.ticket.user_to_user:
            yield "user_to_user = true"


def _call_single(call: Call) -> Iterator[str]:
    """What only one call has: its id and frames."""
    if call.call_id is not None:
        yield f"call_id = {call.call_id}"
    yield f"request_frames = {_numbers(call.request_frames)}"
    yield f"reply_frames = {_numbers(call.reply_frames)}"


def _finding_text(findings: Sequence[Finding]) -> Iterator[str]:
    finding = findings[0]
    yield _line("rule", _quoted(finding.rule), finding.title if len(findings) == 1 else None)
    yield _line("severity", _quoted(finding.severity))
    least = min(each.confidence for each in findings)
    yield f"least_confidence = {floor(least * _STEPS + 1e-9) / _STEPS:.2f}"


def _ticket_text(shown: Sequence[Presented]) -> Iterator[str]:
    ticket = shown[0].ticket
    if ticket.realm is not None:
        yield _line("realm", _quoted(ticket.realm))
    yield _line("sname", _quoted("/".join(ticket.sname)))
    yield _line("presented_in", _quoted(ticket.presented_in))
    if ticket.user_to_user:
        yield "user_to_user = true"


def _ticket_single(shown: Presented) -> Iterator[str]:
    yield f"frame = {shown.ticket.frame}"


def _kerberos_text(exchanges: Sequence[KerberosExchange]) -> Iterator[str]:
    exchange = exchanges[0]
    for key in ("kind", "realm", "cname", "sname", "outcome", "reply"):
        value = getattr(exchange, key)
        if value:
            yield _line(key, _quoted("/".join(value) if isinstance(value, tuple) else value))
    if exchange.error is not None:
        yield _line("error", str(exchange.error), exchange.error_name)
    if exchange.referral_to:
        yield _line("referral_to", _quoted(exchange.referral_to))


def _kerberos_single(exchange: KerberosExchange) -> Iterator[str]:
    for key in ("request_frame", "reply_frame"):
        frame = getattr(exchange, key)
        if frame is not None:
            yield f"{key} = {frame}"


def _nothing(_record: Any) -> Iterator[str]:
    return iter(())


_Texts = tuple[Callable[[Sequence[Any]], Iterator[str]], Callable[[Any], Iterator[str]]]
# By kind: what alike records share, a line a key, and what a single one has besides.
_TEXTS: dict[str, _Texts] = {
    CALL.table: (_call_text, _call_single),
    FINDING.table: (_finding_text, _nothing),
    TICKET.table: (_ticket_text, _ticket_single),
    KERBEROS.table: (_kerberos_text, _kerberos_single),
}
# What makes findings alike, which are no two of one text.
_GROUPS: dict[str, Callable[[Any], tuple[object, ...]]] = {
    FINDING.table: lambda finding: (finding.rule, finding.severity),
}
