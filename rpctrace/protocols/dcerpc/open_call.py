"""A call that may still change: what pairing knows of it between its request and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rpctrace.protocols.dcerpc.call import (
    Call,
    CallAuthentication,
    CallKind,
    FaultValue,
    OfferedContext,
    Outcome,
    ReplyKind,
)
from rpctrace.protocols.dcerpc.security import SecurityContext
from rpctrace.protocols.dcerpc.stub_octets import StubParts
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.gssapi.exchange import PresentedTicket
from rpctrace.stream.stream import Direction

if TYPE_CHECKING:
    from rpctrace.protocols.dcerpc.extended_error import ErrorRecord

_new = tuple.__new__  # of a named tuple: half the cost of its own constructor


class OpenCall:
    """A call that may still change. Two of equal fields are still two calls.

    No slots: what most calls never have is then read from the class and costs a call nothing.
    """

    contexts: tuple[OfferedContext, ...] = ()
    context_id: int | None = None
    opnum: int | None = None
    object_uuid: str | None = None
    max_xmit_frag: int | None = None
    max_recv_frag: int | None = None
    group_id: int | None = None
    header_signing: bool | None = None
    security: SecurityContext | None = None
    authentication: CallAuthentication | None = None
    ticket: PresentedTicket | None = None
    reply_kind: ReplyKind | None = None
    outcome: Outcome = Outcome.NOT_CAPTURED
    fault: FaultValue | None = None
    reject_reason: int | None = None
    extended_error: tuple[ErrorRecord, ...] | None = None
    stub: StubParts | None = None

    def __init__(
        self,
        kind: CallKind,
        sender: Direction,
        call_id: int,
        asked: list[Provenance] | None = None,
        *,
        complete: bool = True,
        maybe: bool = False,
        partial: bool = False,
        sent_at: int = 0,
    ) -> None:
        self.kind = kind
        self.sender = sender
        self.call_id = call_id
        self.asked = [] if asked is None else asked  # by fragment
        self.complete = complete  # all fragments of the request were seen
        self.maybe = maybe
        self.partial = partial
        self.sent_at = sent_at  # moment (of `Association._moment`) of the last fragment
        self.answered: list[Provenance] = []  # by fragment
        self.notes: list[str] = []

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
