"""A call that may still change: what pairing knows of it between its request and its end."""

from __future__ import annotations

from dataclasses import dataclass, field

from rpctrace.protocols.dcerpc.call import (
    Call,
    CallAuthentication,
    CallKind,
    FaultValue,
    OfferedContext,
    Outcome,
    PresentedTicket,
    ReplyKind,
)
from rpctrace.protocols.dcerpc.extended_error import ErrorRecord
from rpctrace.protocols.dcerpc.security import SecurityContext
from rpctrace.protocols.dissector import Provenance
from rpctrace.stream.stream import Direction


@dataclass(slots=True)
class OpenCall:
    """A call that may still change."""

    kind: CallKind
    sender: Direction
    call_id: int
    request: Provenance | None = None
    contexts: tuple[OfferedContext, ...] = ()
    context_id: int | None = None
    opnum: int | None = None
    object_uuid: str | None = None
    max_xmit_frag: int | None = None
    max_recv_frag: int | None = None
    group_id: int | None = None
    complete: bool = True  # all fragments of the request were seen
    maybe: bool = False
    security: SecurityContext | None = None
    authentication: CallAuthentication | None = None
    ticket: PresentedTicket | None = None
    sent_at: int = 0  # moment (of `Association._moment`) of the last fragment
    reply: Provenance | None = None
    reply_kind: ReplyKind | None = None
    outcome: Outcome | None = None
    fault: FaultValue | None = None
    reject_reason: int | None = None
    extended_error: tuple[ErrorRecord, ...] | None = None
    partial: bool = False
    notes: list[str] = field(default_factory=list)

    def value(self) -> Call:
        return Call(
            self.kind,
            self.sender,
            self.call_id,
            self.contexts,
            self.context_id,
            self.opnum,
            self.object_uuid,
            self.max_xmit_frag,
            self.max_recv_frag,
            self.group_id,
            self.request,
            self.reply,
            self.reply_kind,
            self.outcome or Outcome.NOT_CAPTURED,
            self.fault,
            self.reject_reason,
            self.extended_error,
            self.authentication,
            self.ticket,
            not self.maybe,
            self.partial or not self.complete,
            tuple(self.notes),
        )
