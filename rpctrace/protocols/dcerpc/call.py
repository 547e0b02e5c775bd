"""What one client asked and what became of it, in numbers: the value that pairing makes of PDUs."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from rpctrace.named_tuple import NamedTuple
from rpctrace.protocols.dcerpc.pdu import SyntaxId
from rpctrace.protocols.dcerpc.stub_octets import StubOctets
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.gssapi.exchange import NtlmNames, PresentedTicket
from rpctrace.protocols.kerberos.messages import KrbError
from rpctrace.record import record
from rpctrace.stream.stream import Direction

if TYPE_CHECKING:
    from rpctrace.protocols.dcerpc.extended_error import ErrorRecord


class CallKind(StrEnum):
    BIND = "bind"
    ALTER_CONTEXT = "alter_context"
    AUTH3 = "auth3"
    REQUEST = "request"


class ReplyKind(StrEnum):
    RESPONSE = "response"
    FAULT = "fault"
    BIND_ACK = "bind_ack"
    BIND_NAK = "bind_nak"
    ALTER_CONTEXT_RESP = "alter_context_resp"


class Outcome(StrEnum):
    """answered: a response; accepted/rejected: of a context or a token; faulted; unanswered: the capture shows that no
    reply came; not captured: the capture cannot tell."""

    ANSWERED = "answered"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    FAULTED = "faulted"
    UNANSWERED = "unanswered"
    NOT_CAPTURED = "not captured"


@record
class OfferedContext:
    """A presentation context and what was answered to it (`result` None: not answered, or not captured)."""

    context_id: int
    abstract_syntax: SyntaxId
    transfer_syntax: SyntaxId | None
    result: int | None = None
    reason: int | None = None


class CallAuthentication(NamedTuple):
    """The security context a call ran in. `token` is the request's, `reply_token` the answer's."""

    context_id: int | None
    auth_type: int
    auth_level: int
    mechanism: str
    token: str | None
    reply_token: str | None
    kerberos_error: KrbError | None
    ntlm: NtlmNames | None


@record
class FaultValue:
    """What a fault says (C706 12.6.4.7)."""

    context_id: int | None
    cancel_count: int | None
    did_not_execute: bool
    status: int | None


class Call(NamedTuple):
    """One bind, alter_context, auth3 or request with what answered it. `client_direction` is the requesting end's."""

    kind: CallKind
    client_direction: Direction
    call_id: int
    contexts: tuple[OfferedContext, ...]
    context_id: int | None
    opnum: int | None
    object_uuid: str | None
    max_xmit_frag: int | None
    max_recv_frag: int | None
    association_group_id: int | None
    header_signing: bool | None  # whether a bind, alter_context or auth3 asked for it
    request: Provenance | None
    reply: Provenance | None
    reply_kind: ReplyKind | None
    outcome: Outcome
    fault: FaultValue | None
    reject_reason: int | None
    extended_error: tuple[ErrorRecord, ...] | None
    authentication: CallAuthentication | None
    ticket: PresentedTicket | None
    answer_expected: bool
    partial: bool
    notes: tuple[str, ...]
    stub: StubOctets | None = None  # of interfaces whose stub data is asked for
