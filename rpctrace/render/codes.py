"""The codes that the failures of a Report carry -> what each means, what seeing it proves and what it does not."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace import explanation
from rpctrace.explanation import Explanation
from rpctrace.record import record
from rpctrace.report import Call, Report

MOST_CODES = 40


@record
class CodeWords:
    """One code, explained as `explain` does; an empty text where no table has one."""

    value: str
    name: str
    kind: str
    meaning: str
    cause: str
    proves: str
    does_not_prove: str
    source: str


def codes_of(report: Report) -> tuple[CodeWords, ...]:
    """Each code once, in the order in which failed calls, KDCs, authentications and logs show them."""
    found: dict[tuple[str, int], CodeWords] = {}
    for kind, value, name in _codes(report):
        if (kind, value) not in found:
            found[kind, value] = _MAKERS[kind](value, name)
    return tuple(found.values())


def _codes(report: Report) -> Iterator[tuple[str, int, str | None]]:
    for call in report.calls:
        if call.failed:
            yield from _of_call(call)
        elif call.dcom is not None and call.dcom.hresult is not None and call.dcom.hresult & 0x8000_0000:
            yield "status", call.dcom.hresult, call.dcom.hresult_name
    for exchange in report.kerberos:
        if exchange.error is not None and exchange.refused:
            yield "kerberos", exchange.error, exchange.error_name
        if exchange.ntstatus is not None:
            yield "status", exchange.ntstatus, exchange.ntstatus_name
    for said in report.authentications:
        if said.outcome == "rejected" and said.status_hex is not None and said.carried_in == "smb":
            yield "status", said.status or 0, said.status_name
    for endpoint in report.endpoints:
        if endpoint.status:
            yield "status", endpoint.status, endpoint.status_name
    for entry in report.log_entries:
        if entry.status:
            yield "status", entry.status, entry.status_name


def _of_call(call: Call) -> Iterator[tuple[str, int, str | None]]:
    if call.status is not None:
        yield "status", call.status, call.status_name
    if call.reject_reason is not None:
        yield "bind_nak", call.reject_reason, call.reject_reason_name
    for each in call.extended_error or ():
        yield "status", each.status, each.status_name
    if call.auth is not None and call.auth.kerberos_error is not None:
        yield "kerberos", call.auth.kerberos_error, call.auth.kerberos_error_name


def _words(value: str, name: str | None, kind: str, known: Explanation | None) -> CodeWords:
    """`name` is what the report calls the code, `kind` what it is where no table has it."""
    if known is None:
        return CodeWords(value, name or f"unknown {kind}", kind, "", "", "", "", "")
    benign = f"Normal when: {known.benign_when}" if known.benign_when else ""
    return CodeWords(
        value=value,
        name=name or known.title,
        kind=known.kind,
        meaning=known.meaning,
        cause=" ".join(filter(None, (known.cause, benign))),
        proves=known.proves,
        does_not_prove=known.does_not_prove,
        source=known.source,
    )


def _status(value: int, name: str | None) -> CodeWords:
    return _words(f"0x{value & 0xFFFFFFFF:08X}", name, "status", explanation.of_status(value))


def _kerberos(code: int, name: str | None) -> CodeWords:
    return _words(str(code), name, "Kerberos error", explanation.of_kerberos_error(code))


def _bind_nak(reason: int, name: str | None) -> CodeWords:
    return _words(str(reason), name, "bind_nak reject reason", explanation.of_reject_reason(reason))


_MAKERS = {"status": _status, "kerberos": _kerberos, "bind_nak": _bind_nak}
