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
    ReplyKind,
)
from rpctrace.protocols.dcerpc.extended_error import ErrorRecord
from rpctrace.protocols.dcerpc.security import SecurityContext
from rpctrace.protocols.dcerpc.stub_octets import StubParts
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.gssapi.exchange import PresentedTicket
from rpctrace.stream.stream import Direction

_new = tuple.__new__  # of a named tuple: half the cost of its own constructor


@dataclass(eq=False)
class OpenCall:
    """A call that may still change. Two of equal fields are still two calls.

    No slots, and `init=False`: a field that most calls never set is then read from the class and costs a call nothing.
    """

    kind: CallKind
    sender: Direction
    call_id: int
    asked: list[Provenance] = field(default_factory=list)  # by fragment
    complete: bool = True  # all fragments of the request were seen
    maybe: bool = False
    partial: bool = False
    sent_at: int = 0  # moment (of `Association._moment`) of the last fragment
    answered: list[Provenance] = field(default_factory=list, init=False)  # by fragment
    notes: list[str] = field(default_factory=list, init=False)
    contexts: tuple[OfferedContext, ...] = field(default=(), init=False)
    context_id: int | None = field(default=None, init=False)
    opnum: int | None = field(default=None, init=False)
    object_uuid: str | None = field(default=None, init=False)
    max_xmit_frag: int | None = field(default=None, init=False)
    max_recv_frag: int | None = field(default=None, init=False)
    group_id: int | None = field(default=None, init=False)
    header_signing: bool | None = field(default=None, init=False)
    security: SecurityContext | None = field(default=None, init=False)
    authentication: CallAuthentication | None = field(default=None, init=False)
    ticket: PresentedTicket | None = field(default=None, init=False)
    reply_kind: ReplyKind | None = field(default=None, init=False)
    outcome: Outcome = field(default=Outcome.NOT_CAPTURED, init=False)
    fault: FaultValue | None = field(default=None, init=False)
    reject_reason: int | None = field(default=None, init=False)
    extended_error: tuple[ErrorRecord, ...] | None = field(default=None, init=False)
    stub: StubParts | None = field(default=None, init=False)

    def value(self) -> Call:
        asked, answered = self.asked, self.answered
        return _new(
            Call,
            (
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
                asked[0] if len(asked) == 1 else joined(asked),
                answered[0] if len(answered) == 1 else joined(answered),
                self.reply_kind,
                self.outcome,
                self.fault,
                self.reject_reason,
                self.extended_error,
                self.authentication,
                self.ticket,
                not self.maybe,
                self.partial or not self.complete,
                tuple(self.notes),
                self.stub and self.stub.value(),
            )
        )


def joined(fragments: list[Provenance]) -> Provenance | None:
    """Where a PDU of several fragments was seen, as one."""
    if len(fragments) < 2:
        return fragments[0] if fragments else None
    frames = sorted({frame for fragment in fragments for frame in fragment.frames})
    return Provenance(tuple(frames), fragments[-1].timestamp_ns, fragments[0].stream_offset)
