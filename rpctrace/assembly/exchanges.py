"""Kerberos exchanges, wherever they travelled, and authentications outside DCE/RPC -> the entries of the Report.

Entries get their ids when all of a capture are in order (`numbered`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from rpctrace import report
from rpctrace.assembly.calls import Assembler, ntlm_entry
from rpctrace.assembly.codes import hexadecimal
from rpctrace.conversations.observations import ObservedAuthentication, ObservedCall
from rpctrace.emptying import emptied
from rpctrace.knowledge import tables
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.gssapi.exchange import AuthenticationExchange
from rpctrace.protocols.kerberos.messages import KrbError
from rpctrace.report.moments import AS_NUMBER

_OUTCOMES = {True: "accepted", False: "rejected", None: "not captured"}
# The name of a status in the words of the protocol that carried it.
_STATUS_NAMES: dict[str, Callable[[int], str | None]] = {
    "smb": tables.ntstatus_name,
    "ldap": tables.ldap_result_name,
}


def of_call(assembler: Assembler, call: report.Call, observed: ObservedCall) -> report.KerberosExchange | None:
    """The AP exchange, or the KRB-ERROR, that a call carried."""
    authentication = observed.call.authentication
    if authentication is None:
        return None
    error = authentication.kerberos_error
    presented = authentication.token == "AP-REQ"
    if not presented and error is None:
        return None
    replied = authentication.reply_token if authentication.reply_token in ("AP-REP", "KRB-ERROR") else None
    return _ap_exchange(
        assembler,
        "dcerpc",
        (call.client, call.server),
        call.ticket if presented else None,
        error,
        (call.request_frames, call.request_ns),
        (call.reply_frames, call.reply_ns) if replied else _UNSEEN,
        replied,
        call,
        _refusal(call) if not replied else None,
    )


def _refusal(call: report.Call) -> str | None:
    """How DCE/RPC refused a ticket without a word of Kerberos."""
    if not call.failed or not call.reply_frames:
        return None
    what = call.status_name or call.status_hex or call.reject_reason_name or ""
    return f"refused: {f'{call.reply} {what}'.strip()} in frame {call.reply_frames[-1]}"


def of_authentication(assembler: Assembler, observed: ObservedAuthentication) -> report.KerberosExchange | None:
    """The AP exchange, or the KRB-ERROR, in an authentication outside DCE/RPC."""
    said = observed.authentication
    if said.ticket is None and said.kerberos_error is None:
        return None
    ends = assembler.host(observed.connection.client), assembler.host(observed.connection.server)
    ticket = assembler.ticket(said.ticket) if said.ticket else None
    replied = next((each for each in ("KRB-ERROR", "AP-REP") if each in said.tokens), None)
    reply = _seen(said.reply) if replied else _UNSEEN
    refusal = None
    if replied is None and said.outcome is False and said.reply is not None:
        refusal = f"refused: {_status_name(said) or said.status} in frame {said.reply.frame}"
    request = _seen(said.request)
    return _ap_exchange(
        assembler, said.carried_in, ends, ticket, said.kerberos_error, request, reply, replied, None, refusal
    )


_Seen = tuple[tuple[int, ...], int | None]  # frames, time
_UNSEEN: _Seen = ((), None)


def _seen(provenance: Provenance | None) -> _Seen:
    return _UNSEEN if provenance is None else (provenance.all_frames, provenance.timestamp_ns)


def _last(seen: _Seen) -> int | None:
    frames, _time_ns = seen
    return frames[-1] if frames else None


def _ap_exchange(
    assembler: Assembler,
    carried_in: str,
    ends: tuple[report.Host, report.Host],
    ticket: report.Ticket | None,
    error: KrbError | None,
    request: _Seen,
    reply: _Seen,
    replied: str | None,
    call: report.Call | None,
    refusal: str | None,
) -> report.KerberosExchange:
    refused = refusal is not None or replied == "KRB-ERROR"
    return report.KerberosExchange(
        id="",
        capture=assembler.capture,
        kind="AP" if ticket is not None else None,
        carried_in=carried_in,
        call=call.id if call else None,
        client=ends[0],
        server=ends[1],
        realm=ticket.realm if ticket else (error.realm if error else None),
        crealm=error.crealm if error else None,
        cname=error.cname.components if error and error.cname else (),
        sname=ticket.sname if ticket else (error.sname.components if error and error.sname else ()),
        name_type=ticket.name_type if ticket else None,
        name_type_name=ticket.name_type_name if ticket else None,
        request_frame=_last(request),
        request_ns=request[1],
        request_time=AS_NUMBER,
        reply_frame=_last(reply),
        reply_ns=reply[1],
        reply_time=AS_NUMBER,
        reply=replied,
        outcome="rejected" if refused else "answered" if replied else "not captured",
        **error_fields(error),
        referral_to=None,
        user_to_user=bool(ticket and ticket.user_to_user),
        options=ticket.ap_options if ticket else (),
        presented=(
            report.TicketName(
                ticket.realm, ticket.sname, ticket.etype, ticket.etype_name, ticket.kvno, ticket.fingerprint
            )
            if ticket
            else None
        ),
        notes=() if refusal is None else (refusal,),
        request_frames=request[0],
        reply_frames=reply[0],
    )


def error_fields(error: KrbError | None) -> dict[str, Any]:
    """What a KRB-ERROR says, as members of an exchange."""
    code = error.error_code if error else None
    status = error.ntstatus if error else None
    return {
        "error": code,
        "error_name": tables.kerberos_error_name(code) if code is not None else None,
        "ntstatus": status,
        "ntstatus_hex": hexadecimal(status),
        "ntstatus_name": tables.ntstatus_name(status) if status is not None else None,
        "e_text": error.e_text if error else None,
        "server_ns": error.stime_ns if error else None,
        "server_time": AS_NUMBER,
    }


def authentication(assembler: Assembler, observed: ObservedAuthentication) -> report.Authentication:
    """An authentication outside DCE/RPC as an entry of its own."""
    connection, said = observed
    request, reply = _seen(said.request), _seen(said.reply)
    code = said.kerberos_error.error_code if said.kerberos_error else None
    return report.Authentication(
        id="",
        capture=assembler.capture,
        carried_in=said.carried_in,
        client=assembler.host(connection.client),
        server=assembler.host(connection.server),
        target=said.target,
        mechanism=said.mechanism,
        tokens=said.tokens,
        reply_token=said.reply_token,
        ticket=assembler.ticket(said.ticket) if said.ticket else None,
        ntlm=ntlm_entry(said.ntlm),
        request_frame=_last(request),
        request_ns=request[1],
        request_time=AS_NUMBER,
        reply_frame=_last(reply),
        reply_ns=reply[1],
        reply_time=AS_NUMBER,
        outcome=_OUTCOMES[said.outcome],
        status=said.status,
        status_hex=hexadecimal(said.status) if said.carried_in == "smb" else None,
        status_name=_status_name(said),
        kerberos_error=code,
        kerberos_error_name=tables.kerberos_error_name(code) if code is not None else None,
        after_error=None,
        notes=said.notes,
        request_frames=request[0],
        reply_frames=reply[0],
    )


def _status_name(said: AuthenticationExchange) -> str | None:
    name = _STATUS_NAMES.get(said.carried_in)
    return None if name is None or said.status is None else name(said.status)


def numbered(entries: list[report.KerberosExchange], before: int) -> tuple[report.KerberosExchange, ...]:
    """In the order of their frames, with the ids `krb-N`; `before`: how many other captures hold. The list is
    emptied."""
    entries.sort(key=lambda each: each.request_frame or each.reply_frame or 0)
    return tuple(replace(each, id=f"krb-{number}") for number, each in enumerate(emptied(entries), before + 1))


def numbered_authentications(
    entries: Sequence[report.Authentication], before: int
) -> tuple[report.Authentication, ...]:
    """In the order of their frames, with the ids `auth-N`; `before`: how many other captures hold."""
    in_order = sorted(entries, key=lambda each: each.request_frame or each.reply_frame or 0)
    return tuple(replace(each, id=f"auth-{number}") for number, each in enumerate(in_order, before + 1))
