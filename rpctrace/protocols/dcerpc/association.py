"""The PDUs of one connection -> calls: what was asked, paired with what answered it.

C706 9.3 and [MS-RPCE] 3.3.1.5. A call id alone does not pair: Windows gives one id to bind, alter_context, auth3 and
the first request. So an open call is known by its sender, its call id and its kind, and answers complete open calls in
order (`ANSWERS`). auth3 has no answer; what became of it shows on later requests of its security context.
Only this class changes; everything it takes and gives is a value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING

from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.protocols.dcerpc.call import Call, CallKind, FaultValue, Outcome, ReplyKind
from rpctrace.protocols.dcerpc.contexts import PresentationContexts
from rpctrace.protocols.dcerpc.open_call import OpenCall
from rpctrace.protocols.dcerpc.pdu import (
    Bind,
    BindAck,
    BindNak,
    Fault,
    Header,
    Pdu,
    PduType,
    PfcFlags,
    Request,
    Response,
)
from rpctrace.protocols.dcerpc.security import SecurityContexts
from rpctrace.protocols.dcerpc.stub_octets import StubParts
from rpctrace.protocols.dissector import Problems, Provenance
from rpctrace.protocols.gssapi.token import AuthType
from rpctrace.record import state
from rpctrace.stream.stream import Direction

if TYPE_CHECKING:
    from rpctrace.protocols.dcerpc.extended_error import ErrorRecord

MAXIMUM_OPEN_CALLS = 4096
MAXIMUM_OPEN_CALLS_OF_AN_ID = 64
MAXIMUM_FRAGMENTS_OF_A_PDU = 65_536
# A call that was received, and has no answer when the capture ends this long after it, is unanswered.
PATIENCE_NS = 5 * NS_PER_SECOND

REQUESTS = {
    PduType.BIND: CallKind.BIND,
    PduType.ALTER_CONTEXT: CallKind.ALTER_CONTEXT,
    PduType.AUTH3: CallKind.AUTH3,
    PduType.REQUEST: CallKind.REQUEST,
}
# Which kinds an answer may complete, the preferred ones first. A fault is for the oldest open call of its id; only when
# there is none does it belong to an auth3 ([MS-RPCE] 3.3.1.5.2.2 answers auth3 only when it breaks the protocol).
_ASKING = (CallKind.BIND, CallKind.ALTER_CONTEXT, CallKind.REQUEST)
ANSWERS: dict[PduType, tuple[ReplyKind, tuple[tuple[CallKind, ...], ...]]] = {
    PduType.BIND_ACK: (ReplyKind.BIND_ACK, ((CallKind.BIND,),)),
    PduType.BIND_NAK: (ReplyKind.BIND_NAK, ((CallKind.BIND,), (CallKind.ALTER_CONTEXT,))),
    PduType.ALTER_CONTEXT_RESP: (ReplyKind.ALTER_CONTEXT_RESP, ((CallKind.ALTER_CONTEXT,),)),
    PduType.RESPONSE: (ReplyKind.RESPONSE, ((CallKind.REQUEST,),)),
    PduType.FAULT: (ReplyKind.FAULT, (_ASKING, (CallKind.AUTH3,))),
}
# The kind of a call of which only the answer was captured.
_ASKED = {
    ReplyKind.BIND_ACK: CallKind.BIND,
    ReplyKind.BIND_NAK: CallKind.BIND,
    ReplyKind.ALTER_CONTEXT_RESP: CallKind.ALTER_CONTEXT,
    ReplyKind.RESPONSE: CallKind.REQUEST,
    ReplyKind.FAULT: CallKind.REQUEST,
}
UNPROTECTED = "no security trailer, although the connection's security context protects every packet"
SEVERAL_CONTEXTS = "no security trailer and several security contexts on the connection: the ticket is not known"
MAYBE = "sent as maybe: no answer is expected"


@state
class _Side:
    """When a direction was last seen, last carried octets and last had a gap; moments count events from 1."""

    seen_at: int = 0
    octets_at: int = 0
    gap_at: int = 0


Key = tuple[Direction, int]
_NO_CALLS: Sequence[Call] = ()
# What every PDU is compared with, as names of the module: ten times as cheap as a look-up in an Enum class.
_REQUEST, _AUTH3, _RESPONSE, _ANSWERED = CallKind.REQUEST, CallKind.AUTH3, ReplyKind.RESPONSE, Outcome.ANSWERED
_PROTECTING = 4  # RPC_C_AUTHN_LEVEL_PKT, [MS-RPCE] 2.2.1.1.8
# Flags as plain numbers: `&` of two `PfcFlags` makes a third one each time.
_FIRST_FRAG, _LAST_FRAG = PfcFlags.FIRST_FRAG.value, PfcFlags.LAST_FRAG.value
_MAYBE, _DID_NOT_EXECUTE = PfcFlags.MAYBE.value, PfcFlags.DID_NOT_EXECUTE.value
_CONC_MPX = PfcFlags.CONC_MPX.value


class Association:
    """One connection's state. Feed it what happens, in causal order; a call comes out once nothing can change it."""

    CLIENT_TYPES = frozenset((*REQUESTS, PduType.CO_CANCEL, PduType.ORPHANED))
    __slots__ = (
        "_answering", "_asks_to_multiplex", "_ended", "_moment", "_multiplexes", "_open", "_open_auth3", "_open_count",
        "_refused", "_sides", "_stubs_of", "dropped_calls", "dropped_fragments", "presentation", "problems", "security",
    )  # fmt: skip

    def __init__(self, problems: Problems | None = None, *, stubs_of: frozenset[str] = frozenset()) -> None:
        self.problems = Problems() if problems is None else problems
        self._stubs_of = stubs_of  # interfaces whose stub data calls keep; with any, also what is sent to objects
        self.dropped_calls = 0
        self.dropped_fragments = 0
        self.presentation = PresentationContexts()
        self.security = SecurityContexts()
        self._open: dict[Key, list[OpenCall]] = {}
        self._open_count = 0
        self._answering: dict[Key, OpenCall] = {}  # responses of which fragments are still to come
        self._refused: set[Key] = set()  # requests answered before their last fragment was sent
        self._open_auth3 = 0
        # C706 12.6.3.1 PFC_CONC_MPX: agreed on when both the bind and its bind_ack say so
        self._asks_to_multiplex = self._multiplexes = False
        self._sides = (_Side(), _Side())
        self._ended = False
        self._moment = 0

    # What happens

    def seen(self, direction: Direction, *, octets: bool = False) -> None:
        """A segment of `direction` went by."""
        self._moment += 1
        side = self._sides[direction]
        side.seen_at = self._moment
        if octets:
            side.octets_at = self._moment

    def missing(self, direction: Direction) -> None:
        """Octets of `direction` are not in the capture."""
        self._moment += 1
        self._sides[direction].gap_at = self._moment

    def ended(self, direction: Direction, *, reset: bool, frame_number: int | None) -> None:
        """A FIN or RST of `direction`."""
        self.seen(direction)
        self._ended = True
        if reset:
            for call in self._all_open():
                call.notes.append(f"connection reset in frame {frame_number} before an answer")

    def pdu(self, direction: Direction, pdu: Pdu, provenance: Provenance) -> Sequence[Call]:
        """One fragment sent in `direction` -> the calls that nothing can change any more."""
        if pdu.problem is not None and pdu.complete:
            self.problems.add(pdu.problem, provenance.frame)
        pdu_type = pdu.header.pdu_type
        kind = REQUESTS.get(pdu_type)
        if kind is not None:
            return self._asked(kind, direction, pdu, provenance)
        if pdu_type in ANSWERS:
            return self._answered(direction, pdu, provenance)
        if pdu_type in (PduType.CO_CANCEL, PduType.ORPHANED):
            word = "cancelled" if pdu_type is PduType.CO_CANCEL else "abandoned"
            for call in self._open.get((direction, pdu.header.call_id), ()):
                call.notes.append(f"{word} by the client in frame {provenance.frame}")
        return _NO_CALLS

    def interface_of(self, direction: Direction, pdu: Pdu) -> str | None:
        """The interface that a PDU names: the first offered one, or the one its context id stands for."""
        body = pdu.body
        if isinstance(body, Bind):
            return body.contexts[0].abstract_syntax.uuid if body.contexts else None
        if not isinstance(body, Request | Response) or body.context_id is None:
            return None
        sender: Direction = direction if isinstance(body, Request) else (0 if direction else 1)
        contexts, _ = self.presentation.of_request(sender, body.context_id)
        return contexts[0].abstract_syntax.uuid if contexts else None

    def close(self, capture_end_ns: int | None) -> Iterator[Call]:
        """The connection or the capture is at its end: what is still open is told as it stands."""
        for call in self._answering.values():
            call.partial = True
            yield call.value()
        for call in self._all_open():
            self._judge_open(call, capture_end_ns)
            yield call.value()
        self._answering, self._open, self._open_count, self._open_auth3 = {}, {}, 0, 0

    def _all_open(self) -> list[OpenCall]:
        return [call for calls in self._open.values() for call in calls]

    # Requests

    def _asked(self, kind: CallKind, direction: Direction, pdu: Pdu, provenance: Provenance) -> Sequence[Call]:
        header, body, _trailer, complete, _problem = pdu
        call_id = header.call_id
        key = (direction, call_id)
        if kind is _REQUEST and not header.first and self._goes_on(key, pdu, provenance):
            return _NO_CALLS
        if self._refused:
            self._refused.discard(key)
        call = OpenCall(kind, direction, call_id, [provenance], partial=not complete, sent_at=self._moment)
        if isinstance(body, Request):
            self._requested(call, header, body)
            if call.stub is not None:
                call.stub.ask(pdu, body.stub)
        else:
            call.header_signing = header.supports_header_sign
            if isinstance(body, Bind):
                self._asks_to_multiplex = header.flags._value_ & _CONC_MPX != 0
                call.max_xmit_frag, call.max_recv_frag = body.max_xmit_frag, body.max_recv_frag
                call.group_id = body.association_group_id
                call.contexts = self.presentation.offer(direction, body.contexts)
        self._authenticate(call, pdu, provenance)
        given_up = self._make_room(key)
        if key in self._open:
            self._open[key].append(call)
        else:
            self._open[key] = [call]
        self._open_count += 1
        if kind is _AUTH3:
            self._open_auth3 += 1
        return given_up

    def _goes_on(self, key: Key, pdu: Pdu, provenance: Provenance) -> bool:
        """Whether a fragment that is not the first belongs to a request that is known, or was refused already."""
        last = pdu.header.last
        if key in self._refused:
            if last:
                self._refused.discard(key)
            return True
        begun = next((c for c in self._open.get(key, ()) if c.kind is _REQUEST and not c.complete), None)
        if begun is None:
            return False
        self._add(begun.asked, provenance)
        if begun.stub is not None and isinstance(pdu.body, Request):
            begun.stub.ask(pdu, pdu.body.stub)
        begun.complete = last
        begun.partial |= not pdu.complete
        begun.sent_at = self._moment
        return True

    def _requested(self, call: OpenCall, header: Header, body: Request) -> None:
        """What a request says of itself; only its first fragment tells the operation."""
        flags = header.flags._value_
        call.complete = flags & _LAST_FRAG != 0
        if flags & _MAYBE:
            call.maybe = True
            call.notes.append(MAYBE)
        if not flags & _FIRST_FRAG:
            call.partial = True
            return
        call.context_id, call.opnum, call.object_uuid = body.context_id, body.opnum, body.object_uuid
        if body.context_id is not None:
            call.contexts, note = self.presentation.of_request(call.sender, body.context_id)
            if note is not None:
                call.notes.append(note)
        if self._stubs_of and (
            body.object_uuid is not None
            or (call.contexts and call.contexts[0].abstract_syntax.uuid in self._stubs_of)
        ):
            call.stub = StubParts()

    def _authenticate(self, call: OpenCall, pdu: Pdu, provenance: Provenance) -> None:
        """Which security context a request runs in, and what it brings to it."""
        trailer = pdu.trailer
        if trailer is None:
            if pdu.header.auth_length and not pdu.complete:
                return  # the trailer lies behind the cut
            call.security = self.security.only
            if call.security is None and len(self.security) > 1:
                call.notes.append(SEVERAL_CONTEXTS)
            if call.security is not None:
                call.authentication = call.security.authentication(None)
                if call.kind is _REQUEST and call.security.auth_level >= _PROTECTING:
                    call.notes.append(UNPROTECTED)
        elif call.kind is _REQUEST:
            call.security = self.security.for_trailer(trailer)
            call.authentication = call.security.authentication(trailer)
        else:
            call.security, token = self.security.client_leg(trailer, call.kind, provenance.frame)
            call.authentication = call.security.authentication(trailer, token)
            # of an auth type that nobody knows the octets may be anything, and are no damaged token
            if token.problem is not None and pdu.complete and AuthType(trailer.auth_type).is_known:
                self.problems.add(token.problem, provenance.frame)
        call.ticket = None if call.security is None else call.security.ticket

    def _add(self, fragments: list[Provenance], provenance: Provenance) -> None:
        """One more fragment; beyond the bound only the last one is told, and the others are counted."""
        if len(fragments) >= MAXIMUM_FRAGMENTS_OF_A_PDU:
            fragments.pop()
            self.dropped_fragments += 1
        fragments.append(provenance)

    def _make_room(self, key: Key) -> Sequence[Call]:
        """For one more open call: the oldest one is given up where there are too many."""
        if key not in self._open or len(self._open[key]) < MAXIMUM_OPEN_CALLS_OF_AN_ID:
            if self._open_count < MAXIMUM_OPEN_CALLS:
                return _NO_CALLS
            key = next(iter(self._open))
        call = self._take(key, self._open[key][0])
        call.notes.append("given up: too many open calls on the connection")
        self.dropped_calls += 1
        return (call.value(),)

    # Answers

    def _answered(self, direction: Direction, pdu: Pdu, provenance: Provenance) -> Sequence[Call]:
        header, _body, _trailer, complete, _problem = pdu
        reply_kind, preferences = ANSWERS[header.pdu_type]
        is_response = reply_kind is _RESPONSE
        sender: Direction = 1 if direction == 0 else 0
        key = (sender, header.call_id)
        told: list[Call] = []
        call: OpenCall | None = None
        if self._answering and key in self._answering and (is_response or reply_kind is ReplyKind.FAULT):
            begun = self._answering.pop(key)
            if is_response and header.first:  # another response: the first one never ended
                begun.partial = True
                told.append(begun.value())
            else:
                call = begun
                self._add(call.answered, provenance)
        call = call or self._find(key, preferences)
        if call is None:
            call = OpenCall(_ASKED[reply_kind], sender, header.call_id)
            self._authenticate_reply_alone(call, pdu)
        if not call.answered:
            call.answered.append(provenance)
            if is_response and not header.first:
                call.partial = True
        call.reply_kind = reply_kind
        if not complete:
            call.partial = True
        if not call.complete:
            self._refused.add(key)
        if call.security is not None:
            call.ticket = call.security.ticket
        self._conclude(call, pdu, provenance)
        if is_response and not header.last:
            self._answering[key] = call
            return told
        told.append(call.value())
        if is_response and self._open_auth3:
            self._prove(call, told)
        return told

    def _authenticate_reply_alone(self, call: OpenCall, pdu: Pdu) -> None:
        if call.kind is _REQUEST:
            call.security = self.security.for_trailer(pdu.trailer) if pdu.trailer else self.security.only
            if call.security is not None:
                call.authentication = call.security.authentication(pdu.trailer)

    def _find(self, key: Key, preferences: Iterable[tuple[CallKind, ...]]) -> OpenCall | None:
        """The open call that an answer completes: the oldest of the first preference that is there; one whose answer
        a gap may have swallowed only when there is no other."""
        calls = self._open.get(key)
        if calls is None:
            return None
        if len(calls) == 1:
            return self._take(key, calls[0]) if calls[0].kind in chain(*preferences) else None
        gap_at = self._sides[1 - key[0]].gap_at
        for kinds in preferences:
            fitting = [call for call in calls if call.kind in kinds]
            if len(fitting) > 1:
                fitting = [call for call in fitting if call.sent_at >= gap_at] or fitting
            if fitting:
                return self._take(key, fitting[0])
        return None

    def _take(self, key: Key, call: OpenCall) -> OpenCall:
        calls = self._open[key]
        if len(calls) > 1:
            calls.remove(call)
        else:
            del self._open[key]
        self._open_count -= 1
        if call.kind is _AUTH3:
            self._open_auth3 -= 1
        return call

    def _conclude(self, call: OpenCall, pdu: Pdu, provenance: Provenance) -> None:
        """What the answer's body says."""
        body = pdu.body
        if isinstance(body, Response):
            call.outcome = _ANSWERED
            if call.stub is not None:
                call.stub.answer(pdu, body.stub)
        elif isinstance(body, Fault):
            did_not_execute = pdu.header.flags._value_ & _DID_NOT_EXECUTE != 0
            call.fault = FaultValue(body.context_id, body.cancel_count, did_not_execute, body.status)
            call.outcome = Outcome.FAULTED
            if call.kind is not _REQUEST:
                self.presentation.withdraw(call.sender, call.contexts)
            if body.has_extended_error:
                call.extended_error = self._extended_error(body.extended_error, provenance)
        elif isinstance(body, BindNak):
            call.reject_reason, call.outcome = body.reason, Outcome.REJECTED
            self.presentation.withdraw(call.sender, call.contexts)
            if body.extended_error:
                call.extended_error = self._extended_error(body.extended_error, provenance)
        elif isinstance(body, BindAck):
            self._acknowledged(call, pdu, body)

    def _acknowledged(self, call: OpenCall, pdu: Pdu, body: BindAck) -> None:
        if call.kind is CallKind.BIND:
            self._multiplexes = self._asks_to_multiplex and pdu.header.flags._value_ & _CONC_MPX != 0
        call.contexts = self.presentation.answer(call.sender, call.contexts, body.results)
        if body.association_group_id:
            call.group_id = body.association_group_id
        accepted = not body.results or any(result.result == 0 for result in body.results)
        refused = False
        if pdu.trailer is not None:
            call.authentication, refused = self.security.server_leg(pdu.trailer, call.authentication)
            if call.security is None:
                call.security = self.security.get(pdu.trailer.context_id)
        call.outcome = Outcome.ACCEPTED if accepted and not refused else Outcome.REJECTED

    def _extended_error(self, octets: memoryview, provenance: Provenance) -> tuple[ErrorRecord, ...]:
        from rpctrace.protocols.dcerpc.extended_error import parse_extended_error  # few faults have any

        records, problem = parse_extended_error(octets)
        if problem is not None:
            self.problems.add(problem, provenance.frame)
        return records

    # auth3, and what never came

    def _prove(self, answered: OpenCall, told: list[Call]) -> None:
        """A request of a security context succeeded: so the context's auth3 had been accepted."""
        if answered.security is None:
            return
        for calls in list(self._open.values()):
            for call in [c for c in calls if c.kind is _AUTH3 and c.security is answered.security]:
                self._take((call.sender, call.call_id), call).outcome = Outcome.ACCEPTED
                told.append(call.value())

    def _judge_open(self, call: OpenCall, capture_end_ns: int | None) -> None:
        """Unanswered is said only where the capture shows it: the answering side was seen after the call, without a
        gap, and went on to other things (which tells nothing where it may answer in any order), or the connection
        ended, or time enough went by."""
        side = self._sides[1 - call.sender]
        call.outcome = Outcome.NOT_CAPTURED
        if call.kind is _AUTH3 or side.gap_at > call.sent_at or side.seen_at <= call.sent_at:
            return
        asked_ns = call.asked[-1].timestamp_ns if call.asked else None
        if (side.octets_at > call.sent_at and not self._multiplexes) or self._ended:
            call.outcome = Outcome.UNANSWERED
        elif capture_end_ns is not None and asked_ns is not None and capture_end_ns - asked_ns >= PATIENCE_NS:
            call.outcome = Outcome.UNANSWERED
            seconds = (capture_end_ns - asked_ns) / NS_PER_SECOND
            call.notes.append(f"received, and no answer in the {seconds:.1f} s until the capture's end")
