"""Report.pdus -> one line a PDU in the words of Network Monitor 3.4, to lay a trace beside a support article.

The promise is the text before the brace. Braces are conversation ids, innermost first, and stand after Fault lines
only. Network Monitor knew few interfaces by name; where it had none it printed `unknown`, and so does this.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TextIO

from rpctrace.encoding.text import safe_text
from rpctrace.knowledge import tables
from rpctrace.render.rendering import Rendering, RenderOptions
from rpctrace.report import PduLine, Report

# As printed in traces that Microsoft's support articles show (Bind, Alter Cont and Response lines).
NETWORK_MONITOR_NAMES = {
    "000001a0-0000-0000-c000-000000000046": "IRemoteSCMActivator(DCOM)",
    "12345678-1234-abcd-ef00-01234567cffb": "Netlogon(NRPC)",
    "367abb81-9844-35f1-ad32-98f038001003": "scmr(SCMR)",
    tables.ENDPOINT_MAPPER_UUID: "EPT(EPMP)",
    "e3514235-4b06-11d1-ab04-00c04fc2dcd2": "DRSR(DRSR)",
}
UNKNOWN = "unknown"

_KIND_WORDS = {
    "request": "Request",
    "ping": "Ping",
    "response": "Response",
    "fault": "Fault",
    "working": "Working",
    "nocall": "No Call",
    "reject": "Reject",
    "ack": "Ack",
    "cl_cancel": "Cl Cancel",
    "fack": "Fack",
    "cancel_ack": "Cancel Ack",
    "bind": "Bind",
    "bind_ack": "Bind Ack",
    "bind_nak": "Bind Nack",
    "alter_context": "Alter Cont",
    "alter_context_resp": "Alter Cont Resp",
    "auth3": "Auth3",
    "shutdown": "Shutdown",
    "co_cancel": "Co Cancel",
    "orphaned": "Orphaned",
    "rts": "RTS",
}
_TOKEN_WORDS = {"AP-REP": "Kerberos: AP Response", "KRB-ERROR": "Kerberos: KRB_ERROR"}


def _hexadecimal(label: str, value: int | None) -> str:
    return "" if value is None else f"{label}=0x{value:X}"


def _interface_with_uuid(line: PduLine) -> str:
    """What a Bind or Alter Cont line shows: the first abstract syntax."""
    if line.interface_uuid is None:
        return UNKNOWN
    name = NETWORK_MONITOR_NAMES.get(line.interface_uuid.lower(), UNKNOWN)
    return f"{name} UUID{{{safe_text(line.interface_uuid).upper()}}}"


def _interface_of_call(line: PduLine) -> str:
    """What a Request or Response line shows: a UUID only beside a name."""
    name = NETWORK_MONITOR_NAMES.get((line.interface_uuid or "").lower())
    return UNKNOWN if name is None else f"{name} {{{safe_text(line.interface_uuid or '').upper()}}}"


def _call(line: PduLine) -> str:
    return _hexadecimal("Call", line.call_id)


def _opnum(line: PduLine) -> str:
    return _hexadecimal("Opnum", line.opnum)


def _context(line: PduLine) -> str:
    return _hexadecimal("Context", line.context_id)


def _hint(line: PduLine) -> str:
    return _hexadecimal("Hint", line.alloc_hint)


def _status(line: PduLine) -> str:
    return _hexadecimal("Status", line.status)


def _cancels(line: PduLine) -> str:
    return _hexadecimal("Cancels", line.cancel_count)


def _group(line: PduLine) -> str:
    return _hexadecimal("Assoc Grp", line.association_group)


def _xmit(line: PduLine) -> str:
    return _hexadecimal("Xmit", line.max_xmit)


def _recv(line: PduLine) -> str:
    return _hexadecimal("Recv", line.max_recv)


def _reject_reason(line: PduLine) -> str:
    if line.reject_reason is None:
        return ""
    name = tables.reject_reason_name(line.reject_reason)
    return f"Reject Reason: {name or f'0x{line.reject_reason:X}'}"


def _token(line: PduLine) -> str:
    if line.token == "AP-REQ":
        sname = safe_text("/".join(line.sname))
        return f"Kerberos: AP Request Ticket[Realm: {safe_text(line.realm or '')}, Sname: {sname}]"
    return _TOKEN_WORDS.get(line.token or "", "")


def _conversations(line: PduLine) -> str:
    ids = ", ".join(f"{safe_text(protocol)}:{number}" for protocol, number in line.conversations)
    return f"{{{ids}}}" if ids else ""


Part = Callable[[PduLine], str]

_NEGOTIATION: tuple[Part, ...] = (_call, _group, _xmit, _recv, _token)
_PARTS: dict[str, tuple[Part, ...]] = {
    "bind": (_interface_with_uuid, *_NEGOTIATION),
    "bind_ack": _NEGOTIATION,
    "bind_nak": (_call, _reject_reason),
    "alter_context": (_interface_with_uuid, _call, _token),
    "alter_context_resp": _NEGOTIATION,
    "auth3": (_call, _token),
    "request": (_interface_of_call, _call, _opnum, _context, _hint),
    "response": (_interface_of_call, _call, _context, _hint, _cancels),
    "fault": (_call, _context, _status, _cancels, _conversations),
}
_OTHER_PARTS: tuple[Part, ...] = (_call,)


def netmon_line(line: PduLine) -> str:
    """One PDU as Network Monitor's description column has it."""
    mode = "c/l" if any(protocol == "UDP" for protocol, _ in line.conversations) else "c/o"
    kind = _KIND_WORDS.get(line.kind) or safe_text(line.kind)
    parts = (part(line) for part in _PARTS.get(line.kind, _OTHER_PARTS))
    return " ".join(filter(None, (f"MSRPC:{mode} {kind}:", *parts)))


def render(report: Report, out: TextIO, options: RenderOptions) -> None:
    several = len(report.captures) > 1
    for line in report.pdus:
        prefix = ""
        if options.verbosity > 0:
            prefix = f"{line.capture + 1}:{line.frame}  " if several else f"{line.frame}  "
        out.write(f"{prefix}{netmon_line(line)}\n")


RENDERING = Rendering("netmon", (), "one line a PDU in the words of Network Monitor 3.4", render, needs_pdus=True)
