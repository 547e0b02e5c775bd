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
    asked: list[Provenance] = field(default_factory=list)  # by fragment
    contexts: tuple[OfferedContext, ...] = ()
    context_id: int | None = None
    opnum: int | None = None
    object_uuid: str | None = None
    max_xmit_frag: int | None = None
    max_recv_frag: int | None = None
    group_id: int | None = None
    header_signing: bool | None = None
    complete: bool = True  # all fragments of the request were seen
    maybe: bool = False
    security: SecurityContext | None = None
    authentication: CallAuthentication | None = None
    ticket: PresentedTicket | None = None
    sent_at: int = 0  # moment (of `Association._moment`) of the last fragment
    answered: list[Provenance] = field(default_factory=list)  # by fragment
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
            self.header_signing,
            joined(self.asked),
            joined(self.answered),
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


def joined(fragments: list[Provenance]) -> Provenance | None:
    """Where a PDU of several fragments was seen, as one."""
    if len(fragments) < 2:
        return fragments[0] if fragments else None
    frames = sorted({frame for fragment in fragments for frame in fragment.frames})
    return Provenance(tuple(frames), fragments[-1].timestamp_ns, fragments[0].stream_offset)
