"""Values of the Report -> the short words that the table, the CSV and the Markdown report share.

Every function returns text that may reach a terminal: what came from a capture has passed `safe_text`. A line feed in
it is a place where a narrow table may break; who wants one line puts a space there.
"""

from __future__ import annotations

from collections.abc import Iterable

from rpctrace.encoding.text import safe_text
from rpctrace.record import record
from rpctrace.report import (
    Call,
    CaptureFacts,
    Clock,
    ExtendedError,
    Host,
    Interface,
    KerberosExchange,
    Ntlm,
    Stream,
    Ticket,
    TicketName,
)

_CONFIDENCE_WORDS = ((0.95, "near certain"), (0.75, "very likely"), (0.5, "likely"))
_HYPOTHESIS_UP_TO = 0.3  # at and below it a finding is severity note

_FORMAT_NAMES = {
    "pcap": "pcap",
    "pcapng": "pcapng",
    "netmon": "Network Monitor",
    "etl": "event trace",
    "matp": "Message Analyzer",
}
_NOBODY = ("WELLKNOWN", "ANONYMOUS")
_ACCEPTANCE_RESULTS = (None, 0, 3)  # C706 12.6.3.1 acceptance, [MS-RPCE] 2.2.2.4 negotiate_ack


@record
class Signs:
    """The few characters beyond ASCII that the report's own words use."""

    arrow: str


UNICODE_SIGNS = Signs(arrow="\u2192")
ASCII_SIGNS = Signs(arrow="->")


def confidence_words(confidence: float) -> str:
    for least, words in _CONFIDENCE_WORDS:
        if confidence >= least:
            return words
    return "possible" if confidence > _HYPOTHESIS_UP_TO else "hypothesis"


def counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def unique(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))


def endpoint_words(host: Host) -> str:
    address = f"[{host.address}]" if ":" in host.address else host.address
    where = f"{address}:{host.port}"
    return safe_text(f"{host.name} ({where})" if host.name else where)


def hosts_words(client: Host, server: Host, signs: Signs, pipe: str | None = None) -> str:
    target = endpoint_words(server) + (f" {safe_text(pipe)}" if pipe else "")
    return f"{endpoint_words(client)}\n{signs.arrow} {target}"


def pipe_words(record: Call | Stream) -> str | None:
    """The pipe of an RPC conversation inside SMB."""
    if record.transport != "ncacn_np":
        return None
    return record.pipe or "(pipe opened before the capture)"


def frame_words(frames: tuple[int, ...]) -> str:
    """The frame that completed the PDU, which Wireshark shows it in; `?` where the capture does not hold it."""
    return str(frames[-1]) if frames else "?"


def frames_words(call: Call, signs: Signs) -> str:
    if not call.reply_frames and call.outcome == "unanswered":
        return frame_words(call.request_frames)
    return f"{frame_words(call.request_frames)} {signs.arrow} {frame_words(call.reply_frames)}"


def _interface_name(interface: Interface) -> str:
    return safe_text(interface.name or interface.uuid)


def interface_words(call: Call) -> str:
    """The interfaces of a call, each once (NDR64 and feature negotiation repeat one), and a request's operation."""
    names = ",\n".join(unique(map(_interface_name, call.interfaces)))
    if call.opnum is None:
        return names
    operation = safe_text(call.operation) if call.operation else f"opnum {call.opnum}"
    return f"{names}\n{operation}" if names else operation


def kerberos_error_words(code: int | None, name: str | None) -> str:
    return "" if code is None else f"{safe_text(name or 'KRB-ERROR')} ({code})"


def _fault_words(call: Call) -> str:
    if call.status is None:
        return "fault, status not captured"
    name = safe_text(call.status_name) if call.status_name else "fault"
    return f"{name}\n{call.status_hex or f'0x{call.status:08x}'}"


def _rejected_contexts(call: Call) -> str:
    reasons = (
        f"{safe_text(interface.result_name or f'result {interface.result}')}: "
        f"{safe_text(interface.reason_name or f'reason {interface.reason}')}"
        for interface in call.interfaces
        if interface.result not in _ACCEPTANCE_RESULTS
    )
    return ", ".join(unique(reasons))


def _rejection_words(call: Call) -> str:
    if call.reject_reason is not None or call.reply == "bind_nak":
        reason = "reason not captured" if call.reject_reason is None else f"reason {call.reject_reason}"
        return f"bind_nak\n{safe_text(call.reject_reason_name or reason)}"
    if call.auth is not None and call.auth.kerberos_error is not None:
        return ""
    return _rejected_contexts(call) or f"token refused\nin {safe_text(call.reply or 'the answer')}"


def result_words(call: Call) -> str:
    """What became of a call: the status of a fault, the reason of a rejection, a KRB-ERROR, else the outcome itself."""
    parts = []
    if call.outcome == "faulted" or call.status is not None:
        parts.append(_fault_words(call))
    elif call.outcome == "rejected":
        parts.append(_rejection_words(call))
    if call.auth is not None:
        parts.append(kerberos_error_words(call.auth.kerberos_error, call.auth.kerberos_error_name))
    return "\n".join(filter(None, parts)) or safe_text(call.outcome)


def one_line(text: str) -> str:
    """A cell of which no table has to be narrow."""
    return text.replace(",\n", ", ").replace("\n", " ")


def ticket_name(ticket: Ticket | TicketName) -> str:
    """`sname@REALM` as the ticket's clear text has it."""
    name = "/".join(ticket.sname) or "?"
    return safe_text(f"{name}@{ticket.realm}" if ticket.realm else name)


def ticket_words(ticket: Ticket) -> str:
    kind = "\n(user-to-user)" if ticket.user_to_user else ""
    return f"{ticket_name(ticket)}{kind}"


def ntlm_words(ntlm: Ntlm | None) -> str:
    """`DOMAIN\\user` of an NTLM exchange, or nothing."""
    if ntlm is None or not ntlm.user:
        return ""
    return safe_text(f"{ntlm.domain}\\{ntlm.user}" if ntlm.domain else ntlm.user)


def presented_words(call: Call) -> str:
    """The ticket that a call presented and where; or what it had in place of one."""
    if call.ticket is not None:
        return f"{ticket_words(call.ticket)}\nin {safe_text(call.ticket.presented_in)}, frame {call.ticket.frame}"
    if call.auth is None:
        return "none"
    who = ntlm_words(call.auth.ntlm)
    return f"none ({safe_text(call.auth.mechanism)}{', ' + who if who else ''})"


def principal_words(name: tuple[str, ...]) -> str:
    return safe_text("/".join(name))


def user_words(cname: tuple[str, ...]) -> str:
    """The user of an exchange; not the name that stands for one who is hidden (RFC 8062 3)."""
    return "" if tuple(map(str.upper, cname)) == _NOBODY else principal_words(cname)


def exchange_result(exchange: KerberosExchange) -> str:
    refused = next((note for note in exchange.notes if note.startswith("refused")), None)
    without = refused or ("no answer" if exchange.outcome == "unanswered" else "no reply seen")
    parts = [kerberos_error_words(exchange.error, exchange.error_name) or safe_text(exchange.reply or without)]
    if exchange.ntstatus is not None:
        parts.append(safe_text(exchange.ntstatus_name or exchange.ntstatus_hex or str(exchange.ntstatus)))
    if exchange.referral_to:
        parts.append(f"referral to {safe_text(exchange.referral_to)}")
    return "\n".join(parts)


def duration_words(duration_ns: int) -> str:
    for unit, size_ns in (("us", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000)):
        amount = f"{duration_ns / size_ns:.3g}"
        if abs(float(amount)) < 1000:  # as it is written: 999.6 ms are 1 s
            return f"{amount} {unit}"
    return f"{duration_ns / 1_000_000_000:.0f} s"


def time_words(iso_time: str | None) -> str:
    """`2012-03-04 09:15:02.123456789 UTC` of an ISO 8601 time."""
    return safe_text(iso_time).replace("T", " ").replace("Z", " UTC") if iso_time else "time unknown"


def span_words(capture: CaptureFacts) -> str:
    """When a capture began, to the millisecond, and how long it lasted."""
    if capture.first_ns is None or capture.last_ns is None or capture.first_time is None:
        return ""
    began = capture.first_time[: len("2012-03-04T09:15:02.123")] + "Z"
    return f"{time_words(began)}, {duration_words(capture.last_ns - capture.first_ns)}"


def stopped_words(stopped_at: int | None) -> str:
    """`reading stopped at octet 4711` of a file that was not read to its end."""
    return "reading stopped" if stopped_at is None else f"reading stopped at octet {stopped_at}"


def capture_words(capture: CaptureFacts) -> str:
    """`Network Monitor, 17 frames, <first time>, 13.5 s` of an input."""
    kind = _FORMAT_NAMES.get(capture.format, safe_text(capture.format))
    if capture.compression:
        kind = f"{kind} ({safe_text(capture.compression)})"
    return ", ".join(filter(None, (kind, counted(capture.frames, "frame"), span_words(capture))))


def clock_words(clock: Clock) -> str:
    """How a capture's clock stands to that of another, and how that is known."""
    if not clock.frames:
        return f"goes on where [{clock.reference + 1}] ends"
    against = f"that of [{clock.reference + 1}], by {counted(clock.frames, 'frame')} that both hold"
    if abs(clock.offset_ns) <= clock.uncertainty_ns:
        return f"its clock agrees with {against}"
    ahead = "behind" if clock.offset_ns > 0 else "ahead of"
    doubt = f" (give or take {duration_words(clock.uncertainty_ns)})" if clock.uncertainty_ns else ""
    return f"its clock is {duration_words(abs(clock.offset_ns))}{doubt} {ahead} {against}"


def extended_error_words(record: ExtendedError) -> str:
    """One [MS-EERR] record on one line."""
    status = safe_text(record.status_name or "status")
    location = f" ({safe_text(record.location_name)})" if record.location_name else ""
    parts = [
        f"{status} {record.status_hex}",
        f"on {safe_text(record.computer)}" if record.computer else "",
        f"process {record.pid}",
        f"component {safe_text(record.component_name or str(record.component))}",
        f"detection location {record.location}{location}",
        time_words(record.time) if record.time else "",
    ]
    if record.parameters:
        values = (item.type if item.value is None else str(item.value) for item in record.parameters)
        parts.append("parameters " + safe_text(", ".join(values)))
    return ", ".join(filter(None, parts))
