"""Observed calls, conversations and PDUs -> the entries of the Report.

Thousands of calls have equal hosts, interfaces and security contexts; each of these is one value, made once.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, ParamSpec, TypeVar, cast

from rpctrace import report
from rpctrace.assembly.codes import hexadecimal
from rpctrace.conversations.observations import ConversationFacts, ObservedCall, ObservedPdu
from rpctrace.encoding import flow_ids
from rpctrace.encoding.times import iso_8601
from rpctrace.knowledge import tables
from rpctrace.network.flow import Endpoint, Transport
from rpctrace.protocols.dcerpc.call import (
    CallAuthentication,
    CallKind,
    FaultValue,
    OfferedContext,
)
from rpctrace.protocols.dcerpc.pdu import Bind, BindAck, BindNak, Fault, PduType, Request, Response
from rpctrace.protocols.gssapi.exchange import NtlmNames, PresentedTicket
from rpctrace.protocols.gssapi.token import read_token
from rpctrace.protocols.interfaces.epm import EndpointAnswer
from rpctrace.protocols.kerberos.messages import ApOptions, ApReq
from rpctrace.report.moments import AS_NUMBER

if TYPE_CHECKING:
    from rpctrace.protocols.dcerpc.extended_error import ErrorRecord
    from rpctrace.protocols.interfaces.registry import StubValue

_Asked = ParamSpec("_Asked")
_Made = TypeVar("_Made")

_SHARED = 4096  # values of one type that are held for the calls to come
_REQUEST = CallKind.REQUEST
PIPE, HTTP, DATAGRAMS = "ncacn_np", "ncacn_http", "ncadg_ip_udp"
_STREAM_WORDS = {"ncacn_ip_tcp": "tcp", PIPE: "np", HTTP: "http", DATAGRAMS: "udp"}
_PROVIDER_REJECTION, _NEGOTIATE_ACK = 2, 3
# [MS-RPCE] 2.2.2.14 BindTimeFeatureNegotiationBitmask
_FEATURES = ((0x1, "SecurityContextMultiplexingSupported"), (0x2, "KeepConnectionOnOrphanSupported"))
CONTESTED = "contested: two copies of octets of this connection differ, and the first captured one was read"
AP_OPTIONS = (
    (ApOptions.USE_SESSION_KEY, "use-session-key"),
    (ApOptions.MUTUAL_REQUIRED, "mutual-required"),
)
_TOKEN_TYPES = frozenset(
    (PduType.BIND, PduType.BIND_ACK, PduType.ALTER_CONTEXT, PduType.ALTER_CONTEXT_RESP, PduType.AUTH3)
)


def _shared(make: Callable[_Asked, _Made]) -> Callable[_Asked, _Made]:
    """`make`, which gives the value that it made before where it is asked for an equal one."""
    return cast("Callable[_Asked, _Made]", lru_cache(_SHARED)(make))


class Assembler:
    """Makes the entries of one capture; `names` are the host names the capture holds."""

    def __init__(self, capture: int, names: Mapping[str, str]) -> None:
        self.capture = capture
        interface = _shared(_interface)
        self._stream_ids: dict[str, str] = {}

        def interfaces(contexts: tuple[OfferedContext, ...], is_request: bool) -> tuple[report.Interface, ...]:
            return tuple([interface(context, is_request) for context in contexts])

        def host(endpoint: Endpoint) -> report.Host:
            address = sys.intern(endpoint.address)
            return report.Host(address, endpoint.port, names.get(address))

        self.host = host = _shared(host)
        self._interfaces = _shared(interfaces)
        self._auth, self.ticket, self._fault = _shared(_auth), _shared(ticket_entry), _shared(_fault)
        self.text, self.names = _shared(_text), _shared(_names)

    def call(self, identity: str, observed: ObservedCall) -> report.Call:
        conversation, call, activity, sequence, said = observed
        channel, ends = conversation.channel, (conversation.connection.client, conversation.connection.server)
        client, server = ends[::-1] if call.client_direction else ends
        is_request = call.kind is _REQUEST
        interfaces = self._interfaces(call.contexts, is_request)
        uuid = interfaces[0].uuid if is_request and interfaces else None
        status = call.fault.status if call.fault else None
        request, reply = call.request, call.reply
        request_ns = request.timestamp_ns if request else None
        reply_ns = reply.timestamp_ns if reply else None
        dcom, secure_channel = _of_stub_data(said)
        return report.Call(
            id=identity,
            capture=self.capture,
            connection=self._stream_id(conversation),
            kind=call.kind._value_,
            transport=conversation.transport,
            client=self.host(client),
            server=self.host(server),
            pipe=channel.name if channel and channel.transport == PIPE else None,
            call_id=call.call_id if activity is None else None,
            activity=activity,
            sequence=sequence,
            association_group=call.association_group_id,
            header_signing=call.header_signing,
            presentation_context_id=call.context_id,
            object_uuid=call.object_uuid,
            interfaces=interfaces,
            opnum=call.opnum,
            operation=tables.operation_name(uuid, call.opnum) if uuid and call.opnum is not None else None,
            max_xmit=call.max_xmit_frag,
            max_recv=call.max_recv_frag,
            request_frames=request.all_frames if request else (),
            request_ns=request_ns,
            request_time=AS_NUMBER,
            reply_frames=reply.all_frames if reply else (),
            reply_ns=reply_ns,
            reply_time=AS_NUMBER,
            reply=call.reply_kind._value_ if call.reply_kind else None,
            answer_expected=call.answer_expected,
            outcome=call.outcome._value_,
            status=status,
            status_hex=hexadecimal(status),
            status_name=tables.status_name(status) if status is not None else None,
            reject_reason=call.reject_reason,
            reject_reason_name=(
                tables.reject_reason_name(call.reject_reason) if call.reject_reason is not None else None
            ),
            fault=self._fault(call.fault) if call.fault else None,
            extended_error=None if call.extended_error is None else tuple(map(_extended_error, call.extended_error)),
            auth=self._auth(call.authentication) if call.authentication else None,
            ticket=self.ticket(call.ticket) if call.ticket else None,
            partial=call.partial,
            notes=(*call.notes, CONTESTED) if conversation.conflicts else call.notes,
            virtual_connection=channel.name if channel and channel.transport == HTTP else None,
            dcom=dcom,
            secure_channel=secure_channel,
        )

    def _stream_id(self, facts: ConversationFacts) -> str:
        """The same text for a stream and its calls."""
        name = stream_id(self.capture, facts)
        return self._stream_ids.setdefault(name, name)

    def stream(self, facts: ConversationFacts) -> report.Stream:
        protocol = Transport.UDP if facts.transport == DATAGRAMS else Transport.TCP
        channel = facts.channel.name if facts.channel else None
        return report.Stream(
            self._stream_id(facts),
            self.capture,
            self.host(facts.client),
            self.host(facts.server),
            int(facts.first_frame),
            int(facts.last_frame),
            facts.first_ns,
            facts.last_ns,
            facts.pdus,
            facts.calls,
            facts.failed,
            facts.joined_late,
            facts.gaps,
            facts.missing_octets,
            facts.ended,
            facts.transport,
            facts.channel.name if facts.channel and facts.transport == PIPE else None,
            uid=flow_ids.uid(protocol, facts.client, facts.server, facts.first_ns, channel, facts.connection.tunnel),
            community_id=flow_ids.community_id(protocol, facts.client, facts.server),
        )

    def pdu_line(self, observed: ObservedPdu) -> report.PduLine:
        """One PDU in the Network Monitor view; to what it belongs is known when all have their numbers."""
        header, body = observed.pdu.header, observed.pdu.body
        realm: str | None = None
        sname: tuple[str, ...] = ()
        token: str | None = None
        if observed.pdu.trailer is not None and header.pdu_type in _TOKEN_TYPES:
            read = read_token(observed.pdu.trailer.auth_type, observed.pdu.trailer.token)
            token = read.kind.value
            if isinstance(read.message, ApReq) and read.message.ticket is not None:
                ticket = read.message.ticket
                realm, sname = ticket.realm, ticket.sname.components if ticket.sname else ()
        uuid = observed.interface_uuid
        fact = tables.interface(uuid) if uuid else None
        opnum = body.opnum if isinstance(body, Request) else None
        negotiating = body if isinstance(body, Bind | BindAck) else None
        return report.PduLine(
            capture=self.capture,
            frame=int(observed.provenance.frame),
            timestamp_ns=observed.provenance.timestamp_ns,
            kind=header.pdu_type.name.lower(),
            call_id=header.call_id,
            interface_uuid=uuid,
            interface_name=fact.name if fact else None,
            operation=tables.operation_name(uuid, opnum) if uuid and opnum is not None else None,
            opnum=opnum,
            context_id=None if isinstance(body, Bind | BindAck | BindNak) else getattr(body, "context_id", None),
            alloc_hint=getattr(body, "alloc_hint", None),
            association_group=negotiating.association_group_id if negotiating else None,
            max_xmit=negotiating.max_xmit_frag if negotiating else None,
            max_recv=negotiating.max_recv_frag if negotiating else None,
            status=body.status if isinstance(body, Fault) else None,
            cancel_count=body.cancel_count if isinstance(body, Fault | Response) else None,
            reject_reason=body.reason if isinstance(body, BindNak) else None,
            token=token,
            realm=realm,
            sname=sname,
        )


def stream_id(capture: int, facts: ConversationFacts) -> str:
    """Names a conversation in the report: the capture's index and its number among those that are read."""
    return f"{_STREAM_WORDS[facts.transport]}-{capture}-{facts.number}"


# Texts and names as they were first met: realms and principals are read anew from every message.
def _text(text: str | None) -> str | None:
    return text


def _names(names: tuple[str, ...]) -> tuple[str, ...]:
    return names


def _interface(context: OfferedContext, is_request: bool) -> report.Interface:
    syntax, transfer = context.abstract_syntax, context.transfer_syntax
    fact = tables.interface(syntax.uuid, syntax.version_text)
    transfer_fact = tables.interface(transfer.uuid, transfer.version_text) if transfer else None
    result, reason = (None, None) if is_request else (context.result, context.reason)
    return report.Interface(
        context_id=context.context_id,
        uuid=syntax.uuid,
        version=syntax.version_text,
        name=fact.name if fact else None,
        transfer_syntax=transfer.uuid if transfer else None,
        transfer_syntax_name=transfer_fact.name if transfer_fact else None,
        result=result,
        result_name=tables.result_name(result) if result is not None else None,
        reason=reason,
        reason_name=_reason_name(result, reason),
    )


def _reason_name(result: int | None, reason: int | None) -> str | None:
    """A provider's reason, or the features that a negotiate_ack grants ([MS-RPCE] 2.2.2.4, 2.2.2.14)."""
    if reason is None:
        return None
    if result == _NEGOTIATE_ACK:
        return " | ".join(name for bit, name in _FEATURES if reason & bit) or None
    return tables.provider_reason_name(reason) if result == _PROVIDER_REJECTION else None


def _of_stub_data(said: StubValue | None) -> tuple[report.Dcom | None, report.SecureChannel | None]:
    """What knows the interfaces of objects and of Netlogon is loaded with the first call of one."""
    if said is None or isinstance(said, EndpointAnswer):
        return None, None
    from rpctrace.assembly import stub_data

    return stub_data.dcom(said), stub_data.secure_channel(said)


def _fault(fault: FaultValue) -> report.FaultFacts:
    return report.FaultFacts(fault.context_id, fault.cancel_count, fault.did_not_execute)


def _extended_error(record: ErrorRecord) -> report.ExtendedError:
    return report.ExtendedError(
        computer=record.computer,
        pid=record.process_id,
        time_ns=record.timestamp_ns,
        time=iso_8601(record.timestamp_ns),
        component=record.generating_component,
        component_name=tables.component_name(record.generating_component),
        status=record.status,
        status_hex=f"0x{record.status:08x}",
        status_name=tables.status_name(record.status),
        location=record.detection_location,
        location_name=tables.detection_location_name(record.detection_location),
        parameters=tuple(
            report.ErrorParameter(parameter.type.name.lower(), parameter.value) for parameter in record.parameters
        ),
    )


def _auth(said: CallAuthentication) -> report.Auth:
    code = said.kerberos_error.error_code if said.kerberos_error else None
    return report.Auth(
        context_id=said.context_id,
        auth_type=said.auth_type,
        auth_type_name=tables.auth_type_name(said.auth_type),
        mechanism=said.mechanism,
        level=said.auth_level,
        level_name=tables.auth_level_name(said.auth_level),
        token=said.token,
        reply_token=said.reply_token,
        kerberos_error=code,
        kerberos_error_name=tables.kerberos_error_name(code) if code is not None else None,
        ntlm=ntlm_entry(said.ntlm),
    )


def ntlm_entry(names: NtlmNames | None) -> report.Ntlm | None:
    """What the messages of NTLM said."""
    if names is None:
        return None
    return report.Ntlm(
        names.domain,
        names.user,
        names.workstation,
        names.target,
        names.negotiate_flags,
        names.challenge_flags,
        names.authenticate_flags,
        names.computer,
    )


def ticket_entry(presented: PresentedTicket) -> report.Ticket:
    options = presented.options or ApOptions(0)
    return report.Ticket(
        realm=presented.realm,
        sname=presented.sname,
        name_type=presented.name_type,
        name_type_name=tables.name_type_name(presented.name_type) if presented.name_type is not None else None,
        etype=presented.etype,
        etype_name=tables.etype_name(presented.etype) if presented.etype is not None else None,
        authenticator_etype=presented.authenticator_etype,
        kvno=presented.kvno,
        ap_options=tuple(name for flag, name in AP_OPTIONS if flag in options),
        user_to_user=ApOptions.USE_SESSION_KEY in options,
        presented_in=presented.presented_in,
        frame=int(presented.frame),
        fingerprint=presented.fingerprint,
    )
