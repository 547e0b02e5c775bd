"""dyn-port-closed: nothing listens any more on the port that the endpoint mapper told, or a firewall refuses it.

What it means: the client learnt the port on 135 and its connection was refused: error 1722, RPC_S_SERVER_UNAVAILABLE.
The service ended without taking its entry away, has another port since, or a firewall answers in its place.
How we know: the answer of the endpoint mapper, of an activation or of the OXID resolver names the port in clear text;
the SYN to it was answered by a reset that acknowledges it.
What would refute it: a connection to that port by the same client.
How to tell it from its neighbours: dyn-port-blocked is silence instead of a reset.
How sure: the frames show the refusal; whether host or firewall sent the reset, its hop count may tell. The project's
own capture of a refused port shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import network
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import host_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found

AGAIN = Clue(0.3, "the client tried several times")
WORKED_BEFORE = Clue(0.4, "the same client had had a connection to that port: the service ended meanwhile")


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    made = evidence.once(network.connected_to)
    for failure in network.attempts(evidence, network.REFUSED):
        event, count = failure.event, network.tries(failure)
        endpoint = evidence.endpoints.get(event.endpoint or "")
        if endpoint is None or network.is_elsewhere(event, endpoint, evidence):
            continue
        other = made.get((*evidence.hosts_of(event), event.server.port))
        before = other is not None and evidence.began_at(other) < evidence.seen_at(event)
        yield Hypothesis(
            failure,
            f"{host_text(event.server)} had told port {event.server.port} and refused the connection of"
            f" {event.client.address} there{'; later one was made' if other and not before else ''}",
            (network.told_item(endpoint), *network.event_items(failure)),
            found(
                AGAIN.seen(f"tried {count} times", event.capture, max(event.frames, default=None))
                if count >= network.TRIES else None,
                WORKED_BEFORE.seen(f"connection {other.id}", other.capture, other.first_frame)
                if other is not None and before else None,
            ),
            severity="note" if other and not before else None,
        )  # fmt: skip


RULE = Rule(
    name="dyn-port-closed",
    title="Nothing listens on the port that the endpoint mapper told",
    documentation=__doc__,
    severity="medium",
    base=0.85,
    requires=(
        "an answer of endpoint mapper, activation or OXID resolver that tells a port of the host that answers",
        "a connection to that port that was refused",
    ),
    find=find,
    clues=(AGAIN, WORKED_BEFORE),
    next_steps=(
        "On the host see what listens: netstat -ano | findstr <port>; restart the service whose port it was.",
        "List what is registered: portqry -n <host> -e 135.",
        "If it listens, a firewall on the way sends the reset: compare the hop count (TTL) of the reset with that of "
        "other answers of the host.",
    ),
    references=("[MS-RPCE] 2.1.1.1", "RFC 9293 3.5.2", "[MS-ERREF] 2.2"),
)
