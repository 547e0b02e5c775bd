"""epm-blocked: TCP port 135 of the server cannot be reached, so nobody can learn where its interfaces listen.

What it means: every call to a dynamic port begins with a question to the endpoint mapper on port 135. Where that is
filtered or nothing listens, calls end with error 1722, RPC_S_SERVER_UNAVAILABLE: a firewall, a host that is down, or a
name that resolves to the wrong address.
How we know: SYNs to port 135 without an answer, or answered by a reset, where the capture shows that answers to this
client were captured.
What would refute it: a connection of the same client to port 135 of the same host.
How to tell it from its neighbours: dyn-port-blocked is the port that the endpoint mapper had told.
How sure: the frames show it; that the host should be reachable there is an assumption. No capture of the lab shows it.
"""

from __future__ import annotations

from collections.abc import Iterator

from rpctrace.diagnosis import network
from rpctrace.diagnosis.evidence import Evidence
from rpctrace.diagnosis.observed import host_text
from rpctrace.diagnosis.rule import Clue, Hypothesis, Rule, found

ENDPOINT_MAPPER = 135  # [MS-RPCE] 2.1.1.1

AGAIN = Clue(0.4, "the client tried several times")
WAS_REFUSED = Clue(0.4, "a reset came back: the host is there, and nothing listens or a firewall answers")
WORKS_OTHERWISE = Clue(0.7, "the same client had a connection to port 135 of the same host", against=True)


def find(evidence: Evidence) -> Iterator[Hypothesis]:
    made = evidence.once(network.connected_to)
    for failure in network.attempts(evidence, network.REFUSED, network.NO_ANSWER, port=ENDPOINT_MAPPER):
        event, count = failure.event, network.tries(failure)
        client = event.client.address
        was_refused = event.kind == network.REFUSED
        other = made.get((*evidence.hosts_of(event), ENDPOINT_MAPPER))
        last = max(event.frames, default=None)
        yield Hypothesis(
            failure,
            f"{host_text(event.server)} {'refused' if was_refused else 'did not answer'} the connection of {client} to"
            f" port {ENDPOINT_MAPPER}{'; another one was made' if other else ''}",
            network.event_items(failure),
            found(
                AGAIN.seen(f"tried {count} times", event.capture, last) if count >= network.TRIES else None,
                WAS_REFUSED.seen(event.text, event.capture, last) if was_refused else None,
                WORKS_OTHERWISE.seen(f"connection {other.id}", other.capture, other.first_frame) if other else None,
                None if was_refused else network.ends_soon(evidence, event),
            ),
            severity="low" if other else None,
        )


RULE = Rule(
    name="epm-blocked",
    title="The endpoint mapper (TCP port 135) cannot be reached",
    documentation=__doc__,
    severity="high",
    base=0.75,
    requires=("a connection to port 135 that was refused or not answered",),
    find=find,
    clues=(AGAIN, WAS_REFUSED, WORKS_OTHERWISE, network.ENDS_SOON),
    next_steps=(
        "Try the port: Test-NetConnection <host> -Port 135.",
        "See whether the name resolves to the right address: Resolve-DnsName <host>.",
        "Open TCP 135 and the dynamic range in the firewalls on the way; on the host itself look at the Windows "
        "Firewall: Get-NetFirewallRule -DisplayGroup 'Remote*' | where Enabled.",
    ),
    references=("[MS-RPCE] 2.1.1.1", "[MS-ERREF] 2.2"),
)
