"""Exchanges with a KDC or a password server -> the entries of the Report."""

from __future__ import annotations

from functools import lru_cache

from rpctrace import report
from rpctrace.assembly.calls import AP_OPTIONS, Assembler
from rpctrace.assembly.exchanges import error_fields
from rpctrace.conversations.observations import ObservedExchange
from rpctrace.knowledge import tables
from rpctrace.protocols.kerberos.elements import ApReq, Ticket
from rpctrace.protocols.kerberos.exchange import KdcExchange, KdcOutcome, error_of, names_of
from rpctrace.protocols.kerberos.kdc_messages import KdcOptions, KdcRep, KdcReq
from rpctrace.protocols.kerberos.kpasswd import KpasswdRep, KpasswdReq
from rpctrace.protocols.kerberos.messages import KrbError
from rpctrace.protocols.kerberos.preauth import NO_PREAUTHENTICATION, PreAuthentication
from rpctrace.protocols.kerberos.referral import client_referral, referral, requested_user_to_user
from rpctrace.report.moments import AS_NUMBER

_OUTCOMES = {
    KdcOutcome.ANSWERED: "answered",
    KdcOutcome.REJECTED: "rejected",
    KdcOutcome.UNANSWERED: "unanswered",
    KdcOutcome.NOT_CAPTURED: "not captured",
}
PASSWORD_SERVICE = "password service: result"  # how the note of a refused change begins; the server's own text ends it
_SHARED = 256  # lists of one kind that are held for the exchanges to come
_OPTIONS = tuple((option, option.name.lower().replace("_", "-")) for option in KdcOptions if option.name)


def exchange(assembler: Assembler, observed: ObservedExchange) -> report.KerberosExchange:
    client, server, said = observed
    request, reply = said.request, said.reply
    asked = request if isinstance(request, KdcReq) else None
    granted = reply if isinstance(reply, KdcRep) else None
    error = error_of(reply)
    presented = _presented(said)
    realm, cname, sname = names_of(said)
    request_ns = said.request_seen.timestamp_ns if said.request_seen else None
    reply_ns = said.reply_seen.timestamp_ns if said.reply_seen else None
    return report.KerberosExchange(
        id="",
        capture=assembler.capture,
        kind=said.kind,
        carried_in=said.carried_in,
        call=None,
        client=assembler.host(client),
        server=assembler.host(server),
        realm=assembler.text(realm),
        crealm=assembler.text(granted.crealm if granted else (error.crealm if error else None)),
        cname=assembler.names(cname.components if cname else ()),
        sname=assembler.names(sname.components if sname else ()),
        name_type=sname.name_type if sname else None,
        name_type_name=tables.name_type_name(sname.name_type) if sname and sname.name_type is not None else None,
        request_frame=int(said.request_seen.frame) if said.request_seen else None,
        request_ns=request_ns,
        request_time=AS_NUMBER,
        reply_frame=int(said.reply_seen.frame) if said.reply_seen else None,
        reply_ns=reply_ns,
        reply_time=AS_NUMBER,
        reply=_reply_word(said),
        outcome=_OUTCOMES[said.outcome],
        **error_fields(error),
        referral_to=referral(said) or client_referral(said),
        user_to_user=bool(requested_user_to_user(said)),
        options=_options(said),
        etypes=_etypes(asked.etypes) if asked else (),
        offered_etypes=_offered(said),
        request_pa_data=_pa_data(asked.preauthentication.types) if asked else (),
        reply_pa_data=_pa_data(_reply_data(said).types),
        fast=bool(asked and asked.preauthentication.fast),
        ticket=_ticket(assembler, granted.ticket) if granted and granted.ticket else None,
        reply_etype=granted.enc_part.etype if granted else None,
        reply_etype_name=tables.etype_name(granted.enc_part.etype) if granted and granted.enc_part.etype else None,
        presented=_ticket(assembler, presented.ticket) if presented and presented.ticket else None,
        additional_tickets=tuple([_ticket(assembler, each) for each in asked.additional_tickets]) if asked else (),
        copies=tuple(int(each.frame) for each in said.copies),
        notes=(*said.notes, *_result_notes(said)),
        request_frames=said.request_seen.all_frames if said.request_seen else (),
        reply_frames=said.reply_seen.all_frames if said.reply_seen else (),
    )


def _presented(said: KdcExchange) -> ApReq | None:
    """The AP-REQ in a request: the ticket-granting ticket, or the one for the password service."""
    if isinstance(said.request, KpasswdReq):
        return said.request.ap_req
    return said.request.preauthentication.tgs if said.request else None


def _reply_word(said: KdcExchange) -> str | None:
    if isinstance(said.reply, KpasswdRep):
        return "KRB-ERROR" if said.reply.error else "KPASSWD-REP"
    return said.reply.message_type.name.replace("_", "-").replace("ERROR", "KRB-ERROR") if said.reply else None


def _options(said: KdcExchange) -> tuple[str, ...]:
    if isinstance(said.request, KpasswdReq):
        options = said.request.ap_req.options if said.request.ap_req else None
        return tuple(name for flag, name in AP_OPTIONS if options is not None and flag in options)
    set_options = said.request.options if said.request else None
    return () if set_options is None else _set(set_options)


# Exchanges repeat the lists of the ones before them: each is one value, made once.
@lru_cache(_SHARED)
def _set(options: KdcOptions) -> tuple[str, ...]:
    return tuple(name for flag, name in _OPTIONS if flag in options)


def _offered(said: KdcExchange) -> tuple[report.Etype, ...]:
    offered = (each.etype for each in _reply_data(said).etypes_offered)
    return _etypes(tuple(etype for etype in offered if etype is not None))


def _reply_data(said: KdcExchange) -> PreAuthentication:
    if isinstance(said.reply, KdcRep | KrbError):
        return said.reply.preauthentication
    return NO_PREAUTHENTICATION


@lru_cache(_SHARED)
def _pa_data(types: tuple[int, ...]) -> tuple[report.PaData, ...]:
    return tuple(report.PaData(each, tables.pa_data_name(each)) for each in types)


@lru_cache(_SHARED)
def _etypes(etypes: tuple[int, ...]) -> tuple[report.Etype, ...]:
    return tuple(report.Etype(each, tables.etype_name(each)) for each in etypes)


def _ticket(assembler: Assembler, ticket: Ticket) -> report.TicketName:
    return report.TicketName(
        assembler.text(ticket.realm),
        assembler.names(ticket.sname.components if ticket.sname else ()),
        ticket.etype,
        tables.etype_name(ticket.etype) if ticket.etype is not None else None,
        ticket.kvno,
        ticket.fingerprint,
    )


def _result_notes(said: KdcExchange) -> tuple[str, ...]:
    """RFC 3244 2: a password server's refusal is a code and a text of its own."""
    if not isinstance(said.reply, KpasswdRep) or said.reply.result_code is None:
        return ()
    code = said.reply.result_code
    name = tables.kpasswd_result_name(code) or "unknown"
    text = f": {said.reply.result_text}" if said.reply.result_text else ""
    return (f"{PASSWORD_SERVICE} {int(code)} {name}{text}",)
