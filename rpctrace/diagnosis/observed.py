"""What rules show of a failure: its frames, and what the frames say in the words of the protocol."""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.failures import Failure
from rpctrace.report import Authentication, Call, EvidenceItem, Host, KerberosExchange, Ntlm, Ticket

CONTESTED = "the capture holds two differing copies of octets of this connection; the first one was read"
CALLS_SHOWN = 4  # evidence lines of like calls; `frames` still names every frame


def frames_of(failure: Failure) -> tuple[int, ...]:
    """Every frame of the failures: requests, answers, and where the ticket was presented."""
    frames: set[int | None] = set()
    for call in failure.calls:
        frames.update(call.request_frames, call.reply_frames)
        frames.add(call.ticket.frame if call.ticket is not None else None)
    for exchange in failure.exchanges:
        frames.update(exchange.request_frames, exchange.reply_frames)
    for said in failure.authentications:
        frames.update(said.request_frames, said.reply_frames)
    for event in failure.events:
        frames.update(event.frames)
    for endpoint in failure.endpoints:
        frames.add(endpoint.frame)
    return tuple(sorted(frame for frame in frames if frame is not None))


def call_items(failure: Failure) -> tuple[EvidenceItem, ...]:
    """What the capture shows of failed calls, for the first few: the ticket's leg, the request, the answer."""
    return tuple(item for call in failure.calls[:CALLS_SHOWN] for item in _items(call))


def _items(call: Call) -> Iterator[EvidenceItem]:
    if call.ticket is not None and call.ticket.frame not in call.request_frames:
        text = f"the security context had presented a ticket for {ticket_text(call.ticket)}"
        yield EvidenceItem(True, text, call.capture, call.ticket.frame, None, 1.0)
    if call.request_frames:
        with_ticket = call.ticket is not None and call.ticket.frame in call.request_frames
        text = f"{call_text(call)}{f' with a ticket for {ticket_text(call.ticket)}' if with_ticket else ''}"
        yield EvidenceItem(True, text, call.capture, asked_frame(call), None, 1.0)
    answer = answer_frame(call)
    yield EvidenceItem(True, answer_text(call), call.capture, answer, None, 1.0)


def exchange_items(exchange: KerberosExchange) -> tuple[EvidenceItem, ...]:
    """The question to a KDC and its answer."""
    asked = f"{exchange.kind or 'Kerberos'} request to {host_text(exchange.server)}{_asked_for(exchange)}"
    items = [EvidenceItem(True, asked, exchange.capture, exchange.request_frame, None, 1.0)]
    if exchange.request_frame is None:
        items.clear()
    items.append(EvidenceItem(True, exchange_answer(exchange), exchange.capture, exchange.reply_frame, None, 1.0))
    return tuple(items)


def authentication_items(said: Authentication) -> tuple[EvidenceItem, ...]:
    shown = f" with a ticket for {ticket_text(said.ticket)}" if said.ticket else ntlm_text(said)
    asked = f"{said.mechanism} over {said.carried_in} to {host_text(said.server)}{shown}"
    answer = authentication_answer(said)
    return (
        EvidenceItem(True, asked, said.capture, said.request_frame, None, 1.0),
        EvidenceItem(True, answer, said.capture, said.reply_frame, None, 1.0),
    )


def accepted_text(use: Call | Authentication) -> tuple[str, int, int | None]:
    """What is said of a ticket that was accepted, with the capture and the frame that show it."""
    place = f"{use.server.address} port {use.server.port}"
    frame = use.ticket.frame if use.ticket is not None else None
    return f"{place} accepted a ticket for {ticket_text(use.ticket)}", use.capture, frame


def asked_frame(call: Call) -> int | None:
    """The last frame of its request; None where the capture holds the answer alone."""
    return call.request_frames[-1] if call.request_frames else None


def answer_frame(call: Call) -> int | None:
    """The last frame of its answer; None where there is none."""
    return call.reply_frames[-1] if call.reply_frames else None


def host_text(host: Host) -> str:
    """`name (address)`, or the address."""
    return f"{host.name} ({host.address})" if host.name else host.address


def call_text(call: Call) -> str:
    """`alter_context of IClassFactory`, `request DRSGetNCChanges of drsuapi`."""
    interface = next((each.name or each.uuid for each in call.interfaces), None)
    operation = call.operation or (f"opnum {call.opnum}" if call.opnum is not None else "")
    return f"{call.kind}{f' {operation}' if operation else ''}{f' of {interface}' if interface else ''}"


def ticket_text(ticket: Ticket | None) -> str:
    """`service/host@REALM` as presented, `?` for what a cut left out."""
    if ticket is None:
        return "none"
    return f"{'/'.join(ticket.sname) or '?'}@{ticket.realm or '?'}"


def ntlm_text(record: Call | Authentication) -> str:
    ntlm = record.ntlm if isinstance(record, Authentication) else record.auth.ntlm if record.auth else None
    if ntlm is None or not ntlm.user:
        return ""
    return f" as {account_text(ntlm)}"


def account_text(ntlm: Ntlm) -> str:
    """`DOMAIN\\user`, or what there is of it."""
    return "\\".join(filter(None, (ntlm.domain, ntlm.user))) or "?"


def answer_text(call: Call) -> str:
    """What came back, in the words of the protocol."""
    if call.outcome == "faulted":
        return f"fault {call.status_hex or 'of unknown status'} {call.status_name or ''}".rstrip()
    if call.auth is not None and call.auth.kerberos_error is not None:
        return f"{call.reply} with KRB-ERROR {call.auth.kerberos_error} {call.auth.kerberos_error_name or ''}".rstrip()
    if call.outcome == "rejected" and call.reject_reason is not None:
        return f"{call.reply}, reason {call.reject_reason} {call.reject_reason_name or ''}".rstrip()
    if call.outcome == "rejected":
        return f"{call.reply} that accepts nothing"
    return "no answer"


def exchange_answer(exchange: KerberosExchange) -> str:
    if exchange.error is not None:
        more = f", {exchange.ntstatus_name or exchange.ntstatus_hex}" if exchange.ntstatus else ""
        return f"KRB-ERROR {exchange.error} {exchange.error_name or ''}".rstrip() + more
    return exchange.reply or "no answer"


def authentication_answer(said: Authentication) -> str:
    error = f"KRB-ERROR {said.kerberos_error} {said.kerberos_error_name or ''}".rstrip() if said.kerberos_error else ""
    status = said.status_name or said.status_hex or ""
    return ", ".join(filter(None, (status, error))) or said.outcome


def _asked_for(exchange: KerberosExchange) -> str:
    client = "/".join(exchange.cname)
    service = "/".join(exchange.sname)
    realm = f" in {exchange.realm}" if exchange.realm else ""
    return f"{f' of {client}' if client else ''}{f' for {service}' if service else ''}{realm}"
