"""The codes that the failures of a Report carry -> what each means, what seeing it proves and what it does not."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.knowledge import tables
from rpctrace.record import record
from rpctrace.report import Call, Report

MOST_CODES = 40


@record
class CodeWords:
    """One code, explained by the tables of `knowledge`; an empty text where these have none."""

    value: str
    name: str
    kind: str
    meaning: str
    cause: str
    proves: str
    does_not_prove: str
    source: str


_KINDS = {
    "win32": "RPC fault status",
    "nca": "RPC fault status",
    "dce": "DCE runtime status",
    "hresult": "HRESULT",
    "ntstatus": "NTSTATUS",
}


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


def _proof(kind: str, value: str) -> tuple[str, str]:
    fact = tables.proofs().get((kind, value))
    return ("", "") if fact is None else (fact.proves, fact.does_not_prove)


def _status(value: int, name: str | None) -> CodeWords:
    shown = f"0x{value & 0xFFFFFFFF:08X}"
    fact = tables.status(value)
    proves, does_not_prove = _proof("status", shown)
    if fact is None:
        return CodeWords(shown, name or "unknown status", "status", "", "", proves, does_not_prove, "")
    return CodeWords(
        shown, name or fact.name, _KINDS[fact.family], fact.meaning, fact.cause, proves, does_not_prove, fact.source
    )


def _kerberos(code: int, name: str | None) -> CodeWords:
    fact = tables.kerberos_error(code)
    proves, does_not_prove = _proof("kerberos", str(code))
    if fact is None:
        return CodeWords(str(code), name or "KRB-ERROR", "Kerberos error", "", "", proves, does_not_prove, "")
    benign = f"Normal when: {fact.benign_when}" if fact.benign_when else ""
    cause = " ".join(filter(None, (fact.cause, benign)))
    return CodeWords(str(code), fact.name, "Kerberos error", fact.meaning, cause, proves, does_not_prove, fact.source)


def _bind_nak(reason: int, name: str | None) -> CodeWords:
    fact = tables.reject_reasons().get(("bind_nak", reason))
    proves, does_not_prove = _proof("bind_nak", str(reason))
    kind = "bind_nak reject reason"
    if fact is None:
        return CodeWords(str(reason), name or "unknown reason", kind, "", "", proves, does_not_prove, "")
    return CodeWords(str(reason), fact.name, kind, fact.meaning, fact.cause, proves, does_not_prove, fact.source)


_MAKERS = {"status": _status, "kerberos": _kerberos, "bind_nak": _bind_nak}
