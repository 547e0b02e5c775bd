"""call-unanswered: the connection ended while the server still owed an answer.

What it means: a request was complete, no answer came, and one end closed or reset the connection. Where the server did,
its process died or was restarted, it gave up the connection for an error, or a device between cut it. Where the client
did, it had lost patience or was itself stopped.
How we know: FIN or RST is in the capture, and by whom; the call has neither response nor fault before it.
What would refute it: an answer that the capture has lost. Where the server had just refused a token, a signature or
the protocol on the same connection, its end is a consequence and no trouble of its own: low, and it names the refusal.
Where the client ended it, or octets are missing, it is low too, but the refusal may not be why.
How to tell it from its neighbours: silence without an end of the connection is call-failed or a matter of the network;
a connection that was never opened is not about calls. A reset with octets on the way, or after minutes of silence, is
told by connection-reset and idle-drop.
How sure: 0.8 that the server ended it (it is in the frames, unless something between sent the RST in its name); the
cause behind it is open, so a client that closed first gives a third less.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Hashable, Iterator
from operator import itemgetter

from rpctrace.correlation.timeline import Position
from rpctrace.diagnosis.consequences import begin_with, follows_text, refusal_behind, refusal_item
from rpctrace.diagnosis.endings import Ending, ending_of
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import Failure, FailureKind
from rpctrace.diagnosis.network import REFUSED, ends_key
from rpctrace.diagnosis.observed import asked_frame, call_items, call_text
from rpctrace.diagnosis.recovery import recovered, recovered_severity
from rpctrace.diagnosis.rule import Ceiling, Clue, Hypothesis, Rule, found, required
from rpctrace.diagnosis.ticket_uses import Place
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import Call, Event, EvidenceItem

TOGETHER_NS = NS_PER_SECOND  # connections of one process end within a moment
_ABANDONED = "abandoned"
_TOLD_ELSEWHERE = frozenset(("reset", "idle"))  # by connection-reset and idle-drop, which say more

OTHERS_TOO = Clue(0.5, "another connection with an open call to the same server ended at the same time")
GONE = Clue(0.6, "the server then refused connections to the same port")
RESET = Clue(0.2, "it was a reset, as of a process that died")
CLIENT_LEFT = Clue(0.35, "the client ended the connection, not the server", against=True)
GAPS = Clue(0.5, "octets of the connection are missing in the capture: the answer may be among them", against=True)
# As much as explains a call; what it follows from is told by itself.
CONSEQUENCE = Ceiling(
    0.5,
    "the server had refused a call of the connection before, which is reason enough to end it",
    "the server's events of that time: whether its process ended by itself",
)

FOLLOWS = "A call was still open when a refusal ended its connection"


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    told = {ends_key(event) for event in evidence.report.events if event.kind in _TOLD_ELSEWHERE}
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        if call.outcome != "unanswered" or any(note.startswith(_ABANDONED) for note in call.notes):
            continue
        ending = ending_of(evidence, call)
        if ending is None or not call.request_frames or ends_key(call) in told:
            continue
        yield _hypothesis(evidence, failure, ending)


def _hypothesis(evidence: Evidence, failure: Failure, ending: Ending) -> Hypothesis:
    call = failure.call
    who = "server" if ending.by_server else "client"
    how = "reset" if ending.reset else "closed"
    ended = required(f"{how} by the {who}", call.capture, ending.frame)
    cause = refusal_behind(evidence, failure)
    lost_by = cause if all(_is_plain(evidence, each) for each in failure.calls) else None
    later = recovered(evidence, call)
    summary = (
        f"The {call_text(call)} of {call.client.address} to {call.server.address} got no answer: the {who} {how} the"
        " connection"
    )
    if cause is not None:
        summary += follows_text(cause)
    return Hypothesis(
        failure,
        summary,
        (*call_items(failure), ended, *((refusal_item(cause),) if cause is not None else ()), *later),
        found(*_clues(evidence, call, ending)),
        (CONSEQUENCE,) if cause is not None and ending.by_server else (),
        severity=recovered_severity(later, None if ending.by_server and cause is None else "low"),
        title=f"The {who} ended the connection while a call was open" if lost_by is None else FOLLOWS,
        next_steps=None if lost_by is None else (begin_with(lost_by),),
    )


def _is_plain(evidence: Evidence, call: Call) -> bool:
    """Whether the server ended the connection, and no octet of it is missing that could be the answer."""
    ending, stream = ending_of(evidence, call), evidence.streams.get(call.connection)
    return ending is not None and ending.by_server and stream is not None and not stream.missing_octets


def _clues(evidence: Evidence, call: Call, ending: Ending) -> Iterator[EvidenceItem | None]:
    if not ending.by_server:
        yield CLIENT_LEFT.seen("the client ended it", call.capture, ending.frame)
    elif ending.reset:
        yield RESET.seen("RST", call.capture, ending.frame)
    stream = evidence.streams.get(call.connection)
    if stream is not None and stream.missing_octets:
        yield GAPS.seen(f"{stream.missing_octets} octets are missing", call.capture)
    lost = evidence.once(_Lost)
    other = lost.other(call) if ending.by_server else None
    if other is not None:
        yield OTHERS_TOO.seen(f"{call_text(other)} was lost too", other.capture, asked_frame(other))
    refused = lost.refused_after(call)
    if refused is not None and refused.frames:
        yield GONE.seen("a later connection was refused", refused.capture, min(refused.frames))


class _Lost:
    """Calls that were open when the server ended their connection, and connections that it refused, in order."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence
        # Of each connection that a server ended its end, and one of the calls that were open then
        self._ends: dict[Place, list[tuple[Position, str, Call]]] = defaultdict(list)
        ends = {call.connection: call for call in evidence.report.calls if _was_left(evidence, call)}
        for connection, call in ends.items():
            end = self._end(call)
            if end is not None:
                self._ends[evidence.place_of(call, call.server)].append((end, connection, call))
        self._refused: dict[Hashable, list[tuple[Position, Event]]] = defaultdict(list)
        for event in evidence.report.events:
            if event.kind == REFUSED:
                port = evidence.place_of(event, event.server), event.server.port
                self._refused[port].append((evidence.seen_at(event), event))
        for ended in self._ends.values():
            ended.sort(key=itemgetter(0))
        for refused in self._refused.values():
            refused.sort(key=itemgetter(0))

    def _end(self, call: Call) -> Position | None:
        stream = self._evidence.streams.get(call.connection)
        return self._evidence.ended_at(stream) if stream is not None and stream.last_ns is not None else None

    def refused_after(self, call: Call) -> Event | None:
        """The first connection to the same port that the server refused later."""
        port = self._evidence.place_of(call, call.server), call.server.port
        refused = self._refused.get(port, [])
        after = bisect_right(refused, self._evidence.asked_at(call), key=itemgetter(0))
        return refused[after][1] if after < len(refused) else None

    def other(self, call: Call) -> Call | None:
        """One of another connection that ended within a moment of this one's: of its neighbours in time, the nearer
        ones are enough."""
        end = self._end(call)
        if end is None:
            return None
        ended = self._ends.get(self._evidence.place_of(call, call.server), [])
        at = bisect_left(ended, end, key=itemgetter(0))
        for other_end, connection, other in ended[max(at - 1, 0) : at + 2]:
            if connection != call.connection and abs(other_end[0] - end[0]) <= TOGETHER_NS:
                return other
        return None


def _was_left(evidence: Evidence, call: Call) -> bool:
    """Whether the server ended the connection while it owed the answer."""
    if call.outcome != "unanswered" or not call.request_frames:
        return False
    ending = ending_of(evidence, call)
    return ending is not None and ending.by_server


RULE = Rule(
    name="call-unanswered",
    title="A connection ended while a call was open",
    documentation=__doc__,
    severity="medium",
    base=0.8,
    requires=("a call without an answer that expected one", "a FIN or RST of its connection after it"),
    find=find,
    clues=(OTHERS_TOO, GONE, RESET, CLIENT_LEFT, GAPS),
    ceilings=(CONSEQUENCE,),
    next_steps=(
        "Look whether the server process ended at this time: events 1000 and 1001 (Application), 7031 and "
        "7034 (System).",
        "Look at the events of the connection: rpctrace --table events.",
        "Capture at the other end too: an RST that only one side saw comes from between.",
    ),
    references=("C706 9.5", "RFC 9293 3.5.2"),
)
