"""connection-reset: a connection was reset in the middle of a call.

What it means: one side ended the connection at once instead of closing it in order, while octets of the other were on
the way: the process ended or crashed, the service was restarted, a load balancer moved it, or a device on the way cut
it. The call ends with error 1726, RPC_S_CALL_FAILED, or 1727.
How we know: a reset of a side that had not closed, and octets of the other that it had not acknowledged.
What would refute it: nothing; the reset is what the frames show. Whose reset it is, host or device, its hop count may
tell.
How to tell it from its neighbours: idle-drop is a reset right after minutes of silence. A refusal by a security package
that is followed by a reset is a failed call of its own, with its own finding; what was cut off is a note then.
How sure: that it was reset is certain; that somebody should look is not: clients end connections they no longer need
in this way too. Judgement for that.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import broken, network
from rpctrace.diagnosis.consequences import follows_text, refusal_behind, refusal_item
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import host_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found

CALL_LOST = Clue(0.5, "a call was waiting for its answer")
AGAIN = Clue(0.3, "it happened several times")
BY_CLIENT = Clue(0.4, "the client itself reset the connection: it gave up", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    resets = list(network.attempts(evidence, network.RESET))
    connections = broken.Connections(evidence) if resets else None
    for failure in resets:
        if connections is None:
            return
        subject, first = connections.about(failure)
        if not first:
            continue
        event, count = failure.event, failure.count
        waiting, again = connections.waiting(failure), connections.opened_after(event)
        refusal = refusal_behind(evidence, waiting) if waiting is not None else None
        frame = max(event.frames, default=None)
        yield Hypothesis(
            subject,
            f"{broken.sender_text(event)} reset the connection of {event.client.address} to {host_text(event.server)}"
            f" port {event.server.port} while octets were on the way"
            f"{follows_text(refusal) if refusal is not None else ''}"
            f"{'; the client opened another, which worked' if again else ''}",
            (
                *broken.call_required(waiting), *network.event_items(failure),
                *((refusal_item(refusal),) if refusal is not None else ()),
            ),
            found(
                CALL_LOST.seen(broken.waiting_text(waiting), event.capture, frame) if waiting is not None else None,
                AGAIN.seen(f"{count} connections", event.capture, frame) if count > 1 else None,
                BY_CLIENT.seen(event.text, event.capture, frame) if broken.is_by_client(event) else None,
            ),
            severity="note" if refusal is not None else "low" if again else None,
        )


RULE = Rule(
    name="connection-reset",
    title="The connection was reset in the middle of a call",
    documentation=__doc__,
    severity="medium",
    base=0.55,
    requires=("a reset of who had not closed, with octets of the other side not acknowledged",),
    find=find,
    clues=(CALL_LOST, AGAIN, BY_CLIENT),
    next_steps=(
        "On the side that sent the reset look for a process that ended: events 1000 and 1001 of Application Error and "
        "Windows Error Reporting, 7031 and 7034 of the Service Control Manager.",
        "Compare the hop count (TTL) of the reset with that of other packets of the same host: a device on the way has "
        "another.",
        "Look at load balancers and intrusion prevention on the way.",
    ),
    references=("RFC 9293 3.5.2", "[MS-ERREF] 2.2"),
)
