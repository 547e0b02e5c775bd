"""handshake-incomplete: an authentication was begun and not finished: no answer to a token, or no third leg.

What it means: either the server never answered a token, because it hangs, waits for a domain controller, or went away;
or the client got the server's AP-REP and left without the third leg that DCE style asks of it ([MS-KILE] 3.4.5.1).
Then it is the client that was not content: it could not verify the server's answer (mutual authentication), does not
agree about signing, or gave up for a reason of its own, such as a time limit.
How we know: the token is in the capture, and so is the end of the connection, or octets that the server sent later; no
part of the connection is missing. An answer that may lie behind the end of the capture is not counted as missing.
What would refute it: the missing PDU in another capture of the same connection.
How to tell it from its neighbours: third-leg-refused has the third leg, and a fault; a connection that is cut by a
firewall or dropped after silence shows as an event of the connection.
How sure: that it was not finished is what the frames show; which side is to blame is a judgement.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis.endings import ending_of
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.failures import FailureKind
from rpctrace.diagnosis.observed import accepted_text, call_items, call_text, host_text, ticket_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found
from rpctrace.encoding.times import NS_PER_SECOND
from rpctrace.report import Authentication, Call, EvidenceItem

_LEGS = frozenset(("bind", "alter_context"))
_LONG_NS = 30 * NS_PER_SECOND

CLIENT_LEFT = Clue(0.1, "the client closed the connection")
SERVER_LEFT = Clue(0.1, "the server closed or reset the connection")
SERVER_WAITS = Clue(0.2, "the server had a logon request to its domain controller open at that time")
LONG = Clue(0.2, "the client had waited for half a minute or more")
TRIED_AGAIN = Clue(0.5, "the same server later accepted a ticket of the same client for the same service", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    for failure in evidence.of(FailureKind.CALL):
        call = failure.call
        token = call.auth.token if call.auth is not None else None
        if call.kind not in _LEGS or call.outcome != "unanswered" or token is None:
            continue
        later = evidence.tickets.accepted_later(failure.calls[-1])
        yield Hypothesis(
            failure,
            f"{host_text(call.server)} did not answer the token ({token}) of {host_text(call.client)} in the"
            f" {call_text(call)}",
            call_items(failure),
            found(*_of_the_end(evidence, call), *_of_the_server(evidence, call), _again(later)),
            missing=("a capture taken on the server: whom does it wait for?",),
            severity="low" if later else None,
        )
    for failure in evidence.of(FailureKind.HANDSHAKE):
        call = failure.call
        later = evidence.tickets.accepted_later(failure.calls[-1])
        yield Hypothesis(
            failure,
            f"{host_text(call.server)} accepted the ticket for {ticket_text(call.ticket)} in the {call_text(call)}, and"
            f" {host_text(call.client)} never sent the third leg",
            _accepted_items(call),
            found(*_of_the_end(evidence, call), _again(later)),
            missing=("the client's System log: events 3 and 4 of Security-Kerberos at that time",),
            title="The client broke off an authentication that the server had accepted",
            severity="low" if later else None,
        )


def _accepted_items(call: Call) -> tuple[EvidenceItem, ...]:
    asked, answered = next(iter(call.request_frames), None), next(iter(call.reply_frames), None)
    return (
        EvidenceItem(True, f"{call_text(call)} with an AP-REQ", call.capture, asked, None, 1.0),
        EvidenceItem(True, f"{call.reply} with an AP-REP", call.capture, answered, None, 1.0),
    )


def _of_the_end(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    stream = evidence.streams.get(call.connection)
    ending = ending_of(evidence, call)
    if stream is None or ending is None:
        return
    clue = SERVER_LEFT if ending.by_server else CLIENT_LEFT
    yield clue.seen(f"the connection was {stream.ended}", call.capture, stream.last_frame)
    if stream.last_ns is not None and call.request_ns is not None and stream.last_ns - call.request_ns >= _LONG_NS:
        seconds = (stream.last_ns - call.request_ns) / NS_PER_SECOND
        yield LONG.seen(f"after {seconds:.0f} s", call.capture, stream.last_frame)


def _of_the_server(evidence: Evidence, call: Call) -> Iterator[EvidenceItem | None]:
    for logon in evidence.logons_between(call.server.address, call)[:1]:
        text = f"{logon.operation or 'a logon request'} to {logon.server.address}"
        yield SERVER_WAITS.seen(text, logon.capture, next(iter(logon.request_frames), None))


def _again(later: Call | Authentication | None) -> EvidenceItem | None:
    return TRIED_AGAIN.seen(*accepted_text(later)) if later is not None else None


RULE = Rule(
    name="handshake-incomplete",
    title="The server did not answer a token of an authentication",
    documentation=__doc__,
    severity="medium",
    base=0.55,
    requires=(
        "a bind or alter_context with a token that was not answered, though the capture goes on or the connection ends",
        "or an AP-REQ that was answered with an AP-REP, and a connection that ended without any use of that context",
    ),
    find=find,
    clues=(CLIENT_LEFT, SERVER_LEFT, SERVER_WAITS, LONG, TRIED_AGAIN),
    next_steps=(
        "Capture on both ends: rpctrace CLIENT.pcap SERVER.pcap shows whether PDUs were lost between them.",
        "On the client: events 3 and 4 of Security-Kerberos in the System log, and the time limits of the program.",
        "On the server: nltest /sc_verify:<domain>, and whether the process hangs.",
    ),
    references=("[MS-KILE] 3.4.5.1", "[MS-RPCE] 3.3.1.5.2.1"),
)
