"""oxid-address: a DCOM server told the client an address of itself that the client cannot reach.

What it means: an activation or the OXID resolver answers with the names and addresses under which the server believes
to be reachable. A server with several network cards, behind address translation, or with a name that resolves
differently at the client, names one that is not: the client goes there, and its call ends with error 1722.
How we know: the answer names address and port in clear text; it came from another address than the one it names, and
the connection there was refused or not answered.
What would refute it: a connection of the client to that address.
How to tell it from its neighbours: dyn-port-blocked and dyn-port-closed are ports at the address that had answered;
then the way to the host is good and the port alone is not.
How sure: the frames show it; that the address is wrong, and not the port filtered there too, is more likely where
nothing of the client ever reached it. No capture of the lab shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import network
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import host_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found

NEVER_REACHED = Clue(0.5, "nothing of the client ever reached that address, though it reached the one that told it")
AGAIN = Clue(0.3, "the client tried several times")
REACHED = Clue(0.6, "the client has connections to that address, so the port alone is in question", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    made = evidence.once(network.connected_to)
    for failure in network.attempts(evidence, network.REFUSED, network.NO_ANSWER):
        event, count = failure.event, network.tries(failure)
        endpoint = evidence.endpoints.get(event.endpoint or "")
        if endpoint is None or not network.is_elsewhere(event, endpoint, evidence):
            continue
        client, server = event.client.address, event.server.address
        other, last = made.get(evidence.hosts_of(event)), max(event.frames, default=None)
        how = "refused" if event.kind == network.REFUSED else "not answered"
        yield Hypothesis(
            failure,
            f"{endpoint.teller} sent {client} to {host_text(event.server)} port {event.server.port}, where the"
            f" connection was {how}",
            (network.told_item(endpoint), *network.event_items(failure)),
            found(
                NEVER_REACHED.seen(f"no connection of {client} to {server} was made", event.capture, last)
                if other is None else None,
                AGAIN.seen(f"tried {count} times", event.capture, last) if count >= network.TRIES else None,
                REACHED.seen(f"connection {other.id}", other.capture, other.first_frame) if other is not None else None,
                network.ends_soon(evidence, event) if count < network.TRIES else None,
            ),
        )  # fmt: skip


RULE = Rule(
    name="oxid-address",
    title="The DCOM server told an address that the client cannot reach",
    documentation=__doc__,
    severity="medium",
    base=0.6,
    requires=(
        "an answer of an activation, the OXID resolver or the endpoint mapper that tells a place at another address",
        "a connection to that place that was refused or not answered",
    ),
    find=find,
    clues=(NEVER_REACHED, AGAIN, REACHED, network.ENDS_SOON),
    next_steps=(
        "See which addresses the server has: ipconfig /all; take cards that clients cannot reach out of DNS and, if "
        "they are not needed, out of service.",
        "See what the client makes of the server's name: Resolve-DnsName <name>.",
        "DCOM does not go through address translation: give the client a way to the server's own address (a route, a "
        "VPN), or a name that resolves to the address it can reach.",
    ),
    references=("[MS-DCOM] 2.2.19.3", "[MS-DCOM] 3.1.2.5.1.5", "[MS-DCOM] 3.1.2.5.2.3.2"),
)
