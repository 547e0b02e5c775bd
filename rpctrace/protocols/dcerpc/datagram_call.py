"""A connectionless call: what is known of it while it may still change, and the value that it becomes.

Whether an answer came is harder to tell than on a connection: nothing shows that a datagram is missing in the capture.
What the client does shows it ([C706] 10.1): it asks for a late answer with pings and repeated requests, and goes on to
the next sequence number only when it has got over the last one.
"""

from __future__ import annotations

from dataclasses import field

from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.named_tuple import NamedTuple
from rpctrace.network.flow import Endpoint
from rpctrace.protocols.dcerpc.association import MAYBE, PATIENCE_NS
from rpctrace.protocols.dcerpc.call import (
    Call,
    CallAuthentication,
    CallKind,
    FaultValue,
    OfferedContext,
    Outcome,
    ReplyKind,
)
from rpctrace.protocols.dcerpc.conversation_manager import Question
from rpctrace.protocols.dcerpc.datagram import NIL_UUID, PRIVACY, DatagramHeader, Flags1
from rpctrace.protocols.dcerpc.datagram_fragments import Fragments
from rpctrace.protocols.dissector import Provenance
from rpctrace.protocols.gssapi.exchange import PresentedTicket
from rpctrace.record import state
from rpctrace.stream.stream import Direction

REJECTED = "rejected (PTYPE reject)"


@state
class DatagramConversation:
    """What is known of the datagrams between a client's and a server's endpoint; grows while they are read.

    `joined_late`: the first PDU was no request. `conflicts` counts datagrams that differ from an earlier copy.
    `server_seen`: the answering direction is in the capture.
    """

    client: Endpoint
    server: Endpoint
    tunnel: tuple[int, ...]
    first_frame: int
    last_frame: int
    first_ns: int | None
    last_ns: int | None
    joined_late: bool
    pdus: int = 0
    conflicts: int = 0
    server_seen: bool = False
    client_direction: Direction = 0

    def see(self, frame_number: int, timestamp_ns: int | None) -> None:
        """One more PDU, in any order."""
        self.pdus += 1
        self.first_frame = min(self.first_frame, frame_number)
        self.last_frame = max(self.last_frame, frame_number)
        if timestamp_ns is not None:
            self.first_ns = timestamp_ns if self.first_ns is None else min(self.first_ns, timestamp_ns)
            self.last_ns = timestamp_ns if self.last_ns is None else max(self.last_ns, timestamp_ns)


class DatagramCall(NamedTuple):
    """A call over UDP. `server` is where the request went, which need not be where the answer came from.

    The stubs are there for the interfaces asked for, unless encrypted: as far as they were captured, at most 64 KiB,
    and each in the byte order of its side.
    """

    conversation: DatagramConversation
    client: Endpoint
    server: Endpoint
    activity: str
    sequence: int
    call: Call
    request_stub: bytes | None
    request_little_endian: bool
    response_stub: bytes | None
    response_little_endian: bool


@state
class OpenDatagramCall:
    """A call that may still change. `begun_by` is the header of its first PDU, `request` and `reply` those that were
    met first of either."""

    conversation: DatagramConversation
    client: Endpoint
    server: Endpoint
    begun_by: DatagramHeader
    request: DatagramHeader | None = None
    reply: DatagramHeader | None = None
    asked: Fragments = field(default_factory=Fragments)
    answered: Fragments = field(default_factory=Fragments)
    refused: Provenance | None = None
    reply_kind: ReplyKind | None = None
    outcome: Outcome = Outcome.NOT_CAPTURED
    fault: FaultValue | None = None
    refusal_cut: bool = False
    pings: int = 0
    workings: int = 0
    nocalls: int = 0
    unheeded: int = 0  # pings and repeated requests since the server was last heard of this call
    overtaken_by: int | None = None  # a later call of the activity
    last_asked_ns: int | None = None
    answered_from: Endpoint | None = None
    acknowledged_in: int | None = None  # frame in which the client says that it has an answer
    asked_who: bool = False  # by the server's conversation manager
    cancelled: bool = False
    cancel_acknowledged: bool = False
    question: Question | None = None  # of a conversation manager
    authentication: CallAuthentication | None = None
    ticket: PresentedTicket | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def header(self) -> DatagramHeader:
        """What the call is of: the request says it best."""
        return self.request or self.begun_by

    @property
    def over(self) -> bool:
        """Whether nothing can change it any more."""
        return self.asked.whole and (self.refused is not None or self.answered.whole)

    @property
    def maybe(self) -> bool:
        return self.request is not None and self.request.flags_1 & Flags1.MAYBE != 0

    @property
    def _encrypted(self) -> bool:
        """Also where the capture cut off what would tell."""
        if self.authentication is not None:
            return self.authentication.auth_level == PRIVACY
        return any(header is not None and header.auth_protocol != 0 for header in (self.request, self.reply))

    def value(self, stubs_of: frozenset[str]) -> DatagramCall:
        header = self.header
        refused = self.refused is not None
        partial = (self.request is not None and not self.asked.whole) or self.asked.cut
        partial |= self.refusal_cut if refused else len(self.answered) > 0 and not self.answered.whole
        partial |= self.answered.cut
        call = Call(
            kind=CallKind.REQUEST,
            client_direction=0,
            call_id=0,
            contexts=(OfferedContext(0, header.interface, None),),
            context_id=None,
            opnum=header.opnum,
            object_uuid=None if header.object_uuid == NIL_UUID else header.object_uuid,
            max_xmit_frag=None,
            max_recv_frag=None,
            association_group_id=None,
            header_signing=None,
            request=self.asked.provenance(),
            reply=self.refused or self.answered.provenance(),
            reply_kind=self.reply_kind,
            outcome=self.outcome,
            fault=self.fault,
            reject_reason=None,
            extended_error=None,
            authentication=self.authentication,
            ticket=self.ticket,
            answer_expected=not self.maybe,
            partial=partial,
            notes=tuple(self._notes()),
        )
        readable = header.interface.uuid in stubs_of and not self._encrypted
        return DatagramCall(
            self.conversation,
            self.client,
            self.server,
            header.activity,
            header.sequence,
            call,
            self.asked.stub() if readable else None,
            header.little_endian,
            self.answered.stub() if readable else None,
            header.little_endian if self.reply is None else self.reply.little_endian,
        )

    def judge(self, end_ns: int | None) -> None:
        """No answer, or not all of it, until `end_ns`. Unanswered is said only where the capture shows it: the server
        did not know the call, or the client asked again in vain, or time enough went by; the latter two say nothing
        where a capture of one direction shows a client that went on, and nothing does once the client acknowledges."""
        if self.reply_kind is not None:
            return
        heard = self.conversation.server_seen
        if self.overtaken_by is not None:
            self.notes.append(f"the client went on to call {self.overtaken_by} of the activity")
        if self.acknowledged_in is not None:
            self.notes.append(f"the client acknowledged an answer in frame {self.acknowledged_in}")
        elif self.nocalls or (self.unheeded and (heard or self.overtaken_by is None)):
            self.outcome = Outcome.UNANSWERED
        elif heard and self.overtaken_by is None and self.asked.whole and end_ns is not None:
            waited_ns = 0 if self.last_asked_ns is None else end_ns - self.last_asked_ns
            if waited_ns >= PATIENCE_NS:
                self.outcome = Outcome.UNANSWERED
                if not self.maybe:
                    self.notes.append(f"no answer in the {waited_ns / NS_PER_SECOND:.1f} s captured after it")

    def _notes(self) -> list[str]:
        said = []
        if self.maybe:
            said.append(MAYBE)
        if self.request is not None and self.request.flags_1 & Flags1.BROADCAST:
            said.append("sent as broadcast")
        if self.request is not None and self.answered_from not in (None, self.server):
            said.append(f"answered from {self.answered_from}")
        for count, what in (
            (self.asked.copies, "request sent again in {} datagram{}"),
            (self.answered.copies, "answer sent again in {} datagram{}"),
            (self.pings, "client pinged {} time{}"),
            (self.workings, "server said working {} time{}"),
            (self.nocalls, "server said nocall {} time{}"),
        ):
            if count:
                said.append(what.format(count, "" if count == 1 else "s"))
        return said + self.notes
