"""idle-drop: a connection that had been silent for minutes was dropped by something on the way.

What it means: firewalls, load balancers and address translation forget connections that say nothing for some minutes.
The next request on such a connection is answered by a reset, or by nothing; the call ends with error 1726 or 1727 and
the client mostly opens a new connection, which works.
How we know: right after a silence of two minutes or more a request was answered by a reset or sent again and again
without an acknowledgement.
What would refute it: a host that ended the service or was restarted in that time: then the new connection meets another
port, or none.
How to tell it from its neighbours: connection-reset is a reset in the middle of talk; mtu-blackhole loses large packets
without a silence before.
How sure: judgement. A server's own timeout closes a connection in order and gives no such sight; what is left is
something on the way, or a restart. No capture of the lab shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import broken, network
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import host_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found

RECONNECTED = Clue(0.4, "the client opened a new connection to the same port, which worked")
CALL_LOST = Clue(0.2, "a call was waiting for its answer")
SERVER_GONE = Clue(0.6, "later attempts to reach the server failed: it may have been restarted", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    drops = list(network.attempts(evidence, network.IDLE))
    connections = broken.Connections(evidence) if drops else None
    for failure in drops:
        if connections is None:
            return
        subject, first = connections.about(failure)
        if not first:
            continue
        event = failure.event
        waiting, again = connections.waiting(failure), connections.opened_after(event)
        gone = connections.failed_after(event)
        frame = max(event.frames, default=None)
        yield Hypothesis(
            subject,
            f"The connection of {event.client.address} to {host_text(event.server)} port {event.server.port} was"
            f" dropped after a silence of minutes{'; the client opened another, which worked' if again else ''}",
            (*broken.call_required(waiting), *network.event_items(failure)),
            found(
                RECONNECTED.seen(f"connection {again.id}", again.capture, again.first_frame) if again else None,
                CALL_LOST.seen(broken.waiting_text(waiting), event.capture, frame) if waiting is not None else None,
                SERVER_GONE.seen(gone.text, gone.capture, min(gone.frames, default=None)) if gone else None,
            ),
            severity="low" if again else None,
        )


RULE = Rule(
    name="idle-drop",
    title="A silent connection was dropped on the way",
    documentation=__doc__,
    severity="medium",
    base=0.55,
    requires=("after two minutes of silence or more, a request answered by a reset or never acknowledged",),
    find=find,
    clues=(RECONNECTED, CALL_LOST, SERVER_GONE),
    next_steps=(
        "Raise the idle timeout for these connections on firewalls, load balancers and address translation on the way.",
        "Or let the connection speak: RpcMgmtSetComTimeout and keep-alives in the application; for TCP REG_DWORD "
        "KeepAliveTime under HKLM\\SYSTEM\\CurrentControlSet\\Services\\Tcpip\\Parameters.",
        "Capture on both sides: what sends the reset shows by its hop count (TTL).",
    ),
    references=("RFC 9293 3.8.4", "RFC 5382 5", "[MS-ERREF] 2.2"),
)
