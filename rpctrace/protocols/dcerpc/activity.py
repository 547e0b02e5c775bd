"""The connectionless PDUs of a capture -> calls ([C706] chapter 10, [MS-RPCE] 3.2).

A call is known by its activity and its sequence number, never by addresses: a server may answer from another port than
the one that was asked, and a broadcast is answered from anywhere. The question of a server's conversation manager is a
call of its own, on an activity of the server; what its answer tells of the client is put down to the client's activity.
Only this class changes; everything it takes and gives is a value, but for the conversations, which grow.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence

from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.network.flow import Endpoint, Segment, Transport
from rpctrace.protocols.dcerpc.activity_security import ActivitySecurity
from rpctrace.protocols.dcerpc.call import FaultValue, Outcome, ReplyKind
from rpctrace.protocols.dcerpc.conversation_manager import (
    CONVERSATION_MANAGER_UUID,
    NAMES,
    Question,
    parse_answer,
    parse_question,
)
from rpctrace.protocols.dcerpc.datagram import Datagram, Flags2, Refusal, is_datagram, parse_datagram
from rpctrace.protocols.dcerpc.datagram_call import REJECTED, DatagramCall, DatagramConversation, OpenDatagramCall
from rpctrace.protocols.dcerpc.pdu import PduType
from rpctrace.protocols.dissector import Problems, Provenance

MAXIMUM_ACTIVITIES = 16_384
MAXIMUM_OPEN_CALLS = 16_384
MAXIMUM_OPEN_CALLS_OF_AN_ACTIVITY = 64
MAXIMUM_OPEN_FRAGMENTS = 131_072
MAXIMUM_HELD_OCTETS = 16 * 1024 * 1024  # stubs and tokens
MAXIMUM_CONVERSATIONS = 100_000
MAXIMUM_TOLD_CALLS_OF_AN_ACTIVITY = 16
# [C706] chapter 10 has a client ask for a late answer every few seconds; an activity this long without a PDU is over.
IDLE_NS = 60 * NS_PER_SECOND
_SEQUENCES = 1 << 32

_FROM_SERVER = frozenset(
    (PduType.RESPONSE, PduType.FAULT, PduType.WORKING, PduType.NOCALL, PduType.REJECT, PduType.CANCEL_ACK)
)
_ActivityKey = tuple[tuple[int, ...], str]
_ConversationKey = tuple[Endpoint, Endpoint, tuple[int, ...]]
_Signature = tuple[str, int]  # interface and operation
_NO_CALLS: Sequence[DatagramCall] = ()


class _Activity:
    """What is known of one activity: its calls that may change, and which sequence numbers were told already."""

    __slots__ = ("calls", "conversation", "last_ns", "security", "told")

    def __init__(self) -> None:
        self.calls: dict[int, OpenDatagramCall] = {}
        self.told: dict[int, _Signature] = {}
        self.security = ActivitySecurity()
        self.conversation: DatagramConversation | None = None
        self.last_ns: int | None = None


class Activities:
    """All activities of a capture. `conversations` are who talks to whom, `limits` which bounds took effect how often.

    `stubs_of`: the interfaces of which calls carry their stubs.
    """

    def __init__(self, problems: Problems | None = None, stubs_of: frozenset[str] = frozenset()) -> None:
        self.problems = Problems() if problems is None else problems
        self.limits: dict[str, int] = {}
        self.conversations: list[DatagramConversation] = []
        self._stubs_of = stubs_of
        self._kept_stubs = stubs_of | {CONVERSATION_MANAGER_UUID}
        self._conversations: dict[_ConversationKey, DatagramConversation] = {}
        # The one that was longest without a PDU first; of a plain dict, finding the first costs more with each removed.
        self._activities: OrderedDict[_ActivityKey, _Activity] = OrderedDict()
        self._open_calls = 0
        self._open_fragments = 0
        self._held_octets = 0

    # What happens

    def feed(self, segment: Segment) -> Sequence[DatagramCall]:
        """One UDP datagram, of whatever protocol -> the calls that nothing can change any more."""
        payload = segment.payload
        if segment.transport != Transport.UDP or not is_datagram(payload, segment.length_octets):
            return _NO_CALLS
        pdu = parse_datagram(payload, segment.length_octets)
        if pdu.problem is not None and pdu.complete:
            self.problems.add(pdu.problem, segment.frame_number)
        told: list[DatagramCall] = []
        self._tell_idle(segment.timestamp_ns, told)
        self._make_room(segment.timestamp_ns, told)
        key = (segment.tunnel, pdu.header.activity)
        handle = _HANDLERS.get(pdu.header.pdu_type)
        activity = self._activities.get(key)
        if activity is None and handle in _BEGINNING:
            activity = self._activities[key] = _Activity()
        if activity is not None:
            self._activities.move_to_end(key)
            activity.last_ns = segment.timestamp_ns
            if handle is not None:
                handle(self, activity, pdu, segment, told)
        if handle not in _BEGINNING:
            self._talk(pdu, segment, activity).see(segment.frame_number, segment.timestamp_ns)
        return told

    def close(self, capture_end_ns: int | None) -> Iterator[DatagramCall]:
        """The capture is at its end: what is still open is told as it stands."""
        told: list[DatagramCall] = []
        while self._activities:
            self._give_out_oldest(capture_end_ns, told)
            yield from told
            told.clear()

    # Who talks to whom

    def _talk(self, pdu: Datagram, segment: Segment, activity: _Activity | None) -> DatagramConversation:
        """The conversation of a PDU that belongs to no open call: its activity's, or that of its addresses."""
        known = None if activity is None else activity.conversation
        if known is not None and known.client in (segment.source, segment.destination):
            known.server_seen |= segment.source != known.client
            return known
        from_server = pdu.header.pdu_type in _FROM_SERVER
        if pdu.header.pdu_type is PduType.FACK:  # either end's
            source, destination, tunnel = segment.source, segment.destination, segment.tunnel
            from_server = (source, destination, tunnel) not in self._conversations and (
                (destination, source, tunnel) in self._conversations or source.port < destination.port
            )
        return self._conversation(segment, from_server=from_server, joined_late=True)

    def _conversation(self, segment: Segment, *, from_server: bool, joined_late: bool) -> DatagramConversation:
        client, server = segment.source, segment.destination
        if from_server:
            client, server = server, client
        key = (client, server, segment.tunnel)
        known = self._conversations.get(key)
        if known is None:
            frame, time = segment.frame_number, segment.timestamp_ns
            known = DatagramConversation(client, server, segment.tunnel, frame, frame, time, time, joined_late)
            if len(self._conversations) < MAXIMUM_CONVERSATIONS:
                self._conversations[key] = known
                self.conversations.append(known)
            else:
                self._reach("datagram_conversations", 1)
        known.server_seen |= from_server
        return known

    # Requests and what else a client says

    def _request(self, activity: _Activity, pdu: Datagram, segment: Segment, told: list[DatagramCall]) -> None:
        header = pdu.header
        conversation = self._conversation(segment, from_server=False, joined_late=False)
        conversation.see(segment.frame_number, segment.timestamp_ns)
        activity.conversation = conversation
        sequence = header.sequence
        signature = (header.interface.uuid, header.opnum)
        if activity.told.get(sequence) == signature:
            return  # sent again after it was answered
        call = activity.calls.get(sequence)
        if call is not None and call.request is not None and signature != _signature(call):
            self._tell(activity, call, segment.timestamp_ns, told)  # the number serves another call
            call = None
        if call is None:
            call = self._open(activity, conversation, pdu, segment, told)
            if not header.flags_2 & Flags2.UNRELATED:
                _overtake(activity, sequence)
        if call.request is None:
            call.request, call.conversation = header, conversation
            call.client, call.server = segment.source, segment.destination
        copies = call.asked.copies
        self._add(call, pdu, segment, asked=True)
        call.unheeded += call.asked.copies - copies
        call.last_asked_ns = segment.timestamp_ns
        if pdu.verifier is not None:
            held = activity.security.held_octets
            call.authentication = activity.security.of_request(header.auth_protocol, pdu.verifier)
            self._held_octets += activity.security.held_octets - held
        if header.interface.uuid == CONVERSATION_MANAGER_UUID and call.asked.whole:
            self._asked_who(call, segment)
        if call.over:
            self._tell(activity, call, segment.timestamp_ns, told)

    def _ping(self, activity: _Activity, pdu: Datagram, segment: Segment, _told: list[DatagramCall]) -> None:
        call = activity.calls.get(pdu.header.sequence)
        if call is not None:
            call.pings += 1
            call.unheeded += 1
            call.last_asked_ns = segment.timestamp_ns

    def _cancel(self, activity: _Activity, pdu: Datagram, segment: Segment, _told: list[DatagramCall]) -> None:
        call = activity.calls.get(pdu.header.sequence)
        if call is not None and not call.cancelled:
            call.cancelled = True
            call.notes.append(f"cancelled by the client in frame {segment.frame_number}")

    def _acknowledge(self, activity: _Activity, pdu: Datagram, segment: Segment, _told: list[DatagramCall]) -> None:
        """Ack, or a client's fack: it has an answer, also where the capture has none."""
        call = activity.calls.get(pdu.header.sequence)
        if call is not None and call.acknowledged_in is None:
            call.acknowledged_in = segment.frame_number

    # Answers and what else a server says

    def _answer(self, activity: _Activity, pdu: Datagram, segment: Segment, told: list[DatagramCall]) -> None:
        header = pdu.header
        call = activity.calls.get(header.sequence)
        conversation = self._talk(pdu, segment, activity) if call is None else call.conversation
        conversation.see(segment.frame_number, segment.timestamp_ns)
        if call is None:
            if header.sequence in activity.told:
                return  # sent again
            call = self._open(activity, conversation, pdu, segment, told)
            _overtake(activity, header.sequence)
        call.conversation.server_seen = True
        call.unheeded = 0
        if call.refused is not None:
            call.answered.copies += 1
            return
        call.reply = call.reply or header
        if call.answered_from is None:
            call.answered_from = segment.source
        if header.pdu_type is PduType.RESPONSE:
            call.reply_kind, call.outcome = ReplyKind.RESPONSE, Outcome.ANSWERED
            self._add(call, pdu, segment, asked=False)
        else:
            _refuse(call, pdu, segment)
        if call.over:
            self._tell(activity, call, segment.timestamp_ns, told)

    def _aside(self, activity: _Activity, pdu: Datagram, segment: Segment, _told: list[DatagramCall]) -> None:
        """Working, nocall, cancel_ack, fack: the server is there, and says so of the call."""
        pdu_type = pdu.header.pdu_type
        call = activity.calls.get(pdu.header.sequence)
        if call is None:
            return
        if segment.source == call.client:
            self._acknowledge(activity, pdu, segment, _told)
            return
        call.conversation.server_seen = True
        call.unheeded = 0
        if pdu_type is PduType.WORKING:
            call.workings += 1
        elif pdu_type is PduType.NOCALL:
            call.nocalls += 1
        elif pdu_type is PduType.CANCEL_ACK and not call.cancel_acknowledged:
            call.cancel_acknowledged = True
            call.notes.append(f"cancel acknowledged in frame {segment.frame_number}")

    # The conversation manager

    def _asked_who(self, call: OpenDatagramCall, segment: Segment) -> None:
        """A server's question: which of the client's calls it is about, and the token that it brings."""
        if call.question is not None or call.request is None:
            return
        header = call.request
        stub = call.asked.stub() or b""
        call.question = question = parse_question(header.opnum, stub, little_endian=header.little_endian)
        about = self._activities.get((segment.tunnel, question.activity or ""))
        name = NAMES.get(header.opnum, "the conversation manager")
        call.notes.append(f"asks the client about its activity {question.activity}")
        if about is None:
            return
        for other in about.calls.values():
            other.conversation.server_seen = True
            other.unheeded = 0
            if not other.asked_who:
                other.asked_who = True
                other.notes.append(f"the server asked who the client is ({name}), frame {segment.frame_number}")
        if question.token:
            held = about.security.held_octets
            call.authentication = about.security.server_token(question.token)
            self._held_octets += about.security.held_octets - held

    def _answered_who(self, call: OpenDatagramCall, question: Question, key: tuple[int, ...]) -> None:
        """A client's answer: the token that it authenticates its activity with."""
        header, reply = call.request, call.answered.provenance()
        if header is None or call.reply is None or reply is None:
            return
        little_endian = call.reply.little_endian
        answer = parse_answer(header.opnum, call.answered.stub() or b"", little_endian=little_endian)
        about = self._activities.get((key, question.activity or ""))
        if about is None or not answer.token:
            return
        security = about.security
        held = security.held_octets
        token = security.client_token(answer.token, question.token_offset, reply.frame)
        self._held_octets += security.held_octets - held
        if token is not None:
            asked = call.authentication or security.authentication()
            call.authentication = asked and asked._replace(
                mechanism=security.mechanism, reply_token=token, ntlm=security.ntlm
            )
            call.ticket = security.ticket

    # Open calls

    def _open(
        self,
        activity: _Activity,
        conversation: DatagramConversation,
        pdu: Datagram,
        segment: Segment,
        told: list[DatagramCall],
    ) -> OpenDatagramCall:
        if len(activity.calls) >= MAXIMUM_OPEN_CALLS_OF_AN_ACTIVITY:
            oldest = next(iter(activity.calls.values()))
            if oldest.overtaken_by is None:
                self._reach("open_calls_of_a_datagram_activity", 1)
            self._finish(activity, oldest, segment.timestamp_ns, told)
        header = pdu.header
        client, server = segment.source, segment.destination
        if header.pdu_type in _FROM_SERVER:
            client, server = server, client
        call = OpenDatagramCall(conversation, client, server, header)
        activity.calls[header.sequence] = call
        activity.conversation = activity.conversation or conversation
        activity.told.pop(header.sequence, None)
        self._open_calls += 1
        return call

    def _add(self, call: OpenDatagramCall, pdu: Datagram, segment: Segment, *, asked: bool) -> None:
        side = call.asked if asked else call.answered
        fragments, octets, left_out, conflicts = len(side), side.kept_octets, side.octets_left_out, side.conflicts
        keep = pdu.header.interface.uuid in self._kept_stubs
        side.add(pdu, segment.frame_number, segment.timestamp_ns, keep=keep)
        self._open_fragments += len(side) - fragments
        self._held_octets += side.kept_octets - octets
        call.conversation.conflicts += side.conflicts - conflicts
        if side.octets_left_out > left_out:
            self._reach("stub_octets_of_a_datagram_call", side.octets_left_out - left_out)

    def _tell(
        self, activity: _Activity, call: OpenDatagramCall, now_ns: int | None, told: list[DatagramCall]
    ) -> None:
        """A call that is over, or as it stands."""
        self._finish(activity, call, now_ns, told)
        activity.told[call.begun_by.sequence] = _signature(call)
        if len(activity.told) > MAXIMUM_TOLD_CALLS_OF_AN_ACTIVITY:
            del activity.told[next(iter(activity.told))]

    def _finish(
        self, activity: _Activity, call: OpenDatagramCall, now_ns: int | None, told: list[DatagramCall]
    ) -> None:
        del activity.calls[call.begun_by.sequence]
        self._open_calls -= 1
        self._open_fragments -= len(call.asked) + len(call.answered)
        self._held_octets -= call.asked.kept_octets + call.answered.kept_octets
        call.judge(now_ns)
        if call.question is not None:
            self._answered_who(call, call.question, call.conversation.tunnel)
        elif call.authentication is not None:
            call.authentication = activity.security.completed(call.authentication)
            call.ticket = activity.security.ticket
        told.append(call.value(self._stubs_of))

    # Bounds

    def _tell_idle(self, now_ns: int | None, told: list[DatagramCall]) -> None:
        while now_ns is not None and self._activities:
            oldest = next(iter(self._activities.values()))
            if oldest.last_ns is None or now_ns - oldest.last_ns < IDLE_NS:
                return
            self._give_out_oldest(now_ns, told)

    def _make_room(self, now_ns: int | None, told: list[DatagramCall]) -> None:
        for name, bound, used in _BOUNDS:
            while self._activities and used(self) >= bound:
                before = len(told)
                self._give_out_oldest(now_ns, told)
                if len(told) > before:
                    self._reach(name, len(told) - before)

    def _give_out_oldest(self, now_ns: int | None, told: list[DatagramCall]) -> None:
        key = next(iter(self._activities))
        activity = self._activities[key]
        for call in list(activity.calls.values()):
            self._finish(activity, call, now_ns, told)
        self._held_octets -= activity.security.held_octets
        del self._activities[key]

    def _reach(self, name: str, count: int) -> None:
        self.limits[name] = self.limits.get(name, 0) + count


def _signature(call: OpenDatagramCall) -> _Signature:
    return call.header.interface.uuid, call.header.opnum


def _overtake(activity: _Activity, sequence: int) -> None:
    """[C706] 10.1: an activity has one call at a time, so the client has got over what it called before."""
    for earlier in activity.calls.values():
        ahead = (sequence - earlier.begun_by.sequence) % _SEQUENCES
        if 0 < ahead < _SEQUENCES // 2 and earlier.overtaken_by is None:
            earlier.overtaken_by = sequence


def _refuse(call: OpenDatagramCall, pdu: Datagram, segment: Segment) -> None:
    """Fault or reject: of a reject the client knows that the call was not executed ([C706] 12.5.3.9)."""
    rejected = pdu.header.pdu_type is PduType.REJECT
    status = pdu.body.status if isinstance(pdu.body, Refusal) else None
    call.refused = Provenance((segment.frame_number,), segment.timestamp_ns, 0)
    call.refusal_cut = not pdu.complete
    call.reply_kind, call.outcome = ReplyKind.FAULT, Outcome.FAULTED
    call.fault = FaultValue(None, None, rejected, status)
    if rejected:
        call.notes.append(REJECTED)


_Handler = Callable[[Activities, _Activity, Datagram, Segment, list[DatagramCall]], None]
_HANDLERS: dict[PduType, _Handler] = {
    PduType.REQUEST: Activities._request,
    PduType.PING: Activities._ping,
    PduType.CL_CANCEL: Activities._cancel,
    PduType.ACK: Activities._acknowledge,
    PduType.RESPONSE: Activities._answer,
    PduType.FAULT: Activities._answer,
    PduType.REJECT: Activities._answer,
    PduType.WORKING: Activities._aside,
    PduType.NOCALL: Activities._aside,
    PduType.CANCEL_ACK: Activities._aside,
    PduType.FACK: Activities._aside,
}
_BEGINNING: frozenset[_Handler | None] = frozenset((Activities._request, Activities._answer))
_BOUNDS: tuple[tuple[str, int, Callable[[Activities], int]], ...] = (
    ("open_datagram_activities", MAXIMUM_ACTIVITIES, lambda held: len(held._activities)),
    ("open_datagram_calls", MAXIMUM_OPEN_CALLS, lambda held: held._open_calls),
    ("open_datagram_fragments", MAXIMUM_OPEN_FRAGMENTS, lambda held: held._open_fragments),
    ("held_datagram_octets", MAXIMUM_HELD_OCTETS, lambda held: held._held_octets),
)
